#include <vos/metric/video_ap.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "../test.hpp"
#include "tracks.hpp"

namespace {

using vos::ApArea;
using vos::VideoAp;
using vos::test::absent;
using vos::test::MaybeRect;
using vos::test::Tracks;

std::array<double, 12> numbers_of(const vos::ApSummary& s) {
  return {s.ap,  s.ap50, s.ap75,  s.ap_small, s.ap_medium, s.ap_large,
          s.ar1, s.ar10, s.ar100, s.ar_small, s.ar_medium, s.ar_large};
}

vos::ApSummary summary_of(const Tracks& tracks) { return VideoAp{tracks.truth, tracks.results}.summary(); }

/// The published worked example.
Tracks worked_example() {
  Tracks t;
  for (const auto id : {1, 2, 3}) t.category(id);
  t.video(1, 20, 30, 3), t.video(2, 16, 16, 2), t.video(3, 300, 300, 2);
  const auto with_areas = [](vos::AnnotatedTrack& track, std::vector<double> areas) { track.areas = std::move(areas); };
  with_areas(t.object(1, 1, {{{2, 3, 10, 8}}, {{3, 3, 10, 8}}, {{4, 3, 10, 8}}}), {80, 80, 80});
  with_areas(t.object(1, 1, {{{18, 5, 6, 10}}, absent, absent}), {60, 0, 0});
  with_areas(t.object(2, 2, {{{0, 0, 8, 8}}, {{0, 0, 8, 8}}}), {64, 64});
  with_areas(t.object(2, 1, {{{8, 8, 8, 8}}, {{8, 8, 8, 8}}}, true), {64, 64});
  with_areas(t.object(3, 2, {{{10, 10, 150, 150}}, {{10, 10, 150, 150}}}), {22500, 22500});
  with_areas(t.object(3, 1, {{{200, 200, 60, 60}}, absent}), {3600, 0});
  t.found(1, 1, .9, {{{2, 3, 10, 8}}, {{3, 3, 10, 8}}, {{5, 3, 10, 8}}});
  t.found(1, 1, .8, {{{18, 5, 6, 8}}, {{0, 0, 2, 2}}, absent});
  t.found(1, 1, .7, {{{2, 3, 10, 8}}, absent, {{4, 3, 10, 8}}});
  t.found(2, 1, .95, {{{8, 8, 8, 8}}, {{8, 8, 8, 8}}});
  t.found(2, 1, .6, {{{0, 0, 4, 4}}, {{0, 0, 4, 4}}});
  t.found(2, 2, .5, {{{0, 0, 8, 6}}, {{0, 0, 8, 8}}});
  t.found(3, 2, .85, {{{10, 10, 150, 120}}, {{10, 10, 150, 150}}});
  t.found(3, 2, .4, {{{10, 10, 150, 150}}, {{10, 10, 150, 150}}});
  t.found(3, 1, .3, {{{200, 200, 60, 60}}, {{200, 200, 60, 60}}});
  t.found(3, 3, .99, {{{0, 0, 5, 5}}, absent});
  return t;
}

vos::RunTrack runs_of(const std::vector<MaybeRect>& boxes, std::int64_t height, std::int64_t width) {
  Tracks t;
  vos::RunTrack runs;
  for (const auto& box : boxes) {
    if (!box) runs.add_absent();
    else runs.add(vos::rle_at_own_size(t.mask(box, height, width), height, width, ""));
  }
  return runs;
}

/// One video of 10x10 with `length` frames, and category 1.
Tracks small_world(std::int64_t length = 1) {
  Tracks t;
  t.category(1);
  t.video(1, 10, 10, length);
  return t;
}

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("the published example of video AP, every number of it") {
    const auto t = worked_example();
    const VideoAp ap{t.truth, t.results};
    const auto iou = [&](int found, int object) {
      const auto runs = [&](const vos::AnnotatedTrack& track) {
        const auto& video = t.truth.videos[static_cast<std::size_t>(track.video)];
        vos::RunTrack result;
        for (const auto& mask : track.masks) {
          if (mask.present()) result.add(vos::rle_from(mask, video.height, video.width, ""));
          else result.add_absent();
        }
        return result;
      };
      return vos::track_iou(runs(t.results[static_cast<std::size_t>(found - 1)]),
                            runs(t.truth.tracks[static_cast<std::size_t>(object - 1)]));
    };
    const auto near = [](double value, double places = 5e-7) { return doctest::Approx(value).epsilon(places); };
    CHECK(iou(1, 1) == near(.935484));
    CHECK(iou(1, 2) == 0);
    CHECK(iou(2, 1) == 0);
    CHECK(iou(2, 2) == .75);
    CHECK(iou(3, 1) == near(.666667));
    CHECK(iou(3, 2) == 0);
    CHECK(iou(4, 4) == 1);
    CHECK(iou(5, 4) == 0);
    CHECK(iou(6, 3) == .875);
    CHECK(iou(9, 6) == .5);
    CHECK(iou(7, 5) == .9);
    CHECK(iou(8, 5) == 1);

    const auto check = [&](const std::array<double, 10>& values, std::vector<double> expected) {
      for (std::size_t i = 0; i < 10; ++i) CHECK(std::abs(values[i] - expected[i]) < 5e-5);  // given to four places
    };
    check(ap.curve(0).ap, {.8653, .6634, .6634, .6634, .6634, .6634, .3366, .3366, .3366, 0});
    check(ap.curve(0).recall, {1, .6667, .6667, .6667, .6667, .6667, .3333, .3333, .3333, 0});
    check(ap.curve(1).ap, {1, 1, 1, 1, 1, 1, 1, 1, .505, .1683});
    check(ap.curve(1).recall, {1, 1, 1, 1, 1, 1, 1, 1, .5, .5});
    check(ap.curve(1, ApArea::small).ap, {1, 1, 1, 1, 1, 1, 1, 1, 0, 0});
    check(ap.curve(1, ApArea::medium).ap, {1, 1, 1, 1, 1, 1, 1, 1, 1, .5});
    CHECK(!ap.curve(2).counts());

    const std::array<double, 12> expected{.693267, .932673, .831683, .659604, .95, -1,
                                          .591667, .716667, .716667, .666667, 1.0, -1};
    const auto found = numbers_of(ap.summary());
    for (std::size_t i = 0; i < 12; ++i) CHECK(std::abs(found[i] - expected[i]) < 5e-7);  // given to six places
  }

