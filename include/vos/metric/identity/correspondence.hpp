#pragma once

#include <cstddef>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/metric/identity/sequence.hpp>

namespace vos {

/// An object and the track that carries it in a frame, by their numbers in the sequence.
struct Carried {
  std::size_t object = 0, track = 0;
  double iou = 0;
};

namespace detail {

/// The one-to-one choice among a frame's pairs with the largest sum of `value(pair)`; pairs of value 0 are not chosen.
template <class Value>
std::vector<IdentitySequence::Pair> best_pairs(const IdentitySequence::Frame& frame, Value&& value) {
  const auto rows = frame.objects.size(), columns = frame.tracks.size();
  std::vector<double> cost(rows * columns);
  std::vector<const IdentitySequence::Pair*> pair_at(rows * columns);
  for (const auto& pair : frame.pairs) {
    const auto at = pair.object * columns + pair.track;
    cost[at] = -value(pair);
    pair_at[at] = &pair;
  }
  const auto track_of = cheapest_assignment(cost, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns));
  std::vector<IdentitySequence::Pair> chosen;
  for (std::size_t object = 0; object < rows; ++object) {
    if (track_of[object] < 0) continue;
    const auto at = object * columns + static_cast<std::size_t>(track_of[object]);
    if (cost[at] < 0) chosen.push_back(*pair_at[at]);
  }
  return chosen;
}

}  // namespace detail

/// Which track carries which object in each frame, as CLEAR has it: pairs of IoU .5 or more, those that were together in
/// the frame before preferred, then the largest sum of IoUs. Frames without an object or without a track do not change
/// what counts as the frame before.
inline std::vector<std::vector<Carried>> correspondences(const IdentitySequence& sequence, double threshold = 0.5) {
  constexpr auto none = static_cast<std::size_t>(-1);
  std::vector<std::vector<Carried>> frames(sequence.frames().size());
  std::vector<std::size_t> before(sequence.object_ids().size(), none);
  for (std::size_t t = 0; t < frames.size(); ++t) {
    const auto& frame = sequence.frames()[t];
    if (frame.objects.empty() || frame.tracks.empty()) continue;
    const auto chosen = detail::best_pairs(frame, [&](const IdentitySequence::Pair& pair) {
      if (pair.iou < threshold - iou_slack) return 0.0;
      return pair.iou + (before[frame.objects[pair.object]] == frame.tracks[pair.track] ? 1000 : 0);
    });
    before.assign(before.size(), none);
    for (const auto& pair : chosen) {
      frames[t].push_back({frame.objects[pair.object], frame.tracks[pair.track], pair.iou});
      before[frames[t].back().object] = frames[t].back().track;
    }
  }
  return frames;
}

}  // namespace vos
