#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <vos/weights/dtype.hpp>

namespace vos::detail {

/// Calls `act` with a number of an integer type; nothing for others.
template <class Act>
void with_integer(DType dtype, const Act& act) {
  switch (dtype) {
    case DType::u8: return act(std::uint8_t{});
    case DType::i8: return act(std::int8_t{});
    case DType::i16: return act(std::int16_t{});
    case DType::i32: return act(std::int32_t{});
    case DType::i64: return act(std::int64_t{});
    case DType::u16: return act(std::uint16_t{});
    case DType::u32: return act(std::uint32_t{});
    case DType::u64: return act(std::uint64_t{});
    default: return;
  }
}

/// The first of `count` integers that another integer type does not have; empty where it has them all.
inline std::string outside_range(DType from, const void* numbers, std::int64_t count, DType to) {
  std::string outlier;
  with_integer(from, [&](auto source) {
    with_integer(to, [&](auto goal) {
      const std::span all(static_cast<const decltype(source)*>(numbers), static_cast<std::size_t>(count));
      const auto found =
          std::find_if(all.begin(), all.end(), [](auto number) { return !std::in_range<decltype(goal)>(number); });
      if (found != all.end()) outlier = std::to_string(*found);
    });
  });
  return outlier;
}

}  // namespace vos::detail
