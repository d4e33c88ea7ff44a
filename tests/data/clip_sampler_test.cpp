#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include <vos/data/balance.hpp>
#include <vos/data/clip_sampler.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

using Clip = std::vector<std::int64_t>;

std::vector<Clip> clips(const VideoFacts& video, const ClipOptions& options, std::uint64_t count = 300) {
  std::vector<Clip> all;
  for (std::uint64_t key = 0; key < count; ++key) {
    CounterRandom random{key};
    all.push_back(draw_clip(video, options, random));
  }
  return all;
}

/// Object 1 is in frames 0-29, object 2 in 20-49; nothing in 50-59.
VideoFacts two_objects() {
  return {.frames = 60, .seen = [](std::int64_t frame) {
            std::vector<VisibleObject> seen;
            if (frame < 30) seen.push_back({1, 150});
            if (frame >= 20 && frame < 50) seen.push_back({2, 150});
            return seen;
          }};
}

}  // namespace

TEST_SUITE("clip sampler") {
  TEST_CASE("consecutive frames, a step apart, from every start there is, forwards and backwards") {
    std::set<std::int64_t> starts;
    int backwards = 0;
    for (const auto& clip : clips({.frames = 20}, {.length = 4, .spacing = ClipSpacing::consecutive, .step = 2})) {
      REQUIRE(clip.size() == 4);
      const auto step = clip[1] - clip[0];
      CHECK((step == 2 || step == -2));
      for (std::size_t t = 2; t < 4; ++t) CHECK(clip[t] - clip[t - 1] == step);
      backwards += step < 0;
      starts.insert(std::min(clip.front(), clip.back()));
    }
    CHECK(starts.size() == 14);
    CHECK(backwards > 100);
    CHECK(backwards < 200);
  }

  TEST_CASE("a clip longer than its video plays to and fro") {
    const auto all = clips({.frames = 4}, {.length = 6, .spacing = ClipSpacing::consecutive, .reversed = 0}, 3);
    for (const auto& clip : all) CHECK(clip == Clip{0, 1, 2, 3, 2, 1});
    CHECK(clips({.frames = 1}, {.length = 3, .spacing = ClipSpacing::consecutive}, 1)[0] == Clip{0, 0, 0});
    CHECK(clips({.frames = 1}, {.length = 3, .spacing = ClipSpacing::neighbours}, 1)[0] == Clip{0, 0, 0});
    for (const auto& clip : clips({.frames = 3}, {.length = 5, .most_gap = 12}))
      for (const auto frame : clip) CHECK((frame >= 0 && frame < 3));
  }

  TEST_CASE("gaps lie between 1 and the largest, all of them") {
    std::set<std::int64_t> gaps;
    for (const auto& clip : clips({.frames = 1000}, {.most_gap = 5, .reversed = 0}))
      for (std::size_t t = 1; t < clip.size(); ++t)
        if (clip[t] > clip[t - 1]) gaps.insert(clip[t] - clip[t - 1]);
    CHECK(gaps == std::set<std::int64_t>{1, 2, 3, 4, 5});
  }

  TEST_CASE("neighbours stay in range, in order, may repeat unless told not to") {
    const ClipOptions options{.length = 5, .spacing = ClipSpacing::neighbours, .range = 3, .reversed = 0};
    bool repeats = false;
    for (const auto& clip : clips({.frames = 100}, options)) {
      CHECK(std::is_sorted(clip.begin(), clip.end()));
      CHECK(clip.back() - clip.front() <= 6);
      repeats |= std::adjacent_find(clip.begin(), clip.end()) != clip.end();
    }
    CHECK(repeats);
    auto distinct = options;
    distinct.distinct = true;
    for (const auto& clip : clips({.frames = 100}, distinct)) {
      const bool at_end = clip.front() < 3 || clip.back() > 96;  // where there are but 4 frames in range
      CHECK(std::set<std::int64_t>(clip.begin(), clip.end()).size() >= (at_end ? 4 : 5));
    }
    auto shuffled = options;
    shuffled.shuffled = true;
    const auto all = clips({.frames = 100}, shuffled);
    CHECK(std::any_of(all.begin(), all.end(),
                      [](const Clip& clip) { return !std::is_sorted(clip.begin(), clip.end()); }));
  }

  TEST_CASE("only frames of the range and with labels are taken") {
    VideoFacts video{.frames = 30, .labelled = std::vector<bool>(30)};
    for (std::size_t i = 0; i < 30; i += 5) video.labelled[i] = true;
    for (const auto& clip : clips(video, {.begin = 3, .end = 26}, 100))
      for (const auto frame : clip) CHECK((frame % 5 == 0 && frame >= 5 && frame <= 25));
    bool between = false;
    for (const auto& clip : clips(video, {.labelled_only = false}, 100))
      for (const auto frame : clip) between |= frame % 5 != 0;
    CHECK(between);
    CHECK_THROWS_WITH_AS(clips(video, {.begin = 26}, 1), doctest::Contains("no frame of this video"), Error);
  }

  TEST_CASE("the first frame shows what is asked for, as far as tries reach") {
    for (const auto& clip : clips(two_objects(), {.tries = 40})) CHECK(clip[0] < 50);
    for (const auto& clip : clips(two_objects(), {.tries = 60, .least_objects = 2}))
      CHECK((clip[0] >= 20 && clip[0] < 30));
    for (const auto& clip : clips(two_objects(), {.tries = 10, .least_area = 200}))
      CHECK((clip[0] >= 20 && clip[0] < 30));
    // More than there is: the last draw is taken, nothing hangs.
    CHECK(clips(two_objects(), {.least_objects = 5}, 3).size() == 3);
  }

  TEST_CASE("objects that come later are allowed, refused or wanted") {
    const auto newcomers = [](const ClipOptions& options) {
      std::size_t count = 0;
      const auto video = two_objects();
      for (const auto& clip : clips(video, options)) {
        std::set<std::int64_t> first, later;
        for (const auto& object : video.seen(clip[0])) first.insert(object.id);
        for (const auto frame : clip)
          for (const auto& object : video.seen(frame)) later.insert(object.id);
        count += later.size() > first.size();
      }
      return count;
    };
    const ClipOptions options{.most_gap = 6, .tries = 200};
    auto refused = options, wanted = options;
    refused.newcomers = Newcomers::refused;
    wanted.newcomers = Newcomers::wanted;
    CHECK(newcomers(refused) == 0);
    CHECK(newcomers(wanted) == 300);
    const auto allowed = newcomers(options);
    CHECK(allowed > 0);
    CHECK(allowed < 300);
  }

  TEST_CASE("a share of clips begins without any object") {
    int negative = 0;
    for (const auto& clip : clips(two_objects(), {.tries = 30, .negatives = 0.25}, 400)) negative += clip[0] >= 50;
    CHECK(negative > 70);  // 100 expected, deviation 8.7
    CHECK(negative < 130);
  }

  TEST_CASE("the most frequent objects: frames first, then pixels, then order") {
    const std::vector<std::vector<std::int64_t>> areas{{5, 0, 0}, {1, 1, 1}, {0, 0, 0},
                                                       {9, 9, 0}, {9, 9, 0}, {50, 50, 0}};
    CHECK(most_frequent(areas, 1) == std::vector<std::size_t>{1});
    CHECK(most_frequent(areas, 2) == std::vector<std::size_t>{1, 5});
    CHECK(most_frequent(areas, 3) == std::vector<std::size_t>{1, 3, 5});
    CHECK(most_frequent(areas, 9) == std::vector<std::size_t>{0, 1, 3, 4, 5});
  }

  TEST_CASE("repeat factors are LVIS's, and an epoch shows each video as often as they say") {
    // 10 videos: category 0 in all, 1 in one of them, unknown ones ask for nothing.
    std::vector<std::vector<std::int32_t>> categories(10, {0, 0, -1});
    categories[3] = {0, 1};
    const auto factors = repeat_factors(categories, 0.4);
    for (std::size_t i = 0; i < 10; ++i) CHECK(factors[i] == doctest::Approx(i == 3 ? std::sqrt(0.4 / 0.1) : 1));
    const WeightedEpoch epoch{factors, 11};
    std::map<std::int64_t, int> met;
    for (std::int64_t e = 0; e < 50; ++e)
      for (std::int64_t i = 0; i < 11; ++i) ++met[epoch(1, e, i)];
    CHECK(met[3] == 100);  // 2 of 11, every epoch
    for (std::int64_t i = 0; i < 10; ++i)
      if (i != 3) CHECK(met[i] == 50);
    const WeightedEpoch uneven{{1, 2.5}, 7};
    for (std::int64_t e = 0; e < 400; ++e) {
      int second = 0;
      for (std::int64_t i = 0; i < 7; ++i) second += uneven(1, e, i) == 1;
      CHECK(second == 5);
    }
  }

  TEST_CASE("an order is a permutation, and another one for another key") {
    auto order = shuffled_order(100, CounterRandom{1, 2});
    CHECK(order == shuffled_order(100, CounterRandom{1, 2}));
    CHECK(order != shuffled_order(100, CounterRandom{1, 3}));
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
    CHECK(shuffled_order(0, CounterRandom{1}).empty());
  }
}
