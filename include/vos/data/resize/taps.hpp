#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <vos/core/wide.hpp>

namespace vos::detail {

/// What one axis of a separable resize is made of: output i is the sum over k of weight[i·reach + k] times input
/// first[i] + k, for k below count[i].
struct AxisTaps {
  std::int64_t reach = 0;
  std::vector<std::int64_t> first{}, count{};
  std::vector<std::int32_t> weight{};  // [out·reach], 0 beyond the count

  const std::int32_t* weights(std::int64_t i) const { return weight.data() + i * reach; }
};

/// RGB as four lanes a pixel, so that a pixel is one vector; the fourth lane holds anything. A pixel is copied with the
/// first byte of the next one, which a vector can do and three bytes cannot; the last is not.
template <class Value>
void quads_from_rgb(const Value* rgb, std::int64_t width, Value* quads) {
  for (std::int64_t x = 0; x + 1 < width; ++x, rgb += 3, quads += 4) std::memcpy(quads, rgb, 4 * sizeof(Value));
  std::memcpy(quads, rgb, 3 * sizeof(Value));
}

/// The way back.
template <class Value>
void rgb_from_quads(const Value* quads, std::int64_t width, Value* rgb) {
  for (std::int64_t x = 0; x + 1 < width; ++x, rgb += 3, quads += 4) std::memcpy(rgb, quads, 4 * sizeof(Value));
  std::memcpy(rgb, quads, 3 * sizeof(Value));
}

/// to = from, as wider numbers.
VOS_WIDE inline void widen_row(const std::uint8_t* from, std::int64_t count, std::int32_t* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}

/// 0..255 of sums in fixed point of `bits` bits.
VOS_WIDE inline void clip_row(const std::int32_t* sums, std::int64_t count, int bits, std::uint8_t* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>(std::clamp(sums[i] >> bits, 0, 255));
}

/// sums += weight · row
VOS_WIDE inline void add_row(std::int32_t* sums, const std::uint8_t* row, std::int64_t count, std::int32_t weight) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += weight * row[i];
}

VOS_WIDE inline void add_row(std::int32_t* sums, const std::int32_t* row, std::int64_t count, std::int32_t weight) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += weight * row[i];
}

/// The weighted sums along a row of quads.
VOS_WIDE inline void sum_along_row(const std::int32_t* row, const AxisTaps& taps, std::int64_t width,
                                   std::int32_t start, std::int32_t* sums) {
  const auto* first = taps.first.data();
  const auto sum = [&](auto reach) {  // a number the compiler knows, where there are few taps: twice as fast
    const auto* weight = taps.weight.data();
    for (std::int64_t x = 0; x < width; ++x, weight += reach) {
      const auto* pixel = row + first[x] * 4;
      std::int32_t lanes[4] = {start, start, start, start};
      for (std::int64_t k = 0; k < reach; ++k)
        for (int lane = 0; lane < 4; ++lane) lanes[lane] += weight[k] * pixel[k * 4 + lane];
      for (int lane = 0; lane < 4; ++lane) sums[x * 4 + lane] = lanes[lane];
    }
  };
  switch (taps.reach) {
    case 2: return sum(std::integral_constant<std::int64_t, 2>{});
    case 3: return sum(std::integral_constant<std::int64_t, 3>{});
    case 4: return sum(std::integral_constant<std::int64_t, 4>{});
    case 5: return sum(std::integral_constant<std::int64_t, 5>{});
    default: return sum(taps.reach);
  }
}

/// Resizes rows of RGB along x: the quads of sums of one row after another, in memory that it keeps.
class AlongRows {
 public:
  AlongRows(const AxisTaps& taps, std::int64_t in, std::int64_t out, std::int32_t start)
      : taps_(taps),
        in_(in),
        out_(out),
        start_(start),
        bytes_(static_cast<std::size_t>((in + taps.reach) * 4)),  // taps beyond the count weigh nothing, but are read
        wide_(bytes_.size()),
        sums_(static_cast<std::size_t>(out * 4)) {}

  /// [out·4]; good until the next call.
  const std::int32_t* operator()(const std::uint8_t* rgb) {
    quads_from_rgb(rgb, in_, bytes_.data());
    widen_row(bytes_.data(), in_ * 4, wide_.data());
    sum_along_row(wide_.data(), taps_, out_, start_, sums_.data());
    return sums_.data();
  }

 private:
  const AxisTaps& taps_;
  std::int64_t in_, out_;
  std::int32_t start_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::int32_t> wide_, sums_;
};

}  // namespace vos::detail
