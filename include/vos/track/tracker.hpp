#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <vos/frame/detector.hpp>
#include <vos/frame/frame.hpp>
#include <vos/track/track.hpp>

namespace vos {

/// Gives detections their identities.
///
///   detections  of the next frame, N = 1
///   result      the living tracks, ids rising, lost ones with query -1; no query appears twice; an id is never given to another object
///
/// `step` in frame order, `reset` between videos: ids begin at 1 again. Memory is bounded in time.
/// Models: GlobalTracker, SlotTracker. Consumers: OnlineSegmenter, BenchmarkSegmenter.
template <class T>
concept Tracker = requires(T& tracker, const FrameDetections& detections) {
  { tracker.step(detections) } -> std::same_as<Tracks>;
  { tracker.reset() } -> std::same_as<void>;
};

/// A tracker where queries propagate: query n, its slot, is one object for as long as that lives.
///
///   freed()  slots whose objects ended with the last step: the model begins them anew
///
/// Models: SlotTracker.
template <class T>
concept SlotFollower = Tracker<T> && requires(const T& tracker) {
  { tracker.freed() } -> std::same_as<const std::vector<std::int64_t>&>;
};

}  // namespace vos
