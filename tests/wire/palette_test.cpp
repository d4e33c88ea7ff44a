#include <vos/wire/palette.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <tuple>

#include "../test.hpp"

using vos::Colour;
using vos::davis_colour;
using vos::object_colour;

TEST_SUITE("wire") {
  TEST_CASE("label maps have the colours of DAVIS") {
    CHECK(davis_colour(0) == Colour{0, 0, 0});
    CHECK(davis_colour(1) == Colour{128, 0, 0});
    CHECK(davis_colour(2) == Colour{0, 128, 0});
    CHECK(davis_colour(3) == Colour{128, 128, 0});
    CHECK(davis_colour(4) == Colour{0, 0, 128});
    CHECK(davis_colour(7) == Colour{128, 128, 128});
    CHECK(davis_colour(8) == Colour{64, 0, 0});
    CHECK(davis_colour(11) == Colour{192, 128, 0});
    CHECK(davis_colour(15) == Colour{192, 128, 128});
    CHECK(davis_colour(16) == Colour{0, 64, 0});
    CHECK(davis_colour(20) == Colour{0, 64, 128});
    CHECK(davis_colour(254) == Colour{96, 224, 192});
    CHECK(davis_colour(255) == Colour{224, 224, 192});
  }

  TEST_CASE("no two ids of a label PNG share a colour") {
    std::set<std::tuple<int, int, int>> seen;
    for (int id = 0; id <= 65535; ++id) {
      const auto colour = davis_colour(id);
      seen.emplace(colour.r, colour.g, colour.b);
    }
    CHECK(seen.size() == 65536);
  }

  TEST_CASE("drawn colours are bright, and each differs clearly from its neighbours") {
    for (int id = 1; id < 2000; ++id) {
      const auto a = object_colour(id), b = object_colour(id + 1);
      CHECK(std::max({a.r, a.g, a.b}) >= 160);
      CHECK(std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b) > 60);
    }
    object_colour(2147483647);
  }
}
