#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vos/metric/identity/correspondence.hpp>

namespace vos {

/// A share of cases that adds up over sequences; `rate` of none is `if_none`.
struct Share {
  std::int64_t part = 0, whole = 0;

  Share& operator+=(const Share& other) {
    part += other.part, whole += other.whole;
    return *this;
  }
  double rate(double if_none) const {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : if_none;
  }
};

/// Of the objects that were carried, then absent for at least 5 frames, then seen again: how many are first carried, within
/// 10 frames, by the track that carried them before.
inline Share recoveries(const IdentitySequence& sequence, std::span<const std::vector<Carried>> carried) {
  constexpr auto none = static_cast<std::size_t>(-1);
  constexpr std::size_t least_absence = 5, patience = 10;
  Share share;
  const auto objects = sequence.object_ids().size();
  std::vector<std::size_t> last(objects, none), seen(objects, none), returned(objects, none);
  for (std::size_t t = 0; t < carried.size(); ++t) {
    for (const auto object : sequence.frames()[t].objects) {
      if (seen[object] != none && t - seen[object] > least_absence && last[object] != none) {
        ++share.whole;
        returned[object] = t;
      }
      seen[object] = t;
    }
    for (const auto& pair : carried[t]) {
      if (returned[pair.object] != none && t - returned[pair.object] < patience)
        share.part += pair.track == last[pair.object];
      returned[pair.object] = none;
      last[pair.object] = pair.track;
    }
  }
  return share;
}

/// Of all masks of the guess, those of 64 pixels or more that overlap no object by an IoU of .1.
inline Share ghosts(const IdentitySequence& sequence) {
  Share share;
  for (const auto& frame : sequence.frames()) {
    std::vector<double> best(frame.tracks.size());
    for (const auto& pair : frame.pairs) best[pair.track] = std::max(best[pair.track], pair.iou);
    for (std::size_t track = 0; track < best.size(); ++track)
      share.part += frame.track_areas[track] >= 64 && best[track] < 0.1 - iou_slack;
    share.whole += static_cast<std::int64_t>(best.size());
  }
  return share;
}

}  // namespace vos
