#pragma once

#include <set>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <vos/frame/frame.hpp>
#include <vos/project/project.hpp>

namespace vos {

/// A project's frame as a segmenter would have given it. Masks of ids that are not in `wanted` are left out, unless that is empty.
inline FrameResult frame_result_of(const ProjectFrame& frame, const std::set<ObjectId>& wanted = {}) {
  const auto is_wanted = [&](ObjectId id) { return wanted.empty() || wanted.contains(id); };
  FrameResult result{.index = frame.index, .seconds = frame.seconds};
  result.labels = at::zeros({frame.masks.height, frame.masks.width}, at::kInt);
  std::vector<ObjectId> value_of{0};
  for (const auto id : frame.masks.ids) value_of.push_back(is_wanted(id) ? id : 0);
  paint_rows<ObjectId>(frame.masks.layers.at(0), frame.masks.width, value_of,
                       result.labels.mutable_data_ptr<ObjectId>());
  for (const auto& object : frame.objects)
    if (is_wanted(object.id))
      result.objects.push_back({.id = object.id,
                                .category = object.category,
                                .score = object.score,
                                .box = object.box,
                                .state = object.visible ? ObjectState::visible : ObjectState::lost});
  return result;
}

}  // namespace vos
