#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include <vos/wire/palette.hpp>

namespace vos {

/// An RGB picture in someone else's memory, row by row without gaps.
struct Picture {
  std::uint8_t* rgb = nullptr;
  std::int64_t height = 0, width = 0;
};

namespace detail {

struct StrokePoint {
  float x, y;
};

/// The digits as one pen line each, on a field 24 wide and 40 high. Lines give smooth edges at any size, where a bitmap
/// font gives steps.
inline std::span<const StrokePoint> digit_line(int digit) {
  using P = StrokePoint;
  static constexpr std::array zero{P{12, 0}, P{19, 2}, P{23, 8}, P{24, 20}, P{23, 32}, P{19, 38}, P{12, 40},
                                   P{5, 38}, P{1, 32}, P{0, 20}, P{1, 8},   P{5, 2},   P{12, 0}};
  static constexpr std::array one{P{4, 8}, P{14, 0}, P{14, 40}};
  static constexpr std::array two{P{1, 11},  P{2, 5},   P{6, 1},   P{12, 0}, P{18, 1}, P{22, 5},
                                  P{23, 11}, P{21, 17}, P{16, 23}, P{8, 31}, P{0, 40}, P{24, 40}};
  static constexpr std::array three{P{1, 7},   P{4, 2},   P{11, 0},  P{18, 1},  P{22, 5},  P{22, 13},
                                    P{18, 17}, P{10, 19}, P{18, 20}, P{23, 24}, P{24, 30}, P{22, 36},
                                    P{17, 39}, P{11, 40}, P{4, 38},  P{0, 32}};
  static constexpr std::array four{P{18, 40}, P{18, 0}, P{0, 29}, P{24, 29}};
  static constexpr std::array five{P{22, 0},  P{4, 0},   P{2, 18},  P{7, 15},  P{13, 14}, P{19, 16}, P{23, 21},
                                   P{24, 27}, P{22, 34}, P{18, 38}, P{12, 40}, P{5, 38},  P{0, 33}};
  static constexpr std::array six{P{21, 4},  P{17, 1},  P{12, 0},  P{6, 2},   P{2, 9},   P{0, 20},
                                  P{0, 27},  P{2, 35},  P{6, 39},  P{12, 40}, P{18, 38}, P{23, 33},
                                  P{24, 27}, P{22, 20}, P{18, 16}, P{12, 15}, P{6, 16},  P{1, 22}};
  static constexpr std::array seven{P{0, 0}, P{24, 0}, P{9, 40}};
  static constexpr std::array eight{P{12, 18}, P{5, 16},  P{2, 12},  P{2, 6},   P{6, 1},   P{12, 0},  P{18, 1},
                                    P{22, 6},  P{22, 12}, P{19, 16}, P{12, 18}, P{4, 21},  P{0, 27},  P{0, 32},
                                    P{5, 38},  P{12, 40}, P{19, 38}, P{24, 32}, P{24, 27}, P{20, 21}, P{12, 18}};
  static constexpr std::array nine{P{3, 36},  P{7, 39}, P{12, 40}, P{18, 38}, P{22, 31}, P{24, 20},
                                   P{24, 13}, P{22, 5}, P{18, 1},  P{12, 0},  P{6, 2},   P{1, 7},
                                   P{0, 13},  P{2, 20}, P{6, 24},  P{12, 25}, P{18, 24}, P{23, 18}};
  switch (digit) {
    case 0: return zero;
    case 1: return one;
    case 2: return two;
    case 3: return three;
    case 4: return four;
    case 5: return five;
    case 6: return six;
    case 7: return seven;
    case 8: return eight;
    default: return nine;
  }
}

/// From (x,y) to the nearest point of the line.
inline float distance_to(std::span<const StrokePoint> line, float x, float y) {
  float nearest = std::numeric_limits<float>::max();
  for (std::size_t i = 1; i < line.size(); ++i) {
    const float dx = line[i].x - line[i - 1].x, dy = line[i].y - line[i - 1].y;
    const float px = x - line[i - 1].x, py = y - line[i - 1].y;
    const float along = std::clamp((px * dx + py * dy) / (dx * dx + dy * dy), 0.0F, 1.0F);
    const float ex = px - along * dx, ey = py - along * dy;
    nearest = std::min(nearest, ex * ex + ey * ey);
  }
  return std::sqrt(nearest);
}

/// Lays `colour` over a pixel, `cover` of 0 to 1.
inline void paint(std::uint8_t* pixel, Colour colour, float cover) {
  const auto mix = [cover](std::uint8_t& under, std::uint8_t over) {
    under = static_cast<std::uint8_t>(static_cast<float>(under) + cover * static_cast<float>(over - under) + 0.5F);
  };
  mix(pixel[0], colour.r);
  mix(pixel[1], colour.g);
  mix(pixel[2], colour.b);
}

}  // namespace detail

/// A number on a plate with round corners.
class NumberPlate {
 public:
  NumberPlate(std::int64_t number, double digit_height)
      : digits_(std::to_string(number)), unit_(static_cast<float>(digit_height) / (40 + 2 * pen)) {
    const auto count = static_cast<float>(digits_.size());
    text_width_ = unit_ * (count * 24 + (count - 1) * gap + 2 * pen);
    height_ = std::ceil(unit_ * (40 + 2 * pen + 2 * margin));
    width_ = std::max(height_, std::ceil(text_width_ + unit_ * 2 * (margin + 3)));
  }

