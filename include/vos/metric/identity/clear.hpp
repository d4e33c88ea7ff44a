#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vos/metric/identity/correspondence.hpp>

namespace vos {

/// CLEAR and MOTS: counts, which add up over sequences, and what follows from them.
struct ClearScores {
  std::int64_t right = 0, wrong = 0, missed = 0;  ///< masks: true and false positives, false negatives
  std::int64_t switches = 0, fragments = 0;
  std::int64_t mostly_tracked = 0, partly_tracked = 0, mostly_lost = 0;  ///< objects
  double iou_sum = 0;                                                    ///< of the true positives

  ClearScores& operator+=(const ClearScores& other) {
    right += other.right, wrong += other.wrong, missed += other.missed;
    switches += other.switches, fragments += other.fragments;
    mostly_tracked += other.mostly_tracked, partly_tracked += other.partly_tracked, mostly_lost += other.mostly_lost;
    iou_sum += other.iou_sum;
    return *this;
  }

  std::int64_t masks() const { return right + missed; }
  double mota() const { return share(static_cast<double>(right - wrong - switches)); }
  double smotsa() const { return share(iou_sum - static_cast<double>(wrong + switches)); }
  double motsp() const { return right > 0 ? iou_sum / static_cast<double>(right) : 0; }
  double modsa() const { return share(static_cast<double>(right - wrong)); }
  double motal() const {
    return share(static_cast<double>(right - wrong) - (switches > 0 ? std::log10(static_cast<double>(switches)) : 0));
  }
  double switches_per_1k() const { return 1000 * share(static_cast<double>(switches)); }
  double mostly_tracked_share() const { return of_objects(mostly_tracked); }
  double partly_tracked_share() const { return of_objects(partly_tracked); }
  /// 1 where there is no object: the official rule.
  double mostly_lost_share() const {
    return mostly_tracked + partly_tracked + mostly_lost > 0 ? of_objects(mostly_lost) : 1;
  }

 private:
  /// 0 where there is no mask to find, however many were found: the official rule.
  double share(double value) const { return masks() > 0 ? value / static_cast<double>(masks()) : 0; }
  double of_objects(std::int64_t count) const {
    const auto all = mostly_tracked + partly_tracked + mostly_lost;
    return all > 0 ? static_cast<double>(count) / static_cast<double>(all) : 0;
  }
};

/// A switch is a match of an object with another track than the last one that carried it, however long ago that was.
/// Fragments count how often a run of matches begins anew; a run also ends where the object itself is absent.
inline ClearScores clear_scores(const IdentitySequence& sequence, std::span<const std::vector<Carried>> carried) {
  constexpr auto none = static_cast<std::size_t>(-1);
  ClearScores scores;
  const auto objects = sequence.object_ids().size();
  std::vector<std::size_t> last(objects, none), before(objects, none);
  std::vector<std::int64_t> matched(objects), runs(objects);
  for (std::size_t t = 0; t < carried.size(); ++t) {
    const auto& frame = sequence.frames()[t];
    const auto found = static_cast<std::int64_t>(carried[t].size());
    scores.right += found;
    scores.wrong += static_cast<std::int64_t>(frame.tracks.size()) - found;
    scores.missed += static_cast<std::int64_t>(frame.objects.size()) - found;
    if (frame.objects.empty() || frame.tracks.empty()) continue;
    std::vector<std::size_t> now(objects, none);
    for (const auto& pair : carried[t]) {
      scores.iou_sum += pair.iou;
      scores.switches += last[pair.object] != none && last[pair.object] != pair.track;
      last[pair.object] = now[pair.object] = pair.track;
      ++matched[pair.object];
      runs[pair.object] += before[pair.object] == none;
    }
    before.swap(now);
  }
  const auto lengths = sequence.object_lengths();
  for (std::size_t object = 0; object < objects; ++object) {
    if (runs[object] > 0) scores.fragments += runs[object] - 1;
    const double share = static_cast<double>(matched[object]) / static_cast<double>(lengths[object]);
    ++(share > 0.8 ? scores.mostly_tracked : share >= 0.2 ? scores.partly_tracked : scores.mostly_lost);
  }
  return scores;
}

}  // namespace vos
