#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <vos/weights/dtype.hpp>

namespace vos::detail {

/// "f4" for ">f4".
inline std::string_view without_byte_order(std::string_view name) {
  return name.substr(std::string_view{"<>|="}.find(name.substr(0, 1)) != std::string_view::npos && !name.empty() ? 1
                                                                                                                 : 0);
}

/// "f4" or ">f4", as numpy names number types, and nothing for texts, objects and records.
inline std::optional<DType> numpy_dtype(std::string_view name) {
  return dtype_named(&DTypeInfo::numpy, without_byte_order(name));
}

/// Whether a type is of numbers, be they known or not ("f16": 80 bits, or 128).
inline bool is_numpy_number(std::string_view name) {
  name = without_byte_order(name);
  return !name.empty() && std::string_view{"biufc"}.find(name.front()) != std::string_view::npos;
}

/// Big-endian numbers of `width` bytes as little-endian ones; a complex number is two.
inline std::string swapped(std::span<const std::uint8_t> bytes, std::size_t width) {
  std::string result{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  for (std::size_t at = 0; at + width <= result.size(); at += width)
    std::reverse(result.begin() + static_cast<std::ptrdiff_t>(at),
                 result.begin() + static_cast<std::ptrdiff_t>(at + width));
  return result;
}

}  // namespace vos::detail
