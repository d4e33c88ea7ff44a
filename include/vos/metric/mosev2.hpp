#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <vos/metric/label_pair.hpp>
#include <vos/metric/statistics.hpp>

namespace vos {

/// One object in one frame by MOSEv2's rules.
struct AdaptiveScore {
  ObjectId id = 0;
  double j = 1;
  double f_dot = 1;  ///< boundary measure whose tolerance shrinks with the object
  double f = 1;      ///< with DAVIS' tolerance
  bool in_truth = false;

  double j_and_f_dot() const { return (j + f_dot) / 2; }
};

/// The disk that MOSEv2's own evaluator makes of a radius that is no whole number: it samples points that lie a whole
/// number of steps from -radius, and so off its centre.
inline Disk off_centre_disk(double radius) {
  Disk disk;
  const auto side = static_cast<std::int64_t>(std::ceil(2 * radius + 1)), anchor = side / 2;
  const auto point = [&](std::int64_t i) { return static_cast<double>(i) - radius; };
  for (std::int64_t row = 0; row < side; ++row) {
    std::int64_t first = side, last = -1;
    for (std::int64_t column = 0; column < side; ++column)
      if (point(row) * point(row) + point(column) * point(column) <= radius * radius)
        first = std::min(first, column), last = column;
    // What lies at an offset of the disk's centre sees the centre at the opposite offset.
    if (last >= first) disk.rows.push_back({anchor - row, last - anchor, anchor - first});
  }
  std::sort(disk.rows.begin(), disk.rows.end(),
            [](const auto& a, const auto& b) { return std::pair{a.left, a.right} < std::pair{b.left, b.right}; });
  return disk;
}

/// J smoothed by a pixel, so that an object of few pixels is not all or nothing; 1 when both masks are empty.
inline double smoothed_similarity(Overlap overlap) {
  if (overlap.either == 0) return 1;
  return std::min(1.0, static_cast<double>(overlap.both + 1) / static_cast<double>(overlap.either + 1));
}

/// Compares id k with id k by MOSEv2's rules, for each id that either map shows. `compat`: where an object is so large that
/// DAVIS' tolerance is the smaller one, both boundary measures use that tolerance unrounded, with `off_centre_disk`.
inline std::vector<AdaptiveScore> adaptive_scores(const LabelPair& pair, bool compat = false) {
  const auto height = pair.height(), width = pair.width();
  const auto standard = boundary_tolerance(height, width);
  const auto measure = [&](const ObjectRuns& truth, const ObjectRuns& guess, const Disk& disk) {
    return boundary_measure(contour_of(truth, height, width, disk), contour_of(guess, height, width, disk));
  };
  std::set<ObjectId> ids;
  for (const auto& object : pair.truth()) ids.insert(object.id);
  for (const auto& object : pair.guess()) ids.insert(object.id);
  std::vector<AdaptiveScore> scores;
  for (const auto id : ids) {
    const auto& truth = LabelPair::find(pair.truth(), id);
    const auto& guess = LabelPair::find(pair.guess(), id);
    AdaptiveScore score{.id = id, .j = smoothed_similarity(pair.overlap(truth, guess)), .in_truth = truth.area > 0};
    const auto own = static_cast<std::int64_t>(std::ceil(0.1 * std::sqrt(static_cast<double>(truth.area))));
    const auto exact = exact_boundary_tolerance(height, width);
    if (truth.area > 0 && static_cast<double>(own) <= exact) {
      score.f = measure(truth, guess, Disk::of(standard));
      score.f_dot = measure(truth, guess, Disk::of(own));
    } else {
      score.f = measure(truth, guess, compat && truth.area > 0 ? off_centre_disk(exact) : Disk::of(standard));
      score.f_dot = score.f;
    }
    scores.push_back(score);
  }
  return scores;
}

/// What MOSEv2 asks of an object that leaves and returns: the mean of J and F_dot in each stretch without it, and in each
/// stretch from a return to the next absence, averaged over the stretches. NaN where there is no such stretch.
struct AbsenceScores {
  double disappear, reappear;
};

/// `values` and `in_truth` have an item for each frame scored. An absence that begins with the first frame is not counted,
/// the return behind it is.
inline AbsenceScores absence_scores(std::span<const double> values, const std::vector<bool>& in_truth) {
  std::vector<double> absent, returned;
  const auto frames = values.size();
  for (std::size_t begin = 0; begin < frames;) {
    auto end = begin;
    while (end < frames && in_truth[end] == in_truth[begin]) ++end;
    const auto mean = mean_of(values.subspan(begin, end - begin));
    if (begin > 0) (in_truth[begin] ? returned : absent).push_back(mean);
    begin = end;
  }
  return {mean_of(absent), mean_of(returned)};
}

}  // namespace vos
