#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/core/text.hpp>
#include <vos/data/scene.hpp>
#include <vos/data/synthetic/figures.hpp>
#include <vos/error.hpp>

namespace vos {

inline const std::vector<std::string>& scene_names() {
  static const std::vector<std::string> names{"demo", "crossing",  "occlusion", "reentry", "crowd",
                                              "tiny", "deforming", "twins",     "zoo"};
  return names;
}

namespace detail {

inline Paint vivid(double hue, double light = 0.78) {
  Paint rgb{};
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

/// Draws a named scene. Every motion is periodic: a clip may be of any length.
class NamedScene {
 public:
  NamedScene(std::string_view name, std::int64_t objects, std::uint64_t seed)
      : random_{seed, 0x5CE4E}, objects_(objects), scene_{.name = std::string{name}, .seed = seed} {
    scene_.camera_x = {.reach = 0.03, .period = 130, .phase = random_.uniform()};
    scene_.camera_y = {.reach = 0.015, .period = 170, .phase = random_.uniform()};
    scene_.light = {.middle = 1, .reach = 0.06, .period = 75, .phase = random_.uniform()};
  }

  Scene take() { return std::move(scene_); }

  void crossing(bool demo) {
    scene_.shows = demo ? "objects that cross, pass behind a pillar and are joined by a late one"
                        : "objects that cross each other's way again and again";
    const auto n = count(demo ? 4 : 2);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n));
      const double lane = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1);
      s.x = {.middle = 0.5,
             .reach = 0.36 - 0.03 * static_cast<double>(i % 3),
             .period = 90 + 14.0 * static_cast<double>(i),
             .phase = i % 2 ? 0.5 : 0.0};
      s.y = {.middle = 0.3 + 0.42 * lane, .reach = 0.05, .period = 60, .phase = random_.uniform()};
      s.radius = {.middle = n > 8 ? 0.9 / static_cast<double>(n) : 0.13, .reach = 0.01, .period = 70};
      s.aspect = 1.0 + 0.5 * static_cast<double>(i % 2);
      s.turns = i % 2 ? -0.4 : 0.3;
      if (demo && n > 2 && i == n - 1) s.begin = 30;
      scene_.sprites.push_back(s);
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
      scene_.sprites.insert(scene_.sprites.begin() + std::min<std::ptrdiff_t>(n, 2), pillar);
    }
  }

  void occlusion() {
    scene_.shows = "objects that pass behind a pillar";
    const auto n = count(3);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n) + 0.05);
      s.x = {.middle = 0.5, .reach = 0.38, .period = 100 + 20.0 * static_cast<double>(i), .phase = random_.uniform()};
      s.y = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1), .reach = 0.02};
      s.radius.middle = std::min(0.11, 0.4 / static_cast<double>(n));
      s.turns = 0.2;
      scene_.sprites.push_back(s);
    }
    Sprite pillar;
    pillar.object = false;
    pillar.paint = {90, 96, 104};
    pillar.texture = random_.bits();
    pillar.x.middle = pillar.y.middle = 0.5;
    pillar.radius.middle = 1.6;
    pillar.aspect = 0.09;
    scene_.sprites.push_back(pillar);
  }

  void reentry() {
    scene_.shows = "objects that leave the picture and come back";
    const auto n = count(2);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n) + 0.4);
      s.x = {.middle = 0.5,
             .reach = 0.75,
             .period = 120 + 10.0 * static_cast<double>(i),
             .phase = 0.25 + 0.5 * static_cast<double>(i % 2)};
      s.y = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1), .reach = 0.04};
      s.radius.middle = std::min(0.14, 0.45 / static_cast<double>(n));
      scene_.sprites.push_back(s);
    }
  }

  void crowd() {
    scene_.shows = "many small objects, some of them alike";
    const auto n = count(30);
    const double size = std::min(0.07, 0.42 / std::sqrt(static_cast<double>(n)));
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i % 7) / 7);
      if (i % 7 == i % 14) s.texture = static_cast<std::uint64_t>(i % 7) + 99;
      s.x = {.middle = random_.uniform(0.15, 0.85),
             .reach = random_.uniform(0.02, 0.15),
             .period = random_.uniform(60, 160),
             .phase = random_.uniform()};
      s.y = {.middle = random_.uniform(0.15, 0.85),
             .reach = random_.uniform(0.02, 0.15),
             .period = random_.uniform(60, 160),
             .phase = random_.uniform()};
      s.radius.middle = size * random_.uniform(0.7, 1.2);
      s.aspect = random_.uniform(0.7, 1.5);
      s.turns = random_.uniform(-0.6, 0.6);
      scene_.sprites.push_back(s);
    }
  }

  void tiny() {
    scene_.shows = "objects of a few pixels";
    const auto n = count(4);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n));
      s.x = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1),
             .reach = 0.06,
             .period = 80,
             .phase = random_.uniform()};
      s.y = {.middle = 0.5, .reach = 0.3, .period = 110, .phase = random_.uniform()};
      s.radius.middle = 0.012;
      scene_.sprites.push_back(s);
    }
  }

  void deforming() {
    scene_.shows = "objects whose outline changes all the time";
    const auto n = count(2);
    for (std::int64_t i = 0; i < n; ++i) {
      auto s = sprite(static_cast<double>(i) / static_cast<double>(n) + 0.2);
      s.bulge = wobble(random_, 0.3);
      s.x = {.middle = (static_cast<double>(i) + 1) / (static_cast<double>(n) + 1),
             .reach = 0.08,
             .period = 100,
             .phase = random_.uniform()};
      s.y = {.middle = 0.5, .reach = 0.08, .period = 70, .phase = random_.uniform()};
      s.radius = {.middle = std::min(0.2, 0.4 / static_cast<double>(n)), .reach = 0.03, .period = 55};
      scene_.sprites.push_back(s);
    }
  }

  void twins() {
    scene_.shows = "look-alikes that cross, now the one in front and now the other";
    scene_.categories = figure_names();
    const auto n = count(4);
    for (std::int64_t i = 0; i < n; ++i) {
      CounterRandom pair{scene_.seed, 0x7713, static_cast<std::uint64_t>(i / 2)};
      Sprite s;
      dress(s, i / 2 % 2 == 0 ? Figure::beast : Figure::walker, pair);
      const double lane = (static_cast<double>(i / 2) + 1) / (static_cast<double>((n + 1) / 2) + 1);
      s.x = {
          .middle = 0.5, .reach = 0.22, .period = 150 + 7.0 * static_cast<double>(i), .phase = i % 2 == 0 ? 0.1 : 0.6};
      s.y = {.middle = lane, .reach = 0.02, .period = 70, .phase = 0.25 * static_cast<double>(i % 2)};
      s.radius.middle = std::min(0.22, 1.1 / static_cast<double>(n + 1));
      s.depth = {.reach = 1, .period = 90 + 20.0 * static_cast<double>(i)};
      s.shadow = 0.35;
      scene_.sprites.push_back(std::move(s));
    }
    scene_.ground = {
        .pattern = Ground::Pattern::planks, .paint = {150, 120, 90}, .accent = {190, 165, 130}, .scale = 0.16};
  }

  void zoo() {
    scene_.shows = "every class once, under a camera that turns and zooms, blurred where it is fast";
    scene_.categories = figure_names();
    const auto n = count(static_cast<std::int64_t>(figure_names().size()));
    const auto columns = static_cast<std::int64_t>(std::ceil(std::sqrt(1.8 * static_cast<double>(n))));
    const auto rows = (n + columns - 1) / columns;
    for (std::int64_t i = 0; i < n; ++i) {
      Sprite s;
      dress(s, static_cast<Figure>(i % static_cast<std::int64_t>(figure_names().size())), random_);
      const auto place = [](std::int64_t at, std::int64_t of) {
        return (static_cast<double>(at) + 0.5) / static_cast<double>(of);
      };
      s.x = {.middle = place(i % columns, columns),
             .reach = 0.07,
             .period = random_.uniform(25, 120),
             .phase = random_.uniform()};
      s.y = {.middle = place(i / columns, rows),
             .reach = 0.04,
             .period = random_.uniform(40, 120),
             .phase = random_.uniform()};
      s.radius.middle = 0.34 / static_cast<double>(rows);
      if (!s.faces_motion) s.turns = random_.uniform(-0.5, 0.5);
      s.shadow = 0.4;
      scene_.sprites.push_back(std::move(s));
    }
    scene_.zoom = {.middle = 1.05, .reach = 0.1, .period = 140};
    scene_.roll = {.reach = 0.012, .period = 100};
    scene_.shutter = 0.7;
    scene_.ground = {
        .pattern = Ground::Pattern::gravel, .paint = {120, 130, 105}, .accent = {170, 165, 140}, .scale = 0.07};
  }

 private:
  std::int64_t count(std::int64_t usual) const { return objects_ > 0 ? objects_ : usual; }

  Sprite sprite(double hue) {
    Sprite s;
    s.paint = vivid(hue);
    s.texture = random_.bits();
    s.bulge = wobble(random_, 0.08);
    return s;
  }

  CounterRandom random_;
  std::int64_t objects_;
  Scene scene_;
};

}  // namespace detail

