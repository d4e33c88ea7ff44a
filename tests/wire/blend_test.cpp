#include <vos/wire/blend.hpp>

#include <cstdint>
#include <vector>

#include "../test.hpp"

namespace {

constexpr std::int64_t height = 60, width = 101;

struct Drawing {
  std::vector<std::uint8_t> rgb = std::vector<std::uint8_t>(height * width * 3, 100);
  std::vector<vos::ObjectId> labels = std::vector<vos::ObjectId>(height * width);

  void box(std::int64_t y0, std::int64_t x0, std::int64_t y1, std::int64_t x1, vos::ObjectId id) {
    for (auto y = y0; y < y1; ++y)
      for (auto x = x0; x < x1; ++x) labels[static_cast<std::size_t>(y * width + x)] = id;
  }
  void blend(const vos::DrawOptions& options) { vos::blend({rgb.data(), height, width}, labels, options); }
  vos::Colour at(std::int64_t y, std::int64_t x) const {
    const auto* pixel = rgb.data() + (y * width + x) * 3;
    return {pixel[0], pixel[1], pixel[2]};
  }
};

constexpr vos::Colour grey{100, 100, 100};

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("an object is tinted to the given opacity and nothing else is touched") {
    Drawing drawing;
    drawing.box(10, 20, 40, 90, 2);
    drawing.blend({.opacity = 0.5, .outline = false, .ids = false});
    const auto colour = vos::object_colour(2);
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const bool inside = y >= 10 && y < 40 && x >= 20 && x < 90;
        const auto mean = [](int c) { return static_cast<std::uint8_t>((100 + c + 1) / 2); };
        CHECK(drawing.at(y, x) == (inside ? vos::Colour{mean(colour.r), mean(colour.g), mean(colour.b)} : grey));
      }
  }

  TEST_CASE("opacity 0 leaves the picture and 1 hides it") {
    Drawing none, full;
    for (auto* drawing : {&none, &full}) drawing->box(0, 0, 60, 101, 300);
    none.blend({.opacity = 0, .outline = false, .ids = false});
    full.blend({.opacity = 1, .outline = false, .ids = false});
    CHECK(none.at(30, 50) == grey);
    CHECK(full.at(30, 50) == vos::object_colour(300));
  }

  TEST_CASE("outlines lie inside, as wide as asked, and not along the picture's border") {
    Drawing drawing;
    drawing.box(20, 0, 40, 50, 1);
    drawing.blend({.opacity = 0, .outline_width = 3, .ids = false});
    const auto colour = vos::object_colour(1);
    CHECK(drawing.at(20, 25) == colour);
    CHECK(drawing.at(22, 25) == colour);
    CHECK(drawing.at(23, 25) == grey);
    CHECK(drawing.at(19, 25) == vos::Colour{50, 50, 50});  // the shade
    CHECK(drawing.at(18, 25) == grey);
    CHECK(drawing.at(30, 47) == colour);
    CHECK(drawing.at(30, 46) == grey);
    CHECK(drawing.at(30, 0) == grey);
  }

  TEST_CASE("touching objects keep their own outlines") {
    Drawing drawing;
    drawing.box(10, 10, 50, 50, 1);
    drawing.box(10, 50, 50, 90, 2);
    drawing.blend({.opacity = 0, .outline_width = 1, .ids = false});
    CHECK(drawing.at(30, 49) == vos::object_colour(1));
    CHECK(drawing.at(30, 50) == vos::object_colour(2));
  }

  TEST_CASE("the number stands in the middle of its object, beside a small one, and always inside the picture") {
    Drawing drawing;
    drawing.box(0, 0, 60, 60, 1);
    drawing.box(55, 95, 60, 101, 123456);
    drawing.blend({.opacity = 0, .outline = false, .digit_height = 10});
    CHECK(drawing.at(30, 23) == vos::object_colour(1));       // the plate's left part
    CHECK(drawing.at(30, 30) == vos::Colour{255, 255, 255});  // the 1's stem
    CHECK(drawing.at(5, 5) == grey);
    CHECK(drawing.at(45, 95) != grey);  // above the small object, moved in from the right edge
  }

  TEST_CASE("the same drawing twice gives the same bytes") {
    Drawing a, b;
    for (auto* drawing : {&a, &b}) {
      for (int id = 1; id < 20; ++id) drawing->box(id, 3 * id, id + 20, 3 * id + 30, id * 37);
      drawing->blend({});
    }
    CHECK(a.rgb == b.rgb);
  }

  TEST_CASE("odd maps are drawn without harm") {
    for (const std::int64_t h : {1, 2, 9})
      for (const std::int64_t w : {1, 7, 8, 17}) {
        std::vector<std::uint8_t> rgb(static_cast<std::size_t>(h * w * 3), 9);
        std::vector<vos::ObjectId> labels(static_cast<std::size_t>(h * w));
        for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<vos::ObjectId>(i % 3) * 1'000'000'000;
        vos::blend({rgb.data(), h, w}, labels, {.outline_width = 100, .digit_height = 1e9});
      }
    std::vector<std::uint8_t> rgb(12);
    CHECK_THROWS_AS(vos::blend({rgb.data(), 2, 2}, std::vector<vos::ObjectId>(3)), vos::Error);
    std::vector<std::uint8_t> none;
    vos::blend({none.data(), 0, 0}, {});
  }
}
