#pragma once

/// Pillow's Gaussian blur, bit for bit: three box blurs along each axis, whose boxes end in part of a pixel.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <vos/core/wide.hpp>
#include <vos/data/resize/size.hpp>

namespace vos {
namespace detail {

/// A box of 2·reach + 1 whole pixels and two parts, in fixed point of 24 bits.
struct BlurBox {
  std::int64_t reach = 0;
  std::uint32_t whole = 0, part = 0;
};

/// The box whose three passes have the variance of a Gaussian of this standard deviation.
inline BlurBox blur_box(double sigma) {
  constexpr int passes = 3;
  const auto variance = static_cast<float>(sigma) * static_cast<float>(sigma) / passes;
  const auto length = static_cast<float>(std::sqrt(12.0 * static_cast<double>(variance) + 1.0));
  const auto whole = static_cast<float>(std::floor((static_cast<double>(length) - 1.0) / 2.0));
  float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  part /= 6 * (variance - (whole + 1) * (whole + 1));
  const float radius = whole + part;
  BlurBox box{.reach = static_cast<std::int64_t>(radius)};
  box.whole = static_cast<std::uint32_t>(static_cast<float>(1 << 24) / (radius * 2 + 1));
  box.part = ((1U << 24) - static_cast<std::uint32_t>(box.reach * 2 + 1) * box.whole) / 2;
  return box;
}

/// to[i] = the box over values that lie `step` apart around from[i].
VOS_WIDE inline void blur_run(const std::uint8_t* from, std::int64_t count, std::int64_t step, const BlurBox& box,
                              std::uint32_t* sums, std::uint8_t* to) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] = 0;
  for (auto k = -box.reach; k <= box.reach; ++k)
    for (std::int64_t i = 0; i < count; ++i) sums[i] += from[i + k * step];
  const auto far = (box.reach + 1) * step;
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = static_cast<std::uint8_t>(
        (sums[i] * box.whole + static_cast<std::uint32_t>(from[i - far] + from[i + far]) * box.part + (1U << 23)) >>
        24);
}

}  // namespace detail

/// Blurs `rgb` [size,3] in place.
inline void blur_picture(std::uint8_t* rgb, PictureSize size, double sigma) {
  if (!(sigma > 0)) return;
  const auto box = detail::blur_box(sigma);
  const auto edge = box.reach + 1, width = size.width * 3;
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(width));

  // Along x: a row with its first and last pixel repeated beyond its ends.
  std::vector<std::uint8_t> row(static_cast<std::size_t>(width + edge * 6)), made(static_cast<std::size_t>(width));
  for (std::int64_t y = 0; y < size.height; ++y) {
    auto* line = rgb + y * width;
    for (int pass = 0; pass < 3; ++pass) {
      std::copy(line, line + width, row.data() + edge * 3);
      for (std::int64_t i = 0; i < edge * 3; ++i) {
        row[static_cast<std::size_t>(i)] = line[i % 3];
        row[static_cast<std::size_t>(edge * 3 + width + i)] = line[width - 3 + i % 3];
      }
      detail::blur_run(row.data() + edge * 3, width, 3, box, sums.data(), line);
    }
  }

  // Along y: the same over whole rows, two buffers in turn.
  std::vector<std::uint8_t> one(static_cast<std::size_t>((size.height + 2 * edge) * width)), other(one.size());
  std::copy(rgb, rgb + size.height * width, one.data() + edge * width);
  for (int pass = 0; pass < 3; ++pass) {
    auto* first = one.data() + edge * width;
    auto* last = first + (size.height - 1) * width;
    for (std::int64_t y = 1; y <= edge; ++y) {
      std::copy(first, first + width, first - y * width);
      std::copy(last, last + width, last + y * width);
    }
    for (std::int64_t y = 0; y < size.height; ++y)
      detail::blur_run(first + y * width, width, width, box, sums.data(), other.data() + (edge + y) * width);
    one.swap(other);
  }
  std::copy(one.data() + edge * width, one.data() + (edge + size.height) * width, rgb);
}

}  // namespace vos
