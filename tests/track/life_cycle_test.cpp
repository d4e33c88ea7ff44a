#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/duplicates.hpp>
#include <vos/track/gallery.hpp>
#include <vos/track/life_cycle.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// The states of a track in one letter each (t, A, l, d), for the confidences of its frames.
std::string life(const std::vector<double>& scores, const LifeCycleOptions& options = {}, std::int64_t frames = 1000) {
  LifeCycle cycle;
  std::string states;
  for (const double score : scores) {
    cycle.see(score, options);
    if (cycle.ripe(options, frames++)) cycle.revive();
    if (cycle.state() == LifeCycle::State::lost && cycle.lost_for() > options.patience) cycle.die();
    states += "tAld"[static_cast<int>(cycle.state())];
  }
  return states;
}

CoarseMask box(std::int64_t y0, std::int64_t x0, std::int64_t y1, std::int64_t x1) {
  CoarseMask mask;
  for (auto y = y0; y < y1; ++y) mask.set_row(y, ((CoarseMask::Row{1} << (x1 - x0)) - 1) << x0);
  return mask;
}

Gallery::Identity identity(ObjectId id, std::vector<float> embedding, std::int64_t frame = 0) {
  return {id, std::move(embedding), {0.9F, 0.1F}, frame};
}

std::vector<ObjectId> recalled(Gallery& gallery, const std::vector<Gallery::Newborn>& newborns) {
  std::vector<ObjectId> ids;
  for (const auto& each : gallery.recall(newborns, {})) ids.push_back(each.id);
  return ids;
}

}  // namespace

