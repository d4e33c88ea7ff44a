#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace vos {

/// A value that swings for ever: `middle + reach · cos(2π (frame / period + phase))`.
struct Swing {
  double middle = 0, reach = 0, period = 90, phase = 0;
  double at(double frame) const { return middle + reach * std::cos(2 * std::numbers::pi * (frame / period + phase)); }
  /// The furthest that it gets from 0.
  double most() const { return std::abs(middle) + std::abs(reach); }
};

using Paint = std::array<std::uint8_t, 3>;  ///< RGB

/// The outline of a part: its distance from the part's centre as a function of direction, about 1 up and down.
enum class Outline : std::uint8_t { round, polygon, star, box, pill, flower, leaf, gear };

/// A piece of a figure. Lengths are in the sprite's radius; x points ahead, y down.
struct Part {
  Outline outline = Outline::round;
  int points = 5;       ///< corners, rays, petals, teeth
  double x = 0, y = 0;  ///< centre; where `hinge` is set, the hinge
  double size = 1;      ///< half its height
  double aspect = 1;    ///< width over height
  Swing turn{};         ///< full turns
  double hinge = 0;     ///< turns about the point this many of its sizes above its centre: limbs, tails
  double hole = 0;      ///< the share of its outline that is cut out of its middle
  double mix = 0;       ///< 0: the sprite's texture, 1: its accent colour
  double gain = 1;      ///< brightness
};

/// How a sprite's surface is patterned, in its paint and its accent.
enum class Weave : std::uint8_t { mottled, plain, stripes, checks, spots, waves, rings, gradient, scales, fur };

/// One moving thing of a scene. Lengths are in picture heights, so that a scene looks alike at every size.
struct Sprite {
  Swing x{}, y{};                ///< centre: x in picture widths, y in heights
  Swing radius{.middle = 0.12};  ///< half the height of the undeformed shape
  double aspect = 1;             ///< width over height
  double turns = 0;              ///< full turns per 90 frames
  std::array<Swing, 3> bulge{};  ///< strength of the 2nd, 3rd and 4th harmonic of the outline
  Paint paint{200, 80, 60};
  std::uint64_t texture = 1;                                    ///< equal for look-alikes
  bool object = true;                                           ///< false: scenery that hides, and has no id
  std::int64_t begin = 0;                                       ///< the frame it appears in
  std::int64_t end = std::numeric_limits<std::int64_t>::max();  ///< the first frame without it

  std::vector<Part> parts{};     ///< from back to front; none: one round outline
  Swing wander_x{}, wander_y{};  ///< added to the path, in the same units
  Swing tilt{};                  ///< full turns added to `turns`
  Swing stretch{.middle = 1};    ///< multiplies the width
  Swing shear{};                 ///< how far the top leans, per height
  Swing depth{};                 ///< the higher is nearer; among equals the later in the list
  bool faces_motion = false;     ///< x points where it goes, left or right
  Weave weave = Weave::mottled;
  Paint accent{240, 240, 240};
  double shadow = 0;          ///< how much of the light its shadow takes
  std::int32_t category = 0;  ///< index into Scene::categories
};

/// What lies behind everything.
struct Ground {
  enum class Pattern : std::uint8_t { moor, plain, gradient, tiles, planks, dunes, blotches, gravel };
  Pattern pattern = Pattern::moor;
  Paint paint{112, 114, 103}, accent{150, 150, 140};  ///< moor has colours of its own
  double scale = 0.2;                                 ///< size of its features, picture heights
  std::vector<Sprite> clutter = {};                   ///< painted onto it, as in frame 0
};

/// What a synthetic clip shows: sprites from back to front over a textured ground, seen by a moving camera.
struct Scene {
  std::string name = {}, shows = {};
  std::vector<Sprite> sprites = {};
  std::int64_t frames = 90, height = 480, width = 854;
  double fps = 25;
  Swing camera_x{}, camera_y{};  ///< picture heights
  Swing light{.middle = 1};
  double noise = 4;  ///< half the range of the sensor noise, grey levels
  std::uint64_t seed = 1;

  std::vector<std::string> categories = {"blob"};
  Ground ground = {};
  Swing zoom{.middle = 1};  ///< about the picture's middle; stays above 0
  Swing roll{};             ///< full turns about the picture's middle
  Swing warmth{};           ///< share by which red rises and blue falls
  double shutter = 0;       ///< how long a frame is exposed, in frames: motion within it blurs
};

/// The number of a scene's objects: their ids are 1 to it, in the order of the sprites.
inline std::int64_t objects_in(const Scene& scene) {
  std::int64_t count = 0;
  for (const auto& sprite : scene.sprites) count += sprite.object;
  return count;
}

}  // namespace vos
