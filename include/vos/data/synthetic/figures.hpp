#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/data/scene.hpp>

namespace vos {

/// The classes of the synthetic world. A class decides the shape, the family of surfaces and how the figure moves its
/// limbs; colours, sizes and paths are the sprite's own.
enum class Figure : std::uint8_t {
  pebble,
  crystal,
  star,
  crate,
  pill,
  ring,
  flower,
  leaf,
  gear,
  walker,
  beast,
  fish,
  bird,
  car,
  moth,
  snake
};

/// Their names, in order: the categories of scenes that show them.
inline const std::vector<std::string>& figure_names() {
  static const std::vector<std::string> names{"pebble", "crystal", "star",  "crate", "pill", "ring", "flower", "leaf",
                                              "gear",   "walker",  "beast", "fish",  "bird", "car",  "moth",   "snake"};
  return names;
}

/// Does it stand upright and look where it goes, rather than tumble?
inline bool is_upright(Figure figure) {
  return figure == Figure::walker || figure == Figure::beast || figure == Figure::fish || figure == Figure::bird ||
         figure == Figure::car || figure == Figure::snake;
}

inline Paint paint_of(double hue, double saturation, double light) {
  Paint rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double wave = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * (hue - static_cast<double>(c) / 3));
    rgb[c] = static_cast<std::uint8_t>(255 * std::clamp(light * (1 - saturation + saturation * wave), 0.0, 1.0));
  }
  return rgb;
}