  TEST_CASE(
      "agrees with a second implementation over pycocotools in 500 random cases") {  // see golden/make_video_ap.py
    std::ifstream in{vos::test::file("metric/golden/video_ap.txt")};
    int cases = 0, crowds = 0, mismatches = 0;
    for (std::string line; std::getline(in, line); ++cases) {
      std::istringstream words{line};
      vos::Annotations truth;
      std::vector<vos::AnnotatedTrack> results;
      std::deque<std::string> texts;
      const auto number = [&] {
        std::int64_t value = 0;
        words >> value;
        return value;
      };
      const auto masks = [&](vos::AnnotatedTrack& track) {
        const auto& video = truth.videos[static_cast<std::size_t>(track.video)];
        for (std::int64_t i = 0; i < video.length; ++i) {
          std::string text;
          words >> text;
          vos::MaskText mask{.form = vos::MaskText::Form::text,
                             .height = static_cast<std::int32_t>(video.height),
                             .width = static_cast<std::int32_t>(video.width)};
          if (const auto x = text.find('x'); x != std::string::npos) {
            std::istringstream size{text};
            char between = 0;
            size >> mask.height >> between >> mask.width;
            text = text.substr(text.find(':', x) + 1);
            ++mismatches;
          }
          std::string escaped;
          for (const char c : text) escaped += c == '\\' ? "\\\\" : std::string(1, c);
          mask.json = texts.emplace_back(escaped);
          track.masks.push_back(text == "-" ? vos::MaskText{} : mask);
        }
      };
      for (auto n = number(); n > 0; --n) {
        vos::AnnotatedVideo video{.id = number()};
        video.height = number(), video.width = number(), video.length = number();
        truth.videos.push_back(video);
      }
      for (auto n = number(); n > 0; --n) truth.categories.push_back({number(), ""});
      for (auto n = number(); n > 0; --n) {
        vos::AnnotatedTrack track{.id = static_cast<std::int64_t>(truth.tracks.size()) + 1, .video = number()};
        track.category = number(), track.crowd = number() != 0;
        crowds += track.crowd;
        for (std::int64_t i = 0; i < truth.videos[static_cast<std::size_t>(track.video)].length; ++i)
          track.areas.push_back(static_cast<double>(number()));
        masks(track);
        truth.tracks.push_back(std::move(track));
      }
      for (auto n = number(); n > 0; --n) {
        vos::AnnotatedTrack track{.id = static_cast<std::int64_t>(results.size()) + 1, .video = number()};
        track.category = number();
        words >> track.score;
        masks(track);
        results.push_back(std::move(track));
      }
      const auto found = numbers_of(VideoAp{truth, results, {.lenient = true}}.summary());
      for (const double value : found) {
        double expected = 0;
        words >> expected;
        CAPTURE(line);
        CHECK(std::abs(value - expected) < 1e-11);  // written with twelve digits
      }
      CHECK(!words.fail());
    }
    CHECK(cases == 500);
    CHECK(crowds > 100);
    CHECK(mismatches > 20);
  }

