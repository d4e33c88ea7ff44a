#include <vos/metric/boundary.hpp>

#include <string>

#include "../test.hpp"
#include "shapes.hpp"

using vos::BitPlane;
using vos::boundary_measure;
using vos::Disk;
using vos::test::Drawing;

namespace {

std::string drawn(const BitPlane& plane) {
  std::string text;
  for (std::int64_t y = 0; y < plane.height(); ++y, text += '/')
    for (std::int64_t x = 0; x < plane.width(); ++x) text += plane.at(y, x) ? '#' : '.';
  return text;
}

std::string boundary(const Drawing& mask) { return drawn(vos::boundary_of(BitPlane(mask))); }
std::int64_t boundary_length(const Drawing& mask) { return vos::boundary_of(BitPlane(mask)).count(); }

Drawing rectangle(std::int64_t y0, std::int64_t y1, std::int64_t x0, std::int64_t x1) {
  return Drawing(480, 854).rectangle(y0, y1, x0, x1);
}

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("a boundary lies half a pixel up and left, and never on the picture's frame") {
    CHECK(boundary(Drawing(6, 7).rectangle(2, 4, 2, 5)) == "......./.####../.#..#../.####../......./......./");
    CHECK(boundary(Drawing(5, 5).rectangle(0, 2, 0, 2)) == ".#.../##.../...../...../...../");
    CHECK(boundary(Drawing(5, 5).rectangle(3, 5, 3, 5)) == "...../...../..###/..#../..#../");
    CHECK(boundary(Drawing(5, 5).rectangle(0, 5, 0, 5)) == "...../...../...../...../...../");
    CHECK(boundary(Drawing(5, 5)) == "...../...../...../...../...../");
    CHECK(boundary(Drawing(1, 1).rectangle(0, 1, 0, 1)) == "./");
  }

  TEST_CASE("a boundary crosses the words that pixels are packed in") {
    for (const std::int64_t width : {63, 64, 65, 127, 128, 129, 200}) {
      Drawing mask(9, width);
      mask.where([](std::int64_t y, std::int64_t x) { return (x * 7 + y * 5) % 11 < 4; });
      const auto on = [&](std::int64_t y, std::int64_t x) {
        return mask.pixels[static_cast<std::size_t>(y * width + x)];
      };
      Drawing expected(9, width);
      expected.where([&](std::int64_t y, std::int64_t x) {
        const bool right = x + 1 < width, down = y + 1 < 9;
        return (right && on(y, x) != on(y, x + 1)) || (down && on(y, x) != on(y + 1, x)) ||
               (right && down && on(y, x) != on(y + 1, x + 1));
      });
      CHECK(boundary(mask) == drawn(BitPlane(expected)));
    }
  }

  TEST_CASE("the tolerance is .8 % of the diagonal, rounded up") {
    CHECK(vos::boundary_tolerance(480, 854) == 8);
    CHECK(vos::boundary_tolerance(480, 910) == 9);
    CHECK(vos::boundary_tolerance(1080, 1920) == 18);
    CHECK(vos::boundary_tolerance(720, 1280) == 12);
    CHECK(vos::boundary_tolerance(360, 640) == 6);
    CHECK(vos::boundary_tolerance(200, 200) == 3);
    CHECK(vos::boundary_tolerance(100, 100) == 2);
    CHECK(vos::boundary_tolerance(64, 64) == 1);
  }

  TEST_CASE("a dilated point is the lattice disk") {
    const auto disk = [](std::int64_t radius) {
      return vos::dilated(BitPlane(Drawing(150, 150).rectangle(70, 71, 63, 64)), Disk::of(radius)).count();
    };
    CHECK(disk(0) == 1);
    CHECK(disk(1) == 5);
    CHECK(disk(2) == 13);
    CHECK(disk(3) == 29);
    CHECK(disk(5) == 81);
    CHECK(disk(8) == 197);
    CHECK(disk(10) == 317);
    CHECK(disk(18) == 1009);
  }

