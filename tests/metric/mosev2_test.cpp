#include <vos/metric/mosev2.hpp>

#include "label_videos.hpp"

using vos::AdaptiveScore;
using vos::LabelPair;
using vos::test::near;

namespace {

std::int64_t pixels(const vos::Disk& disk) {
  std::int64_t count = 0;
  for (const auto& row : disk.rows) count += row.left + row.right + 1;
  return count;
}

void check(const char* key, bool compat) {
  for (const auto& video : vos::test::label_videos()) {
    CAPTURE(video.name);
    std::vector<std::vector<AdaptiveScore>> frames;
    for (std::size_t t = 1; t + 1 < video.truth.size(); ++t)
      frames.push_back(adaptive_scores(LabelPair(video.truth[t], video.guess[t]), compat));
    for (const auto& expected : video.expected.at(key)) {
      std::vector<double> both;
      std::vector<bool> in_truth;
      for (std::size_t t = 0; t < frames.size(); ++t) {
        AdaptiveScore score{.id = expected.at("id").get<vos::ObjectId>()};
        for (const auto& each : frames[t])
          if (each.id == score.id) score = each;
        CHECK(near(std::vector{score.j, score.f_dot, score.f}, expected.at("rows")[t]));
        both.push_back(score.j_and_f_dot());
        in_truth.push_back(score.in_truth);
      }
      const auto [disappear, reappear] = vos::absence_scores(both, in_truth);
      CHECK(near(disappear, expected.at("disappear")));
      CHECK(near(reappear, expected.at("reappear")));
    }
  }
}

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("MOSEv2's rules give what plain arithmetic gives") { check("mosev2", false); }

  TEST_CASE("MOSEv2's own disk gives what plain arithmetic with that disk gives") { check("mosev2_compat", true); }

  TEST_CASE("the reference's disk at 480p is smaller than it should be") {
    const auto radius = vos::exact_boundary_tolerance(480, 854);
    CHECK(pixels(vos::off_centre_disk(radius)) == 191);
    CHECK(vos::off_centre_disk(radius).rows.size() == 15);
    CHECK(pixels(vos::Disk::of(8)) == 197);
    CHECK(pixels(vos::off_centre_disk(8)) == 197);
  }

  TEST_CASE("absences and returns are stretches, and one at the very beginning is no disappearance") {
    const auto scores = [](std::vector<double> values, const std::vector<bool>& in_truth) {
      return vos::absence_scores(values, in_truth);
    };
    const auto whole = scores({1, 1, 1}, {true, true, true});
    CHECK((std::isnan(whole.disappear) && std::isnan(whole.reappear)));
    const auto twice = scores({1, .2, .4, .6, .8, 0, 1}, {true, false, false, true, true, false, true});
    CHECK(twice.disappear == doctest::Approx((.3 + 0) / 2));
    CHECK(twice.reappear == doctest::Approx((.7 + 1) / 2));
    const auto late = scores({.1, .5, .7}, {false, true, true});
    CHECK(std::isnan(late.disappear));
    CHECK(late.reappear == doctest::Approx(.6));
  }

  TEST_CASE("J is smoothed by a pixel") {
    CHECK(vos::smoothed_similarity({0, 0}) == 1);
    CHECK(vos::smoothed_similarity({0, 1}) == 0.5);
    CHECK(vos::smoothed_similarity({3, 3}) == 1);
  }
}
