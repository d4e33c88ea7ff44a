#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/metric/identity/sequence.hpp>

namespace vos {

/// Average tracking accuracy (VACE): a sum over paired tracks, divided by the mean number of tracks. Sequences add up.
struct TrackingAccuracy {
  double sum = 0;
  std::int64_t objects = 0, tracks = 0;

  TrackingAccuracy& operator+=(const TrackingAccuracy& other) {
    sum += other.sum, objects += other.objects, tracks += other.tracks;
    return *this;
  }
  double ata() const { return objects + tracks > 0 ? sum / (0.5 * static_cast<double>(objects + tracks)) : 0; }
};

/// Pairs whole tracks with whole objects by their IoUs, summed over time and divided by the frames that show either.
inline TrackingAccuracy tracking_accuracy(const IdentitySequence& sequence) {
  const auto object_length = sequence.object_lengths(), track_length = sequence.track_lengths();
  const auto objects = object_length.size(), tracks = track_length.size();
  std::vector<double> iou(objects * tracks);
  std::vector<std::int64_t> both(objects * tracks);
  for (const auto& frame : sequence.frames()) {
    for (const auto& pair : frame.pairs)
      iou[frame.objects[pair.object] * tracks + frame.tracks[pair.track]] += pair.iou;
    for (const auto object : frame.objects)
      for (const auto track : frame.tracks) ++both[object * tracks + track];
  }
  for (std::size_t i = 0; i < iou.size(); ++i)
    iou[i] /= -static_cast<double>(object_length[i / tracks] + track_length[i % tracks] - both[i]);
  const auto track_of = cheapest_assignment(iou, static_cast<std::int64_t>(objects), static_cast<std::int64_t>(tracks));
  TrackingAccuracy accuracy{0, static_cast<std::int64_t>(objects), static_cast<std::int64_t>(tracks)};
  for (std::size_t object = 0; object < objects; ++object)
    if (track_of[object] >= 0) accuracy.sum -= iou[object * tracks + static_cast<std::size_t>(track_of[object])];
  return accuracy;
}

}  // namespace vos