  TEST_CASE("dilation stays inside the picture and reaches past a word") {
    for (const std::int64_t width : {5, 64, 150})
      for (const std::int64_t radius : {3, 8, 70}) {
        Drawing points(40, width), expected(40, width);
        points.rectangle(0, 1, 0, 1).rectangle(39, 40, width - 1, width).rectangle(20, 21, width / 2, width / 2 + 1);
        expected.where([&](std::int64_t y, std::int64_t x) {
          const auto near = [&](std::int64_t py, std::int64_t px) {
            return (y - py) * (y - py) + (x - px) * (x - px) <= radius * radius;
          };
          return near(0, 0) || near(39, width - 1) || near(20, width / 2);
        });
        const auto grown = vos::dilated(BitPlane(points), Disk::of(radius));
        CHECK(drawn(grown) == drawn(BitPlane(expected)));
        CHECK(grown.count() == BitPlane(expected).count());
      }
  }

  TEST_CASE("F of rectangles is the reference's") {
    const auto truth = rectangle(100, 300, 200, 500);
    const auto f = [&](const Drawing& guess) { return doctest::Approx(boundary_measure(truth, guess)).epsilon(1e-6); };
    CHECK(boundary_length(truth) == 1000);
    CHECK(boundary_measure(truth, rectangle(100, 300, 208, 508)) == 1.0);
    CHECK(0.616 == f(rectangle(100, 300, 209, 509)));
    CHECK(0.999 == f(rectangle(106, 306, 206, 506)));
    CHECK(0.985 == f(rectangle(108, 308, 208, 508)));
    CHECK(boundary_measure(truth, rectangle(105, 295, 205, 495)) == 1.0);
    CHECK(boundary_length(rectangle(105, 295, 205, 495)) == 960);
    CHECK(boundary_measure(truth, rectangle(80, 320, 180, 520)) == 0.0);
    CHECK(boundary_length(rectangle(80, 320, 180, 520)) == 1160);
    CHECK(0.608235 == f(rectangle(100, 300, 200, 350)));
    CHECK(boundary_length(rectangle(100, 300, 200, 350)) == 700);
    CHECK(boundary_measure(truth, Drawing(480, 854)) == 0.0);
    CHECK(boundary_measure(truth, rectangle(400, 450, 600, 700)) == 0.0);
  }

  TEST_CASE("F of a circle and an ellipse is the reference's") {
    const auto round = [](double ry, double rx) {
      return Drawing(480, 854).where([=](std::int64_t y, std::int64_t x) {
        const double dy = static_cast<double>(y - 240) / ry, dx = static_cast<double>(x - 427) / rx;
        return dx * dx + dy * dy <= 1;
      });
    };
    CHECK(boundary_length(round(100, 100)) == 804);
    CHECK(boundary_length(round(90, 120)) == 844);
    CHECK(boundary_measure(round(100, 100), round(90, 120)) == doctest::Approx(0.477140).epsilon(1e-6));
  }

  TEST_CASE("void pixels leave both masks before their boundaries are drawn") {
    const auto truth = Drawing(200, 200).rectangle(100, 150, 100, 150);
    const auto guess = Drawing(200, 200).rectangle(50, 150, 100, 150);
    const auto hidden = Drawing(200, 200).rectangle(50, 100, 100, 150);
    CHECK(boundary_measure(truth, guess, hidden) == 1.0);
    CHECK(boundary_measure(truth, guess) == doctest::Approx(0.628).epsilon(1e-3));
  }

  TEST_CASE("a mask of the whole picture has no boundary and agrees with an empty one") {
    const auto all = Drawing(480, 854).rectangle(0, 480, 0, 854);
    CHECK(boundary_measure(all, Drawing(480, 854)) == 1.0);
    CHECK(boundary_measure(Drawing(480, 854), rectangle(100, 300, 200, 500)) == 0.0);
    CHECK(boundary_measure(Drawing(0, 0), Drawing(0, 0)) == 1.0);
  }
}
