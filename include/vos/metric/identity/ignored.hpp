#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vos/metric/identity/correspondence.hpp>

namespace vos {

/// Adds a frame of KITTI-MOTS: tracks that no object matches and that lie to more than half in the ignored region are left
/// out first. `ignored[j]`: how many pixels of tracks[j] lie there.
template <class Shared>
void add_without_ignored(IdentitySequence& sequence, std::span<const IdentitySequence::Seen> objects,
                         std::span<const IdentitySequence::Seen> tracks, Shared&& shared,
                         std::span<const std::int64_t> ignored) {
  IdentitySequence alone;
  alone.add(objects, tracks, shared);
  const auto& frame = alone.frames().front();
  std::vector<bool> matched(frame.tracks.size());
  for (const auto& pair : detail::best_pairs(
           frame, [](const IdentitySequence::Pair& each) { return each.iou >= 0.5 - iou_slack ? each.iou : 0.0; }))
    matched[pair.track] = true;

  std::vector<IdentitySequence::Seen> kept;
  std::vector<std::size_t> place;
  for (std::size_t j = 0, seen = 0; j < tracks.size(); ++j) {
    if (tracks[j].area == 0) continue;
    if (!matched[seen++] && 2 * ignored[j] > tracks[j].area) continue;
    kept.push_back(tracks[j]);
    place.push_back(j);
  }
  sequence.add(objects, kept, [&](std::size_t i, std::size_t j) { return shared(i, place[j]); });
}

}  // namespace vos
