#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/data/scene.hpp>
#include <vos/data/synthetic/figures.hpp>
#include <vos/data/synthetic/named.hpp>

namespace vos {

/// What a training scene is to have; 0 leaves it to chance.
struct TrainingSceneOptions {
  std::int64_t objects = 0;  ///< 1 to 10, mostly few
  std::int64_t frames = 60;  ///< over which things come and go
};

namespace detail {

/// Draws one training scene. Everything is a function of the seed; each thing draws from a key of its own, so that a
/// change to one kind of thing leaves the others as they were.
class TrainingDraw {
 public:
  TrainingDraw(std::uint64_t seed, const TrainingSceneOptions& options) : seed_(seed), options_(options) {}

  Scene scene() {
    Scene scene{.name = "train", .shows = "a scene at random, to learn from", .frames = options_.frames, .seed = seed_};
    scene.categories = figure_names();
    set_camera(scene);
    set_ground(scene);
    auto random = keyed(1);
    count_ = options_.objects > 0 ? options_.objects : static_cast<std::int64_t>(log_uniform(random, 1, 11));
    for (std::int64_t i = 0; i < count_; ++i) scene.sprites.push_back(object(i));
    add_twins(scene);
    add_scenery(scene);
    return scene;
  }

 private:
  CounterRandom keyed(std::uint64_t what, std::int64_t which = 0) const {
    return CounterRandom{seed_, 0x7EA1, what, static_cast<std::uint64_t>(which)};
  }
  static double log_uniform(CounterRandom& random, double low, double high) {
    return low * std::pow(high / low, random.uniform());
  }
  static bool chance(CounterRandom& random, double share) { return random.uniform() < share; }
  static Swing sway(CounterRandom& random, double reach, double shortest, double longest, double middle = 0) {
    return {
        .middle = middle, .reach = reach, .period = log_uniform(random, shortest, longest), .phase = random.uniform()};
  }

  void set_camera(Scene& scene) const {
    auto random = keyed(2);
    const bool still = chance(random, 0.2);
    scene.camera_x = sway(random, still ? 0 : log_uniform(random, 0.01, 0.25), 40, 250);
    scene.camera_y = sway(random, still ? 0 : log_uniform(random, 0.005, 0.08), 40, 250);
    if (chance(random, 0.35)) scene.zoom = sway(random, random.uniform(0.05, 0.25), 50, 200, 1.05);
    if (chance(random, 0.3)) scene.roll = sway(random, random.uniform(0.004, 0.03), 50, 200);
    scene.light = sway(random, random.uniform(0.0, 0.2), 30, 200, random.uniform(0.75, 1.1));
    scene.warmth = sway(random, random.uniform(0.0, 0.08), 60, 200, random.uniform(-0.1, 0.1));
    scene.noise = random.uniform(0, 9);
    scene.shutter = chance(random, 0.5) ? random.uniform(0.3, 0.9) : 0;
  }

  void set_ground(Scene& scene) const {
    auto random = keyed(3);
    auto& ground = scene.ground;
    ground.pattern = static_cast<Ground::Pattern>(random.below(8));
    const double hue = random.uniform(), light = random.uniform(0.3, 0.9);
    ground.paint = paint_of(hue, random.uniform(0, 0.6), light);
    ground.accent = paint_of(hue + random.uniform(-0.2, 0.2), random.uniform(0, 0.6),
                             std::clamp(light + random.uniform(-0.4, 0.4), 0.2, 1.0));
    ground.scale = log_uniform(random, 0.06, 0.4);
    const auto clutter = chance(random, 0.3) ? 0 : static_cast<std::int64_t>(log_uniform(random, 2, 30));
    for (std::int64_t i = 0; i < clutter; ++i) {
      Sprite sprite = scenery(4, i, log_uniform(random, 0.02, 0.16));
      sprite.x.middle = random.uniform(-0.1, 1.1);
      sprite.y.middle = random.uniform(-0.1, 1.1);
      sprite.tilt.middle = random.uniform();
      sprite.shadow = random.uniform(0, 0.3);
      scene.ground.clutter.push_back(std::move(sprite));
    }
  }

  /// A figure at random, at rest.
  Sprite figure(std::uint64_t what, std::int64_t which, double radius) const {
    auto random = keyed(what, which);
    Sprite sprite;
    dress(sprite, static_cast<Figure>(random.below(static_cast<std::int64_t>(figure_names().size()))), random);
    sprite.radius = {.middle = radius};
    return sprite;
  }

  Sprite object(std::int64_t which) const {
    auto random = keyed(5, which);
    const double crowding = std::pow(static_cast<double>(count_), -0.35);
    const double radius = log_uniform(random, which == 0 ? 0.12 : 0.06, 0.42) * crowding;
    Sprite sprite = figure(6, which, radius);
    if (chance(random, 0.5)) sprite.radius = sway(random, radius * random.uniform(0.05, 0.3), 40, 160, radius);
    move(sprite, random, which);
    change_shape(sprite, random);
    if (chance(random, 0.6)) sprite.shadow = random.uniform(0.15, 0.5);
    if (chance(random, 0.35)) sprite.depth = sway(random, 1, 60, 200);
    if (which == 0) return sprite;  // one object is there all the time
    const auto frames = static_cast<double>(options_.frames);
    if (chance(random, 0.2)) sprite.begin = static_cast<std::int64_t>(frames * random.uniform(0.08, 0.5));
    if (chance(random, 0.12))
      sprite.end = sprite.begin + 1 + static_cast<std::int64_t>(frames * random.uniform(0.3, 0.8));
    return sprite;
  }

