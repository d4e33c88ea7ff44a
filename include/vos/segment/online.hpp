#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <ATen/core/Tensor.h>

#include <vos/core/choice.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/segment/adopt_prompts.hpp>
#include <vos/segment/exclusive_labels.hpp>
#include <vos/segment/online_options.hpp>
#include <vos/segment/segmenter.hpp>
#include <vos/segment/video_detector.hpp>
#include <vos/track/book.hpp>
#include <vos/track/tracker.hpp>

namespace vos {

/// A tracker that can be told who is where. Models: GlobalTracker, SlotTracker.
template <class T>
concept CorrectableTracker =
    Tracker<T> && std::copyable<T> && requires(T& tracker, const T& present, ObjectId id, const Sighting& sighting) {
      { present.book() } -> std::same_as<const TrackBook&>;
      { tracker.reserve(id) } -> std::same_as<void>;
      { tracker.adopt(id, sighting) } -> std::same_as<void>;
      { tracker.remove(id) } -> std::same_as<bool>;
      { tracker.release(id) } -> std::same_as<bool>;
    };

/// A detector and a tracker as a Segmenter: it finds objects by itself, and the caller may pin, name, correct and remove them.
///
///   pin, name  a mask under an id that is not known: the object there is the caller's from then on, under that id. It does
///              not die, and a name that the tracker had given it is forgotten
///   correct    a mask under a known id: it goes on from there
///   remove     it is followed on but shown no more, or the detector would find it again as something new
///
/// In the frame that is prompted, masks are shown as they were given; what follows is the detector's.
template <VideoDetector Detector, CorrectableTracker Track>
class OnlineSegmenter {
  struct Moment {
    typename Detector::Memory memory = {};
    Track tracker;
    std::set<ObjectId> removed = {};            // followed on, never shown
    at::Tensor awaited = {};                    // what is given for the next frame
    DetectedFrame last = {};                    // for corrections
    std::optional<std::int64_t> at_frame = {};  // the index of the last frame
  };

 public:
  using State =
      std::shared_ptr<const Moment>;  // never changed: a snapshot is a copy of the pointer, and keeps a frame's masks

  explicit OnlineSegmenter(Detector detect, Track tracker = Track{}, OnlineOptions options = {})
      : detect_(std::move(detect)),
        options_(options),
        beginning_(std::make_shared<const Moment>(Moment{.tracker = std::move(tracker)})),
        state_(beginning_) {
    expect_within("prompt_overlap", options_.prompt_overlap, 0, 1);
  }

  void prompt(const Frame& frame, const at::Tensor& labels) {
    Moment next = *state_;
    if (frame.index == next.at_frame) adopt(next, labels);
    else next.awaited = merge_labels(next.awaited, labels);
    keep(std::move(next));
  }

  void remove(ObjectId id) {
    Moment next = *state_;
    const auto* known = next.tracker.book().find(id);
    // Nothing follows what was never detected: hidden on, it would hide the first real thing there.
    if (known != nullptr && known->frames == 0) next.tracker.remove(id);
    else next.tracker.release(id);
    next.removed.insert(id);
    if (next.awaited.defined()) next.awaited = without_label(next.awaited, id);
    keep(std::move(next));
  }

  Results push(const Frame& frame, const Work& work = {}) {
    constexpr const char* where = "OnlineSegmenter::push";
    work.step(0, where);
    Moment next = *state_;
    next.last = detect_(frame, next.memory);
    next.at_frame = frame.index;
    work.step(0.9, where);
    if (next.awaited.defined())
      for (const auto& [id, extent] : label_extents(next.awaited)) next.tracker.reserve(id);
    next.tracker.step(next.last.detections);
    if constexpr (SlotFollower<Track>) begin_anew(next.memory, next.tracker.freed());
    const auto given = std::exchange(next.awaited, at::Tensor{});
    if (given.defined()) adopt(next, given);
    const auto& book = next.tracker.book();
    std::erase_if(next.removed, [&](auto id) { return book.find(id) == nullptr && !book.gallery().contains(id); });

    auto tracks = book.tracks();
    std::erase_if(tracks, [&](const auto& track) { return next.removed.contains(track.id); });
    FrameResult result{.index = frame.index, .seconds = frame.seconds};
    result.labels = exclusive_labels(next.last, tracks);
    if (given.defined()) result.labels = merge_labels(result.labels, given);
    for (const auto& track : tracks)
      result.objects.push_back(
          {.id = track.id, .category = track.category, .score = std::clamp(track.score, 0.0F, 1.0F)});
    measure_objects(result);
    work.step(1, where);
    keep(std::move(next));
    return result;
  }

  Results finish(const Work& /*work*/ = {}) { return {}; }
  void reset() { state_ = beginning_; }
  State snapshot() const { return state_; }
  void restore(const State& state) { state_ = state; }
  Latency latency() const { return {}; }

 private:
  void adopt(Moment& moment, const at::Tensor& labels) {
    const auto& entries = moment.tracker.book().entries();
    std::set<std::int64_t> hidden;  // queries: who changes places with a removed object is what was removed
    for (const auto& entry : entries)
      if (entry.query >= 0 && moment.removed.contains(entry.id)) hidden.insert(entry.query);
    begin_anew(moment.memory, adopt_prompts(moment.tracker, labels, moment.last, options_.prompt_overlap));
    for (const auto& entry : entries)
      if (hidden.contains(entry.query)) moment.removed.insert(entry.id);
    for (const auto& [id, extent] : label_extents(labels)) moment.removed.erase(id);
  }

  void begin_anew(typename Detector::Memory& memory, std::span<const std::int64_t> begun) {
    if constexpr (requires { detect_.begin_anew(memory, begun); })
      if (!begun.empty()) detect_.begin_anew(memory, begun);
  }

  void keep(Moment next) { state_ = std::make_shared<const Moment>(std::move(next)); }

  Detector detect_;
  OnlineOptions options_;
  State beginning_, state_;
};

}  // namespace vos
