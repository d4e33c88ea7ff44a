#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <vos/core/options.hpp>
#include <vos/core/random.hpp>
#include <vos/track/sighting_tracker.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

CoarseMask box(std::int64_t y0, std::int64_t x0, std::int64_t size = 6) {
  CoarseMask mask;
  for (auto y = y0; y < std::min(y0 + size, CoarseMask::side); ++y)
    mask.set_row(y, ((CoarseMask::Row{1} << size) - 1) << x0);
  return mask;
}

/// An object that looks like the axis `look` of eight, at a place of its own.
Sighting sighting(std::int64_t query, std::size_t look, std::int64_t y, std::int64_t x, float score = 0.9F) {
  Sighting s{
      .query = query, .score = score, .classes = {0.9F, 0.1F}, .embedding = std::vector<float>(8), .mask = box(y, x)};
  s.embedding[look] = 1;
  return s;
}

using Seen = std::vector<Sighting>;

/// The id that a query got; 0 where it got none.
ObjectId id_of(const Tracks& tracks, std::int64_t query) {
  for (const auto& track : tracks)
    if (track.query == query) return track.id;
  return 0;
}

/// A long random video: objects that come, go, move and are missed, with false detections.
Seen random_frame(std::uint64_t seed, std::int64_t t) {
  Seen frame;
  CounterRandom random{seed, static_cast<std::uint64_t>(t)};
  for (std::size_t look = 0; look < 8; ++look) {
    const auto period = 40 + 31 * static_cast<std::int64_t>(look);
    if ((t / period + static_cast<std::int64_t>(look)) % 3 == 0 || random.uniform() < 0.1) continue;
    const auto phase = 0.05 * static_cast<double>(t) + static_cast<double>(look);
    auto s = sighting(0, look, static_cast<std::int64_t>(28 + 26 * std::sin(phase)),
                      static_cast<std::int64_t>(28 + 26 * std::cos(0.7 * phase)),
                      static_cast<float>(random.uniform(0.2, 1)));
    for (auto& value : s.embedding) value += static_cast<float>(random.uniform(-0.3, 0.3));
    frame.push_back(std::move(s));
  }
  while (random.uniform() < 0.3) {
    auto s = sighting(0, 0, random.below(56), random.below(56), static_cast<float>(random.uniform(0.3, 0.9)));
    for (auto& value : s.embedding) value = static_cast<float>(random.uniform(-1, 1));
    frame.push_back(std::move(s));
  }
  for (std::size_t q = 0; q < frame.size(); ++q) frame[q].query = static_cast<std::int64_t>(q);
  return frame;
}

}  // namespace

