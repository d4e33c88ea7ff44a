#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <vos/core/random.hpp>
#include <vos/match/clip_slots.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

using Slots = std::vector<std::int64_t>;

/// A clip by its tables: cost[t] is [Q,G] as it is written down, `visible` one line a frame.
struct Clip {
  std::int64_t queries, objects;
  std::vector<std::vector<double>> cost;
  std::vector<std::vector<int>> visible = {};  // [T][G]; empty: everything everywhere
  std::vector<double> area = {};
  bool mean = true;

  std::int64_t frames() const { return static_cast<std::int64_t>(cost.size()); }
  bool seen(std::int64_t g, std::int64_t t) const {
    return visible.empty() || visible[static_cast<std::size_t>(t)][static_cast<std::size_t>(g)] != 0;
  }
  double at(std::int64_t t, std::int64_t q, std::int64_t g) const {
    return cost[static_cast<std::size_t>(t)][static_cast<std::size_t>(q * objects + g)];
  }
  double weight(std::int64_t g, std::int64_t t) const {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < frames(); ++i) count += seen(g, i);
    return !seen(g, t) ? 0 : mean ? 1.0 / static_cast<double>(count) : 1;
  }

  ClipFacts facts(AssignRule rule) const {
    ClipFacts clip{.objects = objects, .frames = frames(), .queries = queries};
    for (std::int64_t t = 0; t < (rule == AssignRule::per_frame ? frames() : 1); ++t)
      for (std::int64_t g = 0; g < objects; ++g)
        for (std::int64_t q = 0; q < queries; ++q) {
          double sum = 0;
          if (rule == AssignRule::per_frame) sum = at(t, q, g);
          if (rule == AssignRule::global)
            for (std::int64_t i = 0; i < frames(); ++i) sum += weight(g, i) * at(i, q, g);
          if (rule == AssignRule::first_appearance)
            for (std::int64_t i = frames(); i-- > 0;)
              if (seen(g, i)) sum = at(i, q, g);
          clip.cost.push_back(sum);
        }
    for (std::int64_t g = 0; g < objects; ++g)
      for (std::int64_t t = 0; t < frames(); ++t) clip.visible.push_back(seen(g, t));
    clip.area = area.empty() ? std::vector<double>(static_cast<std::size_t>(objects), 1) : area;
    return clip;
  }
  ClipSlots assign(AssignRule rule) const { return assign_clip(rule, facts(rule)); }

  /// What an assignment costs over the clip.
  double total(const ClipSlots& slots) const {
    double sum = 0;
    for (std::int64_t g = 0; g < objects; ++g)
      for (std::int64_t t = 0; t < frames(); ++t)
        if (seen(g, t)) sum += weight(g, t) * at(t, slots.slot(g, t), g);
    return sum;
  }
};

constexpr auto rules = {AssignRule::global, AssignRule::first_appearance, AssignRule::per_frame};

/// Two objects in two frames; who is right at first is wrong over the clip.
Clip two_frames() { return {.queries = 2, .objects = 2, .cost = {{.1, .5, .5, .2}, {.9, .1, .2, .8}}, .mean = false}; }

/// Object a in three frames, b in the last two.
Clip late_entry() {
  return {.queries = 3,
          .objects = 2,
          .cost = {{.2, 7, .6, 7, .9, 7}, {.3, .1, .2, .4, .9, .5}, {.9, .2, .1, .8, .9, .4}},
          .visible = {{1, 0}, {1, 1}, {1, 1}}};
}

Clip random_clip(CounterRandom& random, std::int64_t most_queries) {
  const auto queries = 1 + random.below(most_queries), objects = 1 + random.below(queries),
             frames = 2 + random.below(4);
  Clip clip{.queries = queries, .objects = objects, .cost = {}};
  for (std::int64_t t = 0; t < frames; ++t) {
    clip.cost.emplace_back();
    for (std::int64_t i = 0; i < queries * objects; ++i) clip.cost.back().push_back(random.uniform());
    clip.visible.emplace_back();
    for (std::int64_t g = 0; g < objects; ++g) clip.visible.back().push_back(random.uniform() < 0.7 || t == 0);
  }
  return clip;
}

