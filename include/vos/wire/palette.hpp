#pragma once

#include <array>
#include <cstdint>

#include <vos/fwd.hpp>

namespace vos {

struct Colour {
  std::uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Colour&) const = default;
};

/// The colour of an id in DAVIS and Pascal VOC label maps: the id's bits, three at a time, become the high bits of red,
/// green and blue. Palette images end at 255; read on, the same rule tells 2^24 ids apart.
constexpr Colour davis_colour(ObjectId id) {
  auto bits = static_cast<std::uint32_t>(id);
  Colour colour;
  for (int j = 7; j >= 0; --j, bits >>= 3) {
    colour.r |= static_cast<std::uint8_t>((bits & 1U) << j);
    colour.g |= static_cast<std::uint8_t>((bits >> 1 & 1U) << j);
    colour.b |= static_cast<std::uint8_t>((bits >> 2 & 1U) << j);
  }
  return colour;
}

/// The colour in which an object is drawn over a picture. DAVIS colours are dark and soon alike there; these are bright,
/// the first six in the hues of DAVIS, and later ones turn by the golden angle, so that neighbouring ids never look alike.
inline Colour object_colour(ObjectId id) {
  constexpr std::array<Colour, 12> first{{{235, 64, 52},
                                          {52, 199, 89},
                                          {255, 204, 0},
                                          {45, 125, 255},
                                          {218, 72, 210},
                                          {30, 200, 220},
                                          {255, 138, 30},
                                          {142, 96, 245},
                                          {170, 222, 40},
                                          {255, 120, 165},
                                          {0, 160, 130},
                                          {200, 150, 105}}};
  const auto number = static_cast<std::uint32_t>(id) - 1;
  if (number < first.size()) return first[number];
  // A hue of 0..1535 along the edges of the colour cube; 949 is 1536 turned by the golden angle. Two lightnesses in turn.
  const auto hue = static_cast<int>(number * std::uint64_t{949} % 1536);
  const int rise = hue & 255, low = number % 2 == 0 ? 40 : 96, high = number % 2 == 0 ? 230 : 255;
  const auto level = [&](int value) { return static_cast<std::uint8_t>(low + (high - low) * value / 255); };
  const std::uint8_t top = level(255), bottom = level(0), up = level(rise), down = level(255 - rise);
  switch (hue >> 8) {
    case 0: return {top, up, bottom};
    case 1: return {down, top, bottom};
    case 2: return {bottom, top, up};
    case 3: return {bottom, down, top};
    case 4: return {up, bottom, top};
    default: return {top, bottom, down};
  }
}

/// How bright a colour looks, 0 to 255 (Rec. 601).
constexpr int brightness(Colour colour) { return (299 * colour.r + 587 * colour.g + 114 * colour.b) / 1000; }

}  // namespace vos