namespace detail {

/// A piece that hangs from (x,y), `length` long, and swings there about `turn`: 0 hangs down, 0.5 stands up.
inline Part hanging(Outline outline, double x, double y, double length, double aspect, Swing turn, double gain = 1) {
  return {.outline = outline,
          .x = x,
          .y = y,
          .size = length / 2,
          .aspect = aspect,
          .turn = turn,
          .hinge = 0.85,
          .gain = gain};
}

inline Part dot(double x, double y, double size, double mix, double gain, double aspect = 1) {
  return {.x = x, .y = y, .size = size, .aspect = aspect, .mix = mix, .gain = gain};
}

inline std::vector<Part> walker_parts(double stride, double phase) {
  const auto swing = [&](double reach, double shift) {
    return Swing{.reach = reach, .period = stride, .phase = phase + shift};
  };
  return {hanging(Outline::pill, 0, -0.48, 0.62, 0.5, swing(0.09, 0), 0.75),
          hanging(Outline::pill, 0, 0.08, 0.98, 0.5, swing(0.08, 0.5), 0.7),
          hanging(Outline::pill, 0, 0.08, 0.98, 0.5, swing(0.08, 0), 0.85),
          {.outline = Outline::box, .y = -0.2, .size = 0.38, .aspect = 0.66},
          dot(0.03, -0.79, 0.2, 1, 1, 0.9),
          hanging(Outline::pill, 0, -0.48, 0.62, 0.5, swing(0.09, 0.5), 1.1)};
}

inline std::vector<Part> beast_parts(double stride, double phase) {
  const auto leg = [&](double x, double shift, double gain) {
    return hanging(Outline::pill, x, 0.15, 0.85, 0.5, {.reach = 0.07, .period = stride, .phase = phase + shift}, gain);
  };
  return {leg(0.5, 0.5, 0.7),
          leg(-0.5, 0, 0.7),
          hanging(Outline::pill, -0.7, -0.2, 0.7, 0.3, {.middle = 0.1, .reach = 0.06, .period = stride * 1.7}, 0.85),
          leg(0.6, 0, 0.9),
          leg(-0.58, 0.5, 0.9),
          dot(0, -0.06, 0.38, 0, 1, 2.1),
          hanging(Outline::pill, 0.62, -0.1, 0.75, 0.7, {.middle = 0.57, .reach = 0.02, .period = stride * 2}),
          hanging(Outline::leaf, 0.78, -0.7, 0.36, 0.9, {.middle = 0.46, .reach = 0.03, .period = stride}, 0.8),
          dot(0.98, -0.62, 0.2, 0, 1.05, 1.5),
          dot(1.0, -0.68, 0.045, 0, 0.1)};
}

inline std::vector<Part> fish_parts(double stride, double phase) {
  return {hanging(Outline::polygon, -0.8, 0, 0.8, 0.9,
                  {.middle = 0.25, .reach = 0.06, .period = stride, .phase = phase}, 0.85),
          {.outline = Outline::polygon,
           .points = 3,
           .x = -0.05,
           .y = -0.46,
           .size = 0.3,
           .turn = {.middle = -0.04},
           .mix = 0.7},
          {.outline = Outline::polygon,
           .points = 3,
           .x = 0.0,
           .y = 0.44,
           .size = 0.22,
           .turn = {.middle = 0.46},
           .mix = 0.7},
          {.outline = Outline::leaf,
           .size = 1,
           .aspect = 1.2,
           .turn = {.middle = 0.25, .reach = 0.012, .period = stride, .phase = phase + 0.3}},
          hanging(Outline::leaf, 0.15, 0.08, 0.4, 1.2, {.middle = 0.12, .reach = 0.06, .period = stride}, 0.8),
          dot(0.62, -0.1, 0.1, 1, 1.2),
          dot(0.64, -0.1, 0.055, 0, 0.1)};
}

inline std::vector<Part> bird_parts(double stride, double phase) {
  const Swing flap{.middle = 0.47, .reach = 0.16, .period = stride, .phase = phase};
  return {
      hanging(Outline::leaf, 0.1, -0.1, 1.1, 1, {.middle = 0.55, .reach = 0.16, .period = stride, .phase = phase}, 0.7),
      {.outline = Outline::polygon,
       .points = 3,
       .x = -0.85,
       .y = 0.06,
       .size = 0.3,
       .aspect = 0.8,
       .turn = {.middle = 0.25},
       .gain = 0.8},
      {.outline = Outline::leaf, .size = 0.85, .aspect = 1.15, .turn = {.middle = 0.24}},
      {.outline = Outline::polygon,
       .points = 3,
       .x = 0.97,
       .y = -0.16,
       .size = 0.16,
       .aspect = 0.7,
       .turn = {.middle = 0.25},
       .mix = 1},
      dot(0.7, -0.18, 0.25, 0, 1.08),
      dot(0.77, -0.23, 0.05, 0, 0.1),
      hanging(Outline::leaf, 0, -0.05, 1.15, 1.15, flap, 1.1)};
}

inline std::vector<Part> car_parts() {
  const auto wheel = [](std::vector<Part>& parts, double x) {
    parts.push_back(dot(x, 0.42, 0.3, 0, 0.16));
    parts.push_back({.outline = Outline::star,
                     .points = 6,
                     .x = x,
                     .y = 0.42,
                     .size = 0.17,
                     .turn = {.reach = 1, .period = 60},
                     .mix = 1,
                     .gain = 0.8});
  };
  std::vector<Part> parts{
      {.outline = Outline::box, .x = -0.15, .y = -0.34, .size = 0.36, .aspect = 1.7},
      {.outline = Outline::box, .x = -0.42, .y = -0.36, .size = 0.2, .aspect = 1.15, .mix = 1, .gain = 0.7},
      {.outline = Outline::box, .x = 0.12, .y = -0.36, .size = 0.2, .aspect = 1.15, .mix = 1, .gain = 0.7},
      {.outline = Outline::box, .y = 0.12, .size = 0.32, .aspect = 3.3},
      dot(0.97, 0.06, 0.08, 1, 1.4)};
  wheel(parts, -0.58);
  wheel(parts, 0.58);
  return parts;
}

inline std::vector<Part> moth_parts(double stride, double phase) {
  const auto wing = [&](double side, double middle, double length, double gain) {
    return hanging(Outline::leaf, 0.04 * side, 0, length, 1.5,
                   {.middle = side * middle, .reach = side * 0.035, .period = stride, .phase = phase}, gain);
  };
  return {wing(1, 0.16, 0.85, 0.8),
          wing(-1, 0.16, 0.85, 0.8),
          wing(1, 0.34, 1.1, 1),
          wing(-1, 0.34, 1.1, 1),
          {.outline = Outline::pill, .size = 0.5, .aspect = 0.45, .gain = 0.4},
          dot(0, -0.5, 0.14, 1, 0.6)};
}

inline std::vector<Part> snake_parts(double stride, double phase) {
  std::vector<Part> parts;
  constexpr int links = 10;
  for (int i = 0; i < links; ++i) {
    const double place = static_cast<double>(i) / (links - 1), size = i + 1 == links ? 0.3 : 0.14 + 0.12 * place;
    // Turning about a point far ahead moves a link up and down.
    parts.push_back({.x = 1 - 2.6 * (1 - place) + 0.6,
                     .y = 0,
                     .size = size,
                     .aspect = 1.15,
                     .turn = {.middle = 0.25, .reach = 0.1, .period = stride, .phase = phase + 0.75 * place},
                     .hinge = 0.9 / size});
  }
  return parts;
}

}  // namespace detail