  TEST_CASE("threads and the order of videos change nothing") {
    auto t = worked_example();
    const auto once = numbers_of(summary_of(t));
    CHECK(numbers_of(VideoAp{t.truth, t.results, {.threads = 4}}.summary()) == once);
    std::swap(t.truth.videos[0], t.truth.videos[2]);
    for (auto* tracks : {&t.truth.tracks, &t.results})
      for (auto& track : *tracks) track.video = 2 - track.video;
    CHECK(numbers_of(summary_of(t)) == once);
  }

  TEST_CASE("a resample counts a video as often as it was drawn") {
    const auto t = worked_example();
    const VideoAp ap{t.truth, t.results};
    const std::vector<std::int64_t> one_each{1, 1, 1}, none{0, 0, 0}, first{1, 0, 0}, twice{2, 0, 0};
    CHECK(numbers_of(ap.summary(one_each)) == numbers_of(ap.summary()));
    CHECK(ap.summary(none).ap == -1);
    // Both objects of the first video, twice each: the recall at a threshold is the same, and so is the precision.
    CHECK(ap.summary(twice).ar100 == ap.summary(first).ar100);
    CHECK(ap.summary(first).ar100 == doctest::Approx((2 + 5 * 2 + 3 * 1 + 0) / 20.0));
  }

  // --- what is easily got wrong, one by one. A precision of 1 is 1 / (1 + 2^-52) by the official rule. --------------

  TEST_CASE(
      "areas are binned at 128² and 256², ends included on both sides, by the mean over the frames that show it") {
    Tracks t;
    t.category(1);
    t.video(1, 300, 300, 2);
    const auto bins = [&](std::vector<double> areas) {
      t.truth.tracks.clear();
      t.object(1, 1, {{{0, 0, 9, 9}}, {{0, 0, 9, 9}}}).areas = std::move(areas);
      const VideoAp ap{t.truth, t.results};
      std::string in;
      for (const auto area : {ApArea::small, ApArea::medium, ApArea::large})
        in += ap.curve(0, area).counts() ? "1" : "0";
      return in;
    };
    CHECK(bins({16383, 16383}) == "100");
    CHECK(bins({16384, 16384}) == "110");
    CHECK(bins({16384, 16385}) == "010");
    CHECK(bins({16384, 0}) == "110");  // the empty frame is left out of the mean
    CHECK(bins({65536, 65536}) == "011");
    CHECK(bins({65537, 65537}) == "001");
    CHECK(bins({0, 0}) == "100");
    CHECK(bins({}) == "100");  // no areas in the file: 81 pixels
  }

  TEST_CASE("the areas of the ground truth's file count, even where its masks say otherwise") {
    auto t = small_world();
    t.object(1, 1, {{{0, 0, 5, 5}}}).areas = {70000};
    CHECK(VideoAp{t.truth, t.results}.curve(0, ApArea::large).counts());
    CHECK(!VideoAp{t.truth, t.results}.curve(0, ApArea::small).counts());
  }

