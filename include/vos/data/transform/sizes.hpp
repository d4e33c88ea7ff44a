#pragma once

/// Transforms that change the size of a clip as a whole, one draw for all its frames.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include <vos/data/resize.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/data/transform.hpp>

namespace vos {

/// What lies where no picture is: the mean of ImageNet, as official pipelines fill.
using FillColour = std::array<std::uint8_t, 3>;
inline constexpr FillColour mean_colour{124, 116, 104};

namespace detail {

inline Sample resized(Sample sample, PictureSize size, ResizeKernel kernel, double factor = 0) {
  if (size.height < 1 || size.width < 1)
    throw Error({.what = "a clip cannot become " + std::to_string(size.width) + "x" + std::to_string(size.height),
                 .where = sample.name,
                 .mend = "give the transform a height and a width of at least 1"});
  change_maps(sample, [&](const at::Tensor& maps) { return resize_maps(maps, size, kernel, factor); });
  sample.frames = resize_frames(sample.frames, size, kernel, factor);
  return sample;
}

}  // namespace detail

struct ResizeOptions {
  std::int64_t height = 0, width = 0;
  ResizeKernel kernel = ResizeKernel::pillow_linear;
};

/// To one size, whatever the aspect.
struct Resize {
  static constexpr std::string_view name = "resize";
  ResizeOptions options = {};

  Sample operator()(Sample sample, CounterRandom&) const {
    return detail::resized(std::move(sample), {options.height, options.width}, options.kernel);
  }
};

struct ResizeEdgeOptions {
  std::vector<std::int64_t> edges{288, 320, 352, 384, 416, 448, 480, 512};  ///< one of these for the shorter edge
  std::int64_t longest = 768;                                               ///< 0: no limit
  EdgeRule rule = EdgeRule::detectron;
  ResizeKernel kernel = ResizeKernel::pillow_linear;
};

/// The shorter edge to one of a choice, aspect kept: VITA, GenVIS, DeVIS.
struct ResizeEdge {
  static constexpr std::string_view name = "resize-edge";
  ResizeEdgeOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto place = random.below(static_cast<std::int64_t>(options.edges.size()));
    const auto edge = options.edges[static_cast<std::size_t>(place)];
    const auto size = with_shorter_edge(size_of(sample), edge, options.longest, options.rule);
    return detail::resized(std::move(sample), size, options.kernel);
  }
};

struct RandomScaleOptions {
  double low = 0.7, high = 1.3;
  std::int64_t edge = 480;  ///< what the shorter edge is at factor 1; 0: as it is
  ResizeKernel kernel = ResizeKernel::opencv_cubic;
};

/// By a factor from a range, as AOT does it.
///
/// AOT resizes pictures in float and lets them overshoot 0..255; frames here stay 8-bit, so they are rounded and clipped.
struct RandomScale {
  static constexpr std::string_view name = "random-scale";
  RandomScaleOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    double factor = random.uniform(options.low, options.high);
    if (options.edge > 0)
      factor *= static_cast<double>(options.edge) / static_cast<double>(std::min(size.height, size.width));
    return detail::resized(std::move(sample), opencv_scaled(size, factor), options.kernel, factor);
  }
};

struct PadOptions {
  std::int64_t height = 0, width = 0;  ///< at least this size
  FillColour fill = mean_colour;
  bool centre = true;  ///< the picture at a random place in the padding, else at the upper left
};

struct Pad {
  static constexpr std::string_view name = "pad";
  PadOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    const auto height = std::max(size.height, options.height), width = std::max(size.width, options.width);
    const auto top = options.centre ? random.below(height - size.height + 1) : 0;
    const auto left = options.centre ? random.below(width - size.width + 1) : 0;
    if (PictureSize{height, width} == size) return sample;
    const auto inside = [&](at::Tensor whole, const at::Tensor& part, std::int64_t axis) {
      whole.narrow(axis, top, size.height).narrow(axis + 1, left, size.width).copy_(part);
      return whole;
    };
    change_maps(sample, [&](const at::Tensor& maps) {
      auto sizes = maps.sizes().vec();
      sizes[sizes.size() - 2] = height;
      sizes.back() = width;
      return inside(at::empty(sizes, maps.options()).zero_(), maps, maps.dim() - 2);
    });
    auto frames = at::empty({length_of(sample), height, width, 3}, sample.frames.options());
    auto* pixel = frames.mutable_data_ptr<std::uint8_t>();
    for (std::int64_t i = 0; i < frames.numel(); i += 3) std::copy(options.fill.begin(), options.fill.end(), pixel + i);
    sample.frames = inside(frames, sample.frames, 1);
    return sample;
  }
};

static_assert(Transform<Resize> && Transform<ResizeEdge> && Transform<RandomScale> && Transform<Pad>);

}  // namespace vos
