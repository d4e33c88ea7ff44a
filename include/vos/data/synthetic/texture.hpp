#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/data/scene.hpp>
#include <vos/data/synthetic/noise_field.hpp>

namespace vos {

inline std::uint8_t grey_level(double value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0) + 0.5); }

namespace detail {

/// Sums of pixels, channel by channel: red and blue in one word, green in another, 16 bits to each, which is enough for
/// weights that add up to 256.
struct Lanes {
  std::uint32_t red_blue = 0, green = 0;
  void add(const Lanes& other, std::uint32_t weight = 1) {
    red_blue += weight * other.red_blue;
    green += weight * other.green;
  }
};

/// The pixel at `rgb`, of which four bytes can be read.
inline Lanes lanes_at(const std::uint8_t* rgb) {
  static_assert(std::endian::native == std::endian::little);
  std::uint32_t word;
  std::memcpy(&word, rgb, 4);
  return {word & 0xFF00FF, word >> 8 & 0xFF};
}

/// 256 times the colour between four neighbours, `a` sixteenths to the right and `b` down.
inline Lanes blended_lanes(const std::uint8_t* upper_left, const std::uint8_t* upper_right,
                           const std::uint8_t* lower_left, const std::uint8_t* lower_right, std::uint32_t a,
                           std::uint32_t b) {
  Lanes sum;
  sum.add(lanes_at(upper_left), (16 - a) * (16 - b));
  sum.add(lanes_at(upper_right), a * (16 - b));
  sum.add(lanes_at(lower_left), (16 - a) * b);
  sum.add(lanes_at(lower_right), a * b);
  return sum;
}

/// 0 below -1/sharp, 1 above 1/sharp: a square wave from a sine, without jagged edges.
inline double squared_off(double wave, double sharp) { return std::clamp(0.5 + 0.5 * sharp * wave, 0.0, 1.0); }

/// A random number in 0..1 for a cell of a lattice that repeats after `repeat` cells.
inline double cell_value(std::uint64_t seed, std::int64_t i, std::int64_t j, std::int64_t repeat) {
  const auto wrap = [&](std::int64_t k) { return static_cast<std::uint64_t>((k % repeat + repeat) % repeat); };
  return static_cast<double>(scramble(seed ^ scramble(wrap(i) ^ scramble(wrap(j) + 7))) >> 11) * 0x1.0p-53;
}

}  // namespace detail

/// The surface of a sprite: a square of colours that repeats along both axes.
class Texture {
 public:
  /// `size`: its side in texels, a power of 2.
  Texture(const Sprite& sprite, std::int64_t size)
      : size_(size),
        smooth_(sprite.weave != Weave::mottled),
        rgb_(static_cast<std::size_t>(size * size * 3) + 1) {  // 1: a texel is read as four bytes
    const NoiseField blotches(sprite.texture, static_cast<double>(size) / 4, size, size, 4);
    const NoiseField grains(sprite.texture + 1, static_cast<double>(size) / 16, size, size, 16);
    const int count = 3 + static_cast<int>(scramble(sprite.texture) % 5);
    auto* out = rgb_.data();
    for (std::int64_t y = 0; y < size; ++y)
      for (std::int64_t x = 0; x < size; ++x) {
        const double blotch = blotches.at(x, y), grain = grains.at(x, y);
        const double side = static_cast<double>(size), s = static_cast<double>(x) / side,
                     t = static_cast<double>(y) / side;
        if (sprite.weave == Weave::mottled) {
          const double gain = 0.82 + 0.34 * (blotch > 0.08 ? 1 : 0) + 0.12 * grain;
          for (const auto channel : sprite.paint) *out++ = grey_level(channel * gain + 14 * grain);
          continue;
        }
        const double share = accent_share(sprite, count, s, t, blotch, grain), gain = 1 + 0.1 * blotch + 0.05 * grain;
        for (std::size_t c = 0; c < 3; ++c)
          *out++ = grey_level((sprite.paint[c] + share * (sprite.accent[c] - sprite.paint[c])) * gain + 7 * grain);
      }
  }