  TEST_CASE("pixels are summed over time before they are divided, and a frame in which only one is present counts") {
    const auto a = runs_of({{{0, 0, 3, 1}}, {{0, 0, 2, 1}}, absent, absent}, 4, 8);
    const auto b = runs_of({{{1, 0, 3, 1}}, {{4, 0, 1, 1}}, absent, absent}, 4, 8);
    CHECK(vos::track_iou(a, b) == 2.0 / 7);  // (2 + 0) / (4 + 3)
    const auto c = runs_of({{{0, 0, 3, 1}}, absent, {{0, 0, 2, 1}}, absent}, 4, 8);
    CHECK(vos::track_iou(a, c) == 3.0 / 7);
    CHECK(vos::track_iou(runs_of({absent}, 4, 8), runs_of({absent}, 4, 8)) == 0);
    CHECK(vos::track_iou(runs_of({{{0, 0, 0, 0}}}, 4, 8), runs_of({{{0, 0, 0, 0}}}, 4, 8)) == 0);
  }

  TEST_CASE("a crowd has no IoU of its own, takes any number of detections, and makes them neither right nor wrong") {
    auto t = small_world();
    t.object(1, 1, {{{0, 0, 4, 4}}});
    t.object(1, 1, {{{5, 5, 4, 4}}}, true);
    t.found(1, 1, .5, {{{0, 0, 4, 4}}});
    CHECK(summary_of(t).ap == doctest::Approx(1));
    for (const double score : {.9, .8, .7}) t.found(1, 1, score, {{{5, 5, 4, 4}}});
    CHECK(summary_of(t).ap == doctest::Approx(1));
    t.found(1, 1, .95, {{{5, 5, 2, 2}}});  // wholly inside the crowd, but its IoU is a quarter
    CHECK(summary_of(t).ap == doctest::Approx(.5));
  }

  TEST_CASE("of equal IoUs the later object wins, of equal scores the earlier record, videos in ascending ids") {
    auto t = small_world(2);
    t.object(1, 1, {{{0, 0, 4, 4}}, absent});
    t.object(1, 1, {absent, {{0, 0, 4, 4}}});
    t.found(1, 1, .9, {{{0, 0, 4, 4}}, {{0, 0, 4, 4}}});  // .5 with both: takes the second
    t.found(1, 1, .8, {{{0, 0, 4, 4}}, absent});          // is left the first
    CHECK(VideoAp{t.truth, t.results}.curve(0).recall[0] == 1);
    t.results[1].masks = {{}, t.results[1].masks[0]};  // which leaves it the one that is taken
    CHECK(VideoAp{t.truth, t.results}.curve(0).recall[0] == .5);

    Tracks two;
    two.category(1);
    two.video(9, 10, 10, 1), two.video(4, 10, 10, 1);
    two.object(9, 1, {{{0, 0, 4, 4}}});
    two.found(9, 1, .5, {{{0, 0, 4, 4}}});  // right, but of the video with the higher id
    two.found(4, 1, .5, {{{0, 0, 4, 4}}});  // wrong
    CHECK(summary_of(two).ap == doctest::Approx(.5));
    two.results[1].score = .4;
    CHECK(summary_of(two).ap == doctest::Approx(1));
  }

  TEST_CASE("the most detections are counted for each video and category, and only the hundred best are looked at") {
    Tracks t;
    for (const auto id : {1, 2}) t.category(id);
    t.video(1, 10, 40, 1);
    for (const std::int64_t category : {1, 2})
      for (std::int64_t i = 0; i < 2; ++i) {
        t.object(1, category, {{{20 * i, 0, 4, 4}}});
        t.found(1, category, .9, {{{20 * i, 0, 4, 4}}});
      }
    CHECK(summary_of(t).ar1 == .5);  // one for each category
    CHECK(summary_of(t).ar10 == 1);
    for (int i = 0; i < 98; ++i) t.found(1, 1, .95, {{{10, 5, 2, 2}}});
    CHECK(summary_of(t).ar10 == .5);
    CHECK(summary_of(t).ar100 == 1);
    for (int i = 0; i < 2; ++i) t.found(1, 1, .95, {{{10, 5, 2, 2}}});
    CHECK(summary_of(t).ar100 == .5);
  }

