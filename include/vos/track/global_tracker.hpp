#pragma once

#include <utility>

#include <vos/track/observe.hpp>
#include <vos/track/sighting_tracker.hpp>
#include <vos/track/tracker.hpp>

namespace vos {

using GlobalTrackerOptions = SightingTrackerOptions;

/// Where each frame is detected by itself: identities by embedding and overlap, globally optimal in each frame, with a
/// memory of every object, lives that do not flicker, and a gallery for those who leave and return.
///
/// Objects that are lost stay in the list, with query -1, until they die. Detections without embeddings are tracked by
/// their masks alone.
class GlobalTracker : public SightingTracker {
 public:
  using SightingTracker::SightingTracker;
  using SightingTracker::step;

  Tracks step(const FrameDetections& detections) { return step(observe(detections, options().book.life.keep)); }
};

static_assert(Tracker<GlobalTracker>);
static_assert(!SlotFollower<GlobalTracker>, "its queries are another's in the next frame");

}  // namespace vos
