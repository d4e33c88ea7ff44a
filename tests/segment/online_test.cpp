#include <functional>
#include <vector>

#include <ATen/ATen.h>

#include <vos/core/random.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/segment/any.hpp>
#include <vos/segment/benchmark.hpp>
#include <vos/segment/online.hpp>
#include <vos/track/global_tracker.hpp>
#include <vos/track/slot_tracker.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// One thing that a made-up detector says.
struct Said {
  int look = 0;               ///< which embedding: things with the same look are one thing
  std::int64_t x = 0, y = 8;  ///< the upper left corner of a square of 16x16, pixels
  double sure = 0.9;          ///< probability of its class
  std::int64_t category = 1;
};

constexpr std::int64_t height = 32, width = 96, slots = 6, classes = 3;

/// Says what a script says of each frame: query by query. Where queries propagate the script's place is the slot.
struct ScriptedDetector {
  struct Memory {
    std::int64_t frames = 0;
    std::vector<std::int64_t> begun_anew = {};
  };
  using Script = std::function<std::vector<std::optional<Said>>(std::int64_t frame)>;

  Script script;
  std::int64_t stride = 4;
  PictureSize seen = {height, width};

  DetectedFrame operator()(const Frame& frame, Memory& memory) const {
    ++memory.frames;
    const auto rows = (seen.height + stride - 1) / stride, columns = (seen.width + stride - 1) / stride;
    FrameDetections d{.logits = at::zeros({1, slots, classes + 1}),
                      .masks = at::full({1, slots, rows, columns}, -8.0),
                      .embeddings = at::zeros({1, slots, 8})};
    d.logits.select(2, classes).fill_(8);  // nothing
    const auto said = script(frame.index);
    for (std::size_t i = 0; i < said.size(); ++i) {
      if (!said[i]) continue;
      const auto q = static_cast<std::int64_t>(i);
      d.logits[0][q] = at::full({classes + 1}, std::log((1 - said[i]->sure) / classes));
      d.logits[0][q][said[i]->category] = std::log(said[i]->sure);
      const auto y = said[i]->y / stride, x = said[i]->x / stride, side = 16 / stride;
      d.masks[0][q].slice(0, y, y + side).slice(1, x, x + side) = 8.0;
      d.embeddings[0][q][said[i]->look] = 1.0;
    }
    return {.detections = d, .seen = seen, .stride = stride, .frame = {frame.height(), frame.width()}};
  }
};

/// The same where queries propagate.
struct ScriptedSlots : ScriptedDetector {
  void begin_anew(Memory& memory, std::span<const std::int64_t> freed) const {
    memory.begun_anew.insert(memory.begun_anew.end(), freed.begin(), freed.end());
  }
};

static_assert(VideoDetector<ScriptedDetector>);
static_assert(CorrectableTracker<GlobalTracker> && CorrectableTracker<SlotTracker>);
static_assert(Segmenter<OnlineSegmenter<ScriptedDetector, GlobalTracker>>);
static_assert(Segmenter<OnlineSegmenter<ScriptedSlots, SlotTracker>>);
static_assert(Segmenter<BenchmarkSegmenter<ScriptedDetector, GlobalTracker>>);

using Script = ScriptedDetector::Script;

AnySegmenter online(Script script, GlobalTrackerOptions options = {}) {
  return AnySegmenter(
      OnlineSegmenter<ScriptedDetector, GlobalTracker>({std::move(script)}, GlobalTracker(std::move(options))));
}

AnySegmenter by_slots(Script script, TrackBookOptions options = {}) {
  return AnySegmenter(
      OnlineSegmenter<ScriptedSlots, SlotTracker>({{std::move(script)}}, SlotTracker(std::move(options))));
}

AnySegmenter online_of(Script script) { return online(std::move(script)); }
AnySegmenter slots_of(Script script) { return by_slots(std::move(script)); }

Frame frame_of(std::int64_t index, std::int64_t h = height, std::int64_t w = width) {
  return {index, 0.1 * static_cast<double>(index), at::zeros({h, w, 3}, at::kByte)};
}

FrameResult push(AnySegmenter& segmenter, std::int64_t index) { return segmenter.push(frame_of(index)); }

