#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vos::detail {

/// Where each step along an axis leads in an array without gaps; nothing where 64 bits cannot count it. `fortran`: the first
/// axis is the one whose numbers lie side by side.
inline std::optional<std::vector<std::int64_t>> dense_strides(std::span<const std::int64_t> sizes,
                                                              bool fortran = false) {
  std::vector<std::int64_t> strides(sizes.size());
  std::int64_t step = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto axis = fortran ? i : sizes.size() - 1 - i;
    strides[axis] = step;
    if (sizes[axis] < 0 || __builtin_mul_overflow(step, std::max<std::int64_t>(sizes[axis], 1), &step))
      return std::nullopt;
  }
  return strides;
}

}  // namespace vos::detail
