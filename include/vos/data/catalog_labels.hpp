#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <vos/data/catalog.hpp>
#include <vos/data/mask_rle.hpp>
#include <vos/fwd.hpp>
#include <vos/io/labels.hpp>
#include <vos/wire/rle.hpp>

namespace vos {

/// A label map int32 [H,W] as its dataset means it: one object where masks are binary, and no void.
inline at::Tensor read_labels(const std::filesystem::path& path, const Catalog& catalog) {
  auto labels = read_labels(path);
  auto* pixel = labels.mutable_data_ptr<std::int32_t>();
  if (catalog.binary_masks)
    std::transform(pixel, pixel + labels.numel(), pixel, [](auto id) { return id != 0 ? 1 : 0; });
  else if (catalog.void_255) std::replace(pixel, pixel + labels.numel(), 255, 0);
  return labels;
}

/// Whether a list has a mask for this frame, of an object that is no crowd.
inline bool has_listed_masks(const CatalogVideo& video, std::size_t frame) {
  return std::any_of(video.objects.begin(), video.objects.end(), [&](const CatalogObject& object) {
    return !object.crowd && frame < object.masks.size() && object.masks[frame].present();
  });
}

/// The masks that stand in a list for this frame, as a label map int32 [height,width]: an object's id is its number among
/// those that are no crowd, from 1; a later one lies over an earlier one. Where the list states no size, masks take this one.
inline at::Tensor listed_labels(const CatalogVideo& video, std::size_t frame, std::int64_t height, std::int64_t width) {
  auto labels = at::zeros({height, width}, at::kInt);
  const std::span pixels(labels.mutable_data_ptr<std::int32_t>(), static_cast<std::size_t>(labels.numel()));
  std::int32_t id = 0;
  for (const auto& object : video.objects) {
    if (object.crowd) continue;
    ++id;
    if (frame >= object.masks.size() || !object.masks[frame].present()) continue;
    const auto where = video.name + ", frame " + video.frames[frame].stem + ", object " + std::to_string(object.id);
    paint(rle_from(object.masks[frame], height, width, where), id, pixels);
  }
  return labels;
}

}  // namespace vos