at::Tensor square(std::int64_t x, ObjectId id, std::int64_t y = 8, std::int64_t side = 16) {
  auto labels = at::zeros({height, width}, at::kInt);
  labels.slice(0, y, y + side).slice(1, x, x + side).fill_(id);
  return labels;
}

/// The object that owns the middle of the square at column x, 0 for none.
ObjectId at_column(const FrameResult& result, std::int64_t x, std::int64_t y = 8) {
  return result.labels[y + 8][x + 8].item<ObjectId>();
}

std::vector<ObjectId> ids_of(const FrameResult& result) {
  std::vector<ObjectId> ids;
  for (const auto& object : result.objects) ids.push_back(object.id);
  return ids;
}

using Ids = std::vector<ObjectId>;
using SaidList = std::vector<std::optional<Said>>;

/// Two squares that stand still, in queries that change places in every frame.
SaidList two(std::int64_t frame) {
  SaidList said{Said{.look = 0, .x = 8}, Said{.look = 1, .x = 56, .category = 2}};
  if (frame % 2 == 1) std::swap(said[0], said[1]);
  return said;
}

}  // namespace

TEST_SUITE("online") {
  TEST_CASE("objects are found without a prompt and keep their ids, whatever query they are in") {
    auto segmenter = online(two);
    for (std::int64_t t = 0; t < 5; ++t) {
      const auto result = push(segmenter, t);
      CHECK(ids_of(result) == Ids{1, 2});
      CHECK(result.index == t);
      const auto first = at_column(result, 8);
      CHECK(first != 0);
      CHECK(at_column(result, 56) == 3 - first);
      CHECK(result.find(first)->category == 1);
      CHECK(result.find(first)->score == doctest::Approx(0.9).epsilon(0.01));
      CHECK(result.find(first)->box == Box{8, 8, 24, 24});
      CHECK(result.labels.sum().item<int>() == 252 * 3);  // resizing takes each square's four corners
    }
  }

  TEST_CASE("what is born later is asked for twice, and what is lost is listed, comes back, or dies") {
    const auto script = [](std::int64_t t) -> SaidList {
      SaidList said{Said{.look = 0, .x = 8}};
      if (t == 3 || t == 4 || t == 8) said.push_back(Said{.look = 1, .x = 56});
      return said;
    };
    auto segmenter = online(script, {.book = {.life = {.patience = 6}, .gallery = {.size = 0}}});
    for (std::int64_t t = 0; t < 4; ++t) CHECK(ids_of(push(segmenter, t)) == Ids{1});
    CHECK(ids_of(push(segmenter, 4)) == Ids{1, 2});
    for (std::int64_t t = 5; t < 8; ++t) {
      const auto result = push(segmenter, t);
      CHECK(ids_of(result) == Ids{1, 2});
      CHECK(result.find(2)->state == ObjectState::lost);
      CHECK(at_column(result, 56) == 0);
    }
    CHECK(push(segmenter, 8).find(2)->state == ObjectState::visible);
    for (std::int64_t t = 9; t < 15; ++t) CHECK(push(segmenter, t).find(2) != nullptr);
    CHECK(push(segmenter, 15).find(2) == nullptr);
    CHECK(segmenter.objects() == std::set<ObjectId>{1});
  }

  TEST_CASE("a given mask is shown as it was given, names the object there, and the object goes on under that name") {
    for (const bool known_before : {false, true}) {
      CAPTURE(known_before);
      auto segmenter = online(two);
      std::int64_t t = 0;
      if (known_before)
        for (; t < 3; ++t) push(segmenter, t);
      segmenter.prompt(frame_of(t), square(58, 40, 9, 14));
      const auto result = push(segmenter, t);
      CHECK(at::equal(result.labels.eq(40).to(at::kInt) * 40, square(58, 40, 9, 14)));
      CHECK(result.find(40)->score == 1);
      CHECK(ids_of(result).size() == 2);  // the name that the tracker had given it is gone
      for (++t; t < 8; ++t) {
        const auto next = push(segmenter, t);
        CHECK(ids_of(next).size() == 2);
        CHECK(at_column(next, 56) == 40);
        CHECK(next.find(40)->category == 2);
        CHECK(next.find(40)->box == Box{56, 8, 72, 24});
      }
    }
  }

  TEST_CASE("a mask where nothing is found is kept for the first detection that lies there") {
    const auto script = [](std::int64_t t) -> SaidList {
      if (t < 3) return {};
      return {Said{.look = 2, .x = 36}};
    };
    auto segmenter = online(script);
    push(segmenter, 0);
    segmenter.prompt(frame_of(1), square(32, 5));
    CHECK(at::equal(push(segmenter, 1).labels, square(32, 5)));
    const auto lost = push(segmenter, 2);
    REQUIRE(lost.find(5) != nullptr);
    CHECK(lost.find(5)->state == ObjectState::lost);
    const auto found = push(segmenter, 3);
    CHECK(ids_of(found) == Ids{5});
    CHECK(at_column(found, 36) == 5);
  }

  TEST_CASE("a pinned object is listed for as long as the video lasts, an object that was found is not") {
    const auto script = [](std::int64_t t) { return t < 2 ? two(0) : SaidList{}; };
    auto segmenter = online(script, {.book = {.life = {.patience = 2}}});
    push(segmenter, 0);
    segmenter.prompt(frame_of(1), square(8, 9));
    push(segmenter, 1);
    for (std::int64_t t = 2; t < 20; ++t) {
      const auto result = push(segmenter, t);
      REQUIRE(result.find(9) != nullptr);
      CHECK(result.find(9)->state == ObjectState::lost);
      CHECK(result.objects.size() == (t < 4 ? 2 : 1));
    }
  }

  TEST_CASE("two objects that were confused are put right by a mask of one of them, in the last frame or the next") {
    // Nothing but their places tells them apart, and they jump to each other's.
    const auto script = [](std::int64_t t) -> SaidList {
      return {Said{.look = 0, .x = t < 3 ? 8 : 56}, Said{.look = 0, .x = t < 3 ? 56 : 8}};
    };
    for (const bool last : {true, false}) {
      CAPTURE(last);
      auto segmenter = online(script);
      for (std::int64_t t = 0; t < 5; ++t) push(segmenter, t);
      const auto left = at_column(push(segmenter, 5), 8);
      segmenter.prompt(frame_of(last ? 5 : 6), square(56, left));
      for (std::int64_t t = 6; t < 9; ++t) {
        const auto result = push(segmenter, t);
        CHECK(at_column(result, 56) == left);
        CHECK(ids_of(result) == Ids{1, 2});
        if (t > 6) CHECK(at_column(result, 8) == 3 - left);
      }
    }
  }

  TEST_CASE("an object that came back under another name is given its old one") {
    const auto script = [](std::int64_t t) -> SaidList {
      if (t < 3) return {Said{.look = 0, .x = 8}};
      if (t < 6) return {};
      return {Said{.look = 5, .x = 56}};  // looks otherwise now
    };
    auto segmenter = online(script);
    for (std::int64_t t = 0; t < 8; ++t) push(segmenter, t);
    CHECK(at_column(push(segmenter, 8), 56) == 2);
    segmenter.prompt(frame_of(8), square(56, 1));
    for (std::int64_t t = 9; t < 12; ++t) {
      const auto result = push(segmenter, t);
      CHECK(ids_of(result) == Ids{1});
      CHECK(at_column(result, 56) == 1);
    }
  }

  TEST_CASE("a removed object is not found again under another name, until it is prompted") {
    auto segmenter = online(two);
    push(segmenter, 0);
    const auto gone = at_column(push(segmenter, 1), 8);
    segmenter.remove(gone);
    for (std::int64_t t = 2; t < 6; ++t) {
      const auto result = push(segmenter, t);
      CHECK(ids_of(result) == Ids{3 - gone});
      CHECK(at_column(result, 8) == 0);
    }
    CHECK_THROWS_AS(segmenter.remove(gone), Error);
    segmenter.prompt(frame_of(6), square(8, gone));
    for (std::int64_t t = 6; t < 9; ++t) CHECK(at_column(push(segmenter, t), 8) == gone);
  }

  TEST_CASE("a pinned object that is removed does not come back, and what was given for the next frame is withdrawn") {
    auto segmenter = online(two);
    segmenter.prompt(frame_of(0), square(8, 30) + square(56, 31));
    push(segmenter, 0);
    segmenter.remove(30);
    CHECK(ids_of(push(segmenter, 1)) == Ids{31});
    segmenter.prompt(frame_of(2), square(8, 30));
    segmenter.remove(30);
    CHECK(ids_of(push(segmenter, 2)) == Ids{31});
  }

  TEST_CASE("a newborn does not get the id that the caller is giving in the same frame") {
    const Script script = [](std::int64_t) { return SaidList{Said{.look = 0, .x = 56}}; };
    for (auto segmenter : {&online_of, &slots_of}) {
      auto found = segmenter(script);
      found.prompt(frame_of(0), square(8, 1));
      for (std::int64_t t = 0; t < 3; ++t) {
        const auto result = push(found, t);
        CHECK(at_column(result, 56) == 2);
        REQUIRE(result.find(1) != nullptr);
        CHECK(result.find(1)->state == (t == 0 ? ObjectState::visible : ObjectState::lost));
      }
    }
  }

  TEST_CASE("an object put right where nothing is detected does not go back to what was seen in its place") {
    const Script script = [](std::int64_t) { return SaidList{Said{.look = 0, .x = 56}}; };
    for (const bool last : {true, false})
      for (auto segmenter : {&online_of, &slots_of}) {
        auto corrected = segmenter(script);
        std::int64_t t = 0;
        for (; t < 3; ++t) CHECK(at_column(push(corrected, t), 56) == 1);
        corrected.prompt(frame_of(last ? 2 : 3), square(8, 1));
        ObjectId there = 0;
        for (; t < 8; ++t) {
          const auto result = push(corrected, t);
          there = at_column(result, 56);
          CHECK(there != 1);
          REQUIRE(result.find(1) != nullptr);
          CHECK(result.find(1)->state == (!last && t == 3 ? ObjectState::visible : ObjectState::lost));
        }
        CHECK(there == 2);
      }
  }

  TEST_CASE("an object that was never detected leaves its place to the next real one when it is removed") {
    const Script script = [](std::int64_t t) { return t < 3 ? SaidList{} : SaidList{Said{.look = 2, .x = 36}}; };
    for (auto segmenter : {&online_of, &slots_of}) {
      auto removing = segmenter(script);
      push(removing, 0);
      removing.prompt(frame_of(1), square(32, 5));
      push(removing, 1);
      push(removing, 2);
      removing.remove(5);
      for (std::int64_t t = 3; t < 6; ++t) push(removing, t);
      const auto found = push(removing, 6);
      CHECK(at_column(found, 36) == 1);
      CHECK(ids_of(found) == Ids{1});
    }
  }

  TEST_CASE("what was removed stays hidden when a mask says that it was another object") {
    const Script script = [](std::int64_t) { return SaidList{Said{.look = 0, .x = 8}, Said{.look = 1, .x = 56}}; };
    for (auto segmenter : {&online_of, &slots_of}) {
      auto removing = segmenter(script);
      push(removing, 0);
      const auto gone = at_column(push(removing, 1), 8);
      removing.remove(gone);
      push(removing, 2);
      removing.prompt(frame_of(3), square(56, gone));
      for (std::int64_t t = 3; t < 7; ++t) {
        const auto result = push(removing, t);
        CHECK(at_column(result, 56) == gone);
        CHECK(at_column(result, 8) == 0);
        CHECK(ids_of(result) == Ids{gone});
      }
    }
  }

  TEST_CASE("a snapshot undoes prompts and removals, as often as one likes") {
    auto segmenter = online(two);
    push(segmenter, 0);
    push(segmenter, 1);
    const auto before = segmenter.snapshot();
    const auto expected = push(segmenter, 2);
    for (int round = 0; round < 2; ++round) {
      segmenter.restore(before);
      segmenter.remove(1);
      segmenter.prompt(frame_of(2), square(8, 12));
      CHECK(push(segmenter, 2).find(12) != nullptr);
    }
    segmenter.restore(before);
    const auto again = push(segmenter, 2);
    CHECK((again.objects == expected.objects));
    CHECK(at::equal(again.labels, expected.labels));
  }

  TEST_CASE("of two objects that claim a pixel the surer one has it, and a confidence below one half hides nothing") {
    const auto script = [](std::int64_t t) -> SaidList {
      const double fading = t == 0 ? 0.9 : 0.4;  // keeps its life above .3
      return {Said{.look = 0, .x = 8, .sure = fading}, Said{.look = 1, .x = 16, .sure = 0.8}};
    };
    auto segmenter = online(script);
    const auto first = push(segmenter, 0);
    const auto left = at_column(first, 0), right = at_column(first, 20);
    CHECK(left != right);
    CHECK(at_column(first, 10) == left);
    const auto second = push(segmenter, 1);
    CHECK(at_column(second, 10) == right);
    CHECK(at_column(second, 4, 8) == left);
    CHECK(second.find(left)->score == doctest::Approx(0.4).epsilon(0.01));
  }

  TEST_CASE("masks are enlarged as bilinear resizing does it, at any size of frame and picture") {
    CounterRandom random{7, 0};
    for (int round = 0; round < 20; ++round) {
      DetectedFrame seen;
      seen.frame = {1 + random.below(70), 1 + random.below(70)};
      seen.seen = {1 + random.below(70), 1 + random.below(70)};
      seen.stride = 1 + random.below(8);
      CAPTURE(round);
      CAPTURE(seen.stride);
      const auto rows = (seen.seen.height + seen.stride - 1) / seen.stride,
                 columns = (seen.seen.width + seen.stride - 1) / seen.stride;
      if (seen.frame.height == rows || seen.frame.width == columns) continue;  // LibTorch copies such an axis as it is
      seen.detections.masks = at::randn({1, 3, rows, columns}, at::detail::createCPUGenerator(round));
      const auto labels = exclusive_labels(seen, std::vector<Track>{{.id = 4, .query = 1, .score = 1}});
      const auto expected =
          at::upsample_bilinear2d(seen.detections.masks.to(at::kDouble), {seen.frame.height, seen.frame.width}, false,
                                  seen.rows_per_cell(), seen.columns_per_cell())[0][1];
      // Rounding may decide otherwise only where the logit is all but 0.
      const auto wrong = labels.eq(4).ne(expected.gt(0)).logical_and(expected.abs().gt(1e-5));
      CHECK(wrong.sum().item<int>() == 0);
      CHECK(labels.eq(4).eq(expected.gt(0)).any().item<bool>());
    }
  }

  TEST_CASE("a picture that no mask fits exactly is answered at the frame's own size") {
    // Masks of stride 4 over a seen picture of 30x45 reach 2 and 3 pixels beyond it; the frame is twice as large.
    OnlineSegmenter<ScriptedDetector, GlobalTracker> segmenter(
        {.script = [](std::int64_t) { return SaidList{Said{.look = 0, .x = 8}}; }, .seen = {30, 45}});
    const FrameResult result = segmenter.push(frame_of(0, 60, 90));
    CHECK(result.labels.sizes() == at::IntArrayRef{60, 90});
    CHECK(result.find(1)->box == Box{16, 16, 48, 48});
    segmenter.prompt(frame_of(0, 60, 90), result.labels * 7);
    const FrameResult next = segmenter.push(frame_of(1, 60, 90));
    CHECK(ids_of(next) == Ids{7});
    CHECK(at::equal(next.labels, result.labels * 7));
  }
}

