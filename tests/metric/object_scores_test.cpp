#include <vos/metric/object_scores.hpp>

#include <vos/metric/lvos.hpp>
#include <vos/metric/statistics.hpp>

#include "label_videos.hpp"

using vos::LabelPair;
using vos::LabelRules;
using vos::ObjectScore;
using vos::ObjectSeries;
using vos::test::Labels;
using vos::test::LabelVideo;
using vos::test::near;

namespace {

using Frames = std::vector<std::vector<ObjectScore>>;
constexpr LabelRules davis{.void_id = 255, .void_means = LabelRules::Void::background};

/// Frames [begin, end) of a video.
Frames scores(const LabelVideo& video, std::size_t begin, std::size_t end, const LabelRules& rules = {}) {
  Frames frames;
  for (auto t = begin; t < end; ++t) frames.push_back(object_scores(LabelPair(video.truth[t], video.guess[t], rules)));
  return frames;
}
Frames inner(const LabelVideo& video, const LabelRules& rules = {}) {
  return scores(video, 1, video.truth.size() - 1, rules);
}

void check_statistics(const std::vector<double>& values, const nlohmann::json& expected) {
  if (expected.is_null()) return;
  const auto found = vos::statistics_of(values);
  CHECK(near(std::vector{found.mean, found.recall, found.decay}, expected));
}

void check(const std::vector<ObjectSeries>& found, const nlohmann::json& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].id == expected[i].at("id").get<int>());
    CHECK(near(found[i].j, expected[i].at("J")));
    CHECK(near(found[i].f, expected[i].at("F")));
    check_statistics(found[i].j, expected[i].at("J_statistics"));
    check_statistics(found[i].f, expected[i].at("F_statistics"));
  }
}