  /// Where a sprite goes: it stays, roams, crosses the picture, or leaves it and returns.
  void move(Sprite& sprite, CounterRandom& random, std::int64_t which) const {
    const bool first = which == 0;  // stays where it can be seen
    const double way = first ? 0.8 * random.uniform() : random.uniform(), edge = first ? 0.3 : 0.12;
    sprite.x = {.middle = random.uniform(edge, 1 - edge)};
    sprite.y = {.middle = random.uniform(edge, 1 - edge)};
    if (way < 0.12) {
      sprite.x = sway(random, 0.02, 60, 200, sprite.x.middle);
    } else if (first) {
      sprite.x = sway(random, log_uniform(random, 0.05, 0.2), 45, 260, sprite.x.middle);
      sprite.y = sway(random, log_uniform(random, 0.03, 0.15), 45, 260, sprite.y.middle);
    } else if (way < 0.65) {
      sprite.x = sway(random, log_uniform(random, 0.05, 0.4), 45, 260, sprite.x.middle);
      sprite.y = sway(random, log_uniform(random, 0.03, 0.3), 45, 260, sprite.y.middle);
    } else if (way < 0.85) {  // there and back across the whole picture
      sprite.x = sway(random, random.uniform(0.4, 0.55), 90, 320, 0.5);
      sprite.y = sway(random, random.uniform(0, 0.1), 60, 200, sprite.y.middle);
    } else {
      sprite.x = sway(random, random.uniform(0.6, 0.9), 120, 300, 0.5);
      sprite.y = sway(random, random.uniform(0, 0.15), 60, 200, sprite.y.middle);
    }
    if (chance(random, 0.5)) {  // off the smooth path
      sprite.wander_x = sway(random, random.uniform(0.005, 0.03), 15, 50);
      sprite.wander_y = sway(random, random.uniform(0.005, 0.03), 15, 50);
    }
  }

  void change_shape(Sprite& sprite, CounterRandom& random) const {
    if (sprite.faces_motion) {
      sprite.tilt = sway(random, random.uniform(0, 0.04), 20, 80);
    } else {
      sprite.tilt.middle = random.uniform();
      if (chance(random, 0.6)) sprite.turns = random.uniform(-0.9, 0.9);
    }
    if (sprite.parts.size() < 3 && chance(random, 0.6)) sprite.bulge = wobble(random, log_uniform(random, 0.05, 0.25));
    if (chance(random, 0.35)) sprite.stretch = sway(random, random.uniform(0.05, 0.25), 30, 120, 1);
    if (chance(random, 0.35)) sprite.shear = sway(random, random.uniform(0.05, 0.35), 30, 120);
  }

  /// Look-alikes, of which the second crosses the first one's way.
  void add_twins(Scene& scene) const {
    for (std::int64_t i = 1; i < count_; ++i) {
      auto random = keyed(7, i);
      if (!chance(random, 0.25)) continue;
      const auto& one = scene.sprites[static_cast<std::size_t>(i - 1)];
      auto twin = one;
      twin.begin = scene.sprites[static_cast<std::size_t>(i)].begin;
      twin.end = scene.sprites[static_cast<std::size_t>(i)].end;
      twin.x.phase += 0.5;
      twin.y.phase += random.uniform(0.3, 0.7);
      if (twin.x.reach < 0.1) twin.x = sway(random, random.uniform(0.1, 0.3), 60, 200, one.x.middle);
      twin.y.middle = std::clamp(one.y.middle + random.uniform(-0.08, 0.08), 0.1, 0.9);
      scene.sprites[static_cast<std::size_t>(i)] = std::move(twin);
    }
  }

  Sprite scenery(std::uint64_t what, std::int64_t which, double radius) const {
    auto random = keyed(what, which);
    Sprite sprite;
    dress_scenery(sprite, random);
    sprite.radius = {.middle = radius};
    return sprite;
  }

  /// Things that hide and things that distract, without an id.
  void add_scenery(Scene& scene) const {
    auto random = keyed(8);
    const auto hiders = chance(random, 0.45) ? 1 + random.below(3) : 0;
    for (std::int64_t i = 0; i < hiders; ++i) {
      Sprite sprite = scenery(9, i, log_uniform(random, 0.1, 0.3));
      sprite.x = {.middle = random.uniform(0.1, 0.9)};
      sprite.y = {.middle = random.uniform(0.2, 0.8)};
      if (chance(random, 0.5)) {  // a pillar from top to bottom
        sprite.parts = {{.outline = Outline::box}};
        sprite.radius.middle = 1.6;
        sprite.aspect = random.uniform(0.03, 0.08);
        sprite.y.middle = 0.5;
      }
      sprite.tilt = sway(random, 0.01, 60, 120);
      sprite.depth.middle = random.uniform(-1, 1.2);
      sprite.shadow = random.uniform(0, 0.4);
      scene.sprites.push_back(std::move(sprite));
    }
    const auto movers = chance(random, 0.3) ? 1 + random.below(3) : 0;
    for (std::int64_t i = 0; i < movers; ++i) {
      Sprite sprite = scenery(10, i, log_uniform(random, 0.03, 0.12));
      move(sprite, random, i + 1);
      sprite.depth.middle = -1.1;  // behind the objects
      scene.sprites.push_back(std::move(sprite));
    }
  }

  std::uint64_t seed_;
  TrainingSceneOptions options_;
  std::int64_t count_ = 0;
};

}  // namespace detail

/// A scene at random, rich enough to learn from: 16 classes of figures that roam, cross, hide, deform, come late, leave
/// and return, some of them alike, over grounds of 8 kinds with clutter, under a moving camera and changing light.
inline Scene training_scene(std::uint64_t seed, const TrainingSceneOptions& options = {}) {
  return detail::TrainingDraw(seed, options).scene();
}

}  // namespace vos