/// Gives a sprite a figure's shape and surface, in colours at random.
inline void dress(Sprite& sprite, Figure figure, CounterRandom& random) {
  const auto pick = [&](std::initializer_list<Weave> weaves) {
    return weaves.begin()[random.below(static_cast<std::int64_t>(weaves.size()))];
  };
  const auto one = [](Outline outline, int points = 5, double hole = 0) {
    return std::vector<Part>{{.outline = outline, .points = points, .hole = hole}};
  };
  sprite.category = static_cast<std::int32_t>(figure);
  sprite.texture = random.bits();
  sprite.faces_motion = is_upright(figure);
  const double hue = random.uniform(), other = hue + random.uniform(0.15, 0.6), light = random.uniform(0.45, 0.95);
  sprite.paint = paint_of(hue, random.uniform(0.25, 0.95), light);
  sprite.accent =
      paint_of(other, random.uniform(0.1, 0.8), light > 0.7 ? random.uniform(0.25, 0.6) : random.uniform(0.7, 1.0));
  const double stride = random.uniform(14, 34), phase = random.uniform();
  sprite.aspect = 1;
  switch (figure) {
    case Figure::pebble:
      sprite.parts = {};
      sprite.aspect = random.uniform(0.7, 1.5);
      sprite.weave = pick({Weave::mottled, Weave::plain, Weave::waves});
      break;
    case Figure::crystal:
      sprite.parts = one(Outline::polygon, 3 + static_cast<int>(random.below(5)));
      sprite.aspect = random.uniform(0.7, 1.2);
      sprite.weave = pick({Weave::gradient, Weave::plain, Weave::waves});
      break;
    case Figure::star:
      sprite.parts = one(Outline::star, 5 + static_cast<int>(random.below(4)));
      sprite.weave = pick({Weave::plain, Weave::spots, Weave::rings});
      break;
    case Figure::crate:
      sprite.parts = one(Outline::box);
      if (random.below(2) == 0) sprite.parts.push_back({.outline = Outline::box, .size = 0.7, .mix = 0.8});
      sprite.aspect = random.uniform(0.7, 1.6);
      sprite.weave = pick({Weave::stripes, Weave::checks, Weave::fur});
      break;
    case Figure::pill:
      sprite.parts = one(Outline::pill);
      sprite.aspect = random.uniform(0.7, 1.1);
      sprite.weave = pick({Weave::gradient, Weave::stripes});
      break;
    case Figure::ring:
      sprite.parts = one(random.below(3) == 0 ? Outline::box : Outline::round, 5, random.uniform(0.45, 0.72));
      sprite.weave = pick({Weave::stripes, Weave::checks, Weave::waves});
      break;
    case Figure::flower:
      sprite.parts = one(Outline::flower, 5 + static_cast<int>(random.below(4)));
      sprite.parts.push_back(detail::dot(0, 0, 0.3, 1, 1));
      sprite.weave = pick({Weave::rings, Weave::plain});
      break;
    case Figure::leaf:
      sprite.parts = {detail::hanging(Outline::pill, 0, 0.8, 0.6, 0.25, {}, 0.6),
                      {.outline = Outline::leaf, .aspect = random.uniform(0.9, 1.4)}};
      sprite.weave = pick({Weave::waves, Weave::fur, Weave::stripes});
      break;
    case Figure::gear:
      sprite.parts = one(Outline::gear, 8 + static_cast<int>(random.below(6)), random.uniform(0.25, 0.5));
      sprite.weave = pick({Weave::plain, Weave::gradient, Weave::waves});
      break;
    case Figure::walker:
      sprite.parts = detail::walker_parts(stride, phase);
      sprite.weave = pick({Weave::stripes, Weave::plain, Weave::checks});
      break;
    case Figure::beast:
      sprite.parts = detail::beast_parts(stride, phase);
      sprite.weave = pick({Weave::spots, Weave::fur, Weave::waves});
      break;
    case Figure::fish:
      sprite.parts = detail::fish_parts(stride, phase);
      sprite.weave = pick({Weave::scales, Weave::stripes});
      break;
    case Figure::bird:
      sprite.parts = detail::bird_parts(stride, phase);
      sprite.weave = pick({Weave::fur, Weave::plain, Weave::scales});
      break;
    case Figure::car:
      sprite.parts = detail::car_parts();
      sprite.weave = pick({Weave::plain, Weave::gradient});
      break;
    case Figure::moth:
      sprite.parts = detail::moth_parts(stride, phase);
      sprite.weave = pick({Weave::spots, Weave::rings, Weave::waves});
      break;
    case Figure::snake:
      sprite.parts = detail::snake_parts(stride, phase);
      sprite.weave = pick({Weave::checks, Weave::scales, Weave::spots});
      break;
  }
}

