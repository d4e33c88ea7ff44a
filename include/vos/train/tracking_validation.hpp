#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/paste.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/metric/boundary.hpp>
#include <vos/metric/identity/scores.hpp>
#include <vos/metric/label_pair.hpp>
#include <vos/segment/any.hpp>
#include <vos/train/parallel/group.hpp>
#include <vos/train/task.hpp>

namespace vos {

/// How well objects are found and followed that nobody pointed out.
struct TrackingScores {
  IdentityScores identity = {};
  double j_sum = 0, f_sum = 0;  ///< of each object with the track that suits it best over the clip, one to one
  std::int64_t objects = 0;
  std::int64_t clips = 0;

  TrackingScores& operator+=(const TrackingScores& other) {
    identity += other.identity, j_sum += other.j_sum, f_sum += other.f_sum, objects += other.objects,
        clips += other.clips;
    return *this;
  }

  /// Those of all processes of a group, each of which has tracked other clips.
  TrackingScores together(Group& group) const {
    static_assert(std::is_trivially_copyable_v<TrackingScores>, "sent as bytes, between processes of one program");
    TrackingScores all;
    for (const auto& bytes : gather(group, std::string(reinterpret_cast<const char*>(this), sizeof *this))) {
      TrackingScores each;
      std::memcpy(static_cast<void*>(&each), bytes.data(), sizeof each);
      all += each;
    }
    return all;
  }

  Metrics metrics() const {
    const auto a_object = [&](double sum) { return objects > 0 ? sum / static_cast<double>(objects) : 0; };
    return {{"J", a_object(j_sum)},
            {"F", a_object(f_sum)},
            {"J&F", a_object(j_sum + f_sum) / 2},
            {"IDF1", identity.identity.idf1()},
            {"AssA", identity.hota.assa()},
            {"HOTA", identity.hota.hota()},
            {"MOTA", identity.clear.mota()},
            {"IDSW", static_cast<double>(identity.clear.switches)},
            {"IDSW a clip", clips > 0 ? static_cast<double>(identity.clear.switches) / static_cast<double>(clips) : 0}};
  }
};

namespace detail {

/// The boundary measure of an object and a track, over the frames that show one of them.
inline double boundary_over(std::span<const LabelPair> frames, ObjectId object, ObjectId track) {
  double sum = 0, count = 0;
  for (const auto& frame : frames) {
    const auto& truth = LabelPair::find(frame.truth(), object);
    const auto& guess = LabelPair::find(frame.guess(), track);
    if (truth.area == 0 && guess.area == 0) continue;
    ++count;
    if (truth.area == 0 || guess.area == 0) continue;  // no boundary meets one
    const auto disk = Disk::of(boundary_tolerance(frame.height(), frame.width()));
    sum += boundary_measure(contour_of(truth, frame.height(), frame.width(), disk),
                            contour_of(guess, frame.height(), frame.width(), disk));
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace detail

/// A clip's truth against label maps of its frames, int32 [H,W] on the CPU. Frames that nobody has labelled do not count.
inline TrackingScores tracking_scores(const Sample& clip, std::span<const at::Tensor> guesses) {
  IdentitySequence sequence;
  std::vector<LabelPair> pairs;
  const auto labels = labels_of(clip).contiguous();
  for (std::int64_t t = 0; t < length_of(clip); ++t) {
    if (!clip.labelled.empty() && !clip.labelled[static_cast<std::size_t>(t)]) continue;
    const auto view = [](const at::Tensor& map) {
      return LabelView{
          {map.const_data_ptr<ObjectId>(), static_cast<std::size_t>(map.numel())}, map.size(0), map.size(1)};
    };
    const auto truth = labels[t];
    pairs.emplace_back(view(truth), view(guesses[static_cast<std::size_t>(t)]));
    sequence.add(pairs.back());
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
  for (std::size_t i = 0; i < objects; ++i) {
    if (track_of[i] < 0) continue;
    const auto track = static_cast<std::size_t>(track_of[i]);
    scores.j_sum -= cost[i * tracks + track];
    scores.f_sum += detail::boundary_over(pairs, static_cast<ObjectId>(sequence.object_ids()[i]),
                                          static_cast<ObjectId>(sequence.track_ids()[track]));
  }
  scores.objects = static_cast<std::int64_t>(objects);
  return scores;
}

/// What a segmenter without any prompt finds in each frame of a clip.
inline std::vector<FrameResult> track_clip(AnySegmenter& segmenter, const Sample& clip, const Work& work = {}) {
  std::vector<FrameResult> found(static_cast<std::size_t>(length_of(clip)));
  const auto take = [&](Results results) {
    for (auto& result : results) found[static_cast<std::size_t>(result.index)] = std::move(result);
  };
  segmenter.reset();
  for (std::int64_t t = 0; t < length_of(clip); ++t)
    take(segmenter.push({.index = t, .seconds = static_cast<double>(t) / 25, .rgb = clip.frames[t]},
                        {.stop = work.stop}));
  take(segmenter.finish({.stop = work.stop}));
  return found;
}

/// Their label maps, int32 [H,W] a frame on the CPU.
inline std::vector<at::Tensor> label_maps(std::span<const FrameResult> results) {
  std::vector<at::Tensor> maps;
  for (const auto& result : results) maps.push_back(result.labels);
  return maps;
}

}  // namespace vos
