#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include <vos/metric/mask_view.hpp>

namespace vos {

/// How many pixels two masks share and how many they cover together.
struct Overlap {
  std::int64_t both = 0, either = 0;
};

/// Counts outside the void mask `hidden`, which may be empty: then every pixel counts.
inline Overlap overlap(MaskView truth, MaskView guess, MaskView hidden = {}) {
  assert(truth.pixels.size() == guess.pixels.size());
  assert(hidden.empty() || hidden.pixels.size() == truth.pixels.size());

  // Sums of bytes in lanes of bytes, emptied before they can overflow: the compiler turns the inner loop into a few
  // vector instructions, where a sum straight into 64 bits would spend its time on widening.
  constexpr std::size_t lanes = 64, rounds = 255;
  Overlap count;
  const std::size_t size = truth.pixels.size();
  const std::uint8_t *a = truth.pixels.data(), *b = guess.pixels.data();
  const std::uint8_t* hide = hidden.empty() ? nullptr : hidden.pixels.data();
  std::size_t at = 0;
  while (at + lanes <= size) {
    std::array<std::uint8_t, lanes> both{}, either{};
    const std::size_t stop = at + lanes * std::min(rounds, (size - at) / lanes);
    if (hide == nullptr) {
      for (; at < stop; at += lanes)
        for (std::size_t i = 0; i < lanes; ++i) {
          both[i] = static_cast<std::uint8_t>(both[i] + ((a[at + i] != 0) & (b[at + i] != 0)));
          either[i] = static_cast<std::uint8_t>(either[i] + ((a[at + i] | b[at + i]) != 0));
        }
    } else {
      for (; at < stop; at += lanes)
        for (std::size_t i = 0; i < lanes; ++i) {
          const bool seen = hide[at + i] == 0;
          both[i] = static_cast<std::uint8_t>(both[i] + ((a[at + i] != 0) & (b[at + i] != 0) & seen));
          either[i] = static_cast<std::uint8_t>(either[i] + (((a[at + i] | b[at + i]) != 0) & seen));
        }
    }
    for (std::size_t i = 0; i < lanes; ++i) {
      count.both += both[i];
      count.either += either[i];
    }
  }
  for (; at < size; ++at) {
    const bool seen = hide == nullptr || hide[at] == 0;
    count.both += seen && a[at] != 0 && b[at] != 0;
    count.either += seen && (a[at] | b[at]) != 0;
  }
  return count;
}

/// Region similarity J of DAVIS: intersection over union, 1 when both masks are empty.
inline double region_similarity(Overlap overlap) {
  return overlap.either == 0 ? 1.0 : static_cast<double>(overlap.both) / static_cast<double>(overlap.either);
}

/// The same for two masks, outside `hidden`.
inline double region_similarity(MaskView truth, MaskView guess, MaskView hidden = {}) {
  return region_similarity(overlap(truth, guess, hidden));
}

}  // namespace vos
