#pragma once

#include <opencv2/core/utility.hpp>

#include <vos/model/flow/flow.hpp>
#include <vos/segment/spec.hpp>

namespace vos {

/// The registry's line for `flow`.
inline ModelEntry flow_entry() {
  auto entry = model_entry<FlowSegmenter>(
      {.name = "flow", .family = "flow", .summary = "optical flow, colours and a graph cut; needs no weights"},
      FlowOptions{});
  entry.make = [make = entry.make](const SegmenterSpec& spec) {
    if (spec.compute.threads > 0) cv::setNumThreads(spec.compute.threads);  // `flow` computes in OpenCV
    return make(spec);
  };
  return entry;
}

}  // namespace vos
