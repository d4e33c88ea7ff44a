#pragma once

/// Affine warps of pictures and label maps after Pillow: output pixel centres are looked up in the input, what lies
/// outside is filled.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <vector>

#include <vos/data/pixels/quad.hpp>
#include <vos/data/resize/size.hpp>
#include <vos/data/resize/taps.hpp>

namespace vos {

/// Where an output place lies in the input: x' = m[0]·x + m[1]·y + m[2], y' = m[3]·x + m[4]·y + m[5].
using AffineMap = std::array<double, 6>;

/// A picture turned, scaled, sheared and moved about a centre. Degrees are clockwise on the screen, as torchvision's.
struct AffineMotion {
  double degrees = 0, scale = 1, shear_x = 0, shear_y = 0;  ///< shears in degrees
  double move_x = 0, move_y = 0;                            ///< pixels
};

/// The map of a motion about (`centre_x`, `centre_y`), as torchvision composes it: shear, then turn and scale, then move.
inline AffineMap affine_map(const AffineMotion& motion, double centre_x, double centre_y) {
  const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double turn = radians(motion.degrees), sx = radians(motion.shear_x), sy = radians(motion.shear_y);
  const double a = std::cos(turn - sy) / std::cos(sy), c = std::sin(turn - sy) / std::cos(sy);
  const double b = -a * std::tan(sx) - std::sin(turn), d = -c * std::tan(sx) + std::cos(turn);
  AffineMap map{d / motion.scale, -b / motion.scale, 0, -c / motion.scale, a / motion.scale, 0};
  const double x = -centre_x - motion.move_x, y = -centre_y - motion.move_y;
  map[2] = map[0] * x + map[1] * y + centre_x;
  map[5] = map[3] * x + map[4] * y + centre_y;
  return map;
}

enum class WarpFilter : std::uint8_t { linear, cubic };

namespace detail {

/// RGB with a fourth byte to each pixel, and a border of copies of the outermost pixels.
class BorderedQuads {
 public:
  BorderedQuads(const std::uint8_t* rgb, PictureSize size, std::int64_t border)
      : border_(border), stride_((size.width + 2 * border) * 4) {
    bytes_.resize(static_cast<std::size_t>((size.height + 2 * border) * stride_));
    for (std::int64_t y = 0; y < size.height; ++y) {
      auto* row = bytes_.data() + (y + border) * stride_;
      quads_from_rgb(rgb + y * size.width * 3, size.width, row + border * 4);
      for (std::int64_t x = 0; x < border; ++x) {
        std::memcpy(row + x * 4, row + border * 4, 4);
        std::memcpy(row + (border + size.width + x) * 4, row + (border + size.width - 1) * 4, 4);
      }
    }
    const auto bytes = static_cast<std::size_t>(stride_);
    for (std::int64_t y = 0; y < border; ++y) {
      std::memcpy(bytes_.data() + y * stride_, bytes_.data() + border * stride_, bytes);
      std::memcpy(bytes_.data() + (border + size.height + y) * stride_,
                  bytes_.data() + (border + size.height - 1) * stride_, bytes);
    }
  }

  const std::uint8_t* at(std::int64_t y, std::int64_t x) const {
    return bytes_.data() + (y + border_) * stride_ + (x + border_) * 4;
  }
  std::int64_t stride() const { return stride_; }

 private:
  std::int64_t border_, stride_;
  std::vector<std::uint8_t> bytes_;
};

/// Pillow's cubic between the second and the third of four, A = -1.
inline std::array<float, 4> warp_cubic_weights(float d) {
  const float e = 1 - d;
  return {-d * e * e, 1 + d * d * (d - 2), d * (1 + d * (1 - d)), -d * d * e};
}

}  // namespace detail

/// `from` [size,3] through `map` into `to` of the same size. Pillow computes in double and rounds down; this computes in
/// float, and differs from it by 1 at most, where a value lies within 0.001 of a whole number.
inline void warp_picture(const std::uint8_t* from, PictureSize size, const AffineMap& map, WarpFilter filter,
                         const std::array<std::uint8_t, 3>& fill, std::uint8_t* to) {
  const detail::BorderedQuads quads{from, size, 2};
  const auto stride = quads.stride();
  const auto width = static_cast<double>(size.width), height = static_cast<double>(size.height);
  for (std::int64_t y = 0; y < size.height; ++y)
    for (std::int64_t x = 0; x < size.width; ++x, to += 3) {
      const double u = static_cast<double>(x) + 0.5, v = static_cast<double>(y) + 0.5;
      const double px = map[0] * u + map[1] * v + map[2], py = map[3] * u + map[4] * v + map[5];
      if (!(px >= 0 && px < width && py >= 0 && py < height)) {
        for (std::size_t c = 0; c < 3; ++c) to[c] = fill[c];
        continue;
      }
      // Places are at least 0 here: adding 1 before rounding down gives the floor of what may be -0.5.
      const auto column = static_cast<std::int64_t>(px + 0.5) - 1, row = static_cast<std::int64_t>(py + 0.5) - 1;
      const auto dx = static_cast<float>(px - 0.5 - static_cast<double>(column));
      const auto dy = static_cast<float>(py - 0.5 - static_cast<double>(row));
      detail::QuadFloats value;
      if (filter == WarpFilter::linear) {
        const auto* quad = quads.at(row, column);
        const auto along = [&](const std::uint8_t* at) {
          const auto a = detail::quad_at(at), b = detail::quad_at(at + 4);
          return a + (b - a) * dx;
        };
        const auto a = along(quad), b = along(quad + stride);
        value = a + (b - a) * dy;
      } else {
        const auto* quad = quads.at(row - 1, column - 1);
        const auto wx = detail::warp_cubic_weights(dx), wy = detail::warp_cubic_weights(dy);
        const auto along = [&](const std::uint8_t* at) {
          return detail::quad_at(at) * wx[0] + detail::quad_at(at + 4) * wx[1] + detail::quad_at(at + 8) * wx[2] +
                 detail::quad_at(at + 12) * wx[3];
        };
        value = along(quad) * wy[0] + along(quad + stride) * wy[1] + along(quad + 2 * stride) * wy[2] +
                along(quad + 3 * stride) * wy[3];
      }
      detail::store_rgb(value + 0.001F, to);  // a flat patch must not lose a level to rounding
    }
}

/// A map of labels or a mask [size] through `map`: the nearest pixel, in Pillow's 16.16 fixed point.
template <class Pixel>
void warp_labels(const Pixel* from, PictureSize size, const AffineMap& map, Pixel fill, Pixel* to) {
  const auto fixed = [](double value) { return static_cast<std::int64_t>(std::floor(value * 65536.0 + 0.5)); };
  const auto ax = fixed(map[0]), bx = fixed(map[1]), ay = fixed(map[3]), by = fixed(map[4]);
  auto row_x = fixed(map[2] + map[0] * 0.5 + map[1] * 0.5), row_y = fixed(map[5] + map[3] * 0.5 + map[4] * 0.5);
  for (std::int64_t y = 0; y < size.height; ++y, row_x += bx, row_y += by) {
    auto px = row_x, py = row_y;
    for (std::int64_t x = 0; x < size.width; ++x, px += ax, py += ay) {
      const auto column = px >> 16, row = py >> 16;
      const bool inside = column >= 0 && column < size.width && row >= 0 && row < size.height;
      *to++ = inside ? from[row * size.width + column] : fill;
    }
  }
}

}  // namespace vos
