#include <vos/metric/region.hpp>

#include "../test.hpp"
#include "shapes.hpp"

using vos::region_similarity;
using vos::test::Drawing;

namespace {

Drawing rectangle(std::int64_t y0, std::int64_t y1, std::int64_t x0, std::int64_t x1) {
  return Drawing(480, 854).rectangle(y0, y1, x0, x1);
}

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("J of rectangles is the reference's") {
    const auto truth = rectangle(100, 300, 200, 500);
    const auto j = [&](const Drawing& guess) { return doctest::Approx(region_similarity(truth, guess)).epsilon(1e-6); };
    CHECK(0.948052 == j(rectangle(100, 300, 208, 508)));
    CHECK(0.941748 == j(rectangle(100, 300, 209, 509)));
    CHECK(0.905851 == j(rectangle(106, 306, 206, 506)));
    CHECK(0.876877 == j(rectangle(108, 308, 208, 508)));
    CHECK(0.918333 == j(rectangle(105, 295, 205, 495)));
    CHECK(0.735294 == j(rectangle(80, 320, 180, 520)));
    CHECK(region_similarity(truth, rectangle(100, 300, 200, 350)) == 0.5);
    CHECK(region_similarity(truth, Drawing(480, 854)) == 0.0);
    CHECK(region_similarity(truth, rectangle(400, 450, 600, 700)) == 0.0);
    CHECK(region_similarity(truth, truth) == 1.0);
  }

  TEST_CASE("J of a circle and an ellipse is the reference's") {
    const auto round = [](double ry, double rx) {
      return Drawing(480, 854).where([=](std::int64_t y, std::int64_t x) {
        const double dy = static_cast<double>(y - 240) / ry, dx = static_cast<double>(x - 427) / rx;
        return dx * dx + dy * dy <= 1;
      });
    };
    const auto circle = round(100, 100), ellipse = round(90, 120);
    CHECK(vos::overlap(circle, circle).both == 31417);
    CHECK(vos::overlap(ellipse, ellipse).both == 33905);
    CHECK(region_similarity(circle, ellipse) == doctest::Approx(0.827444).epsilon(1e-6));
  }

  TEST_CASE("void pixels count in neither mask") {
    const auto truth = Drawing(200, 200).rectangle(100, 150, 100, 150);
    const auto guess = Drawing(200, 200).rectangle(50, 150, 100, 150);
    const auto hidden = Drawing(200, 200).rectangle(50, 100, 100, 150);
    CHECK(region_similarity(truth, guess) == 0.5);
    CHECK(region_similarity(truth, guess, hidden) == 1.0);
  }

  TEST_CASE("two empty masks agree") {
    CHECK(region_similarity(Drawing(3, 3), Drawing(3, 3)) == 1.0);
    CHECK(region_similarity(Drawing(0, 0), Drawing(0, 0)) == 1.0);
    const auto all = Drawing(3, 3).rectangle(0, 3, 0, 3);
    CHECK(region_similarity(all, all, all) == 1.0);
  }

  TEST_CASE("J counts every pixel of a large picture whatever value marks the object") {
    Drawing truth(1000, 1003), guess(1000, 1003);
    std::int64_t both = 0, either = 0;
    for (std::size_t i = 0; i < truth.pixels.size(); ++i) {
      truth.pixels[i] = static_cast<std::uint8_t>(i % 3 == 0 ? 0 : i % 251);
      guess.pixels[i] = static_cast<std::uint8_t>(i % 7 == 0 ? 1 + i % 255 : 0);
      both += truth.pixels[i] != 0 && guess.pixels[i] != 0;
      either += truth.pixels[i] != 0 || guess.pixels[i] != 0;
    }
    const auto count = vos::overlap(truth, guess);
    CHECK(count.both == both);
    CHECK(count.either == either);
  }
}
