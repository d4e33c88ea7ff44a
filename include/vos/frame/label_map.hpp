#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/core/box.hpp>
#include <vos/core/shape.hpp>
#include <vos/frame/frame.hpp>

namespace vos {

/// Where one id lies in a label map.
struct LabelExtent {
  Box box;
  std::int64_t area = 0;
};

/// Every id but 0 in `labels` [H,W] (int32, CPU, contiguous) with its tight box and its pixel count, in one pass.
inline std::map<ObjectId, LabelExtent> label_extents(const at::Tensor& labels) {
  expect_shape(labels, {any_size, any_size}, "labels [H,W]");
  const auto height = labels.size(0), width = labels.size(1);
  const auto* pixel = labels.const_data_ptr<std::int32_t>();
  std::map<ObjectId, LabelExtent> extents;
  for (std::int64_t y = 0; y < height; ++y, pixel += width)
    for (std::int64_t x = 0; x < width;) {
      const auto id = pixel[x];
      const auto begin = x;
      while (x < width && pixel[x] == id) ++x;
      if (id == 0) continue;
      const Box run{static_cast<float>(begin), static_cast<float>(y), static_cast<float>(x), static_cast<float>(y + 1)};
      auto& extent = extents.try_emplace(id, LabelExtent{run, 0}).first->second;
      extent.area += x - begin;
      extent.box = {std::min(extent.box.x0, run.x0), extent.box.y0, std::max(extent.box.x1, run.x1), run.y1};
    }
  return extents;
}

/// `labels` [H,W] at another size: the nearest pixel's id, sampled at pixel centres. An object that falls between the
/// samples keeps one pixel, unless that would cost another object its only one.
inline at::Tensor resize_labels(const at::Tensor& labels, std::int64_t height, std::int64_t width) {
  auto resized = at::empty({height, width}, labels.options());
  const auto* from = labels.const_data_ptr<std::int32_t>();
  auto* to = resized.mutable_data_ptr<std::int32_t>();
  const auto source_height = labels.size(0), source_width = labels.size(1);
  for (std::int64_t y = 0; y < height; ++y) {
    const auto* row = from + (2 * y + 1) * source_height / (2 * height) * source_width;
    for (std::int64_t x = 0; x < width; ++x) *to++ = row[(2 * x + 1) * source_width / (2 * width)];
  }
  auto left = label_extents(resized);
  to = resized.mutable_data_ptr<std::int32_t>();
  for (const auto& [id, extent] : label_extents(labels)) {
    if (left.contains(id)) continue;
    const auto middle = [](float low, float high, std::int64_t full, std::int64_t size) {
      return static_cast<std::int64_t>(low + high) * size / (2 * full);
    };
    const auto y = middle(extent.box.y0, extent.box.y1, source_height, height);
    const auto x = middle(extent.box.x0, extent.box.x1, source_width, width);
    auto& pixel = to[y * width + x];
    if (pixel != 0 && left[pixel].area-- == 1) {
      left[pixel].area = 1;
      continue;
    }
    pixel = id;
    left[id].area = 1;
  }
  return resized;
}

/// `over` [H,W] laid on `under` (undefined counts as empty): each id that `over` names lies where `over` says and nowhere
/// else, all others keep the pixels that nobody took. A new tensor.
inline at::Tensor merge_labels(const at::Tensor& under, const at::Tensor& over) {
  if (!under.defined()) return over.contiguous().clone();
  const auto above = over.contiguous();
  const auto named = label_extents(above);
  auto merged = under.clone();
  const auto* from = above.const_data_ptr<std::int32_t>();
  auto* to = merged.mutable_data_ptr<std::int32_t>();
  for (std::int64_t i = 0; i < merged.numel(); ++i) {
    if (from[i] != 0) to[i] = from[i];
    else if (to[i] != 0 && named.contains(to[i])) to[i] = 0;
  }
  return merged;
}

/// `labels` without one of its ids. A new tensor.
inline at::Tensor without_label(const at::Tensor& labels, ObjectId id) {
  auto kept = labels.clone();
  auto* pixel = kept.mutable_data_ptr<std::int32_t>();
  std::replace(pixel, pixel + kept.numel(), id, ObjectId{0});
  return kept;
}

/// Boxes and states of `objects` anew from `labels`; a lost object has no score.
inline void measure_objects(FrameResult& result) {
  auto extents = label_extents(result.labels);
  if (result.masks.defined())  // an object may lie behind another: its own mask says where
    for (std::size_t i = 0; i < result.objects.size(); ++i) {
      const auto id = result.objects[i].id;
      extents.erase(id);
      for (const auto& [one, extent] : label_extents(result.masks[static_cast<std::int64_t>(i)].toType(at::kInt)))
        extents[id] = extent;
    }
  for (auto& object : result.objects) {
    const auto found = extents.find(object.id);
    const bool visible = found != extents.end();
    object.box = visible ? found->second.box : Box{};
    object.state = visible ? ObjectState::visible : ObjectState::lost;
    if (!visible) object.score = 0;
  }
}

}  // namespace vos
