#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include <vos/metric/label_pair.hpp>

namespace vos {

/// J and F of one object in one frame.
struct ObjectScore {
  ObjectId id = 0;
  double j = 1, f = 1;
  bool in_truth = false;
};

/// Compares id k with id k, for each id that either map shows, in rising ids. An id in neither scores 1 and 1, and is left
/// out: two empty masks agree.
inline std::vector<ObjectScore> object_scores(const LabelPair& pair) {
  const auto disk = Disk::of(boundary_tolerance(pair.height(), pair.width()));
  const auto score = [&](ObjectId id) -> ObjectScore {
    const auto& truth = LabelPair::find(pair.truth(), id);
    const auto& guess = LabelPair::find(pair.guess(), id);
    return {id, region_similarity(pair.overlap(truth, guess)),
            boundary_measure(contour_of(truth, pair.height(), pair.width(), disk),
                             contour_of(guess, pair.height(), pair.width(), disk)),
            truth.area > 0};
  };
  std::set<ObjectId> ids;
  for (const auto& object : pair.truth()) ids.insert(object.id);
  for (const auto& object : pair.guess()) ids.insert(object.id);
  std::vector<ObjectScore> scores;
  for (const auto id : ids) scores.push_back(score(id));
  return scores;
}

/// One object's values, a value for each frame that counts for it; `frames` are the indexes of those frames.
struct ObjectSeries {
  ObjectId id = 0;
  std::vector<std::int64_t> frames = {};
  std::vector<double> j = {}, f = {};
};

/// An object's values in those frames, of all that were scored, for which `counts(frame)` holds.
template <class Counts>
ObjectSeries series_of(ObjectId id, std::span<const std::vector<ObjectScore>> frames, Counts&& counts) {
  ObjectSeries series{.id = id};
  for (std::size_t t = 0; t < frames.size(); ++t) {
    if (!counts(static_cast<std::int64_t>(t))) continue;
    ObjectScore score{.id = id};
    for (const auto& each : frames[t])
      if (each.id == id) score = each;
    series.frames.push_back(static_cast<std::int64_t>(t));
    series.j.push_back(score.j);
    series.f.push_back(score.f);
  }
  return series;
}

/// DAVIS, semi-supervised: objects 1 to `objects`, in every frame given. The benchmark counts objects in the first frame
/// of the truth, which like the last is not among `frames`.
inline std::vector<ObjectSeries> davis_series(std::span<const std::vector<ObjectScore>> frames, ObjectId objects) {
  std::vector<ObjectSeries> all;
  for (ObjectId id = 1; id <= objects; ++id) all.push_back(series_of(id, frames, [](std::int64_t) { return true; }));
  return all;
}

/// Objects by the frame in which they are first seen: an object counts from where its id is first in the truth or in the
/// guess, to the end. Ids that the truth never shows are left out: they cost nothing.
inline std::vector<ObjectSeries> growing_series(std::span<const std::vector<ObjectScore>> frames) {
  std::map<ObjectId, std::int64_t> first;
  std::set<ObjectId> real;
  for (std::size_t t = 0; t < frames.size(); ++t)
    for (const auto& score : frames[t]) {
      first.try_emplace(score.id, static_cast<std::int64_t>(t));
      if (score.in_truth) real.insert(score.id);
    }
  std::vector<ObjectSeries> all;
  for (const auto id : real) all.push_back(series_of(id, frames, [&](std::int64_t t) { return t >= first[id]; }));
  return all;
}

/// Objects that are given in the middle of a video, as in YouTube-VOS: the frames behind the one that first shows the
/// object in the truth. An object first seen in the last frame has no value.
inline std::vector<ObjectSeries> series_after_entry(std::span<const std::vector<ObjectScore>> frames) {
  std::map<ObjectId, std::int64_t> entry;
  for (std::size_t t = 0; t < frames.size(); ++t)
    for (const auto& score : frames[t])
      if (score.in_truth) entry.try_emplace(score.id, static_cast<std::int64_t>(t));
  std::vector<ObjectSeries> all;
  for (const auto& [id, begin] : entry) all.push_back(series_of(id, frames, [&](std::int64_t t) { return t > begin; }));
  return all;
}

}  // namespace vos
