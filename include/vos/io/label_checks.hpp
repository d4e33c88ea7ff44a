#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include <ATen/core/Tensor.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/frame/frame.hpp>

namespace vos {
namespace detail {

/// Any label map [H,W] as int32, CPU, contiguous.
inline at::Tensor plain_labels(const at::Tensor& labels, const char* name) {
  expect_shape(labels, {any_size, any_size}, name);
  return labels.to(at::kCPU, at::kInt).contiguous();
}

inline std::span<const ObjectId> ids_of(const at::Tensor& labels) {
  return {labels.const_data_ptr<std::int32_t>(), static_cast<std::size_t>(labels.numel())};
}

inline std::string text_of_size(const at::Tensor& picture) {
  return std::to_string(picture.size(1)) + "x" + std::to_string(picture.size(0));
}

}  // namespace detail

/// Throws the Error (exit code 11) of a label map that has not its frame's size, naming both and the likely cause. Label
/// maps are never resized: a shifted edge would look like a tracking error.
inline void expect_same_size(const at::Tensor& labels, const std::string& labels_name, const Frame& frame,
                             const std::string& frame_name) {
  expect_shape(labels, {any_size, any_size}, "labels [H,W]");
  const auto mask_h = labels.size(0), mask_w = labels.size(1), frame_h = frame.height(), frame_w = frame.width();
  if (mask_h == frame_h && mask_w == frame_w) return;
  const auto size = detail::text_of_size(frame.rgb);
  std::string mend =
      "crop or pad the mask to " + size + "; masks are never resized, since that would shift their edges";
  if (mask_h == frame_w && mask_w == frame_h)
    mend =
        "the frame stands upright by its EXIF orientation or the video's rotation, the mask does not: turn the mask, "
        "or remove that mark from the frames";
  else if (mask_h != frame_h && mask_w != frame_w &&
           std::abs(mask_h * frame_w - mask_w * frame_h) <= std::max(mask_h, mask_w))
    mend = "the mask was made at another scale: make it at " + size + ", or read the frames at the mask's size";
  throw Error({.what = "the mask is " + detail::text_of_size(labels) + ", its frame " + size,
               .where = labels_name + " on " + frame_name,
               .mend = mend,
               .exit_code = exit_code::sizes_differ});
}

}  // namespace vos
