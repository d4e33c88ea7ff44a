#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <vos/frame/detector.hpp>
#include <vos/frame/frame.hpp>

namespace vos {

/// One living track in one frame.
struct Track {
  ObjectId id = 0;
  std::int64_t query = -1;  ///< the detection that continues it, -1 where none does
  float score = 0;
  std::int32_t category = -1;
};

using Tracks = std::vector<Track>;

/// Gives detections their identities.
///
///   detections  of the next frame, N = 1
///   result      the living tracks, ids rising; no query appears twice; an id is never given to another object
///
/// `step` in frame order, `reset` between videos: ids begin at 1 again. Memory is bounded in time.
/// Consumers: OnlineSegmenter-like compositions of a detector and a tracker.
template <class T>
concept Tracker = requires(T& tracker, const FrameDetections& detections) {
  { tracker.step(detections) } -> std::same_as<Tracks>;
  { tracker.reset() } -> std::same_as<void>;
};

}  // namespace vos
