#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <vos/core/utf8.hpp>

namespace vos::detail {

/// The bytes whose Latin-1 reading `text` is: how Python 3 puts bytes into the protocols of Python 2.
inline std::optional<std::string> latin1_bytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const auto [value, length] = code_point(text);
    if (length == 0 || value > 0xff) return std::nullopt;
    bytes += static_cast<char>(value);
    text.remove_prefix(length);
  }
  return bytes;
}

/// `count` digits in base 16 (or 8), or nothing.
inline std::optional<std::uint32_t> digits(std::string_view text, std::size_t count, std::uint32_t base) {
  if (text.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, count)) {
    const auto letter = static_cast<std::uint32_t>(c | 0x20);
    const auto digit = c >= '0' && c <= '9'             ? static_cast<std::uint32_t>(c - '0')
                       : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                                        : 16;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

/// Protocol 0's form of a text: Latin-1, other letters as \uXXXX or \UXXXXXXXX.
inline std::optional<std::string> from_raw_unicode(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const std::size_t count = line.starts_with("\\u") ? 4 : line.starts_with("\\U") ? 8 : 0;
    if (count == 0) {
      append_utf8(text, static_cast<unsigned char>(line.front()));
      line.remove_prefix(1);
      continue;
    }
    const auto value = digits(line.substr(2), count, 16);
    if (!value || *value > 0x10ffff) return std::nullopt;
    append_utf8(text, *value);
    line.remove_prefix(2 + count);
  }
  return text;
}

/// Protocol 0's form of Python 2's str: as in its source, quoted and with escapes.
inline std::optional<std::string> from_quoted(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
    return std::nullopt;
  line = line.substr(1, line.size() - 2);
  std::string bytes;
  while (!line.empty()) {
    const char c = line.front();
    line.remove_prefix(1);
    if (c != '\\') {
      bytes += c;
      continue;
    }
    if (line.empty()) return std::nullopt;
    constexpr std::string_view letters = "\\'\"abfnrtv", meanings = "\\'\"\a\b\f\n\r\t\v";
    if (const auto at = letters.find(line.front()); at != std::string_view::npos) {
      bytes += meanings[at];
      line.remove_prefix(1);
    } else if (line.front() == 'x') {
      const auto value = digits(line.substr(1), 2, 16);
      if (!value) return std::nullopt;
      bytes += static_cast<char>(*value);
      line.remove_prefix(3);
    } else {
      std::size_t count = 0;
      while (count < 3 && count < line.size() && line[count] >= '0' && line[count] <= '7') ++count;
      if (count == 0) return std::nullopt;
      bytes += static_cast<char>(*digits(line, count, 8));
      line.remove_prefix(count);
    }
  }
  return bytes;
}

/// A number of any size, little-endian in two's complement, as "0x1f" or "-0x1f".
inline std::string hex_of(std::span<const std::uint8_t> number) {
  const bool negative = !number.empty() && (number.back() & 0x80) != 0;
  std::string reversed;
  unsigned carry = 1;  // of ~x + 1
  for (const auto byte : number) {
    const unsigned value = negative ? static_cast<unsigned>(static_cast<std::uint8_t>(~byte)) + carry : byte;
    carry = value >> 8;
    for (const auto half : {value & 15, value >> 4 & 15}) reversed += "0123456789abcdef"[half];
  }
  reversed.resize(reversed.find_last_not_of('0') + 1);
  return (negative ? "-0x" : "0x") + std::string{reversed.rbegin(), reversed.rend()};
}

}  // namespace vos::detail
