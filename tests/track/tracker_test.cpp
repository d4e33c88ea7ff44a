#include <vector>

#include <ATen/ATen.h>

#include <vos/track/global_tracker.hpp>
#include <vos/track/slot_tracker.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// Squares of 20x20 in a picture of 60x80: one a query, at column `x`, with the embedding of its `look`; a negative one is
/// nothing.
FrameDetections squares(const std::vector<std::pair<int, int>>& look_and_x, double sure = 3) {
  const auto queries = static_cast<std::int64_t>(look_and_x.size());
  FrameDetections d{.logits = at::zeros({1, queries, 3}),
                    .masks = at::full({1, queries, 60, 80}, -8.0),
                    .embeddings = at::zeros({1, queries, 4})};
  for (std::int64_t q = 0; q < queries; ++q) {
    const auto [look, x] = look_and_x[static_cast<std::size_t>(q)];
    d.logits[0][q][look < 0 ? 2 : 1] = sure + 2;
    if (look < 0) continue;
    d.masks[0][q].slice(0, 20, 40).slice(1, x, x + 20) = 8.0;
    d.embeddings[0][q][look] = 2.0;
  }
  return d;
}

Tracks steps(auto& tracker, const FrameDetections& detections, int times) {
  Tracks tracks;
  for (int i = 0; i < times; ++i) tracks = tracker.step(detections);
  return tracks;
}

}  // namespace

static_assert(Tracker<GlobalTracker>);
static_assert(Tracker<SlotTracker>);
static_assert(!Tracker<SightingTracker>, "it knows no tensors");

