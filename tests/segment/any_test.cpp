#include <stdexcept>

#include <ATen/ATen.h>

#include <vos/model/hold/hold.hpp>
#include <vos/models.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// The smallest offline Segmenter: it counts, and delivers everything at the end. Its push fails when told to.
struct LateSegmenter {
  struct State {
    std::vector<Frame> frames;
    bool dirty = false;
  };
  void prompt(const Frame&, const at::Tensor&) {}
  void remove(ObjectId) {}
  Results push(const Frame& frame, const Work&) {
    state.dirty = true;
    if (frame.index == 13) throw std::runtime_error("unlucky");
    state.frames.push_back(frame);
    state.dirty = false;
    return {};
  }
  Results finish(const Work&) {
    Results all;
    for (const auto& frame : state.frames)
      all.add({.index = frame.index,
               .seconds = frame.seconds,
               .labels = at::zeros({frame.height(), frame.width()}, at::kInt)});
    state.frames.clear();
    return all;
  }
  void reset() { state = {}; }
  State snapshot() const { return state; }
  void restore(const State& s) { state = s; }
  Latency latency() const { return {Latency::whole_video}; }
  State state;
};
static_assert(Segmenter<LateSegmenter>);

struct ForgetsToFinish {
  using State = int;
  void prompt(const Frame&, const at::Tensor&) {}
  void remove(ObjectId) {}
  Results push(const Frame&, const Work&) { return {}; }
  void reset() {}
  State snapshot() const { return 0; }
  void restore(const State&) {}
  Latency latency() const { return {}; }
};
static_assert(!Segmenter<ForgetsToFinish>, "results still owed would be lost");

Frame frame_of(std::int64_t index, std::int64_t height = 4, std::int64_t width = 6) {
  return {index, static_cast<double>(index), at::full({height, width, 3}, index % 256, at::kByte)};
}

}  // namespace

TEST_SUITE("segment") {
  TEST_CASE("a model that fails in the middle of a push is put back as it was") {
    AnySegmenter segmenter{LateSegmenter{}};
    segmenter.push(frame_of(12));
    CHECK_THROWS_AS(segmenter.push(frame_of(13)), std::runtime_error);
    segmenter.push(frame_of(14));
    const auto results = segmenter.finish();
    REQUIRE(results.size() == 2);
    CHECK(results[0].index == 12);
    CHECK(results[1].index == 14);
  }

  TEST_CASE("frames of an offline model come back at their own sizes") {
    AnySegmenter segmenter{LateSegmenter{}};
    segmenter.push(frame_of(0, 4, 6));
    segmenter.push(frame_of(1, 9, 2));
    const auto results = segmenter.finish();
    REQUIRE(results.size() == 2);
    CHECK(results[0].width() == 6);
    CHECK(results[1].height() == 9);
    CHECK(results[1].width() == 2);
  }

  TEST_CASE("reading a late delivery as a single result says what to do") {
    AnySegmenter segmenter{LateSegmenter{}};
    CHECK_THROWS_WITH_AS(static_cast<void>(FrameResult(segmenter.push(frame_of(0)))),
                         doctest::Contains("loop over the results"), Error);
  }

  TEST_CASE("a snapshot of another kind of model is refused") {
    AnySegmenter late{LateSegmenter{}}, hold{HoldSegmenter{}, "hold"};
    CHECK_THROWS_WITH_AS(hold.restore(late.snapshot()), doctest::Contains("another model"), Error);
  }

  TEST_CASE("a correction replaces the object's mask and leaves the others'") {
    AnySegmenter hold{HoldSegmenter{}};
    auto two = at::zeros({4, 6}, at::kInt);
    two.slice(1, 0, 2).fill_(1);
    two.slice(1, 4, 6).fill_(2);
    hold.prompt(frame_of(0), two);
    hold.push(frame_of(0));
    auto one = at::zeros({4, 6}, at::kInt);
    one.slice(1, 1, 5).fill_(1);
    hold.prompt(frame_of(1), one);
    const FrameResult result = hold.push(frame_of(1));
    CHECK(result.labels.eq(1).sum().item<int>() == 16);
    CHECK(result.labels.eq(2).sum().item<int>() == 4);
    CHECK(result.find(1)->box == Box{1, 0, 5, 4});
  }

  TEST_CASE("labels of any whole number type are understood") {
    for (const auto type : {at::kByte, at::kShort, at::kLong, at::kBool}) {
      AnySegmenter hold{HoldSegmenter{}};
      hold.prompt(frame_of(0), at::ones({4, 6}, type));
      const FrameResult result = hold.push(frame_of(0));
      CHECK(result.find(1) != nullptr);
    }
  }

  TEST_CASE("an error names the frame, both sizes and the way out") {
    AnySegmenter hold{HoldSegmenter{}};
    try {
      hold.prompt(frame_of(3), at::ones({4, 5}, at::kInt));
      FAIL("not refused");
    } catch (const Error& error) {
      CHECK(error.parts().exit_code == exit_code::sizes_differ);
      CHECK(std::string{error.what()} ==
            "the labels are 5x4, the frame is 6x4\n  where: prompt() at frame 3\n"
            "  mend:  give labels of the frame's size; they are never resized silently");
    }
  }

  TEST_CASE("a snapshot of the same model with other options is refused") {
    auto one = make_segmenter({.model = "hold", .options = {{"score", "0.1"}}}),
         same = make_segmenter({.model = "hold", .options = {{"score", "0.1"}}});
    auto other = make_segmenter({.model = "hold"});
    same.restore(one.snapshot());
    CHECK_THROWS_AS(other.restore(one.snapshot()), Error);
  }

  TEST_CASE("an object smaller than a pixel of the working size is prompted all the same") {
    AnySegmenter hold{HoldSegmenter{}};
    hold.push(frame_of(0));
    auto labels = at::zeros({40, 60}, at::kInt);
    labels[17][33] = 8;
    hold.prompt(frame_of(1, 40, 60), labels);
    const FrameResult result = hold.push(frame_of(1, 40, 60));
    REQUIRE(result.find(8) != nullptr);
    CHECK(result.find(8)->state == ObjectState::visible);
  }

  TEST_CASE("an unknown model and an unknown option suggest the nearest") {
    CHECK_THROWS_WITH_AS(static_cast<void>(make_segmenter({.model = "holt"})),
                         doctest::Contains("did you mean 'hold'?"), Error);
    CHECK_THROWS_WITH_AS(static_cast<void>(make_segmenter({.model = "hold", .options = {{"scor", "1"}}})),
                         doctest::Contains("did you mean 'score'?"), Error);
    CHECK_THROWS_WITH_AS(static_cast<void>(make_segmenter({.model = "hold", .weights = "a.pth"})),
                         doctest::Contains("no weights to load"), Error);
    CHECK_THROWS_AS(static_cast<void>(make_segmenter({.model = "hold", .compute = {.device = "cdua"}})), Error);
  }

  TEST_CASE("every model of the registry can be made from its listed name and options") {
    REQUIRE(!list_models().empty());
    for (const auto& info : list_models()) {
      CAPTURE(info.name);
      CHECK(!info.summary.empty());
      if (info.needs_weights) continue;
      SegmenterSpec spec{.model = info.name};
      for (const auto& option : info.options) {
        CHECK(!option.meaning.empty());
        spec.options[option.key] = option.value;
      }
      CHECK(make_segmenter(spec).name() == info.name);
    }
  }
}
