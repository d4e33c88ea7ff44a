#pragma once

/// Colour changes of 8-bit RGB as Pillow and torchvision make them, bit for bit, in place.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vos/data/pixels/quad.hpp>

namespace vos {
namespace detail {

/// Pillow's luma.
constexpr std::uint8_t grey_of(std::uint32_t r, std::uint32_t g, std::uint32_t b) {
  return static_cast<std::uint8_t>((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
}

/// from + share · (to - from), clipped, rounded down: Pillow's blend.
constexpr std::uint8_t blended(int from, int to, float share) {
  const float value = static_cast<float>(from) + share * static_cast<float>(to - from);
  return static_cast<std::uint8_t>(value <= 0 ? 0.0F : value >= 255 ? 255.0F : value);
}

/// Every value as a table says.
inline void look_up(std::span<std::uint8_t> values, const std::array<std::uint8_t, 256>& table) {
  for (auto& value : values) value = table[value];
}

}  // namespace detail

/// All frames of one grey: `factor` 0 is black, 1 as it was.
inline void change_brightness(std::span<std::uint8_t> rgb, double factor) {
  std::array<std::uint8_t, 256> table{};
  for (int value = 0; value < 256; ++value)
    table[static_cast<std::size_t>(value)] = detail::blended(0, value, static_cast<float>(factor));
  detail::look_up(rgb, table);
}

/// `factor` 0 is the mean grey of this picture everywhere.
inline void change_contrast(std::span<std::uint8_t> rgb, double factor) {
  if (rgb.empty()) return;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) sum += detail::grey_of(rgb[i], rgb[i + 1], rgb[i + 2]);
  const auto mean = static_cast<int>(static_cast<double>(sum) / static_cast<double>(rgb.size() / 3) + 0.5);
  std::array<std::uint8_t, 256> table{};
  for (int value = 0; value < 256; ++value)
    table[static_cast<std::size_t>(value)] = detail::blended(mean, value, static_cast<float>(factor));
  detail::look_up(rgb, table);
}

/// `factor` 0 is grey.
inline void change_saturation(std::span<std::uint8_t> rgb, double factor) {
  const auto share = static_cast<float>(factor);
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const std::uint32_t r = rgb[i], g = rgb[i + 1], b = rgb[i + 2];
    const auto grey = static_cast<float>(detail::grey_of(r, g, b));
    detail::store_rgb(grey + share * (detail::quad_of(r | g << 8 | b << 16) - grey), rgb.data() + i);
  }
}

namespace detail {

/// Pillow's 8-bit hue by the order of the channels (see `hue_order`), by largest less smallest, and by largest less middle.
/// One of three channels always lies no distance, another one a whole range from the largest; only the third one counts.
inline const std::vector<std::uint8_t>& hue_table() {
  static const auto table = [] {
    std::vector<std::uint8_t> hues(6 * 256 * 256);
    for (std::size_t order = 0; order < 6; ++order)
      for (std::size_t range = 1; range < 256; ++range)
        for (std::size_t middle = 0; middle <= range; ++middle) {
          const double m = static_cast<double>(static_cast<float>(middle) / static_cast<float>(range));
          const double sixth = order == 0   ? m - 1
                               : order == 1 ? 1 - m
                               : order == 2 ? 2.0 + 1 - m
                               : order == 3 ? 2.0 + m - 1
                               : order == 4 ? 4.0 + 1 - m
                                            : 4.0 + m - 1;
          double wheel = static_cast<double>(static_cast<float>(sixth)) / 6.0 + 1.0;
          if (wheel >= 1) wheel -= 1;
          hues[(order * 256 + range) * 256 + middle] =
              static_cast<std::uint8_t>(static_cast<double>(static_cast<float>(wheel)) * 255.0);
        }
    return hues;
  }();
  return table;
}

/// Pillow's saturation, through its 8 bits, as a share: by largest, and by largest less smallest.
inline const std::vector<float>& saturation_table() {
  static const auto table = [] {
    std::vector<float> shares(256 * 256);
    for (std::size_t most = 1; most < 256; ++most)
      for (std::size_t range = 0; range <= most; ++range) {
        const auto ratio = static_cast<float>(range) / static_cast<float>(most);
        shares[most * 256 + range] = static_cast<float>(static_cast<int>(static_cast<double>(ratio) * 255.0)) / 255.0F;
      }
    return shares;
  }();
  return table;
}

/// Which channel is the largest, and in pairs which of the others is the smaller; without branches, which a processor
/// could not foretell.
inline std::size_t hue_order(int r, int g, int b) {
  constexpr std::uint8_t order[8] = {1, 3, 0, 2, 0, 0, 4, 5};
  return order[(g > r) | (b > r) << 1 | (b > g) << 2];
}

}  // namespace detail

/// Colours turned by `turn` of the whole wheel, through Pillow's 8-bit HSV and its rounding.
inline void change_hue(std::span<std::uint8_t> rgb, double turn) {
  const auto shift = static_cast<std::uint8_t>(static_cast<std::int32_t>(turn * 255));
  struct Sector {
    double past;                         // how far into the sixth of the wheel
    std::array<std::uint8_t, 3> levels;  // which of the four levels below each channel takes
  };
  constexpr std::uint8_t levels_of[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3}, {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
  std::array<Sector, 256> sectors{};
  for (std::size_t hue = 0; hue < 256; ++hue) {
    const auto turned = static_cast<std::uint8_t>(hue + shift);
    const double place = static_cast<double>(turned) * 6.0 / 255.0;
    const int sixth = static_cast<int>(place);
    const auto& levels = levels_of[sixth % 6];
    sectors[hue] = {static_cast<double>(static_cast<float>(place - sixth)), {levels[0], levels[1], levels[2]}};
  }
  const auto* hues = detail::hue_table().data();
  const auto* shares = detail::saturation_table().data();
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const int r = rgb[i], g = rgb[i + 1], b = rgb[i + 2];
    const int most = std::max({r, g, b}), least = std::min({r, g, b}), middle = r + g + b - most - least;
    if (most == least) continue;  // grey has no hue, and stays
    const auto order = detail::hue_order(r, g, b);
    const auto hue =
        hues[(order * 256 + static_cast<std::size_t>(most - least)) * 256 + static_cast<std::size_t>(most - middle)];
    const auto place = static_cast<std::size_t>(most) * 256 + static_cast<std::size_t>(most - least);
    const double share = shares[place];
    const auto& sector = sectors[hue];
    const auto level = [&](double lost) { return static_cast<std::uint8_t>(most * (1.0 - lost) + 0.5); };
    // A saturation of 0 makes all four levels the same, as it should.
    const std::uint8_t levels[4] = {static_cast<std::uint8_t>(most), level(share), level(share * sector.past),
                                    level(share * (1.0 - sector.past))};
    for (std::size_t c = 0; c < 3; ++c) rgb[i + c] = levels[sector.levels[c]];
  }
}

inline void make_grey(std::span<std::uint8_t> rgb) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3)
    rgb[i] = rgb[i + 1] = rgb[i + 2] = detail::grey_of(rgb[i], rgb[i + 1], rgb[i + 2]);
}

}  // namespace vos