TEST_SUITE("online, slots") {
  const Script still = [](std::int64_t) {
    return SaidList{Said{.look = 0, .x = 8}, std::nullopt, Said{.look = 1, .x = 56}};
  };

  TEST_CASE("where queries propagate the slot is the object, and a mask names the slot that sees it") {
    auto segmenter = by_slots(still);
    push(segmenter, 0);
    segmenter.prompt(frame_of(1), square(54, 20));
    for (std::int64_t t = 1; t < 5; ++t) {
      const auto result = push(segmenter, t);
      CHECK(ids_of(result) == Ids{1, 20});
      if (t > 1) CHECK(at_column(result, 56) == 20);
    }
  }

  TEST_CASE("an object that no slot sees takes a silent one, and is found when that one speaks") {
    const Script script = [](std::int64_t t) {
      auto said = SaidList{Said{.look = 0, .x = 8}};
      if (t >= 4) said.insert(said.end(), slots - 1, Said{.look = 1, .x = 56, .sure = 0.9});
      return said;
    };
    auto segmenter = by_slots(script);
    push(segmenter, 0);
    segmenter.prompt(frame_of(1), square(56, 20));
    CHECK(at_column(push(segmenter, 1), 56) == 20);
    CHECK(push(segmenter, 2).find(20)->state == ObjectState::lost);
    push(segmenter, 3);
    CHECK(at_column(push(segmenter, 4), 56) == 20);
  }

  struct Watched : ScriptedSlots {
    std::shared_ptr<std::vector<std::int64_t>> told = std::make_shared<std::vector<std::int64_t>>();
    void begin_anew(Memory&, std::span<const std::int64_t> freed) const {
      told->insert(told->end(), freed.begin(), freed.end());
    }
  };

  /// All slots see something, side by side; slot 3 is the least sure.
  SaidList crowd() {
    SaidList said;
    for (int i = 0; i < slots; ++i) said.push_back(Said{.look = i, .x = 16 * i, .sure = i == 3 ? 0.7 : 0.9});
    return said;
  }

  TEST_CASE("a slot taken from another object begins anew, and that object is lost, not forgotten") {
    Watched detector{{{[](std::int64_t) { return crowd(); }}}};
    const auto told = detector.told;
    AnySegmenter segmenter(OnlineSegmenter<Watched, SlotTracker>(detector, SlotTracker()));
    push(segmenter, 0);
    const auto holder = at_column(push(segmenter, 1), 48);
    CHECK(told->empty());
    segmenter.prompt(frame_of(2), square(40, 99, 0, 8));
    const auto result = push(segmenter, 2);
    CHECK(*told == std::vector<std::int64_t>{3});
    CHECK(result.objects.size() == slots + 1);
    REQUIRE(result.find(holder) != nullptr);
    CHECK(result.find(holder)->state == ObjectState::lost);
    CHECK(result.find(99)->state == ObjectState::visible);
  }

  TEST_CASE("a new object does not take the slot of one that is named beside it") {
    const Script script = [](std::int64_t t) {
      auto said = crowd();
      if (t == 2 || t == 3) said[5].reset();
      return said;
    };
    auto segmenter = by_slots(script);
    push(segmenter, 0);
    segmenter.prompt(frame_of(1), square(0, 30));  // called 1 until now
    const auto last = at_column(push(segmenter, 1), 80);
    push(segmenter, 2);
    segmenter.prompt(frame_of(3), square(0, 1, 0, 6) + square(80, last, 26, 6));
    push(segmenter, 3);
    CHECK(at_column(push(segmenter, 4), 80) == last);
  }

  TEST_CASE("slots of the dead begin anew, and all slots pinned is said") {
    Watched detector{{{[](std::int64_t t) { return t < 2 ? SaidList{std::nullopt, Said{.x = 8}} : SaidList{}; }}}};
    const auto told = detector.told;
    AnySegmenter segmenter(
        OnlineSegmenter<Watched, SlotTracker>(detector, SlotTracker(TrackBookOptions{.life = {.patience = 2}})));
    std::int64_t t = 0;
    for (; t < 8; ++t) push(segmenter, t);
    CHECK(*told == std::vector<std::int64_t>{1});

    auto labels = at::zeros({height, width}, at::kInt);
    for (ObjectId id = 1; id <= slots; ++id) labels.slice(1, 10 * id, 10 * id + 4).fill_(100 + id);
    segmenter.prompt(frame_of(t), labels);
    CHECK(push(segmenter, t++).objects.size() == slots);
    segmenter.prompt(frame_of(t), square(0, 99, 0, 4));
    CHECK_THROWS_WITH_AS(push(segmenter, t), doctest::Contains("one more than the model can follow"), Error);
    segmenter.remove(103);
    const auto result = push(segmenter, t);
    CHECK(result.find(99)->state == ObjectState::visible);
    CHECK(result.objects.size() == slots);
  }
}

