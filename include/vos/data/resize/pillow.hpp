#pragma once

/// Pillow's resizing of 8-bit RGB, bit for bit: a filter that widens when it shrinks (so it does not alias), in fixed
/// point of 22 bits, rows first, rounded to 8 bits between the passes.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/data/resize/size.hpp>
#include <vos/data/resize/taps.hpp>

namespace vos {

enum class PillowFilter : std::uint8_t { linear, cubic };

namespace detail {

constexpr int pillow_bits = 22;

inline double pillow_weight(PillowFilter filter, double x) {
  x = std::abs(x);
  if (filter == PillowFilter::linear) return x < 1 ? 1 - x : 0;
  constexpr double a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

inline AxisTaps pillow_taps(std::int64_t in, std::int64_t out, PillowFilter filter) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), widen = std::max(scale, 1.0);
  const double support = (filter == PillowFilter::linear ? 1.0 : 2.0) * widen;
  const auto centre_of = [&](std::int64_t i) { return (static_cast<double>(i) + 0.5) * scale; };
  AxisTaps taps;
  for (std::int64_t i = 0; i < out; ++i) {
    const auto low = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre_of(i) - support + 0.5));
    taps.first.push_back(low);
    taps.count.push_back(std::min(in, static_cast<std::int64_t>(centre_of(i) + support + 0.5)) - low);
    taps.reach = std::max(taps.reach, taps.count.back());
  }
  taps.weight.resize(static_cast<std::size_t>(out * taps.reach));
  std::vector<double> weight(static_cast<std::size_t>(taps.reach));
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = centre_of(i);
    const auto low = taps.first[static_cast<std::size_t>(i)], high = low + taps.count[static_cast<std::size_t>(i)];
    double sum = 0;
    for (auto j = low; j < high; ++j)
      sum += weight[static_cast<std::size_t>(j - low)] =
          pillow_weight(filter, (static_cast<double>(j) - centre + 0.5) * (1.0 / widen));
    for (auto j = low; j < high; ++j) {
      const double share = sum != 0 ? weight[static_cast<std::size_t>(j - low)] / sum : 0;
      taps.weight[static_cast<std::size_t>(i * taps.reach + j - low)] =
          static_cast<std::int32_t>((share < 0 ? -0.5 : 0.5) + share * (1 << pillow_bits));
    }
  }
  return taps;
}

}  // namespace detail

/// `from` [in,3] at size `out` into `to`.
inline void pillow_resize(const std::uint8_t* from, PictureSize in, std::uint8_t* to, PictureSize out,
                          PillowFilter filter) {
  constexpr std::int32_t half = 1 << (detail::pillow_bits - 1);
  const bool across = in.width != out.width, down = in.height != out.height;
  if (!across && !down) {
    std::copy(from, from + in.height * in.width * 3, to);
    return;
  }
  std::vector<std::uint8_t> narrow;
  if (across) {
    const auto taps = detail::pillow_taps(in.width, out.width, filter);
    auto* row = to;
    if (down) narrow.resize(static_cast<std::size_t>(in.height * out.width * 3)), row = narrow.data();
    detail::AlongRows along{taps, in.width, out.width, half};
    std::vector<std::uint8_t> quads(static_cast<std::size_t>(out.width * 4));
    for (std::int64_t y = 0; y < in.height; ++y, row += out.width * 3) {
      detail::clip_row(along(from + y * in.width * 3), out.width * 4, detail::pillow_bits, quads.data());
      detail::rgb_from_quads(quads.data(), out.width, row);
    }
  }
  if (!down) return;
  const auto taps = detail::pillow_taps(in.height, out.height, filter);
  const auto* rows = across ? narrow.data() : from;
  const auto width = out.width * 3;
  std::vector<std::int32_t> sums(static_cast<std::size_t>(width));
  for (std::int64_t y = 0; y < out.height; ++y, to += width) {
    std::fill(sums.begin(), sums.end(), half);
    for (std::int64_t k = 0; k < taps.count[static_cast<std::size_t>(y)]; ++k) {
      const auto* row = rows + (taps.first[static_cast<std::size_t>(y)] + k) * width;
      detail::add_row(sums.data(), row, width, taps.weights(y)[k]);
    }
    detail::clip_row(sums.data(), width, detail::pillow_bits, to);
  }
}

}  // namespace vos
