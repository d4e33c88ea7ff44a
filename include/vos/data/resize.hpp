#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <vos/core/shape.hpp>
#include <vos/data/resize/nearest.hpp>
#include <vos/data/resize/opencv.hpp>
#include <vos/data/resize/pillow.hpp>

namespace vos {

/// Whose resizing: published weights were trained on pictures that one of these made, and they differ by grey levels.
/// Labels follow the same framework's nearest neighbour.
enum class ResizeKernel : std::uint8_t {
  opencv_linear,         ///< DeVIS in training; no antialiasing
  opencv_cubic,          ///< AOT
  pillow_linear,         ///< Mask2Former, VITA, DeVIS in testing; antialiased
  pillow_cubic,          ///< AOT's static images
  torch_linear,          ///< at::upsample_bilinear2d, pixel centres
  torch_linear_corners,  ///< the same, corner on corner
  torch_cubic,           ///< at::upsample_bicubic2d, pixel centres
};

namespace detail {

inline bool of_opencv(ResizeKernel kernel) {
  return kernel == ResizeKernel::opencv_linear || kernel == ResizeKernel::opencv_cubic;
}
inline bool of_pillow(ResizeKernel kernel) {
  return kernel == ResizeKernel::pillow_linear || kernel == ResizeKernel::pillow_cubic;
}

/// OpenCV alone tells a factor from a size; factor 0 is a size.
inline OpencvStep step_of(PictureSize in, PictureSize out, double factor) {
  return factor > 0 ? OpencvStep{1 / factor, 1 / factor} : OpencvStep::between(in, out);
}

/// ATen's nearest: the floor of i · in / out, in float; corner on corner it has none, and labels take the same.
inline std::vector<std::int64_t> torch_nearest(std::int64_t in, std::int64_t out) {
  std::vector<std::int64_t> at(static_cast<std::size_t>(out));
  const float step = static_cast<float>(in) / static_cast<float>(out);
  for (std::int64_t i = 0; i < out; ++i)
    at[static_cast<std::size_t>(i)] = std::min(in - 1, static_cast<std::int64_t>(static_cast<float>(i) * step));
  return at;
}

inline at::Tensor torch_resize(const at::Tensor& frames, PictureSize out, ResizeKernel kernel) {
  const auto wide = frames.permute({0, 3, 1, 2}).to(at::kFloat);  // [T,3,H,W]
  const auto made =
      kernel == ResizeKernel::torch_cubic
          ? at::upsample_bicubic2d(wide, {out.height, out.width}, false)
          : at::upsample_bilinear2d(wide, {out.height, out.width}, kernel == ResizeKernel::torch_linear_corners);
  return made.round_().clamp_(0, 255).to(at::kByte).permute({0, 2, 3, 1}).contiguous();
}

}  // namespace detail

/// Frames uint8 [T,H,W,3] at another size. `factor` is what OpenCV was told to scale by, where it was not told a size.
inline at::Tensor resize_frames(const at::Tensor& frames, PictureSize out, ResizeKernel kernel, double factor = 0) {
  expect_shape(frames, {any_size, any_size, any_size, 3}, "frames [T,H,W,3]");
  const PictureSize in{frames.size(1), frames.size(2)};
  if (in == out) return frames;
  if (!detail::of_opencv(kernel) && !detail::of_pillow(kernel)) return detail::torch_resize(frames, out, kernel);
  const auto plain = frames.contiguous();
  auto made = at::empty({frames.size(0), out.height, out.width, 3}, frames.options());
  const auto step = detail::step_of(in, out, factor);
  for (std::int64_t t = 0; t < frames.size(0); ++t) {
    const auto* from = plain.const_data_ptr<std::uint8_t>() + t * in.height * in.width * 3;
    auto* to = made.mutable_data_ptr<std::uint8_t>() + t * out.height * out.width * 3;
    if (kernel == ResizeKernel::opencv_linear) opencv_linear(from, in, to, out, step);
    else if (kernel == ResizeKernel::opencv_cubic) opencv_cubic(from, in, to, out, step);
    else
      pillow_resize(from, in, to, out,
                    kernel == ResizeKernel::pillow_cubic ? PillowFilter::cubic : PillowFilter::linear);
  }
  return made;
}

/// Label maps or masks [...,H,W], int32 or bool, at another size: the nearest pixel as the kernel's framework finds it.
/// Small objects may vanish, as they do in the official pipelines.
inline at::Tensor resize_maps(const at::Tensor& maps, PictureSize out, ResizeKernel kernel, double factor = 0) {
  const PictureSize in{maps.size(-2), maps.size(-1)};
  if (in == out) return maps;
  const auto step = detail::step_of(in, out, factor);
  const auto places = [&](std::int64_t length, std::int64_t made, double axis_step) {
    if (detail::of_opencv(kernel)) return opencv_nearest(length, made, axis_step);
    return detail::of_pillow(kernel) ? pillow_nearest(length, made) : detail::torch_nearest(length, made);
  };
  const auto rows = places(in.height, out.height, step.y), columns = places(in.width, out.width, step.x);
  auto sizes = maps.sizes().vec();
  sizes[sizes.size() - 2] = out.height;
  sizes.back() = out.width;
  const auto plain = maps.contiguous();
  auto made = at::empty(sizes, maps.options());
  const auto count = in.height * in.width > 0 ? plain.numel() / (in.height * in.width) : 0;
  const auto take = [&](const auto* from, auto* to) {
    for (std::int64_t i = 0; i < count; ++i)
      take_pixels(from + i * in.height * in.width, in.width, rows, columns, to + i * out.height * out.width);
  };
  if (maps.scalar_type() == at::kBool) take(plain.const_data_ptr<bool>(), made.mutable_data_ptr<bool>());
  else take(plain.const_data_ptr<std::int32_t>(), made.mutable_data_ptr<std::int32_t>());
  return made;
}

}  // namespace vos
