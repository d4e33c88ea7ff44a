#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <vos/weights/dtype.hpp>
#include <vos/weights/rules.hpp>

namespace vos::detail {

/// Whether numbers of one type can stand for another's: no fractions into integers, no complex numbers into real ones.
inline bool converts(DType from, DType to) {
  const auto rank = [](DType dtype) {
    switch (dtype) {
      case DType::boolean: return 0;
      case DType::u8:
      case DType::i8:
      case DType::i16:
      case DType::i32:
      case DType::i64:
      case DType::u16:
      case DType::u32:
      case DType::u64: return 1;
      case DType::c32:
      case DType::c64:
      case DType::c128: return 3;
      case DType::f4_e2m1fn_x2: return 4;  // two numbers in one: only as it is
      default: return 2;
    }
  };
  return rank(from) <= rank(to) && (rank(from) != 4 || from == to);
}

/// The side of a square of `n` places, or 0.
inline std::int64_t square_side(std::int64_t n) {
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(n))));
  return side > 0 && side * side == n ? side : 0;
}

inline bool can_fit(Fit fit, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to) {
  if (fit == Fit::keep_init) return true;
  if (from.size() != to.size() || from.size() < 2) return false;
  const auto n = from.size();
  for (const auto* sizes : {&from, &to})
    if (std::find(sizes->begin(), sizes->end(), 0) != sizes->end()) return false;
  if (fit == Fit::window_table)
    return n == 2 && from[1] == to[1] && square_side(from[0]) % 2 == 1 && square_side(to[0]) % 2 == 1;
  if (n == 4) return from[0] == to[0] && from[1] == to[1];  // [1,C,H,W]
  const bool leading = n == 2 || (n == 3 && from[0] == 1 && to[0] == 1);
  return leading && from[n - 1] == to[n - 1] && square_side(from[n - 2]) > 0 && square_side(to[n - 2]) > 0;
}

}  // namespace vos::detail
