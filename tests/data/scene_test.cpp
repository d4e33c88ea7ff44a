#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numbers>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/data/synthetic/ground.hpp>
#include <vos/data/synthetic/layer.hpp>
#include <vos/data/synthetic/scene_text.hpp>
#include <vos/data/synthetic/shape.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

constexpr std::array every_outline{Outline::round, Outline::polygon, Outline::star, Outline::box,
                                   Outline::pill,  Outline::flower,  Outline::leaf, Outline::gear};

View picture_of(std::int64_t width, std::int64_t height) {
  return {.height = static_cast<double>(height), .width = static_cast<double>(width)};
}

}  // namespace

TEST_SUITE("scene") {
  TEST_CASE("an outline's table agrees with its formula in every direction") {
    for (const auto outline : every_outline) {
      CAPTURE(static_cast<int>(outline));
      const OutlineTable table{outline, 7};
      for (int i = 0; i < 5000; ++i) {
        const double angle = 0.00126 * i;
        const double expected = outline_radius(outline, 7, angle);
        // Between two of 512 steps a corner or the flank of a tooth is cut off by this much at most.
        CHECK(table.towards(std::cos(angle), std::sin(angle)).radius == doctest::Approx(expected).epsilon(0.06));
        CHECK(expected <= table.most() + 0.02);
        CHECK(expected >= table.least() - 0.02);
      }
    }
  }

  TEST_CASE("drawing visits each covered pixel once and none outside of the window, whatever the clip") {
    CounterRandom random{3};
    for (int round = 0; round < 60; ++round) {
      Sprite sprite;
      dress(sprite, static_cast<Figure>(random.below(std::ssize(figure_names()))), random);
      sprite.x.middle = random.uniform(-0.3, 1.3);
      sprite.y.middle = random.uniform(-0.3, 1.3);
      sprite.radius.middle = random.uniform(0.005, 0.5);
      sprite.tilt.middle = random.uniform();
      sprite.shear.middle = random.uniform(-0.5, 0.5);
      auto view = picture_of(80, 60);
      view.zoom = random.uniform(0.5, 2);
      view.roll = random.uniform(-1, 1);
      for (const auto& shape : shapes_of(sprite, outlines_of(sprite), 13, view)) {
        const Window all{-400, -400, 480, 460}, clip{-20, 10, 70, 55};
        std::set<std::pair<std::int64_t, std::int64_t>> whole, part;
        shape.draw(all, [&](auto x, auto y, double cover, double, double) {
          CHECK(whole.emplace(x, y).second);
          CHECK(cover > 0);
          CHECK(cover <= 1);
        });
        shape.draw(clip, [&](auto x, auto y, double, double, double) { part.emplace(x, y); });
        for (const auto& [x, y] : whole) {
          const bool in_clip = x >= clip.x0 && x < clip.x1 && y >= clip.y0 && y < clip.y1;
          CHECK(part.contains({x, y}) == in_clip);
          CHECK(shape.window().contains({x, y, x + 1, y + 1}));
        }
        CHECK(part.size() <= whole.size());
      }
    }
  }

  TEST_CASE("a view and the ground agree on where things lie") {
    View view = picture_of(200, 100);
    view.shift_x = 12, view.shift_y = -7;
    double x = 50, y = 60;
    view.look_at(x, y);
    CHECK(x == 38);
    CHECK(y == 67);
    view.zoom = 2, view.roll = std::numbers::pi / 2;
    x = 112 + 10, y = 43;  // ten pixels to the right of what lies in the middle
    view.look_at(x, y);
    CHECK(x == doctest::Approx(100));
    CHECK(y == doctest::Approx(50 + 20));  // a quarter turn takes right to down
  }

  TEST_CASE("the ground reaches as far as any camera looks, at any size") {
    CounterRandom random{17};
    for (const auto& [width, height] : {std::pair{1, 1}, {2, 70}, {70, 2}, {64, 48}, {31, 57}})
      for (int round = 0; round < 12; ++round) {
        Scene scene{.height = height, .width = width, .seed = random.bits()};
        scene.ground = {
            .pattern = static_cast<Ground::Pattern>(round % 8), .paint = {90, 90, 90}, .accent = {160, 160, 160}};
        scene.camera_x = {.reach = random.uniform(0, 0.4), .period = 17};
        scene.camera_y = {.reach = random.uniform(0, 0.4), .period = 13};
        if (round % 3 > 0) scene.zoom = {.middle = 1, .reach = random.uniform(0, 0.6), .period = 11};
        if (round % 3 > 1) scene.roll = {.reach = random.uniform(0, 0.3), .period = 7};
        const GroundPlane ground{scene};
        std::vector<std::uint8_t> rgb(static_cast<std::size_t>(width * height * 3));
        for (int frame = 0; frame < 12; ++frame) {
          const auto at = [&](double when) { return view_of(scene, when); };
          std::fill(rgb.begin(), rgb.end(), std::uint8_t{0});
          ground.draw(rgb.data(), at(frame), at(frame - 0.4), at(frame + 0.4));
          CHECK(*std::min_element(rgb.begin(), rgb.end()) > 10);  // every pixel was painted with something
          ground.draw(rgb.data(), at(frame), at(frame), at(frame));
          CHECK(*std::min_element(rgb.begin(), rgb.end()) > 10);
        }
      }
  }

  TEST_CASE("blur spreads what a layer holds and loses none of it") {
    Layer layer{{20, 20, 40, 40}};
    for (std::int64_t y = 25; y < 35; ++y)
      for (std::int64_t x = 25; x < 35; ++x) layer.put(x, y, 1, {200, 200, 200});
    for (const auto& [dx, dy] : {std::pair{6.0, 0.0}, {0.0, -9.0}, {7.0, 5.0}, {300.0, 10.0}}) {
      std::vector<std::uint8_t> rgb(60 * 60 * 3);
      layer.smear_onto(rgb.data(), 60, 60, dx, dy);
      const double sum = std::accumulate(rgb.begin(), rgb.end(), 0.0) / 3;
      CHECK(sum == doctest::Approx(100 * 200.0).epsilon(0.01));  // each pixel is rounded to a grey level
      CHECK(std::count_if(rgb.begin(), rgb.end(), [](auto v) { return v > 0; }) > 3 * 130);  // of 100 before
    }
    std::vector<std::uint8_t> corner(25 * 25 * 3);
    layer.smear_onto(corner.data(), 25, 25, 8, 8);  // most of it lies outside
    CHECK(corner.back() > 0);
  }

  TEST_CASE("a softened mask keeps its weight and loses its steps") {
    SoftMask mask{{-10, -10, 30, 30}};
    for (std::int64_t y = 5; y < 15; ++y)
      for (std::int64_t x = 5; x < 15; ++x) mask.put(x, y, 1);
    mask.soften(2);
    double sum = 0;
    mask.for_each({0, 0, 80, 80}, [&](auto, auto, float cover) { sum += cover; });
    CHECK(sum == doctest::Approx(100 * 16).epsilon(0.01));  // a cell is 16 pixels; faint cover is left out
  }

  TEST_CASE("noise is smooth, bounded and repeats where it is told to") {
    const NoiseField noise{5, 8, 64, 64, 4};  // repeats every 32 pixels
    double steepest = 0;
    for (std::int64_t y = 0; y < 32; ++y)
      for (std::int64_t x = 0; x < 32; ++x) {
        CHECK(std::abs(noise.at(x, y)) <= 1);
        CHECK(noise.at(x, y) == noise.at(x + 32, y));
        CHECK(noise.at(x, y) == noise.at(x, y + 32));
        steepest = std::max(steepest, std::abs(noise.at(x, y) - noise.at(x + 1, y)));
      }
    CHECK(steepest <= 2 * 1.5 / 8);  // smoothstep's slope is 1.5 at most, values differ by 2 at most, over 8 pixels
    CHECK(steepest > 0);
  }
}