/// The scene of that name; `objects` 0 means the scene's own number.
inline Scene scene_named(std::string_view name, std::int64_t objects = 0, std::uint64_t seed = 1) {
  detail::NamedScene draw(name, objects, seed);
  if (name == "demo" || name == "crossing") draw.crossing(name == "demo");
  else if (name == "occlusion") draw.occlusion();
  else if (name == "reentry") draw.reentry();
  else if (name == "crowd") draw.crowd();
  else if (name == "tiny") draw.tiny();
  else if (name == "deforming") draw.deforming();
  else if (name == "twins") draw.twins();
  else if (name == "zoo") draw.zoo();
  else {
    auto known = scene_names();
    known.push_back("train");
    throw Error({.what = "there is no synthetic scene '" + std::string{name} + "'" + did_you_mean(name, known),
                 .where = "synthetic:" + std::string{name},
                 .mend = "known scenes: " + join(known, ", "),
                 .exit_code = exit_code::usage});
  }
  return draw.take();
}

/// The same scene in other clothes: its objects as figures of many classes, on a ground of many kinds.
inline void vary_look(Scene& scene) {
  CounterRandom random{scene.seed, 0x100C};
  scene.categories = figure_names();
  for (auto& sprite : scene.sprites) {
    if (!sprite.object) continue;
    const auto bulge = sprite.bulge;
    dress(sprite, static_cast<Figure>(random.below(static_cast<std::int64_t>(figure_names().size()))), random);
    if (sprite.faces_motion) sprite.turns = 0;
    sprite.bulge = sprite.parts.size() < 3 ? bulge : std::array<Swing, 3>{};
    sprite.shadow = 0.3;
  }
  scene.ground.pattern = static_cast<Ground::Pattern>(1 + random.below(7));
  const double hue = random.uniform();
  scene.ground.paint = paint_of(hue, random.uniform(0.1, 0.5), random.uniform(0.4, 0.7));
  scene.ground.accent = paint_of(hue + 0.1, random.uniform(0.1, 0.5), random.uniform(0.5, 0.9));
}

/// The same scene with objects that nobody could tell apart by their looks: those of the first, in a colour by chance.
inline void make_alike(Scene& scene) {
  CounterRandom random{scene.seed, 0xA11CE};
  const auto paint = detail::vivid(random.uniform());
  const auto first = std::find_if(scene.sprites.begin(), scene.sprites.end(), [](const auto& s) { return s.object; });
  if (first == scene.sprites.end()) return;
  const auto model = *first;
  for (auto& sprite : scene.sprites) {
    if (!sprite.object) continue;
    sprite.paint = paint;
    sprite.texture = model.texture;
    sprite.aspect = model.aspect;
    sprite.turns = model.turns;
    sprite.bulge = model.bulge;
    sprite.radius = model.radius;
  }
}

}  // namespace vos
