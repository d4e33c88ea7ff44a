#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/paste.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/metric/identity/scores.hpp>
#include <vos/metric/label_pair.hpp>
#include <vos/segment/any.hpp>
#include <vos/train/task.hpp>

namespace vos {

/// How well objects are found and followed that nobody pointed out.
struct TrackingScores {
  IdentityScores identity = {};
  double j_sum = 0;  ///< of each object with the track that suits it best over the clip, one to one
  std::int64_t objects = 0;
  std::int64_t clips = 0;

  TrackingScores& operator+=(const TrackingScores& other) {
    identity += other.identity, j_sum += other.j_sum, objects += other.objects, clips += other.clips;
    return *this;
  }

  Metrics metrics() const {
    return {{"J", objects > 0 ? j_sum / static_cast<double>(objects) : 0},
            {"IDF1", identity.identity.idf1()},
            {"AssA", identity.hota.assa()},
            {"HOTA", identity.hota.hota()},
            {"MOTA", identity.clear.mota()},
            {"IDSW", static_cast<double>(identity.clear.switches)},
            {"IDSW a clip", clips > 0 ? static_cast<double>(identity.clear.switches) / static_cast<double>(clips) : 0}};
  }
};

/// A clip's truth against label maps of its frames, int32 [H,W] on the CPU.
inline TrackingScores tracking_scores(const Sample& clip, std::span<const at::Tensor> guesses) {
  IdentitySequence sequence;
  const auto labels = labels_of(clip).contiguous();
  for (std::int64_t t = 0; t < length_of(clip); ++t) {
    const auto view = [](const at::Tensor& map) {
      return LabelView{
          {map.const_data_ptr<ObjectId>(), static_cast<std::size_t>(map.numel())}, map.size(0), map.size(1)};
    };
    const auto truth = labels[t];
    sequence.add(LabelPair(view(truth), view(guesses[static_cast<std::size_t>(t)])));
  }
  TrackingScores scores{.identity = identity_scores(sequence).first, .clips = 1};
  const auto objects = sequence.object_ids().size(), tracks = sequence.track_ids().size();
  const auto object_lengths = sequence.object_lengths(), track_lengths = sequence.track_lengths();
  // Frames in which one of the two is absent count as an IoU of 0, those in which both are do not count.
  std::vector<double> overlap(objects * tracks), together(objects * tracks);
  for (const auto& frame : sequence.frames()) {
    for (const auto& pair : frame.pairs)
      overlap[frame.objects[pair.object] * tracks + frame.tracks[pair.track]] += pair.iou;
    for (const auto object : frame.objects)
      for (const auto track : frame.tracks) together[object * tracks + track] += 1;
  }
  std::vector<double> cost(objects * tracks);
  for (std::size_t i = 0; i < objects; ++i)
    for (std::size_t j = 0; j < tracks; ++j)
      cost[i * tracks + j] = -overlap[i * tracks + j] /
                             (static_cast<double>(object_lengths[i] + track_lengths[j]) - together[i * tracks + j]);
  const auto track_of =
      cheapest_assignment(cost, static_cast<std::int64_t>(objects), static_cast<std::int64_t>(tracks));
  for (std::size_t i = 0; i < objects; ++i)
    if (track_of[i] >= 0) scores.j_sum -= cost[i * tracks + static_cast<std::size_t>(track_of[i])];
  scores.objects = static_cast<std::int64_t>(objects);
  return scores;
}

/// Runs a segmenter over a clip without any prompt.
inline TrackingScores track_clip(AnySegmenter& segmenter, const Sample& clip, const Work& work = {}) {
  std::vector<at::Tensor> guesses(static_cast<std::size_t>(length_of(clip)));
  const auto take = [&](const Results& results) {
    for (const auto& result : results) guesses[static_cast<std::size_t>(result.index)] = result.labels;
  };
  segmenter.reset();
  for (std::int64_t t = 0; t < length_of(clip); ++t)
    take(segmenter.push({.index = t, .seconds = static_cast<double>(t) / 25, .rgb = clip.frames[t]},
                        {.stop = work.stop}));
  take(segmenter.finish({.stop = work.stop}));
  return tracking_scores(clip, guesses);
}

}  // namespace vos