TEST_SUITE("benchmark") {
  TEST_CASE("results come at the end, ranked by class probability times mask quality, a class at a time") {
    const Script script = [](std::int64_t t) {
      return SaidList{Said{.look = 0, .x = 8, .sure = t == 1 ? 0.8 : 0.6}, Said{.look = 1, .x = 56, .sure = 0.7}};
    };
    AnySegmenter segmenter(BenchmarkSegmenter<ScriptedSlots, SlotTracker>({{script}}, SlotTracker{}, {.top = 3}));
    CHECK(segmenter.latency().frames == Latency::whole_video);
    for (std::int64_t t = 0; t < 3; ++t) CHECK(segmenter.push(frame_of(t)).empty());
    const auto results = segmenter.finish();
    REQUIRE(results.size() == 3);
    // Logits of 8 within the squares; bilinear resizing leaves .5 < p < 1 along their edges.
    auto mask = at::full({1, 1, 8, 24}, -8.0);
    mask.slice(2, 2, 6).slice(3, 2, 6) = 8.0;
    const auto p = at::upsample_bilinear2d(mask, {height, width}, false).sigmoid();
    const double quality = (p * p.gt(.5)).sum().item<double>() / (p.gt(.5).sum().item<double>() + 1e-6);
    const double expected[] = {0.8, 0.7, 0.2 / 3};
    for (const auto& result : results) {
      REQUIRE(result.objects.size() == 3);
      CHECK(result.masks.sizes() == at::IntArrayRef{3, height, width});
      for (std::size_t i = 0; i < 2; ++i) {
        CHECK(result.objects[i].score == doctest::Approx(expected[i] * quality).epsilon(1e-5));
        CHECK(result.objects[i].category == 1);
      }
      CHECK(result.objects[2].category != 1);
      CHECK(result.masks[0].sum().item<int>() == p.gt(.5).sum().item<int>());
      CHECK(at_column(result, 8) == 1);
      CHECK(at_column(result, 56) == 2);
    }
  }

  TEST_CASE("where frames are detected by themselves the tracker's identities are ranked, absent where it lost them") {
    const Script script = [](std::int64_t t) {
      auto said = two(t);
      if (t == 2) said = {Said{.look = 0, .x = 8}};
      return said;
    };
    AnySegmenter segmenter(BenchmarkSegmenter<ScriptedDetector, GlobalTracker>({script}, GlobalTracker{}, {.top = 2}));
    for (std::int64_t t = 0; t < 4; ++t) segmenter.push(frame_of(t));
    const auto results = segmenter.finish();
    REQUIRE(results.size() == 4);
    for (std::size_t t = 0; t < 4; ++t) {
      const auto& result = results[t];
      REQUIRE(result.objects.size() == 2);
      const auto& first = result.objects[0].category == 1 ? result.objects[0] : result.objects[1];
      const auto& second = result.objects[0].category == 1 ? result.objects[1] : result.objects[0];
      CHECK(second.category == 2);
      CHECK(first.box == Box{8, 8, 24, 24});
      CHECK((second.state == ObjectState::visible) == (t != 2));
    }
  }

  TEST_CASE("a video without frames, and prompts, are dealt with") {
    AnySegmenter segmenter(BenchmarkSegmenter<ScriptedDetector, GlobalTracker>({two}));
    CHECK(segmenter.finish().empty());
    segmenter.reset();
    CHECK_THROWS_WITH_AS(segmenter.prompt(frame_of(0), square(8, 1)), doctest::Contains("mode=stream"), Error);
    using Benchmark = BenchmarkSegmenter<ScriptedDetector, GlobalTracker>;
    CHECK_THROWS_WITH_AS(Benchmark({two}).remove(1), doctest::Contains("remove() in mode=benchmark"), Error);
    segmenter.push(frame_of(0));
    const auto before = segmenter.snapshot();
    segmenter.push(frame_of(1));
    segmenter.restore(before);
    CHECK(segmenter.finish().size() == 1);
    segmenter.reset();
    AnySegmenter blind(BenchmarkSegmenter<ScriptedDetector, GlobalTracker>({[](std::int64_t) { return SaidList{}; }}));
    blind.push(frame_of(0));
    const FrameResult result = blind.finish();
    CHECK(result.objects.empty());
    CHECK(result.labels.sum().item<int>() == 0);
  }
}
