#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

/// A value that swings for ever: `middle + reach · cos(2π (frame / period + phase))`.
struct Swing {
  double middle = 0, reach = 0, period = 90, phase = 0;
  double at(std::int64_t frame) const {
    return middle + reach * std::cos(2 * std::numbers::pi * (static_cast<double>(frame) / period + phase));
  }
};

/// One moving thing of a scene. Lengths are in picture heights, so that a scene looks alike at every size.
struct Sprite {
  Swing x{}, y{};                ///< centre: x in picture widths, y in heights
  Swing radius{.middle = 0.12};  ///< half the height of the undeformed shape
  double aspect = 1;             ///< width over height
  double turns = 0;              ///< full turns per 90 frames
  std::array<Swing, 3> bulge{};  ///< strength of the 2nd, 3rd and 4th harmonic of the outline
  std::array<std::uint8_t, 3> paint{200, 80, 60};
  std::uint64_t texture = 1;  ///< equal for look-alikes
  bool object = true;         ///< false: scenery that hides, and has no id
  std::int64_t begin = 0;     ///< the frame it appears in
};

/// What a synthetic clip shows: sprites from back to front over a textured ground, seen by a camera that sways.
struct Scene {
  std::string name = {}, shows = {};
  std::vector<Sprite> sprites = {};
  std::int64_t frames = 90, height = 480, width = 854;
  double fps = 25;
  Swing camera_x{}, camera_y{};  ///< picture heights
  Swing light{.middle = 1};
  double noise = 4;  ///< half the range of the sensor noise, grey levels
  std::uint64_t seed = 1;
};

inline const std::vector<std::string>& scene_names() {
  static const std::vector<std::string> names{"demo", "crossing", "occlusion", "reentry", "crowd", "tiny", "deforming"};
  return names;
}

namespace detail {

inline std::array<std::uint8_t, 3> vivid(double hue, double light = 0.78) {
  std::array<std::uint8_t, 3> rgb{};
  for (int c = 0; c < 3; ++c) {
    const double wave = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * (hue - c / 3.0));
    rgb[static_cast<std::size_t>(c)] = static_cast<std::uint8_t>(255 * light * (0.22 + 0.78 * wave));
  }
  return rgb;
}

inline std::array<Swing, 3> wobble(CounterRandom& random, double strength) {
  std::array<Swing, 3> bulge;
  for (auto& harmonic : bulge)
    harmonic = {.middle = random.uniform(-0.5, 0.5) * strength,
                .reach = strength * random.uniform(0.3, 0.6),
                .period = random.uniform(40, 80),
                .phase = random.uniform()};
  return bulge;
}

}  // namespace detail