  TEST_CASE("a category without objects that count is left out, one without detections counts as 0") {
    Tracks t;
    for (const auto id : {1, 2, 3}) t.category(id);
    t.video(1, 10, 10, 1);
    t.object(1, 1, {{{0, 0, 4, 4}}});
    t.found(1, 1, .9, {{{0, 0, 4, 4}}});
    t.object(1, 2, {{{0, 0, 4, 4}}}, true);  // a crowd alone
    t.found(1, 3, .9, {{{0, 0, 4, 4}}});
    CHECK(summary_of(t).ap == doctest::Approx(1));
    t.object(1, 3, {{{5, 5, 4, 4}}});
    CHECK(summary_of(t).ap == doctest::Approx(.5));
    t.results.pop_back();
    CHECK(summary_of(t).ap == doctest::Approx(.5));
    CHECK(VideoAp{t.truth, t.results}.curve(2).recall[0] == 0);
  }

  TEST_CASE("the thresholds are linspace's: the ninth lies below .9, and an IoU of exactly .9 passes it") {
    const std::array<double, 10> expected{
        0x1.0p-1, 0x1.199999999999ap-1, 0x1.3333333333333p-1, 0x1.4cccccccccccdp-1, 0x1.6666666666666p-1,
        0x1.8p-1, 0x1.999999999999ap-1, 0x1.b333333333333p-1, 0x1.cccccccccccccp-1, 0x1.e666666666666p-1};
    CHECK(vos::ap_thresholds() == expected);
    auto t = small_world();
    t.object(1, 1, {{{0, 0, 10, 10}}});
    t.found(1, 1, .9, {{{0, 0, 10, 9}}});
    CHECK(VideoAp{t.truth, t.results}.curve(0).recall[8] == 1);
    CHECK(VideoAp{t.truth, t.results}.curve(0).recall[9] == 0);
  }

  TEST_CASE("two masks of different size are an Error, or with lenient add nothing where they meet") {
    auto t = small_world(2);
    t.object(1, 1, {{{0, 0, 4, 4}}, {{0, 0, 4, 4}}});
    t.found(1, 1, .9, {{{0, 0, 4, 4}}, {{0, 0, 4, 4}}}).masks[1] = t.mask(MaybeRect{{0, 0, 9, 9}}, 10, 11);
    try {
      static_cast<void>(VideoAp{t.truth, t.results, {.results_name = "r.json"}});
      FAIL("accepted");
    } catch (const vos::Error& e) {
      CHECK(e.parts().exit_code == vos::exit_code::sizes_differ);
      CHECK(e.parts().where == "r.json, record 1, video 1, frame 1");
      CHECK(e.parts().what == "a mask of 11x10 in a video of 10x10");
    }
    CHECK((VideoAp{t.truth, t.results, {.lenient = true}}.summary().ap) == doctest::Approx(1));
  }

  TEST_CASE("detections of a category that the ground truth does not list are left out") {
    auto t = small_world();
    t.object(1, 1, {{{0, 0, 4, 4}}});
    t.found(1, 1, .5, {{{0, 0, 4, 4}}});
    t.found(1, 7, .9, {{{5, 5, 4, 4}}});
    CHECK(summary_of(t).ap == doctest::Approx(1));
  }

  TEST_CASE("an object without a pixel stays missed, even if it is predicted as such") {
    auto t = small_world();
    t.object(1, 1, {{{0, 0, 0, 0}}});
    t.found(1, 1, .5, {{{0, 0, 0, 0}}});
    CHECK(summary_of(t).ap == 0);
    CHECK(summary_of(t).ar100 == 0);
  }

  TEST_CASE("a detection outside the range of areas is ignored only where it is unmatched") {
    Tracks t;
    t.category(1);
    t.video(1, 300, 300, 1);
    t.object(1, 1, {{{0, 0, 120, 120}}});        // small
    t.found(1, 1, .9, {{{0, 0, 140, 120}}});     // medium, yet the object's
    t.found(1, 1, .95, {{{0, 150, 140, 140}}});  // medium and nobody's: ignored among the small
    CHECK(VideoAp{t.truth, t.results}.curve(0, ApArea::small).ap[0] == doctest::Approx(1));
    CHECK(VideoAp{t.truth, t.results}.curve(0).ap[0] == doctest::Approx(.5));
  }
}
