#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/core/full_precision.hpp>
#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/frame/detector.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/sighting.hpp>

namespace vos {

namespace detail {

/// 1 / (1 + e^-x) of a logit above 0, off by at most .008: enough for a mean of many, and several times faster.
inline float sureness(float logit) {
  static const auto table = [] {
    std::array<float, 129> values{};
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 1 / (1 + std::exp(-(static_cast<float>(i) + 0.5F) / 16));
    return values;
  }();
  return table[static_cast<std::size_t>(std::min(logit * 16, 128.0F))];
}

}  // namespace detail

/// A frame's detections in a tracker's words. The score is the best class' probability, times how sure the mask is of its
/// inside. Detections whose score cannot reach `least` are left out; their masks are not even read.
///
/// One copy off the device for each tensor.
inline std::vector<Sighting> observe(const FrameDetections& detections, double least = 0) {
  expect_shape(detections.logits, {1, any_size, any_size}, "logits [1,Q,K+1]");
  const auto queries = detections.logits.size(1), classes = detections.logits.size(2) - 1;
  if (classes < 1)
    throw Error({.what = "logits without a class",
                 .where = "tracker",
                 .mend = "give K classes and, last, a column for nothing"});
  const auto on_host = [&](const at::Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kFloat).contiguous(); };
  const auto row_of = [](const at::Tensor& tensor, std::int64_t query) {
    const auto width = tensor.numel() / std::max<std::int64_t>(1, tensor.size(1));
    return std::span{tensor.const_data_ptr<float>() + query * width, static_cast<std::size_t>(width)};
  };
  const auto logits = on_host(full_precision(detections.logits));  // an infinite one would have no softmax
  at::Tensor masks, embeddings;
  if (detections.masks.defined()) {
    expect_shape(detections.masks, {1, queries, any_size, any_size}, "masks [1,Q,h,w]");
    masks = on_host(detections.masks);
  }
  if (detections.embeddings.defined()) {
    expect_shape(detections.embeddings, {1, queries, any_size}, "embeddings [1,Q,E]");
    embeddings = on_host(detections.embeddings);
  }
  const auto height = masks.defined() ? masks.size(2) : 0, width = masks.defined() ? masks.size(3) : 0;
  CellCounts cells(height, width);
  std::vector<Sighting> sightings;
  for (std::int64_t query = 0; query < queries; ++query) {
    const auto row = row_of(logits, query);
    Sighting sighting{.query = query, .classes = {row.begin(), row.end()}};
    const float top = *std::max_element(row.begin(), row.end());
    float sum = 0;
    for (auto& value : sighting.classes) sum += value = std::exp(value - top);
    for (auto& value : sighting.classes) value /= sum;
    sighting.classes.pop_back();  // ∅
    sighting.score = *std::max_element(sighting.classes.begin(), sighting.classes.end());
    if (!(sighting.score >= least)) continue;
    if (masks.defined()) {
      const auto mask = row_of(masks, query);
      std::int64_t inside = 0;
      float sure = 0;
      cells.clear();
      for_each_run(mask, height, width, [&](auto y, auto begin, auto end) {
        float sum = sure;  // in a register
        for (const float logit : mask.subspan(y * width + begin, end - begin)) sum += detail::sureness(logit);
        sure = sum;
        inside += end - begin;
        cells.add(y, begin, end);
      });
      sighting.score *= inside > 0 ? sure / static_cast<float>(inside) : 0;
      if (!(sighting.score >= least)) continue;
      sighting.mask = cells.mask();
    }
    if (embeddings.defined()) {
      const auto embedding = row_of(embeddings, query);
      // One that is not a number would spoil the memory: the mask alone has to do.
      if (std::all_of(embedding.begin(), embedding.end(), [](float value) { return std::isfinite(value); }))
        sighting.embedding.assign(embedding.begin(), embedding.end());
    }
    sightings.push_back(std::move(sighting));
  }
  return sightings;
}

}  // namespace vos