  double width() const { return width_; }
  double height() const { return height_; }

  /// Draws the plate with its upper left corner at (left, top), moved into the picture where it would stick out.
  void draw(Picture picture, std::int64_t left, std::int64_t top, Colour plate) const {
    const Colour ink = brightness(plate) > 140 ? Colour{20, 20, 24} : Colour{255, 255, 255};
    const auto width = static_cast<std::int64_t>(width_), height = static_cast<std::int64_t>(height_);
    left = std::max<std::int64_t>(0, std::min(left, picture.width - width));
    top = std::max<std::int64_t>(0, std::min(top, picture.height - height));
    const float half_x = width_ / 2, half_y = height_ / 2, round = height_ * 0.28F;
    for (std::int64_t y = 0; y < std::min(height, picture.height - top); ++y)
      for (std::int64_t x = 0; x < std::min(width, picture.width - left); ++x) {
        const float px = static_cast<float>(x) + 0.5F, py = static_cast<float>(y) + 0.5F;
        const float dx = std::max(0.0F, std::abs(px - half_x) - half_x + round);
        const float dy = std::max(0.0F, std::abs(py - half_y) - half_y + round);
        const float inside = std::clamp(round - std::sqrt(dx * dx + dy * dy) + 0.5F, 0.0F, 1.0F);
        auto* pixel = picture.rgb + ((top + y) * picture.width + left + x) * 3;
        detail::paint(pixel, plate, inside);
        if (const float cover = ink_at(px, py); cover > 0) detail::paint(pixel, ink, cover);
      }
  }

 private:
  static constexpr float pen = 3.6F, gap = 13,
                         margin = 9;  // half the pen's width, and room around, on the field of a digit

  float ink_at(float x, float y) const {
    const float u = (x - (width_ - text_width_) / 2) / unit_ - pen, v = (y - height_ / 2) / unit_ + 20;
    const auto count = static_cast<float>(digits_.size());
    const float place = std::clamp(std::floor((u + gap / 2) / (24 + gap)), 0.0F, count - 1);
    const auto line = detail::digit_line(digits_[static_cast<std::size_t>(place)] - '0');
    return std::clamp((pen - detail::distance_to(line, u - place * (24 + gap), v)) * unit_ + 0.5F, 0.0F, 1.0F);
  }

  std::string digits_;
  float unit_, text_width_ = 0, width_ = 0, height_ = 0;
};

}  // namespace vos
