#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>

#include <vos/core/text.hpp>

namespace vos {

inline constexpr std::array image_extensions{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"};

namespace detail {

template <class Extensions>
bool has_extension(const std::filesystem::path& path, const Extensions& extensions) {
  const auto extension = lower_case(path.extension().string());
  return std::any_of(extensions.begin(), extensions.end(), [&](const char* known) { return extension == known; });
}

/// "frame 10" after "frame 9": runs of digits compare as numbers, whatever their length.
inline bool natural_less(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    const auto number = [&](std::string_view text, std::size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const auto begin = at;
      while (at < text.size() && digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const auto x = number(a, i), y = number(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  const bool a_ends = i == a.size(), b_ends = j == b.size();
  return a_ends && b_ends ? a < b : a_ends;  // "7" and "007" are the same number: fall back on the text
}

}  // namespace detail

}  // namespace vos