Labels row(std::vector<vos::ObjectId> ids) { return {1, static_cast<std::int64_t>(ids.size()), std::move(ids)}; }

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("the semi-supervised rules give what plain arithmetic gives, without the first and the last frame") {
    for (const auto& video : vos::test::label_videos()) {
      CAPTURE(video.name);
      const auto& expected = video.expected.at("semi");
      check(davis_series(inner(video, davis), static_cast<vos::ObjectId>(expected.size())), expected);
    }
  }

  TEST_CASE("DAVIS-2016 takes all objects for one") {
    for (const auto& video : vos::test::label_videos()) {
      CAPTURE(video.name);
      const auto& expected = video.expected.at("single");
      check(davis_series(inner(video, {.merge = true}), static_cast<vos::ObjectId>(expected.size())), expected);
    }
  }

  TEST_CASE("an object counts from where it is first seen to the end, and ids of the guess alone do not") {
    for (const auto& video : vos::test::label_videos()) {
      CAPTURE(video.name);
      check(growing_series(inner(video)), video.expected.at("growing"));
    }
  }

  TEST_CASE("an object given in the middle of a video counts from the frame behind") {
    for (const auto& video : vos::test::label_videos()) {
      CAPTURE(video.name);
      check(series_after_entry(scores(video, 0, video.truth.size())), video.expected.at("after_entry"));
    }
  }

  TEST_CASE("variability is the spread of J&F, its square rounded to four digits") {
    for (const auto& video : vos::test::label_videos()) {
      CAPTURE(video.name);
      const auto found = growing_series(inner(video));
      for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(near(vos::variability(found[i].j, found[i].f), video.expected.at("growing")[i].at("V")));
    }
  }

  TEST_CASE("void is background to the semi-supervised rules and hidden to the unsupervised ones") {
    const auto truth = row({1, 1, 255, 255}), guess = row({1, 1, 1, 0});
    CHECK(object_scores(LabelPair(truth, guess, davis))[0].j == 2.0 / 3);
    CHECK(object_scores(LabelPair(truth, guess, {.void_id = 255}))[0].j == 1.0);
    // Where nobody says that 255 is void, it is an object.
    CHECK(object_scores(LabelPair(truth, guess)).back().id == 255);
  }

  TEST_CASE("an absent object with an empty guess scores 1, with any pixel 0") {
    const auto nothing = row({0, 0, 0}), pixel = row({0, 2, 0});
    const Frames frames{object_scores(LabelPair(pixel, pixel)), object_scores(LabelPair(nothing, nothing)),
                        object_scores(LabelPair(nothing, pixel))};
    const auto series = davis_series(frames, 2)[1];
    CHECK(series.j == std::vector{1.0, 1.0, 0.0});
    CHECK(series.f == std::vector{1.0, 1.0, 0.0});
  }

  TEST_CASE("a few lines score a video") {
    const auto videos = vos::test::label_videos();
    const auto& [name, truth, guess, expected] = videos.front();
    const vos::ObjectId objects = 1;
    double mean = 0;
    // [object-scores]
    std::vector<std::vector<ObjectScore>> frames;
    for (std::size_t t = 1; t + 1 < truth.size(); ++t) frames.push_back(object_scores(LabelPair{truth[t], guess[t]}));
    for (const auto& object : davis_series(frames, objects)) {
      const auto j = vos::statistics_of(object.j), f = vos::statistics_of(object.f);
      mean += (j.mean + f.mean) / 2 / objects;
    }
    // [object-scores]
    const auto& object = expected.at("semi")[0];
    CHECK(near(mean, (object.at("J_statistics")[0].get<double>() + object.at("F_statistics")[0].get<double>()) / 2));
  }

  TEST_CASE("an object that starts late is invisible to DAVIS and not to the generic rules") {
    const auto nothing = row({0, 0, 0}), late = row({0, 3, 0});
    const Frames frames{object_scores(LabelPair(nothing, nothing)), object_scores(LabelPair(late, nothing))};
    CHECK(davis_series(frames, 0).empty());
    const auto found = growing_series(frames);
    REQUIRE(found.size() == 1);
    CHECK(found[0].frames == std::vector<std::int64_t>{1});
  }

  TEST_CASE("the generic rules equal DAVIS' where all objects are in the first scored frame") {
    const auto videos = vos::test::label_videos();
    const auto video =
        std::find_if(videos.begin(), videos.end(), [](const auto& v) { return v.name == "two objects"; });
    REQUIRE(video != videos.end());
    const auto frames = inner(*video);
    const auto found = growing_series(frames), davis_found = davis_series(frames, 2);
    REQUIRE(found.size() == 2);
    for (const std::size_t i : {0, 1}) CHECK((found[i].j == davis_found[i].j && found[i].f == davis_found[i].f));
  }

  TEST_CASE("windows around objects give the boundary measure of the whole picture") {
    // Objects at each border and corner, and one across a 64-bit word.
    const std::int64_t height = 90, width = 200;
    for (const auto& [y, x] :
         {std::pair{0, 0}, {0, 100}, {0, 190}, {40, 0}, {40, 57}, {40, 190}, {80, 0}, {80, 127}, {80, 190}}) {
      Labels truth{height, width, std::vector<vos::ObjectId>(height * width)}, guess = truth;
      std::vector<std::uint8_t> a(truth.ids.size()), b(a.size());
      for (std::int64_t row = y; row < y + 10; ++row)
        for (std::int64_t column = x; column < x + 10; ++column) {
          const auto at = static_cast<std::size_t>(row * width + column);
          truth.ids[at] = 1, a[at] = 1;
          const auto moved = static_cast<std::size_t>((row + 3) % height * width + (column + 4) % width);
          guess.ids[moved] = 1, b[moved] = 1;
        }
      const auto found = object_scores(LabelPair(truth, guess));
      CHECK(found[0].f == vos::boundary_measure(vos::MaskView(a, height, width), vos::MaskView(b, height, width)));
      CHECK(found[0].j == vos::region_similarity(vos::MaskView(a, height, width), vos::MaskView(b, height, width)));
    }
  }

  TEST_CASE("label maps full of different ids stay within memory and right") {
    std::vector<vos::ObjectId> ids(300 * 300);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<vos::ObjectId>(i + 1) * 20011;
    const Labels noise{300, 300, ids};
    const LabelPair pair(noise, noise);
    CHECK(pair.truth().size() == ids.size());
    CHECK(pair.both(ids[77], ids[77]) == 1);
    CHECK(pair.both(ids[77], ids[78]) == 0);
  }
}