TEST_SUITE("track") {
  TEST_CASE("an object keeps its id though its query changes") {
    SightingTracker tracker;
    const auto first = tracker.step(Seen{sighting(3, 0, 10, 10), sighting(7, 1, 40, 40)});
    REQUIRE(first.size() == 2);
    CHECK(first[0].category == 0);
    const auto second = tracker.step(Seen{sighting(0, 1, 41, 40), sighting(1, 0, 10, 11)});
    CHECK(id_of(second, 1) == id_of(first, 3));
    CHECK(id_of(second, 0) == id_of(first, 7));
  }

  TEST_CASE("objects that cross keep their ids by their looks; twins keep them by their places") {
    for (const bool twins : {false, true}) {
      SightingTracker tracker;
      ObjectId left = 0, right = 0;
      for (std::int64_t t = 0; t < 40; ++t) {
        const auto y =
            twins ? 25 : 20;  // twins pass each other in lanes that overlap a little, others go through each other
        const auto tracks =
            tracker.step(Seen{sighting(t % 2, 0, 20, 5 + t), sighting(1 - t % 2, twins ? 0 : 1, y, 45 - t)});
        if (t == 0) left = id_of(tracks, 0), right = id_of(tracks, 1);
        CAPTURE(t);
        CHECK(id_of(tracks, t % 2) == left);
        CHECK(id_of(tracks, 1 - t % 2) == right);
      }
      CHECK(left != right);
    }
  }

  TEST_CASE("two embeddings exchanged in one frame do not exchange the ids") {
    SightingTracker tracker;
    Tracks tracks;
    for (int t = 0; t < 20; ++t) {
      const bool swapped = t == 10;
      tracks = tracker.step(Seen{sighting(0, swapped ? 1 : 0, 10, 10), sighting(1, swapped ? 0 : 1, 40, 40)});
      if (!swapped) {
        CHECK(id_of(tracks, 0) == 1);
        CHECK(id_of(tracks, 1) == 2);
      }
    }
    CHECK(tracks.size() == 2);
  }

  TEST_CASE("an object that is hidden for a while is lost, and found again under its id") {
    SightingTracker tracker;
    tracker.step(Seen{sighting(0, 0, 10, 10)});
    for (int t = 0; t < 30; ++t) {
      const auto tracks = tracker.step(Seen{});
      REQUIRE(tracks.size() == 1);
      CHECK(tracks[0] == Track{.id = 1, .query = -1, .score = 0, .category = 0});
    }
    CHECK(id_of(tracker.step(Seen{sighting(0, 0, 40, 50)}), 0) == 1);
  }

  TEST_CASE("an object that dies and returns is recalled from the gallery; without one it is a new object") {
    for (const std::int64_t size : {256, 0}) {
      SightingTracker tracker{{.book = {.gallery = {.size = size}}}};
      tracker.step(Seen{sighting(0, 0, 10, 10)});
      for (int t = 0; t < 60; ++t) tracker.step(Seen{});
      CHECK(tracker.book().entries().empty());
      tracker.step(Seen{sighting(0, 0, 40, 50)});
      const auto tracks = tracker.step(Seen{sighting(0, 0, 40, 50)});
      CHECK(id_of(tracks, 0) == (size > 0 ? 1 : 2));
    }
  }

  TEST_CASE("when all tracks have died, tracking goes on with the next id") {
    SightingTracker tracker{{.book = {.gallery = {.size = 0}}}};
    for (ObjectId id = 1; id <= 3; ++id) {
      for (int t = 0; t < 3; ++t)
        CHECK(id_of(tracker.step(Seen{sighting(0, 2, 10, 10)}), 0) == (t > 0 || id == 1 ? id : 0));
      for (int t = 0; t < 40; ++t) tracker.step(Seen{});
      CHECK(tracker.book().entries().empty());
    }
  }

  TEST_CASE("a false detection that stays for one frame becomes no object") {
    SightingTracker tracker;
    tracker.step(Seen{sighting(0, 0, 10, 10)});
    for (int t = 0; t < 20; ++t) {
      Seen frame{sighting(0, 0, 10, 10)};
      if (t % 4 == 0) frame.push_back(sighting(1, 1 + static_cast<std::size_t>(t) / 4, 40, 5 * t % 50));
      CHECK(tracker.step(frame).size() == 1);
    }
  }

  TEST_CASE("the second detection of one object does not become a second object") {
    SightingTracker tracker;
    for (int t = 0; t < 10; ++t)
      CHECK(tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 10, 11, 0.8F)}).size() == 1);
  }

  TEST_CASE("a track that moves onto another one is dropped, the older stays") {
    SightingTracker tracker;
    std::size_t count = 0;
    for (int t = 0; t < 30; ++t)
      count = tracker.step(Seen{sighting(0, 0, 10, 30), sighting(1, 0, 10, std::min(t + 5, 30))}).size();
    CHECK(count == 1);
    CHECK(tracker.book().find(1) != nullptr);
    CHECK(tracker.book().gallery().contains(2));  // not for ever: it may have been an object
  }

  TEST_CASE("an object that passes in front of another is not its duplicate") {
    SightingTracker tracker;
    Tracks tracks;
    for (int t = 0; t < 30; ++t)
      tracks = tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 10, t < 10 || t > 15 ? 30 : 10)});
    REQUIRE(tracks.size() == 2);
    CHECK(tracks[1] == Track{.id = 2, .query = 1, .score = 0.9F, .category = 0});
  }

  TEST_CASE("of two on one object the one that was first born stays, also when it has been away since") {
    Tracks tracks;
    // All look alike enough here, though the gallery tells them apart.
    SightingTracker alike{{.book = {.duplicates = {.cosine = -1}}}};
    for (int t = 0; t < 3; ++t) alike.step(Seen{sighting(0, 0, 10, 10)});
    for (int t = 0; t < 40; ++t) alike.step(Seen{sighting(0, 1, 40, 40)});
    for (int t = 0; t < 3; ++t) alike.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 40, 40)});
    for (int t = 0; t < 6; ++t) tracks = alike.step(Seen{sighting(0, 0, 40, 40), sighting(1, 1, 40, 40)});
    REQUIRE(tracks.size() == 1);
    CHECK(tracks[0].id == 1);
  }

  TEST_CASE("without embeddings, masks alone tell who is who, and a place that hardly overlaps is nobody's") {
    SightingTracker tracker;
    const auto masks = [](std::int64_t query, std::int64_t y, std::int64_t x) {
      return Sighting{.query = query, .score = 0.9F, .mask = box(y, x)};
    };
    for (std::int64_t t = 0; t < 20; ++t) {
      const auto tracks = tracker.step(Seen{masks(t % 2, 10, 5 + 2 * t), masks(1 - t % 2, 40, 48 - 2 * t)});
      REQUIRE(tracks.size() == 2);
      CHECK(id_of(tracks, t % 2) == 1);
      CHECK(id_of(tracks, 1 - t % 2) == 2);
      CHECK(tracks[0].category == -1);
    }
    const auto away = tracker.step(Seen{masks(0, 10, 5), masks(1, 45, 10)});  // one jumped, one overlaps by a sixth
    CHECK(id_of(away, 0) == 0);
    CHECK(id_of(away, 1) == 0);
  }

  TEST_CASE("the order of a frame's detections does not matter") {
    for (const char* similarity : {"cosine", "bisoftmax"}) {
      SightingTracker plain{{.similarity = similarity}}, shuffled{{.similarity = similarity}};
      for (std::int64_t t = 0; t < 400; ++t) {
        auto frame = random_frame(5, t);
        const auto expected = plain.step(frame);
        CounterRandom random{9, static_cast<std::uint64_t>(t)};
        for (std::size_t i = frame.size(); i > 1; --i)
          std::swap(frame[i - 1], frame[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
        REQUIRE(shuffled.step(frame) == expected);
      }
    }
  }

  TEST_CASE("an id is never given twice, ids rise, and no query appears twice") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      SightingTracker tracker{{.book = {.gallery = {.size = 0}}}};
      std::set<ObjectId> gone;
      std::map<ObjectId, bool> living;
      ObjectId newest = 0;
      for (std::int64_t t = 0; t < 500; ++t) {
        const auto tracks = tracker.step(random_frame(seed, t));
        std::set<std::int64_t> queries;
        for (auto& [id, alive] : living) alive = false;
        for (std::size_t i = 0; i < tracks.size(); ++i) {
          CHECK((i == 0 || tracks[i - 1].id < tracks[i].id));
          CHECK_FALSE(gone.contains(tracks[i].id));
          if (tracks[i].query >= 0) CHECK(queries.insert(tracks[i].query).second);
          if (!living.contains(tracks[i].id)) CHECK(tracks[i].id > newest);
          living[tracks[i].id] = true;
        }
        for (const auto& [id, alive] : living) newest = std::max(newest, id);
        std::erase_if(living, [&](const auto& each) { return !each.second && gone.insert(each.first).second; });
      }
      CHECK(newest > 8);  // objects did come and go
    }
  }

  TEST_CASE("the same frames give the same tracks, also from a copy and after a reset") {
    SightingTracker tracker;
    std::vector<Tracks> first;
    for (std::int64_t t = 0; t < 200; ++t) first.push_back(tracker.step(random_frame(2, t)));
    tracker.reset();
    for (std::int64_t t = 0; t < 100; ++t)
      CHECK(tracker.step(random_frame(2, t)) == first[static_cast<std::size_t>(t)]);
    auto snapshot = tracker;
    for (std::int64_t t = 0; t < 50; ++t) tracker.step(random_frame(77, t));
    for (std::int64_t t = 100; t < 200; ++t)
      CHECK(snapshot.step(random_frame(2, t)) == first[static_cast<std::size_t>(t)]);
  }

  TEST_CASE("what is kept does not grow in 20,000 frames") {
    SightingTracker tracker{{.book = {.gallery = {.size = 16}}}};
    std::size_t most = 0, most_early = 0;
    for (std::int64_t t = 0; t < 20000; ++t) {
      tracker.step(random_frame(4, t));
      most = std::max(most, tracker.book().entries().size());
      if (t < 2000) most_early = most;
      REQUIRE(tracker.book().gallery().size() <= 16);
    }
    // The largest of ten times as many draws may be a little larger; a list that grows would be ten times as long.
    CHECK(most <= 2 * most_early);
  }

  TEST_CASE("the user's object takes the id that the user gives, stays for ever, and its id is nobody else's") {
    SightingTracker tracker;
    tracker.step(Seen{sighting(0, 0, 10, 10)});
    tracker.adopt(2, sighting(-1, 1, 40, 40));
    for (int t = 0; t < 100; ++t) tracker.step(Seen{sighting(0, 0, 10, 10)});
    REQUIRE(tracker.book().find(2) != nullptr);
    CHECK(id_of(tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 20, 20)}), 1) == 2);
    Tracks tracks;
    for (int t = 0; t < 3; ++t) tracks = tracker.step(Seen{sighting(0, 0, 10, 10), sighting(5, 3, 50, 10)});
    CHECK(id_of(tracks, 5) == 3);
  }

  TEST_CASE("the user's mask takes a detection from the track that had it, unless that is the user's too") {
    for (const bool look : {false, true}) {
      SightingTracker tracker;
      for (int t = 0; t < 5; ++t) tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 40, 40)});
      auto given = sighting(-1, 0, 10, 10);
      if (!look) given.embedding.clear();
      tracker.adopt(9, given);
      for (int t = 0; t < 5; ++t) {
        const auto tracks = tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 40, 40)});
        CHECK(id_of(tracks, 0) == 9);
        CHECK(id_of(tracks, 1) == 2);
        CHECK(tracker.book().find(1)->life.state() == LifeCycle::State::lost);
      }
      tracker.adopt(9, sighting(-1, 1, 40, 40));
      tracker.adopt(8, sighting(-1, 1, 41, 40));
      CHECK(tracker.book().find(9)->life.state() == LifeCycle::State::alive);
    }
  }

  TEST_CASE("what the user does not say about an object stays known") {
    SightingTracker tracker;
    const auto seen = sighting(0, 0, 10, 10);
    tracker.step(Seen{seen});
    tracker.adopt(1, {.query = 0, .score = 1});
    const auto* entry = tracker.book().find(1);
    REQUIRE(entry != nullptr);
    CHECK(entry->mask == seen.mask);
    CHECK(entry->classes == seen.classes);
    CHECK(std::vector<float>(entry->look.memory().begin(), entry->look.memory().end()) == seen.embedding);
  }

  TEST_CASE("small objects side by side in one cell are two, alike or not") {
    const auto at = [](std::int64_t query, std::size_t look, std::int64_t x0) {
      CellCounts cells(1080, 1920);
      for (std::int64_t y = 602; y < 622; ++y)
        for (auto x = x0; x < x0 + 12; ++x) cells.add(y, x);
      auto s = sighting(query, look, 0, 0);
      s.mask = cells.mask();
      return s;
    };
    for (const std::size_t look : {0, 1}) {
      SightingTracker tracker;
      Tracks tracks;
      for (int t = 0; t < 10; ++t) tracks = tracker.step(Seen{at(0, 0, 902), at(1, look, 916)});
      REQUIRE(tracks.size() == 2);
      CHECK(id_of(tracks, 0) != id_of(tracks, 1));
    }
  }

  TEST_CASE("embeddings of another width are refused before anything changes") {
    SightingTracker tracker;
    const auto sound = sighting(0, 0, 10, 10);
    auto wide = sighting(1, 1, 40, 40);
    wide.embedding.resize(4096);
    CHECK_THROWS_WITH_AS(tracker.step(Seen{sound, wide}), doctest::Contains("4096"), Error);
    CHECK(tracker.book().entries().empty());
    const auto before = tracker.step(Seen{sound});
    CHECK_THROWS_AS(tracker.step(Seen{wide}), Error);
    CHECK_THROWS_AS(tracker.adopt(2, wide), Error);
    CHECK(tracker.book().find(2) == nullptr);
    CHECK(tracker.step(Seen{sound}) == before);
    EmbeddingBank bank;
    bank.add(sound.embedding, 1, {});
    CHECK_THROWS_AS(bank.add(wide.embedding, 1, {}), Error);
  }

  TEST_CASE("a corrected swap stays corrected") {
    SightingTracker tracker;
    tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 40, 40)});
    // The user says: the one at (40,40) is object 1.
    tracker.adopt(1, sighting(1, 1, 40, 40));
    CHECK(tracker.book().find(2)->life.state() == LifeCycle::State::lost);
    for (int t = 0; t < 5; ++t) CHECK(id_of(tracker.step(Seen{sighting(0, 1, 40, 40)}), 0) == 1);
  }

  TEST_CASE("an object can be renamed and removed; what cannot be is refused") {
    SightingTracker tracker;
    tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 40, 40)});
    tracker.rename(1, 40);
    CHECK(tracker.book().find(40) != nullptr);
    CHECK_THROWS_WITH_AS(tracker.rename(40, 2), doctest::Contains("another object's"), Error);
    CHECK_THROWS_AS(tracker.rename(1, 5), Error);
    CHECK_THROWS_AS(tracker.rename(2, 0), Error);
    CHECK_THROWS_AS(tracker.adopt(0, sighting(0, 0, 1, 1)), Error);
    CHECK(tracker.remove(2));
    CHECK_FALSE(tracker.remove(2));
    Tracks tracks;
    for (int t = 0; t < 3; ++t) tracks = tracker.step(Seen{sighting(0, 0, 10, 10), sighting(1, 1, 40, 40)});
    CHECK(id_of(tracks, 0) == 40);
    CHECK(id_of(tracks, 1) == 3);
  }

  TEST_CASE("an optimum over all pairs leaves no poor pair in place of a good one") {
    const std::vector<float> scores{0.9F, 0.8F, 0.85F, 0.1F};  // greedy takes .9 and leaves .1; the optimum .8 and .85
    CHECK(associate(scores, 2, 2, 0.5) == std::vector<std::int64_t>{1, 0});
    CHECK(associate_greedily(scores, 2, 2, 0.5) == std::vector<std::int64_t>{0, -1});
    // Two pairs just above the threshold are worth less than one that is sure.
    const std::vector<float> sure{0.99F, 0.52F, 0.52F, 0.0F};
    CHECK(associate(sure, 2, 2, 0.5) == std::vector<std::int64_t>{0, -1});
    CHECK(associate(std::vector<float>{0.5F}, 1, 1, 0.5) == std::vector<std::int64_t>{-1});
    CHECK(associate({}, 0, 3, 0.5).empty());
  }

  TEST_CASE("unknown words among the options are refused") {
    CHECK_THROWS_WITH_AS(SightingTracker{{.similarity = "cosin"}}, doctest::Contains("cosine"), Error);
    CHECK_THROWS_AS(SightingTracker{{.assign = "best"}}, Error);
    CHECK_THROWS_AS((SightingTracker{{.book = {.life = {.window = 0}}}}), Error);
    CHECK_THROWS_AS((SightingTracker{{.book = {.life = {.births = 4}}}}), Error);
    CHECK_THROWS_AS((SightingTracker{{.book = {.life = {.keep = 0.6}}}}), Error);
    CHECK_THROWS_AS((SightingTracker{{.book = {.life = {.back = 0.2}}}}), Error);
    CHECK_THROWS_AS((SightingTracker{{.book = {.life = {.keep = std::nan("")}}}}), Error);
    CHECK_THROWS_AS((SightingTracker{{.book = {.life = {.patience = -1}}}}), Error);
    SightingTrackerOptions options;
    set_option(options, "bank_update", "temporal");
    set_option(options, "gallery_size", "5");
    CHECK(options.book.bank.update == "temporal");
    CHECK(options.book.gallery.size == 5);
    CHECK_THROWS_AS(set_option(options, "size", "5"), Error);
    std::set<std::string> keys;
    for (const auto& option : describe_options(options)) CHECK(keys.insert(option.key).second);
  }
}