/// The scene of that name; `objects` 0 means the scene's own number. Every motion is periodic: a clip may be of any length.
inline Scene scene_named(std::string_view name, std::int64_t objects = 0, std::uint64_t seed = 1) {
  CounterRandom random{seed, 0x5CE4E};
  Scene scene{.name = std::string{name}, .seed = seed};
  scene.camera_x = {.reach = 0.03, .period = 130, .phase = random.uniform()};
  scene.camera_y = {.reach = 0.015, .period = 170, .phase = random.uniform()};
  scene.light = {.middle = 1, .reach = 0.06, .period = 75, .phase = random.uniform()};
  const auto count = [&](std::int64_t usual) { return objects > 0 ? objects : usual; };
  const auto sprite = [&](double hue) {
    Sprite s;
    s.paint = detail::vivid(hue);
    s.texture = random.bits();
    s.bulge = detail::wobble(random, 0.08);
    return s;
  };

  if (name == "crossing" || name == "demo") {
    scene.shows = name == "demo" ? "objects that cross, pass behind a pillar and are joined by a late one"
                                 : "objects that cross each other's way again and again";
    const bool demo = name == "demo";
    const auto n = count(demo ? 4 : 2);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n));
      const double lane = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1);
      s.x = {.middle = 0.5,
             .reach = 0.36 - 0.03 * static_cast<double>(i % 3),
             .period = 90 + 14.0 * static_cast<double>(i),
             .phase = i % 2 ? 0.5 : 0.0};
      s.y = {.middle = 0.3 + 0.42 * lane, .reach = 0.05, .period = 60, .phase = random.uniform()};
      s.radius = {.middle = n > 8 ? 0.9 / static_cast<double>(n) : 0.13, .reach = 0.01, .period = 70};
      s.aspect = 1.0 + 0.5 * static_cast<double>(i % 2);
      s.turns = i % 2 ? -0.4 : 0.3;
      if (demo && n > 2 && i == n - 1) s.begin = 30;
      scene.sprites.push_back(s);
    }
    if (demo) {
      auto pillar = sprite(0.1);
      pillar.object = false;
      pillar.paint = {96, 92, 88};
      pillar.x.middle = 0.62;
      pillar.y.middle = 0.5;
      pillar.radius.middle = 1.4;
      pillar.aspect = 0.06;
      pillar.bulge = {};
      scene.sprites.insert(scene.sprites.begin() + std::min<std::ptrdiff_t>(n, 2), pillar);
    }
  } else if (name == "occlusion") {
    scene.shows = "objects that pass behind a pillar";
    const auto n = count(3);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n) + 0.05);
      s.x = {.middle = 0.5, .reach = 0.38, .period = 100 + 20.0 * static_cast<double>(i), .phase = random.uniform()};
      s.y = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1), .reach = 0.02};
      s.radius.middle = std::min(0.11, 0.4 / static_cast<double>(n));
      s.turns = 0.2;
      scene.sprites.push_back(s);
    }
    Sprite pillar;
    pillar.object = false;
    pillar.paint = {90, 96, 104};
    pillar.texture = random.bits();
    pillar.x.middle = pillar.y.middle = 0.5;
    pillar.radius.middle = 1.6;
    pillar.aspect = 0.09;
    scene.sprites.push_back(pillar);
  } else if (name == "reentry") {
    scene.shows = "objects that leave the picture and come back";
    const auto n = count(2);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n) + 0.4);
      s.x = {.middle = 0.5,
             .reach = 0.75,
             .period = 120 + 10.0 * static_cast<double>(i),
             .phase = 0.25 + 0.5 * static_cast<double>(i % 2)};
      s.y = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1), .reach = 0.04};
      s.radius.middle = std::min(0.14, 0.45 / static_cast<double>(n));
      scene.sprites.push_back(s);
    }
  } else if (name == "crowd") {
    scene.shows = "many small objects, some of them alike";
    const auto n = count(30);
    const double size = std::min(0.07, 0.42 / std::sqrt(static_cast<double>(n)));
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i % 7) / 7);
      if (i % 7 == i % 14) s.texture = static_cast<std::uint64_t>(i % 7) + 99;
      s.x = {.middle = random.uniform(0.15, 0.85),
             .reach = random.uniform(0.02, 0.15),
             .period = random.uniform(60, 160),
             .phase = random.uniform()};
      s.y = {.middle = random.uniform(0.15, 0.85),
             .reach = random.uniform(0.02, 0.15),
             .period = random.uniform(60, 160),
             .phase = random.uniform()};
      s.radius.middle = size * random.uniform(0.7, 1.2);
      s.aspect = random.uniform(0.7, 1.5);
      s.turns = random.uniform(-0.6, 0.6);
      scene.sprites.push_back(s);
    }
  } else if (name == "tiny") {
    scene.shows = "objects of a few pixels";
    const auto n = count(4);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n));
      s.x = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1),
             .reach = 0.06,
             .period = 80,
             .phase = random.uniform()};
      s.y = {.middle = 0.5, .reach = 0.3, .period = 110, .phase = random.uniform()};
      s.radius.middle = 0.012;
      scene.sprites.push_back(s);
    }
  } else if (name == "deforming") {
    scene.shows = "objects whose outline changes all the time";
    const auto n = count(2);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n) + 0.2);
      s.bulge = detail::wobble(random, 0.3);
      s.x = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1),
             .reach = 0.08,
             .period = 100,
             .phase = random.uniform()};
      s.y = {.middle = 0.5, .reach = 0.08, .period = 70, .phase = random.uniform()};
      s.radius = {.middle = std::min(0.2, 0.4 / static_cast<double>(n)), .reach = 0.03, .period = 55};
      scene.sprites.push_back(s);
    }
  } else {
    throw Error({.what = "there is no synthetic scene '" + std::string{name} + "'" + did_you_mean(name, scene_names()),
                 .where = "synthetic:" + std::string{name},
                 .mend = "known scenes: " + join(scene_names(), ", "),
                 .exit_code = exit_code::usage});
  }
  return scene;
}

}  // namespace vos
