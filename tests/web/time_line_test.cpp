#include "../../web/time_line.hpp"

#include <array>
#include <cstdint>
#include <vector>

#include "../test.hpp"

namespace {

using namespace vos;
using namespace vos::web;

wire::FrameObject seen(ObjectId id, float score = 0.9F, bool visible = true, wire::ObjectFlags flags = {}) {
  return wire::object_to_send(id, -1, score, {0, 0, 4, 4}, visible, flags);
}

struct Painted {
  Painted(const TimeLine& line, std::int64_t first, std::int64_t last, std::int32_t columns, std::vector<ObjectId> ids)
      : width(columns), rgba((ids.size() + 1) * static_cast<std::size_t>(columns) * 4, 7) {
    const std::vector<Colour> colours(ids.size(), Colour{200, 100, 50});
    line.paint(first, last, columns, ids, colours, rgba.data());
  }
  int alpha(std::int32_t row, std::int32_t x) const {
    return rgba[static_cast<std::size_t>((row * width + x) * 4 + 3)];
  }
  std::int32_t width;
  std::vector<std::uint8_t> rgba;
};

constexpr std::array ids{1, 2};

}  // namespace

TEST_SUITE("web") {
  TEST_CASE("a bar is paler where the model is less sure, pale where the object is lost, empty where it is not") {
    TimeLine line;
    line.set(0, std::array{seen(1, 1.0F)});
    line.set(1, std::array{seen(1, 0.2F)});
    line.set(2, std::array{seen(1, 0, false)});
    line.set(3, std::array<wire::FrameObject, 0>{});
    const Painted bars{line, 0, 6, 6, {1}};
    CHECK(bars.alpha(1, 0) > bars.alpha(1, 1));
    CHECK(bars.alpha(1, 1) > bars.alpha(1, 2));
    CHECK(bars.alpha(1, 2) > 0);
    CHECK(bars.alpha(1, 3) == 0);
    CHECK(bars.alpha(0, 3) > 0);   // there is a result, without the object
    CHECK(bars.alpha(0, 4) == 0);  // there is none
  }

  TEST_CASE("a column of many frames shows the worst of them, one frame fills many columns") {
    TimeLine line;
    for (int i = 0; i < 100; ++i) line.set(i, std::array{seen(1, i == 57 ? 0.1F : 1.0F)});
    const Painted narrow{line, 0, 100, 10, {1}};
    CHECK(narrow.alpha(1, 5) < narrow.alpha(1, 4));
    const Painted wide{line, 56, 59, 30, {1}};
    CHECK(wide.alpha(1, 9) == wide.alpha(1, 0));
    CHECK(wide.alpha(1, 10) < wide.alpha(1, 9));
    CHECK(wide.alpha(1, 19) == wide.alpha(1, 10));
  }

  TEST_CASE("results in doubt are paler, and forgotten or renewed") {
    TimeLine line;
    for (int i = 0; i < 4; ++i) line.set(i, std::array{seen(1)});
    const auto sure = Painted{line, 0, 4, 4, {1}}.alpha(1, 2);
    line.doubt(2, 3);
    CHECK(Painted{line, 0, 4, 4, {1}}.alpha(1, 2) < sure);
    CHECK(Painted{line, 0, 4, 4, {1}}.alpha(1, 1) == sure);
    line.set(2, std::array{seen(1)});
    line.forget_doubted(0, 100);
    CHECK(Painted{line, 0, 4, 4, {1}}.alpha(1, 2) == sure);
    CHECK(Painted{line, 0, 4, 4, {1}}.alpha(1, 3) == 0);
    CHECK_FALSE(line.knows(3));
  }

  TEST_CASE("marks name the row, the frame and what is marked, as far as there is room") {
    using enum wire::ObjectFlags;
    TimeLine line;
    line.set(3, std::array{seen(1, 0.9F, true, prompted), seen(2, 0.9F, true, suspect)});
    line.set(5, std::array{seen(1, 0.9F, true, corrected)});
    std::array<TimeMark, 8> marks;
    REQUIRE(line.marks(0, 10, ids, marks) == 3);
    CHECK(marks[0].frame == 3);
    CHECK(marks[0].flags == static_cast<int>(prompted));
    CHECK(marks[1].frame == 5);
    CHECK(marks[2].row == 1);
    CHECK(marks[2].flags == static_cast<int>(suspect));
    CHECK(line.marks(4, 10, ids, marks) == 1);
    CHECK(line.marks(0, 10, ids, std::span{marks}.first(2)) == 2);
  }

  TEST_CASE("weak spots are where an object may be another, is lost, or gets unsure, each said once") {
    TimeLine line;
    for (int i = 0; i < 20; ++i)
      line.set(i, std::array{seen(1, i >= 4 && i < 8 ? 0.3F : 0.9F, i < 12),
                             seen(2, 0.9F, true, i == 15 ? wire::ObjectFlags::suspect : wire::ObjectFlags{})});
    std::vector<std::int64_t> spots;
    for (auto spot = line.next_weak(-1, 1, ids); spot.frame >= 0; spot = line.next_weak(spot.frame, 1, ids))
      spots.push_back(spot.frame);
    CHECK(spots == std::vector<std::int64_t>{4, 12, 15});
    CHECK(line.next_weak(15, -1, ids).frame == 12);
    CHECK(line.next_weak(12, -1, ids).kind == WeakSpot::Kind::unsure);
    CHECK(line.next_weak(12, 1, ids).kind == WeakSpot::Kind::suspect);
    CHECK(line.next_weak(12, 1, ids).id == 2);
    CHECK(line.count_weak(ids) == 3);
  }

  TEST_CASE("a result that comes again takes the place of the old one") {
    TimeLine line;
    line.set(2, std::array{seen(1), seen(2)});
    line.set(2, std::array{seen(2)});
    const Painted bars{line, 2, 3, 1, {1, 2}};
    CHECK(bars.alpha(1, 0) == 0);
    CHECK(bars.alpha(2, 0) > 0);
  }

  TEST_CASE("a stream without end, far jumps and absurd frame numbers cost bounded memory") {
    TimeLine line;
    for (std::int64_t i = 0; i < 3 * TimeLine::frame_limit; i += 97) line.set(i, std::array{seen(1)});
    CHECK(line.end() - line.begin() <= TimeLine::frame_limit);
    CHECK(line.cells() <= static_cast<std::size_t>(TimeLine::frame_limit));
    CHECK_FALSE(line.knows(0));
    CHECK(line.knows(3 * TimeLine::frame_limit / 97 * 97));
    line.set(0x7fffffff, std::array{seen(1)});
    CHECK(line.knows(0x7fffffff));
    line.set(INT64_MAX, std::array{seen(1)});
    line.set(INT64_MIN, std::array{seen(1)});
    CHECK(line.end() - line.begin() <= TimeLine::frame_limit);
    TimeLine crowd;
    for (int id = 1; id <= 400; ++id) {
      crowd.set(0, std::array{seen(id)});
      crowd.set(40000, std::array{seen(id)});
    }
    CHECK(crowd.cells() <= TimeLine::cell_limit + 40001);
  }
}
