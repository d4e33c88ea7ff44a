#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vos::detail {

/// `Number` at `at`, lowest byte first; the caller has made sure that it is there.
template <std::unsigned_integral Number>
Number little_endian(std::span<const std::uint8_t> bytes, std::size_t at = 0) {
  Number value = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;)
    value = static_cast<Number>((std::uint64_t{value} << 8) | bytes[at + i]);
  return value;
}

inline void append_little_endian(std::string& text, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
}

inline std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace vos::detail