/// The smallest total of any slots that objects keep and do not share, by trying all.
double best_total(const Clip& clip) {
  Slots order(static_cast<std::size_t>(clip.queries));
  std::iota(order.begin(), order.end(), 0);
  double best = 1e9;
  do {
    double sum = 0;
    for (std::int64_t g = 0; g < clip.objects; ++g)
      for (std::int64_t t = 0; t < clip.frames(); ++t)
        sum += clip.weight(g, t) * (clip.seen(g, t) ? clip.at(t, order[static_cast<std::size_t>(g)], g) : 0);
    best = std::min(best, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

std::size_t slots_used(const ClipSlots& slots, std::int64_t object) {
  std::set<std::int64_t> used;
  for (std::int64_t t = 0; t < slots.frames; ++t)
    if (slots.slot(object, t) >= 0) used.insert(slots.slot(object, t));
  return used.size();
}

}  // namespace

TEST_SUITE("clip slots") {
  TEST_CASE("two frames: the first frame alone misleads, the whole clip does not") {
    const auto clip = two_frames();
    const auto first = clip.assign(AssignRule::first_appearance), global = clip.assign(AssignRule::global);
    CHECK(first.of_object == Slots{0, 1});
    CHECK(clip.total(first) == doctest::Approx(2.0));
    CHECK(global.of_object == Slots{1, 0});
    CHECK(clip.total(global) == doctest::Approx(1.3));
    const auto single = clip.assign(AssignRule::per_frame);  // cheapest, and each object changes its slot
    CHECK(clip.total(single) == doctest::Approx(0.6));
    CHECK(single.in_frame == Slots{0, 1, 1, 0});
    CHECK(single.of_object == Slots{-1, -1});
  }

  TEST_CASE("three frames, as the pages draw them: the first appearance pays 3.7, the whole clip 1.6, each frame .9") {
    const Clip clip{
        .queries = 2, .objects = 2, .cost = {{.1, .5, .5, .2}, {.9, .1, .2, .8}, {.8, .2, .1, .9}}, .mean = false};
    CHECK(clip.total(clip.assign(AssignRule::first_appearance)) == doctest::Approx(3.7));
    CHECK(clip.total(clip.assign(AssignRule::global)) == doctest::Approx(1.6));
    CHECK(clip.total(clip.assign(AssignRule::per_frame)) == doctest::Approx(0.9));
  }

  TEST_CASE("a late object gets the slot that the clip would give it") {
    const auto clip = late_entry();
    const auto first = clip.assign(AssignRule::first_appearance), global = clip.assign(AssignRule::global);
    CHECK(global.of_object == Slots{1, 0});
    CHECK(clip.total(global) == doctest::Approx(0.45));
    CHECK(first.of_object == Slots{0, 1});
    CHECK(clip.total(first) == doctest::Approx(1.066667).epsilon(1e-6));
    CHECK(global.in_frame == Slots{1, 1, 1, -1, 0, 0});  // b has no slot before it is there
  }

  TEST_CASE("an object that is away keeps its slot: a newcomer may not take it") {
    // a in frames 1 and 4, b in 2 to 4; b would rather have a's slot 0 when it enters.
    const Clip clip{.queries = 2,
                    .objects = 2,
                    .cost = {{.1, 9, .8, 9}, {9, .1, 9, .6}, {9, .1, 9, .6}, {.1, .9, .8, .2}},
                    .visible = {{1, 0}, {0, 1}, {0, 1}, {1, 1}}};
    CHECK(clip.assign(AssignRule::first_appearance).of_object == Slots{0, 1});
    auto global = clip.assign(AssignRule::global).of_object;
    std::sort(global.begin(), global.end());
    CHECK(global == Slots{0, 1});
  }

  TEST_CASE("no objects, no queries, one query") {
    for (const auto rule : rules) {
      CHECK(Clip{.queries = 3, .objects = 0, .cost = {{}, {}}}.assign(rule).in_frame.empty());
      CHECK(Clip{.queries = 0, .objects = 2, .cost = {{}}}.assign(rule).in_frame == Slots{-1, -1});
      CHECK(Clip{.queries = 1, .objects = 1, .cost = {{.5}, {.5}}}.assign(rule).in_frame == Slots{0, 0});
    }
  }

  TEST_CASE("more objects than queries: the largest get one") {
    const Clip clip{.queries = 2, .objects = 3, .cost = {{.1, .2, .3, .4, .5, .1}}, .area = {50, 10, 20}};
    for (const auto rule : rules) {
      const auto slots = clip.assign(rule);
      CHECK(slots.slot(0, 0) == 0);
      CHECK(slots.slot(1, 0) == -1);
      CHECK(slots.slot(2, 0) == 1);
    }
  }

  TEST_CASE("by frames an object is left out where there are too many in a frame, not in the clip") {
    const Clip in_turn{.queries = 1, .objects = 2, .cost = {{.1, .2}, {.3, .4}}, .visible = {{1, 0}, {0, 1}}};
    CHECK(in_turn.assign(AssignRule::per_frame).in_frame == Slots{0, -1, -1, 0});
    CHECK(in_turn.assign(AssignRule::global).in_frame == Slots{0, -1, -1, -1});  // one slot is one object's
    const Clip crowded{
        .queries = 1, .objects = 2, .cost = {{.1, .2}, {.3, .4}}, .visible = {{1, 1}, {1, 0}}, .area = {10, 20}};
    CHECK(crowded.assign(AssignRule::per_frame).in_frame == Slots{-1, 0, 0, -1});
  }

  TEST_CASE("an object that is visible nowhere gets none and takes none") {
    const Clip clip{
        .queries = 1, .objects = 2, .cost = {{.1, .9}, {.1, .9}}, .visible = {{0, 1}, {0, 1}}, .area = {99, 1}};
    for (const auto rule : rules) CHECK(clip.assign(rule).in_frame == Slots{-1, -1, 0, 0});
  }

  TEST_CASE("ties go to the lowest slot, in the order of objects") {
    const Clip all_equal{.queries = 4, .objects = 1, .cost = {{.5, .5, .5, .5}}};
    const Clip twins{.queries = 4, .objects = 2, .cost = {{.9, .9, .3, .3, .8, .8, .1, .1}}};  // equal columns
    const Clip copies{.queries = 3, .objects = 2, .cost = {{.9, .4, .1, .2, .1, .2}}};         // equal rows
    for (const auto rule : rules) {
      CHECK(all_equal.assign(rule).in_frame == Slots{0});
      CHECK(twins.assign(rule).in_frame == Slots{1, 3});
      CHECK(copies.assign(rule).in_frame == Slots{1, 2});
    }
  }

  TEST_CASE("one frame, and the same frame again, give what matching one image gives") {
    CounterRandom random{7};
    for (int i = 0; i < 50; ++i) {
      auto clip = random_clip(random, 6);
      clip.cost.resize(1), clip.visible.clear();
      const auto image = clip.assign(AssignRule::global).of_object;
      auto repeated = clip;
      repeated.cost = {clip.cost[0], clip.cost[0], clip.cost[0], clip.cost[0]};
      for (const auto rule : rules) {
        CHECK(clip.assign(rule).in_frame == image);
        const auto slots = repeated.assign(rule);
        for (std::int64_t g = 0; g < clip.objects; ++g)
          for (std::int64_t t = 0; t < 4; ++t) CHECK(slots.slot(g, t) == image[static_cast<std::size_t>(g)]);
      }
    }
  }

  TEST_CASE("renumbered queries renumber the slots, reordered objects reorder them") {
    CounterRandom random{8};
    for (int i = 0; i < 50; ++i) {
      const auto clip = random_clip(random, 6);
      Slots place(static_cast<std::size_t>(clip.queries));
      std::iota(place.begin(), place.end(), 0);
      for (std::int64_t q = clip.queries; q-- > 1;)
        std::swap(place[static_cast<std::size_t>(q)], place[static_cast<std::size_t>(random.below(q + 1))]);
      auto turned = clip;  // query q moves to place[q], objects are read backwards
      for (std::int64_t t = 0; t < clip.frames(); ++t)
        for (std::int64_t g = 0; g < clip.objects; ++g) {
          const auto from = clip.objects - 1 - g;
          turned.visible[static_cast<std::size_t>(t)][static_cast<std::size_t>(g)] = clip.seen(from, t);
          for (std::int64_t q = 0; q < clip.queries; ++q)
            turned.cost[static_cast<std::size_t>(t)]
                       [static_cast<std::size_t>(place[static_cast<std::size_t>(q)] * clip.objects + g)] =
                clip.at(t, q, from);
        }
      for (const auto rule : rules) {
        const auto before = clip.assign(rule), after = turned.assign(rule);
        for (std::int64_t g = 0; g < clip.objects; ++g)
          for (std::int64_t t = 0; t < clip.frames(); ++t) {
            const auto slot = before.slot(clip.objects - 1 - g, t);
            CHECK(after.slot(g, t) == (slot < 0 ? -1 : place[static_cast<std::size_t>(slot)]));
          }
      }
    }
  }

  TEST_CASE("on 200 random clips nothing that keeps its slots is cheaper than the global assignment") {
    CounterRandom random{9};
    struct Figures {
      double total = 0, slots = 0;
    };
    Figures sums[3];
    double objects = 0;
    for (int i = 0; i < 200; ++i) {
      auto clip = random_clip(random, 6);
      clip.mean = i % 2 == 0;
      const double best = best_total(clip);
      double totals[3];
      for (const auto rule : rules) {
        const auto slots = clip.assign(rule);
        const auto place = static_cast<std::size_t>(rule);
        totals[place] = clip.total(slots);
        sums[place].total += totals[place];
        for (std::int64_t g = 0; g < clip.objects; ++g) sums[place].slots += static_cast<double>(slots_used(slots, g));
        for (std::int64_t t = 0; t < clip.frames(); ++t) {  // nobody shares a slot
          std::set<std::int64_t> used;
          for (std::int64_t g = 0; g < clip.objects; ++g) {
            CHECK((slots.slot(g, t) >= 0) == clip.seen(g, t));
            if (slots.slot(g, t) >= 0) CHECK(used.insert(slots.slot(g, t)).second);
          }
        }
      }
      objects += static_cast<double>(clip.objects);
      CHECK(totals[0] == doctest::Approx(best).epsilon(1e-12));  // sums of the same numbers in another order
      CHECK(totals[0] <= totals[1] + 1e-12);
      if (!clip.mean) CHECK(totals[2] <= totals[0] + 1e-12);  // a frame by itself knows no weights
    }
    const auto place = [](AssignRule rule) { return static_cast<std::size_t>(rule); };
    CHECK(sums[place(AssignRule::global)].slots == objects);
    CHECK(sums[place(AssignRule::first_appearance)].slots == objects);
    CHECK(sums[place(AssignRule::per_frame)].slots > 1.5 * objects);
    // Every other clip weighs frames by `mean`, the others by `sum`. The generator is the same everywhere.
    const auto near = [&](AssignRule rule, double cost, double slots) {
      CHECK(std::abs(sums[place(rule)].total / 200 - cost) < 0.005);  // as it is written in the docs
      CHECK(std::abs(sums[place(rule)].slots / objects - slots) < 0.005);
    };
    near(AssignRule::global, 1.54, 1);
    near(AssignRule::first_appearance, 1.78, 1);
    near(AssignRule::per_frame, 1.09, 2);
    std::string figures;
    for (const auto& [name, rule] : {std::pair{"global", AssignRule::global},
                                     {"first_appearance", AssignRule::first_appearance},
                                     {"per_frame", AssignRule::per_frame}})
      figures += std::string{"\n  "} + name + ": cost of a clip " + std::to_string(sums[place(rule)].total / 200) +
                 ", slots of an object " + std::to_string(sums[place(rule)].slots / objects);
    MESSAGE(figures);
  }
}
