#include <vos/wire/polygon.hpp>

#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <vos/data/mask_rle.hpp>

#include "../test.hpp"

namespace {

using Points = std::vector<double>;

std::string refusal(std::int64_t height, std::int64_t width, const Points& points) {
  try {
    vos::rle_from_polygon(height, width, points);
    return "accepted";
  } catch (const vos::Error& e) {
    return e.parts().what;
  }
}

/// The same rule point by point, as it is written down: slow, and without a thought.
std::vector<std::uint32_t> drawn_slowly(std::int64_t height, std::int64_t width, const Points& points) {
  std::vector<std::int64_t> xs, ys, us, vs;
  for (std::size_t i = 0; i <= points.size(); i += 2) {
    xs.push_back(static_cast<std::int64_t>(5 * points[i % points.size()] + 0.5));
    ys.push_back(static_cast<std::int64_t>(5 * points[(i + 1) % points.size()] + 0.5));
  }
  for (std::size_t i = 0; i + 1 < xs.size(); ++i) {
    auto x0 = xs[i], x1 = xs[i + 1], y0 = ys[i], y1 = ys[i + 1];
    const auto dx = std::abs(x1 - x0), dy = std::abs(y1 - y0);
    const bool wide = dx >= dy, turned = wide ? x0 > x1 : y0 > y1;
    if (turned) std::swap(x0, x1), std::swap(y0, y1);
    const double slope = wide ? static_cast<double>(y1 - y0) / static_cast<double>(dx)
                              : static_cast<double>(x1 - x0) / static_cast<double>(dy);
    for (std::int64_t step = 0; step <= std::max(dx, dy); ++step) {
      const auto t = turned ? std::max(dx, dy) - step : step;
      const auto minor = [&](std::int64_t start) {
        return dx == 0 && dy == 0
                   ? start
                   : static_cast<std::int64_t>(static_cast<double>(start) + slope * static_cast<double>(t) + 0.5);
      };
      us.push_back(wide ? x0 + t : minor(x0));
      vs.push_back(wide ? minor(y0) : y0 + t);
    }
  }
  std::vector<std::int64_t> toggles;
  for (std::size_t j = 1; j < us.size(); ++j) {
    if (us[j] == us[j - 1]) continue;
    const double x = (static_cast<double>(us[j] < us[j - 1] ? us[j] : us[j] - 1) + 0.5) / 5 - 0.5;
    if (std::floor(x) != x || x < 0 || x > static_cast<double>(width - 1)) continue;
    const double y = (static_cast<double>(std::min(vs[j], vs[j - 1])) + 0.5) / 5 - 0.5;
    toggles.push_back(static_cast<std::int64_t>(x) * height +
                      static_cast<std::int64_t>(std::ceil(std::clamp(y, 0.0, static_cast<double>(height)))));
  }
  std::vector<std::uint8_t> column_major(static_cast<std::size_t>(height * width));
  for (const auto at : toggles)
    for (auto i = at; i < height * width; ++i) column_major[static_cast<std::size_t>(i)] ^= 1;
  std::vector<std::uint32_t> counts{0};
  std::uint8_t value = 0;
  for (const auto pixel : column_major) {
    if (pixel != value) counts.push_back(0), value = pixel;
    ++counts.back();
  }
  return counts;
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("the published polygon is drawn as published") {
    const auto rle = vos::rle_from_polygon(8, 9, Points{1.5, 1.5, 6, 2, 5, 6.5, 2, 5});
    CHECK(vos::rle_string(rle) == "b0351O00Nh0");
    const auto mask = vos::mask_from_rle(rle);
    std::string rows;
    for (std::size_t i = 0; i < mask.size(); ++i) rows += (i > 0 && i % 9 == 0 ? " " : "") + std::to_string(mask[i]);
    CHECK(rows == "000000000 000000000 001111000 001111000 001110000 000110000 000000000 000000000");
  }

  TEST_CASE("agrees with pycocotools on 500 sets of polygons") {  // see golden/make_polygons.py
    std::ifstream in{vos::test::file("wire/golden/polygons.txt")};
    int sets = 0;
    for (std::string line; std::getline(in, line); ++sets) {
      std::istringstream words{line};
      std::int64_t height = 0, width = 0;
      std::string polygons, counts;
      words >> height >> width >> polygons >> counts;
      const vos::MaskText text{.form = vos::MaskText::Form::polygons, .json = polygons};
      CAPTURE(line);
      CHECK(vos::rle_string(vos::rle_from(text, height, width, "golden")) == counts);
    }
    CHECK(sets == 500);
  }

  TEST_CASE("looking only at crossings finds what walking every edge finds") {
    std::mt19937 random{4};
    const auto draw = [&](double from, double to) { return std::uniform_real_distribution{from, to}(random); };
    for (int round = 0; round < 300; ++round) {
      const std::int64_t height = 1 + static_cast<std::int64_t>(random() % 30),
                         width = 1 + static_cast<std::int64_t>(random() % 30);
      Points points;
      const auto numbers = 6 + 2 * (random() % 5);
      const double reach = round % 3 == 0 ? 200 : 1.4 * static_cast<double>(std::max(height, width));
      while (points.size() < numbers) points.push_back(draw(-0.4 * reach, reach));
      if (round % 4 == 0)
        for (auto& p : points) p = std::round(p);
      CHECK(vos::rle_from_polygon(height, width, points).counts == drawn_slowly(height, width, points));
    }
  }

  TEST_CASE("four numbers are a box: left, top, width, height") {
    const auto mask = vos::mask_from_rle(vos::rle_from_polygon(4, 5, Points{1, 1, 3, 2}));
    CHECK(mask == std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  }

  TEST_CASE("a polygon outside the picture, or of no area, is an empty mask") {
    CHECK(vos::area(vos::rle_from_polygon(4, 5, Points{10, 10, 20, 10, 15, 20})) == 0);
    CHECK(vos::area(vos::rle_from_polygon(4, 5, Points{-10, -10, -2, -10, -5, -2})) == 0);
    CHECK(vos::area(vos::rle_from_polygon(4, 5, Points{2, 2, 2, 2, 2, 2})) == 0);
    CHECK(vos::rle_from_polygon(4, 5, Points{2, 2, 2, 2, 2, 2}).counts == std::vector<std::uint32_t>{20});
  }

  TEST_CASE("a polygon around the picture fills it, however far its corners lie") {
    const double far = vos::polygon_reach;
    const auto rle = vos::rle_from_polygon(1000, 2000, Points{-far, -far, far, -far, far, far, -far, far});
    CHECK(rle.counts == std::vector<std::uint32_t>{0, 2'000'000});
  }

  TEST_CASE("hostile polygons are refused") {
    CHECK(refusal(4, 5, {}) == "a polygon of 0 numbers");
    CHECK(refusal(4, 5, {1, 2}) == "a polygon of 2 numbers");
    CHECK(refusal(4, 5, {1, 2, 3, 4, 5, 6, 7}) == "a polygon of 7 numbers");
    CHECK(refusal(4, 5, {1, 2, 3, 4, 5, 1e300}).find("corner at") != std::string::npos);
    CHECK(refusal(4, 5, {1, 2, 3, 4, 5, std::numeric_limits<double>::quiet_NaN()}).find("corner at nan") !=
          std::string::npos);
    CHECK(refusal(4, 5, {0, 0, std::numeric_limits<double>::infinity(), 2}).find("corner at inf") != std::string::npos);
    CHECK(refusal(100'000, 100'000, {1, 2, 3, 4, 5, 6}).find("a mask of height") != std::string::npos);
    Points wide;  // to and fro across the widest picture
    for (int i = 0; i < 100; ++i) wide.push_back(i % 2 * 1e7), wide.push_back(i % 3);
    CHECK(refusal(2, 1 << 24, wide).find("cross more than") != std::string::npos);
  }

  TEST_CASE("the limit of crossings is one for all polygons of a mask") {
    const Points wide{0, 0, 4.5e6, 0, 0, 1};  // there and back: 9 million of the 16.8 million crossings allowed
    vos::PolygonUnion polygons{2, 1 << 24};
    polygons.add(wide);
    CHECK_THROWS_AS(polygons.add(wide), vos::Error);
  }

  TEST_CASE("many polygons of a mask are united as if one after the other") {
    std::mt19937 random{5};
    const auto draw = [&](double to) { return std::uniform_real_distribution{0.0, to}(random); };
    for (int count = 0; count < 40; ++count) {
      vos::PolygonUnion polygons{30, 40};
      vos::Rle expected{30, 40, {1200}};
      for (int i = 0; i < count; ++i) {
        const auto x = draw(38), y = draw(28);
        const Points triangle{x, y, x + draw(4), y, x, y + draw(4)};
        polygons.add(triangle);
        expected = vos::union_of(expected, vos::rle_from_polygon(30, 40, triangle));
      }
      CHECK(polygons.take() == expected);
    }
  }

  TEST_CASE("tens of thousands of polygons make one mask") {  // in a moment: one after the other it would be a wait
    vos::PolygonUnion polygons{4096, 4096};
    std::int64_t area = 0;
    for (int i = 0; i < 40'000; ++i) {
      const double x = 20.0 * (i % 200), y = 20.0 * (i / 200);
      const Points triangle{x, y, x + 9, y, x, y + 9};
      area += i == 0 ? vos::area(vos::rle_from_polygon(4096, 4096, triangle)) : 0;
      polygons.add(triangle);
    }
    CHECK(vos::area(polygons.take()) == 40'000 * area);
  }
}
