#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace vos {
namespace detail {

inline std::size_t big_endian(std::span<const std::uint8_t> bytes, std::size_t at, int count) {
  std::size_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

inline std::size_t little_endian(std::span<const std::uint8_t> bytes, std::size_t at, int count) {
  std::size_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

/// Whether a JPEG reaches its end marker. Segments are skipped by their length: a preview inside has end markers too.
inline bool jpeg_is_whole(std::span<const std::uint8_t> bytes) {
  std::size_t at = 2;
  while (at + 1 < bytes.size()) {
    const auto marker = bytes[at + 1];
    if (bytes[at] != 0xFF || marker == 0xFF || marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
      ++at;  // picture data, padding, or a marker that stands alone
      continue;
    }
    if (marker == 0xD9) return true;
    if (at + 3 >= bytes.size()) return false;
    at += 2 + big_endian(bytes, at + 2, 2);
  }
  return false;
}

inline bool png_is_whole(std::span<const std::uint8_t> bytes) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    if (std::memcmp(bytes.data() + at + 4, "IEND", 4) == 0) return true;
    at += 12 + big_endian(bytes, at, 4);
  }
  return false;
}

}  // namespace detail

/// Whether an image file reaches its own end, as far as its format tells: JPEG, PNG, WebP and BMP do. Decoders fill what
/// is missing with grey and say nothing, so this is asked first.
inline bool image_is_whole(std::span<const std::uint8_t> bytes) {
  const auto begins = [&](std::size_t at, const char* text) {
    return bytes.size() >= at + std::strlen(text) && std::memcmp(bytes.data() + at, text, std::strlen(text)) == 0;
  };
  if (begins(0, "\xFF\xD8")) return detail::jpeg_is_whole(bytes);
  if (begins(0, "\x89PNG")) return detail::png_is_whole(bytes);
  if (begins(0, "RIFF") && begins(8, "WEBP")) return detail::little_endian(bytes, 4, 4) + 8 <= bytes.size();
  if (begins(0, "BM") && bytes.size() >= 6) return detail::little_endian(bytes, 2, 4) <= bytes.size();
  return !bytes.empty();
}

}  // namespace vos
