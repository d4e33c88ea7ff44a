#pragma once

/// OpenCV's resizing without OpenCV: no antialiasing, pixel centres at half, 11-bit weights for 8-bit pictures.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/data/resize/size.hpp>
#include <vos/data/resize/taps.hpp>

namespace vos {

/// Input pixels for an output pixel along each axis. OpenCV samples by the inverse of the factor that it was given; a size
/// gives the factor out / in.
struct OpencvStep {
  double y = 1, x = 1;
  static OpencvStep between(PictureSize in, PictureSize out) {
    return {1 / (static_cast<double>(out.height) / static_cast<double>(in.height)),
            1 / (static_cast<double>(out.width) / static_cast<double>(in.width))};
  }
};

/// The size that OpenCV gives a picture scaled by `factor`: rounded half to even.
inline PictureSize opencv_scaled(PictureSize in, double factor) {
  const auto side = [&](std::int64_t length) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::nearbyint(static_cast<double>(length) * factor)));
  };
  return {side(in.height), side(in.width)};
}

namespace detail {

constexpr int opencv_bits = 11;

/// OpenCV's four cubic weights (A = -0.75) for a place `x` past the second tap.
inline std::array<float, 4> opencv_cubic_weights(float x) {
  constexpr float a = -0.75F;
  std::array<float, 4> w{};
  w[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
  w[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
  w[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
  w[3] = 1 - w[0] - w[1] - w[2];
  return w;
}

struct OpencvPlace {
  std::int64_t cell;  // the input pixel before
  float past;         // how far past its centre
};

inline OpencvPlace opencv_place(std::int64_t i, double step) {
  const double place = (static_cast<double>(i) + 0.5) * step - 0.5, cell = std::floor(place);
  return {static_cast<std::int64_t>(cell), static_cast<float>(place - cell)};
}

/// As the 8-bit code has it: the place itself is rounded to float.
inline OpencvPlace opencv_place8(std::int64_t i, double step) {
  const auto place = static_cast<float>((static_cast<double>(i) + 0.5) * step - 0.5);
  const float cell = std::floor(place);
  return {static_cast<std::int64_t>(cell), place - cell};
}

inline std::int32_t opencv_fixed(float weight) {
  return static_cast<std::int32_t>(std::nearbyint(weight * (1 << opencv_bits)));
}

/// Taps of one axis with those beyond the border folded into the border's pixel, which is the same sum.
template <std::size_t N>
AxisTaps opencv_folded(std::int64_t in, const std::vector<std::int64_t>& begin,
                       const std::vector<std::array<std::int32_t, N>>& weight) {
  AxisTaps taps{.reach = static_cast<std::int64_t>(N)};
  taps.weight.assign(begin.size() * N, 0);
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const auto first = std::clamp<std::int64_t>(begin[i], 0, in - 1);
    taps.first.push_back(first);
    taps.count.push_back(std::min<std::int64_t>(taps.reach, in - first));
    for (std::size_t k = 0; k < N; ++k) {
      const auto at = std::clamp<std::int64_t>(begin[i] + static_cast<std::int64_t>(k), 0, in - 1) - first;
      taps.weight[i * N + static_cast<std::size_t>(at)] += weight[i][k];
    }
  }
  return taps;
}

}  // namespace detail

/// INTER_LINEAR on 8-bit RGB, bit for bit: `from` [in,3] at size `out` into `to`.
inline void opencv_linear(const std::uint8_t* from, PictureSize in, std::uint8_t* to, PictureSize out,
                          OpencvStep step) {
  if (in == out) {
    std::copy(from, from + in.height * in.width * 3, to);
    return;
  }
  if (step.y == 2 && step.x == 2) {  // OpenCV takes the mean of four here, and of fewer at an odd end
    for (std::int64_t y = 0; y < out.height; ++y)
      for (std::int64_t x = 0; x < out.width; ++x)
        for (std::int64_t c = 0; c < 3; ++c) {
          const auto* cell = from + (2 * y * in.width + 2 * x) * 3 + c;
          const bool right = 2 * x + 1 < in.width, below = 2 * y + 1 < in.height;
          int sum = cell[0], count = 1;
          if (right) sum += cell[3], ++count;
          if (below) sum += cell[in.width * 3], ++count;
          if (right && below) sum += cell[in.width * 3 + 3], ++count;
          *to++ = static_cast<std::uint8_t>(
              count == 4 ? (sum + 2) >> 2 : std::nearbyint(static_cast<float>(sum) / static_cast<float>(count)));
        }
    return;
  }
  std::vector<std::int64_t> begin;
  std::vector<std::array<std::int32_t, 2>> weight;
  for (std::int64_t x = 0; x < out.width; ++x) {
    auto [cell, past] = detail::opencv_place8(x, step.x);
    if (cell < 0 || cell >= in.width - 1) past = 0;  // before it is made a weight: 1 at the border, exactly
    begin.push_back(std::clamp<std::int64_t>(cell, 0, in.width - 1));
    weight.push_back({detail::opencv_fixed(1 - past), detail::opencv_fixed(past)});
  }
  const auto taps = detail::opencv_folded(in.width, begin, weight);

  const auto width = out.width * 3;
  std::array<std::vector<std::int16_t>, 2> rows;  // sums of two input rows, their four lowest bits dropped
  std::array<std::int64_t, 2> held{-1, -1};
  detail::AlongRows along{taps, in.width, out.width, 0};
  std::vector<std::int16_t> quads(static_cast<std::size_t>(out.width * 4));
  const auto row_of = [&](std::int64_t y, std::size_t slot) {
    if (held[slot] == y) return;
    if (held[1 - slot] == y) {
      std::swap(rows[0], rows[1]);
      std::swap(held[0], held[1]);
      return;
    }
    rows[slot].resize(static_cast<std::size_t>(width));
    held[slot] = y;
    const auto* sums = along(from + y * in.width * 3);
    for (std::size_t i = 0; i < quads.size(); ++i) quads[i] = static_cast<std::int16_t>(sums[i] >> 4);
    detail::rgb_from_quads(quads.data(), out.width, rows[slot].data());
  };
  for (std::int64_t y = 0; y < out.height; ++y, to += width) {
    const auto [cell, past] = detail::opencv_place8(y, step.y);
    const auto above = std::clamp<std::int64_t>(cell, 0, in.height - 1);
    const auto below = std::clamp<std::int64_t>(cell + 1, 0, in.height - 1);
    row_of(above, 0);
    if (below != above) row_of(below, 1);
    const auto* a = rows[0].data();
    const auto* b = below != above ? rows[1].data() : a;
    const auto wa = static_cast<std::int16_t>(detail::opencv_fixed(1 - past));
    const auto wb = static_cast<std::int16_t>(detail::opencv_fixed(past));
    for (std::int64_t i = 0; i < width; ++i)
      to[i] = static_cast<std::uint8_t>((((a[i] * wa) >> 16) + ((b[i] * wb) >> 16) + 2) >> 2);
  }
}

/// INTER_CUBIC on 8-bit RGB. OpenCV's own code sums in float or in whole numbers as the processor suggests; this is the
/// one in whole numbers, and the other differs by 1 now and then.
inline void opencv_cubic(const std::uint8_t* from, PictureSize in, std::uint8_t* to, PictureSize out, OpencvStep step) {
  const auto taps_of = [](std::int64_t length, std::int64_t made, double axis_step) {
    std::vector<std::int64_t> begin;
    std::vector<std::array<std::int32_t, 4>> weight;
    for (std::int64_t i = 0; i < made; ++i) {
      const auto [cell, past] = detail::opencv_place8(i, axis_step);
      const auto w = detail::opencv_cubic_weights(past);
      begin.push_back(cell - 1);
      weight.push_back({detail::opencv_fixed(w[0]), detail::opencv_fixed(w[1]), detail::opencv_fixed(w[2]),
                        detail::opencv_fixed(w[3])});
    }
    return detail::opencv_folded(length, begin, weight);
  };
  const auto across = taps_of(in.width, out.width, step.x), down = taps_of(in.height, out.height, step.y);
  const auto width = out.width * 3;
  detail::AlongRows along{across, in.width, out.width, 0};
  // The last four rows, which is all that an output row needs: they stay in the cache.
  std::array<std::vector<std::int32_t>, 4> rows;
  rows.fill(std::vector<std::int32_t>(static_cast<std::size_t>(width)));
  std::array<std::int64_t, 4> held{-1, -1, -1, -1};
  std::vector<std::int32_t> total(static_cast<std::size_t>(width));
  constexpr int bits = 2 * detail::opencv_bits;
  for (std::int64_t y = 0; y < out.height; ++y, to += width) {
    std::fill(total.begin(), total.end(), 1 << (bits - 1));
    for (std::int64_t k = 0; k < down.count[static_cast<std::size_t>(y)]; ++k) {
      const auto line = down.first[static_cast<std::size_t>(y)] + k;
      const auto slot = static_cast<std::size_t>(line % 4);
      if (held[slot] != line) {
        detail::rgb_from_quads(along(from + line * in.width * 3), out.width, rows[slot].data());
        held[slot] = line;
      }
      detail::add_row(total.data(), rows[slot].data(), width, down.weights(y)[k]);
    }
    detail::clip_row(total.data(), width, bits, to);
  }
}

/// INTER_CUBIC on RGB in float: not clipped, so that it overshoots 0..255 as OpenCV's does. AOT resizes so.
inline void opencv_cubic(const float* from, PictureSize in, float* to, PictureSize out, OpencvStep step) {
  struct Tap {
    std::array<std::int64_t, 4> at;
    std::array<float, 4> weight;
  };
  const auto taps_of = [](std::int64_t length, std::int64_t made, double axis_step) {
    std::vector<Tap> taps;
    for (std::int64_t i = 0; i < made; ++i) {
      const auto [cell, past] = detail::opencv_place(i, axis_step);
      Tap tap{{}, detail::opencv_cubic_weights(past)};
      for (std::size_t k = 0; k < 4; ++k)
        tap.at[k] = std::clamp<std::int64_t>(cell - 1 + static_cast<std::int64_t>(k), 0, length - 1);
      taps.push_back(tap);
    }
    return taps;
  };
  const auto across = taps_of(in.width, out.width, step.x), down = taps_of(in.height, out.height, step.y);
  const auto width = out.width * 3;
  std::vector<float> sums(static_cast<std::size_t>(in.height * width));
  for (std::int64_t y = 0; y < in.height; ++y) {
    const auto* row = from + y * in.width * 3;
    auto* sum = sums.data() + y * width;
    for (const auto& [at, w] : across)
      for (int c = 0; c < 3; ++c)
        *sum++ = row[at[0] * 3 + c] * w[0] + row[at[1] * 3 + c] * w[1] + row[at[2] * 3 + c] * w[2] +
                 row[at[3] * 3 + c] * w[3];
  }
  for (const auto& [at, w] : down) {
    const auto row = [&](std::size_t k) { return sums.data() + at[k] * width; };
    const float *a = row(0), *b = row(1), *c = row(2), *d = row(3);
    for (std::int64_t i = 0; i < width; ++i) *to++ = a[i] * w[0] + b[i] * w[1] + c[i] * w[2] + d[i] * w[3];
  }
}

}  // namespace vos