TEST_SUITE("track") {
  TEST_CASE("an object is born by two good frames of the last three") {
    CHECK(life({0.6, 0.6}) == "tA");
    CHECK(life({0.6, 0.1, 0.5}) == "ttA");
    CHECK(life({0.6, 0.1, 0.1, 0.6}) == "tttt");  // never two within three
    CHECK(life({0.6, 0.1, 0.1, 0.1}) == "tttd");  // none within three: it never was
    CHECK(life({0.6, 0.49, 0.49}) == "ttt");
  }

  TEST_CASE("in the first frame of a video one good frame is enough") {
    CHECK(life({0.6}, {}, 1) == "A");
    CHECK(life({0.49}, {}, 1) == "d");
    CHECK(life({0.6}, {}, 2) == "t");
  }

  TEST_CASE("once born it lives down to the lower threshold, and comes back only above the higher") {
    CHECK(life({0.6, 0.6, 0.31, 0.31, 0.29, 0.45, 0.5, 0.3}) == "tAAAllAA");
  }

  TEST_CASE("a confidence that hovers about either threshold does not flicker") {
    CHECK(life({0.9, 0.9, 0.51, 0.49, 0.51, 0.49}) == "tAAAAA");
    CHECK(life({0.9, 0.9, 0.29, 0.31, 0.29, 0.31}) == "tAllll");
  }

  TEST_CASE("a lost object dies after its patience, not before") {
    std::vector<double> scores{0.9, 0.9};
    scores.resize(2 + 30, 0);
    CHECK(life(scores).back() == 'l');
    scores.push_back(0);
    CHECK(life(scores).back() == 'd');
    scores.back() = 0.9;
    CHECK(life(scores).back() == 'A');
  }

  TEST_CASE("who returns gets its id back, and leaves the gallery") {
    Gallery gallery;
    gallery.retire(identity(3, {1, 0, 0}), {});
    gallery.retire(identity(5, {0, 1, 0}), {});
    const std::vector<float> embedding{0.1F, 0.95F, 0.1F}, classes{0.8F, 0.2F};
    const std::vector<Gallery::Newborn> newborns{{embedding, classes}};
    CHECK(recalled(gallery, newborns) == std::vector<ObjectId>{5});
    CHECK_FALSE(gallery.contains(5));
    CHECK(gallery.contains(3));
    CHECK(recalled(gallery, newborns) == std::vector<ObjectId>{0});
  }

  TEST_CASE("look-alikes in the gallery are not guessed between; another class is another object") {
    Gallery gallery;
    gallery.retire(identity(1, {1, 0.1F}), {});
    gallery.retire(identity(2, {1, -0.1F}), {});
    const std::vector<float> embedding{1, 0}, same{0.9F, 0.1F}, other{0.001F, 0.999F};
    CHECK(recalled(gallery, {{embedding, same}}) == std::vector<ObjectId>{0});
    gallery.forget(2);
    CHECK(recalled(gallery, {{embedding, other}}) == std::vector<ObjectId>{0});
    CHECK(recalled(gallery, {{embedding, same}}) == std::vector<ObjectId>{1});
  }

  TEST_CASE("two newborns never get one id") {
    Gallery gallery;
    gallery.retire(identity(7, {1, 0}), {});
    const std::vector<float> near{1, 0.05F}, far{1, 0.4F}, classes{0.9F, 0.1F};
    CHECK(recalled(gallery, {{far, classes}, {near, classes}}) == std::vector<ObjectId>{0, 7});
    gallery.retire(identity(8, {1, 0}), {});
    // Neither is known to be the one.
    CHECK(recalled(gallery, {{near, classes}, {near, classes}}) == std::vector<ObjectId>{0, 0});
  }

  TEST_CASE("a newborn of another class does not keep an identity from the one that it belongs to") {
    Gallery gallery;
    gallery.retire(identity(7, {1, 0}), {});
    const std::vector<float> nearest{1, 0.05F}, near{1, 0.1F}, other{0.001F, 0.999F}, same{0.9F, 0.1F};
    CHECK(recalled(gallery, {{nearest, other}, {near, same}}) == std::vector<ObjectId>{0, 7});
  }

  TEST_CASE("the gallery is bounded in number and in time") {
    Gallery gallery;
    const GalleryOptions options{.size = 4, .memory = 100};
    for (ObjectId id = 1; id <= 1000; ++id) {
      gallery.retire(identity(id, {1, 0}, id), options);
      CHECK(gallery.size() <= 4);
    }
    CHECK(gallery.contains(1000));
    CHECK_FALSE(gallery.contains(996));
    gallery.forget_older(1098, options);
    CHECK(gallery.size() == 3);
    Gallery none;
    none.retire(identity(1, {1}), {.size = 0});
    CHECK(none.size() == 0);
  }

  TEST_CASE("classes agree by how far their distributions cover each other") {
    const std::vector<float> a{1, 0}, b{0, 1}, even{0.5F, 0.5F};
    CHECK(class_agreement(a, a) == doctest::Approx(1));
    CHECK(class_agreement(a, b) == doctest::Approx(0));
    CHECK(class_agreement(a, even) == doctest::Approx(std::sqrt(0.5)));
    CHECK(class_agreement({}, a) == 1);
  }

  TEST_CASE("of two tracks on one object the younger goes after three frames, unless it is the user's") {
    const auto mask = box(10, 10, 20, 20), same = box(10, 10, 20, 19), away = box(30, 30, 40, 40);
    const auto dropped = [&](bool pinned, const std::vector<const CoarseMask*>& others) {
      Duplicates duplicates;
      std::vector<ObjectId> all;
      for (const auto* other : others)
        for (const auto id :
             duplicates.step(std::vector<Duplicates::Living>{{4, 1, false, &mask}, {2, 9, pinned, other}}, {}))
          all.push_back(id);
      return all;
    };
    CHECK(dropped(false, {&same, &same}).empty());
    CHECK(dropped(false, {&same, &same, &same}) == std::vector<ObjectId>{2});
    CHECK(dropped(true, {&same, &same, &same}) == std::vector<ObjectId>{4});
    CHECK(dropped(false, {&same, &same, &away, &same, &same}).empty());
  }

  TEST_CASE("cells shared by two masks are counted as one by one") {
    CounterRandom random{3};
    for (int round = 0; round < 200; ++round) {
      CoarseMask a, b;
      const auto rows = 1 + random.below(CoarseMask::side);
      for (std::int64_t y = 0; y < rows; ++y) {
        a.set_row(y, random.uniform() < 0.3 ? 0 : random.bits() & (round % 3 == 0 ? random.bits() : ~0ULL));
        b.set_row(y, round % 5 == 0 ? ~0ULL : random.bits() << random.below(40));
      }
      std::int64_t both = 0, either = 0;
      for (std::size_t y = 0; y < CoarseMask::side; ++y)
        for (int x = 0; x < 64; ++x) {
          const bool in_a = (a.rows[y] >> x & 1) != 0, in_b = (b.rows[y] >> x & 1) != 0;
          both += in_a && in_b, either += in_a || in_b;
        }
      CHECK(shared_cells(a, b) == both);
      CHECK(iou(a, b) == doctest::Approx(either > 0 ? static_cast<double>(both) / static_cast<double>(either) : 0));
    }
    CHECK(iou(CoarseMask{}, CoarseMask{}) == 0);
  }

  TEST_CASE("a mask keeps its place on the grid, and one of a few pixels does not vanish") {
    std::vector<float> logits(480 * 854, -1);
    for (int y = 100; y < 160; ++y)
      for (int x = 200; x < 320; ++x) logits[static_cast<std::size_t>(y * 854 + x)] = 1;
    const auto mask = coarse_mask(logits, 480, 854);
    // 854 / 64 pixels a cell, of which those covered by half count.
    CHECK(mask.top == 7);
    CHECK(mask.bottom == 12);
    CHECK(mask.left == 15);
    CHECK(mask.right == 24);
    std::fill(logits.begin(), logits.end(), -1.0F);
    logits[479 * 854 + 853] = 0.5F;
    const auto dot = coarse_mask(logits, 480, 854);
    CHECK(dot.area == 1);
    CHECK(dot.rows[479 * 64 / 854] == CoarseMask::Row{1} << 63);
    CHECK(coarse_mask(std::vector<float>(12, -1), 3, 4).empty());
    CHECK(coarse_mask(std::vector<float>(12, 1), 3, 4).area == 48 * 64);
    CHECK(coarse_mask({}, 0, 0).empty());
  }

  TEST_CASE("runs are the pixels inside, in reading order, however wide a row is") {
    CounterRandom random{9};
    for (std::int64_t width = 0; width < 140; ++width) {
      std::vector<float> logits(static_cast<std::size_t>(3 * width));
      for (auto& logit : logits)
        logit = random.uniform() < 0.1 ? std::nanf("") : static_cast<float>(random.below(5) - width % 4);
      std::vector<std::int64_t> expected, found;
      for (std::size_t i = 0; i < logits.size(); ++i)
        if (logits[i] > 0) expected.push_back(static_cast<std::int64_t>(i));
      for_each_run(logits, 3, width, [&](auto y, auto begin, auto end) {
        for (auto x = begin; x < end; ++x) found.push_back(y * width + x);
      });
      CHECK(found == expected);
    }
  }

  TEST_CASE("run by run, pixel by pixel, or by hand: a mask covers the same cells; a cleared count is as new") {
    CounterRandom random{10};
    for (const auto& [height, width] : {std::pair{1, 1}, {3, 5}, {30, 53}, {64, 64}, {65, 40}, {100, 170}}) {
      CellCounts runs(height, width);
      for (int round = 0; round < 5; ++round) {
        CellCounts pixels(height, width);
        runs.clear();
        std::vector<double> share(64 * 64);  // of each cell, in double precision
        const double cell = std::max(height, width) / 64.0;
        const auto y0 = random.below(height), x0 = random.below(width);
        const auto y1 = y0 + 1 + random.below(height - y0), x1 = x0 + 1 + random.below(width - x0);
        for (auto y = y0; y < y1; ++y) {
          runs.add(y, x0, x1);
          for (auto x = x0; x < x1; ++x) pixels.add(y, x);
        }
        double most = 0;
        const auto inside = [&](std::int64_t i, std::int64_t from, std::int64_t to) {
          return std::max(0.0, std::min((static_cast<double>(i) + 1) * cell, static_cast<double>(to)) -
                                   std::max(static_cast<double>(i) * cell, static_cast<double>(from)));
        };
        for (std::int64_t y = 0; y < 64; ++y)
          for (std::int64_t x = 0; x < 64; ++x)
            most = std::max(most, share[static_cast<std::size_t>(y * 64 + x)] = inside(y, y0, y1) * inside(x, x0, x1));
        const auto mask = runs.mask();
        CHECK(mask == pixels.mask());
        for (std::int64_t y = 0; y < 64; ++y)
          for (std::int64_t x = 0; x < 64; ++x) {
            const double covered = share[static_cast<std::size_t>(y * 64 + x)] / most;
            // Just a half may be rounded to either side here; the counts are whole numbers.
            if (std::abs(covered - 0.5) > 1e-9)
              CHECK((mask.rows[static_cast<std::size_t>(y)] >> x & 1) == (covered > 0.5));
          }
      }
      runs.clear();
      CHECK(runs.mask().empty());
    }
  }

  TEST_CASE("one rectangle at four strides is one place") {
    const auto rectangle = [](std::int64_t stride, double x0) {
      const auto height = 480 / stride, width = (854 + stride - 1) / stride;
      std::vector<float> logits(static_cast<std::size_t>(height * width), -1);
      // Inside where a pixel's middle is.
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < width; ++x) {
          const double row = (static_cast<double>(y) + 0.5) * static_cast<double>(stride),
                       column = (static_cast<double>(x) + 0.5) * static_cast<double>(stride);
          if (row >= 96 && row < 240 && column >= x0 && column < x0 + 144)
            logits[static_cast<std::size_t>(y * width + x)] = 1;
        }
      return coarse_mask(logits, height, width);
    };
    for (const double x0 : {0.0, 86.0, 427.0, 700.0})
      for (const std::int64_t stride : {4, 8, 16})
        // Half a pixel of stride 16 on each of 144 pixels' two sides and directions, and as much from the grid.
        CHECK(iou(rectangle(1, x0), rectangle(stride, x0)) > 0.78);
  }

  TEST_CASE("small things side by side in one cell are two things") {
    const auto at = [](std::int64_t x0, std::int64_t stray = -1) {
      std::vector<float> logits(1080 * 1920, -1);
      for (std::int64_t y = 602; y < 622; ++y)
        for (auto x = x0; x < x0 + 12; ++x) logits[static_cast<std::size_t>(y * 1920 + x)] = 1;
      if (stray >= 0) logits[static_cast<std::size_t>(stray * 1920)] = 1;
      return coarse_mask(logits, 1080, 1920);
    };
    CHECK(iou(at(902), at(916)) == 0);
    CHECK(iou(at(902), at(908)) == doctest::Approx(6.0 / 18));
    CHECK(iou(at(902), at(902)) == doctest::Approx(1));
    CHECK(iou(at(902), at(902, 10)) == doctest::Approx(1));  // one wrong pixel far away
    CHECK(at(902) != at(916));
  }
}
