#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/metric/identity/sequence.hpp>

namespace vos {

/// How much of the objects' time is carried by one track each: counts, which add up over sequences, and shares.
struct IdentityCounts {
  std::int64_t right = 0, wrong = 0, missed = 0;  ///< IDTP, IDFP, IDFN

  IdentityCounts& operator+=(const IdentityCounts& other) {
    right += other.right, wrong += other.wrong, missed += other.missed;
    return *this;
  }
  double idp() const { return share(right, right + wrong); }
  double idr() const { return share(right, right + missed); }
  double idf1() const { return share(2 * right, 2 * right + wrong + missed); }

 private:
  static double share(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  }
};

/// Pairs whole tracks with whole objects, one to one, so that most frames have an IoU of .5 or more.
inline IdentityCounts identity_counts(const IdentitySequence& sequence, double threshold = 0.5) {
  const auto objects = sequence.object_ids().size(), tracks = sequence.track_ids().size();
  std::vector<double> cost(objects * tracks);
  for (const auto& frame : sequence.frames())
    for (const auto& pair : frame.pairs)
      if (pair.iou >= threshold) cost[frame.objects[pair.object] * tracks + frame.tracks[pair.track]] -= 1;
  const auto track_of =
      cheapest_assignment(cost, static_cast<std::int64_t>(objects), static_cast<std::int64_t>(tracks));
  IdentityCounts counts;
  for (std::size_t object = 0; object < objects; ++object)
    if (track_of[object] >= 0)
      counts.right -= static_cast<std::int64_t>(cost[object * tracks + static_cast<std::size_t>(track_of[object])]);
  counts.missed = sequence.object_masks() - counts.right;
  counts.wrong = sequence.track_masks() - counts.right;
  return counts;
}

}  // namespace vos
