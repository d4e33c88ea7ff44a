#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <ios>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include <vos/io/whole_image.hpp>

namespace vos::detail {

struct ImageSize {
  std::size_t height = 0, width = 0;
  bool operator==(const ImageSize&) const = default;
};

/// Height and width from the head of a JPEG or PNG, as stored: without turning by EXIF.
inline std::optional<ImageSize> image_size(std::span<const std::uint8_t> bytes) {
  const auto begins = [&](std::initializer_list<int> head) {
    return bytes.size() >= head.size() && std::equal(head.begin(), head.end(), bytes.begin());
  };
  if (begins({0x89, 'P', 'N', 'G'}))
    return bytes.size() < 24 ? std::nullopt
                             : std::optional{ImageSize{big_endian(bytes, 20, 4), big_endian(bytes, 16, 4)}};
  if (!begins({0xFF, 0xD8})) return std::nullopt;
  for (std::size_t at = 2; at + 9 <= bytes.size();) {
    const auto marker = bytes[at + 1];
    if (bytes[at] != 0xFF || marker == 0xFF) {
      ++at;
      continue;
    }
    // The frame headers are C0 to CF but for tables (C4), extensions (C8) and conditioning (CC).
    if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC)
      return ImageSize{big_endian(bytes, at + 5, 2), big_endian(bytes, at + 7, 2)};
    at += 2 + big_endian(bytes, at + 2, 2);
  }
  return std::nullopt;
}

/// The same from a file, of which no more than the head is read.
inline std::optional<ImageSize> image_size_of(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::vector<std::uint8_t> head(std::size_t{1} << 18);
  in.read(reinterpret_cast<char*>(head.data()), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  return image_size(head);
}

/// Whether a file is a PNG with a palette: its colours stand for numbers.
inline bool has_palette(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::array<std::uint8_t, 26> head{};
  in.read(reinterpret_cast<char*>(head.data()), static_cast<std::streamsize>(head.size()));
  constexpr std::uint8_t indexed = 3;
  return in.gcount() == std::ssize(head) && head[0] == 0x89 && head[1] == 'P' && head[25] == indexed;
}

}  // namespace vos::detail