  /// Is the colour blended between texels? All weaves are but the first, which keeps the look that it always had.
  bool is_smooth() const { return smooth_; }

  using Colour = std::array<double, 3>;

  /// The nearest texel's colour at a place given in tiles from the sprite's centre.
  Colour nearest(double s, double t) const {
    const double side = static_cast<double>(size_);
    const auto* texel =
        texel_at(static_cast<std::int64_t>((s + 64) * side), static_cast<std::int64_t>((t + 64) * side));
    return {static_cast<double>(texel[0]), static_cast<double>(texel[1]), static_cast<double>(texel[2])};
  }

  /// The colour there, blended between four texels in steps of 1/16.
  Colour blended(double s, double t) const {
    const double side = static_cast<double>(size_ * 16);
    const auto u = static_cast<std::int64_t>((s + 64) * side), v = static_cast<std::int64_t>((t + 64) * side);
    const auto a = static_cast<std::uint32_t>(u & 15), b = static_cast<std::uint32_t>(v & 15);
    const auto sum = detail::blended_lanes(texel_at(u >> 4, v >> 4), texel_at((u >> 4) + 1, v >> 4),
                                           texel_at(u >> 4, (v >> 4) + 1), texel_at((u >> 4) + 1, (v >> 4) + 1), a, b);
    return {(sum.red_blue & 0xFFFF) * (1.0 / 256), sum.green * (1.0 / 256), (sum.red_blue >> 16) * (1.0 / 256)};
  }

 private:
  const std::uint8_t* texel_at(std::int64_t x, std::int64_t y) const {
    return rgb_.data() + ((y & (size_ - 1)) * size_ + (x & (size_ - 1))) * 3;
  }

  /// How much of the accent colour shows at (s,t), which lies in 0..1.
  static double accent_share(const Sprite& sprite, int count, double s, double t, double blotch, double grain) {
    using detail::squared_off;
    const double turn = 2 * std::numbers::pi, n = count;
    switch (sprite.weave) {
      case Weave::mottled:
      case Weave::plain: return 0.12 + 0.12 * blotch;
      case Weave::stripes: return squared_off(std::sin(turn * n * s) + 0.1 * grain, 6);
      case Weave::checks: return squared_off(std::sin(turn * n * s) * std::sin(turn * n * t), 12);
      case Weave::spots: {
        const auto i = static_cast<std::int64_t>(s * n), j = static_cast<std::int64_t>(t * n);
        const auto random = [&](std::uint64_t which) {
          return detail::cell_value(sprite.texture + which, i, j, count);
        };
        const double radius = 0.22 + 0.16 * random(3);
        const double dx = s * n - static_cast<double>(i) - 0.4 - 0.2 * random(4);
        const double dy = t * n - static_cast<double>(j) - 0.4 - 0.2 * random(5);
        return squared_off(radius - std::hypot(dx, dy) + 0.02 * grain, 20);
      }
      case Weave::waves:
        return squared_off(std::sin(turn * (n * t + 0.5 * blotch + 0.2 * std::sin(turn * 2 * s))), 2.5);
      case Weave::rings: {  // round the sprite's centre, which lies in the corner of the tile
        const double dx = std::min(s, 1 - s), dy = std::min(t, 1 - t);
        return squared_off(std::cos(turn * 2 * n * std::hypot(dx, dy)), 4);
      }
      case Weave::gradient: return std::clamp(0.5 + 0.6 * std::sin(turn * t) + 0.06 * blotch, 0.0, 1.0);
      case Weave::scales: {
        const double row = std::floor(t * 2 * n),
                     across = s * n + (static_cast<std::int64_t>(row) % 2 == 0 ? 0.0 : 0.5);
        const double dx = across - std::floor(across) - 0.5, dy = t * 2 * n - row;
        return std::clamp(1.4 * (dx * dx * 2 + dy * dy) - 0.2, 0.0, 1.0);
      }
      case Weave::fur: return 0.5 + 0.4 * std::sin(turn * (18 * s + 2.5 * blotch + 0.8 * grain));
    }
    return 0;
  }

  std::int64_t size_;
  bool smooth_;
  std::vector<std::uint8_t> rgb_;
};

}  // namespace vos