/// Gives a sprite the shape and surface of scenery: a bush, a post, a fence, a cross. None of them resembles a figure, so
/// that whoever learns to find figures is not told that some are none.
inline void dress_scenery(Sprite& sprite, CounterRandom& random) {
  sprite.object = false;
  sprite.texture = random.bits();
  const double hue = random.uniform(), light = random.uniform(0.25, 0.8);
  sprite.paint = paint_of(hue, random.uniform(0, 0.7), light);
  sprite.accent = paint_of(hue + random.uniform(-0.1, 0.1), random.uniform(0, 0.7),
                           std::clamp(light + random.uniform(-0.3, 0.3), 0.1, 0.95));
  constexpr std::array weaves{Weave::mottled, Weave::fur, Weave::waves, Weave::plain, Weave::gradient};
  sprite.weave = weaves[static_cast<std::size_t>(random.below(std::ssize(weaves)))];
  sprite.parts.clear();
  switch (random.below(4)) {
    case 0:  // bush
      for (int i = 0; i < 8; ++i) {
        const double turn = 2 * std::numbers::pi * (i + random.uniform()) / 8, away = random.uniform(0.3, 0.65);
        sprite.parts.push_back(detail::dot(away * std::cos(turn), 0.7 * away * std::sin(turn),
                                           random.uniform(0.3, 0.45), 0, random.uniform(0.75, 1.1)));
      }
      break;
    case 1:  // post
      sprite.parts = {{.outline = Outline::box, .aspect = random.uniform(0.08, 0.18)},
                      {.outline = Outline::box, .y = -0.9, .size = 0.1, .aspect = random.uniform(2, 4), .gain = 0.8}};
      break;
    case 2:  // fence
      for (const double x : {-0.9, -0.3, 0.3, 0.9})
        sprite.parts.push_back({.outline = Outline::box, .x = x, .size = 0.8, .aspect = 0.15});
      for (const double y : {-0.4, 0.3})
        sprite.parts.push_back({.outline = Outline::box, .y = y, .size = 0.1, .aspect = 12, .gain = 0.85});
      break;
    default:  // cross
      sprite.parts = {{.outline = Outline::box, .aspect = 0.3},
                      {.outline = Outline::box, .size = 0.3, .aspect = 3.3, .gain = 0.9}};
      break;
  }
}

}  // namespace vos