TEST_SUITE("track") {
  TEST_CASE("a detection is read as class, confidence, embedding and cells") {
    auto d = squares({{0, 10}, {-1, 0}, {2, 50}});
    d.masks[0][2] = d.masks[0][2].clamp(-1, 1);
    const auto seen = observe(d);
    REQUIRE(seen.size() == 3);
    const auto p = at::softmax(d.logits[0][0], 0)[1].item<float>();
    CHECK(seen[0].classes.size() == 2);
    CHECK(seen[0].classes[1] == doctest::Approx(p));
    // The sigmoid comes from a table: off by at most .008.
    CHECK(seen[0].score == doctest::Approx(p).epsilon(0.008));
    CHECK(seen[2].score == doctest::Approx(p * 0.7311).epsilon(0.008));
    CHECK(seen[1].score == 0);
    CHECK(seen[1].mask.empty());
    CHECK(seen[2].embedding == std::vector<float>{0, 0, 2, 0});
    CHECK(seen[0].mask.box() == Box{8, 16, 24, 32});  // cells of 1.25x1.25 pixels
    CHECK(seen[0].mask.area == 256);
    CHECK(observe(d, 0.8).size() == 1);
  }

  TEST_CASE("types, layouts and missing parts do not matter; misshapen ones are refused") {
    auto d = squares({{0, 10}, {1, 50}});
    const auto expected = observe(d);
    d.masks = d.masks.to(at::kHalf).transpose(2, 3).contiguous().transpose(2, 3);
    d.logits = d.logits.to(at::kDouble);
    const auto seen = observe(d);
    REQUIRE(seen.size() == 2);
    CHECK(seen[1].mask == expected[1].mask);
    CHECK(seen[1].score == doctest::Approx(expected[1].score));
    d.embeddings.reset();
    d.masks.reset();
    CHECK(observe(d)[0].embedding.empty());
    CHECK(observe(d)[0].mask.empty());
    CHECK(observe({.logits = at::zeros({1, 0, 3})}).empty());
    CHECK_THROWS_AS(observe({.logits = at::zeros({2, 4, 3})}), Error);
    CHECK_THROWS_AS(observe({.logits = at::zeros({1, 4, 1})}), Error);
    CHECK_THROWS_AS(observe({.logits = at::zeros({1, 4, 3}), .masks = at::zeros({1, 3, 8, 8})}), Error);
    CHECK_THROWS_AS(observe({.logits = at::zeros({1, 4, 3}), .embeddings = at::zeros({1, 4})}), Error);
  }

  TEST_CASE("what is not a number spoils nothing") {
    GlobalTracker tracker;
    const auto sound = squares({{0, 10}, {1, 50}});
    steps(tracker, sound, 2);
    auto broken = squares({{0, 10}, {1, 50}});
    broken.embeddings[0][0].fill_(std::nan(""));
    broken.logits[0][1].fill_(std::nan(""));
    const auto tracks = tracker.step(broken);
    CHECK(tracks[0].query == 0);  // by its mask
    CHECK(tracks[1].query == -1);
    CHECK(tracker.step(sound)[1].query == 1);
  }

  TEST_CASE("the global tracker follows objects through the detector's queries") {
    GlobalTracker tracker;
    const auto first = tracker.step(squares({{0, 10}, {-1, 0}, {1, 50}}));
    REQUIRE(first.size() == 2);
    CHECK(first[0].category == 1);
    const auto second = tracker.step(squares({{1, 48}, {0, 12}, {-1, 0}}));
    REQUIRE(second.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(second[i].id == first[i].id);
      CHECK(second[i].query == (first[i].query == 0 ? 1 : 0));
    }
    auto without = squares({{-1, 0}, {0, 14}, {1, 46}});
    without.embeddings.reset();
    const auto third = tracker.step(without);
    CHECK(third[0].query == (first[0].query == 0 ? 1 : 2));
    tracker.reset();
    CHECK(tracker.step(squares({{3, 30}}))[0].id == 1);
  }

  TEST_CASE("where queries propagate, the slot is the object, whatever it looks like") {
    SlotTracker tracker;
    steps(tracker, squares({{0, 10}, {-1, 0}, {1, 50}}), 2);
    const auto tracks = tracker.step(squares({{1, 50}, {-1, 0}, {0, 10}}));
    REQUIRE(tracks.size() == 2);
    CHECK(tracks[0].query == (tracks[0].id == 1 ? 0 : 2));
  }

  TEST_CASE("a slot whose object died is free, and its object may return in another slot") {
    SlotTracker tracker;
    const auto id = steps(tracker, squares({{0, 10}, {-1, 0}}), 2)[0].id;
    const auto nothing = squares({{-1, 0}, {-1, 0}});
    for (int t = 0; t < 30; ++t) {
      CHECK(tracker.step(nothing).size() == 1);
      CHECK(tracker.freed().empty());
    }
    CHECK(tracker.step(nothing).empty());
    CHECK(tracker.freed() == std::vector<std::int64_t>{0});
    const auto again = steps(tracker, squares({{-1, 0}, {0, 40}}), 2);
    REQUIRE(again.size() == 1);
    CHECK(again[0].id == id);
    CHECK(again[0].query == 1);
    CHECK(tracker.freed().empty());
  }

  TEST_CASE("a removed object's slot is free, and what it still sees is no new object") {
    SlotTracker tracker;
    const auto frame = squares({{0, 10}, {1, 50}});
    steps(tracker, frame, 2);
    CHECK(tracker.remove(2));
    CHECK(tracker.step(frame).size() == 1);
    CHECK(tracker.freed() == std::vector<std::int64_t>{1});
    const auto again = steps(tracker, frame, 2);  // the model has begun it anew, and it sees something
    REQUIRE(again.size() == 2);
    CHECK(again[1].id == 3);
    CHECK(tracker.freed().empty());
  }

  TEST_CASE("where queries propagate, an object without a slot is refused") {
    SlotTracker tracker;
    const auto frame = squares({{0, 10}});
    steps(tracker, frame, 2);
    auto given = observe(frame)[0];
    given.query = -1;
    CHECK_THROWS_WITH_AS(tracker.adopt(9, given), doctest::Contains("slot"), Error);
    CHECK(tracker.step(frame)[0].id == 1);
  }

  TEST_CASE("what is hardly seen does not change the memory of a track that is not yet born") {
    auto junk = squares({{2, 50}});
    junk.logits[0][0] = at::tensor({-9.0F, -9.0F, 9.0F});
    SlotTracker tracker;
    tracker.step(squares({{-1, 0}}));
    tracker.step(squares({{0, 10}}));
    const auto before = tracker.book().entries().at(0);
    tracker.step(junk);
    const auto look = tracker.book().entries().at(0).look.memory();
    CHECK(std::equal(look.begin(), look.end(), before.look.memory().begin()));
    CHECK(tracker.book().entries().at(0).mask == before.mask);
    // The same told in sightings, which nobody has sifted.
    SlotTracker told;
    for (const auto& each : {squares({{-1, 0}}), squares({{0, 10}}), junk}) told.step(observe(each));
    CHECK(told.book().entries().at(0).mask == before.mask);
  }

  TEST_CASE("a logit that overflowed fp16 is as sure as can be") {
    auto d = squares({{0, 10}});
    d.logits = d.logits.to(at::kHalf);
    d.logits[0][0][1] = INFINITY;
    const auto seen = observe(d, 0.1);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].classes == std::vector<float>{0, 1});
  }

  TEST_CASE("a slot can be pinned under the user's id") {
    SlotTracker tracker;
    const auto frame = squares({{0, 10}, {1, 50}});
    steps(tracker, frame, 2);
    tracker.adopt(9, observe(frame)[1]);
    const auto tracks = tracker.step(frame);
    REQUIRE(tracks.size() == 2 + 1);  // the one who had the slot is lost
    CHECK(tracks.back().id == 9);
    CHECK(tracks.back().query == 1);
  }
}
