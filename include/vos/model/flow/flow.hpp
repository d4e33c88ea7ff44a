#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include <ATen/core/Tensor.h>

#include <vos/frame/frame.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/model/flow/follow.hpp>
#include <vos/model/flow/labels.hpp>
#include <vos/model/flow/motion.hpp>
#include <vos/model/flow/options.hpp>
#include <vos/model/flow/picture.hpp>
#include <vos/segment/segmenter.hpp>

namespace vos {

/// Carries given masks from frame to frame by optical flow and repairs them by what the objects look like. No weights.
///
/// All that depends on the picture alone (flow, gradients, colours) is computed once a frame; what an object adds is
/// restricted to its surroundings. The method is described in docs/models/flow.md.
class FlowSegmenter {
 public:
  using State = FlowState;

  explicit FlowSegmenter(FlowOptions options = {}) : options_(options) {}

  void prompt(const Frame& frame, const at::Tensor& labels) {
    if (frame.index == state_.last_index && !state_.past.empty()) {
      State next = state_;
      detail::flow::draw(next, labels, options_);
      state_ = std::move(next);
    } else {
      state_.awaited = merge_labels(state_.awaited, labels);
    }
  }

  void remove(ObjectId id) {
    std::erase_if(state_.tracks, [id](const auto& track) { return track.id == id; });
    if (state_.awaited.defined()) state_.awaited = without_label(state_.awaited, id);
  }

  Results push(const Frame& frame, const Work& work = {}) {
    constexpr const char* where = "FlowSegmenter::push";
    work.step(0, where);
    State next = state_;
    const auto picture = std::make_shared<const detail::flow::Picture>(detail::flow::picture_of(frame, options_));
    work.step(0.2, where);
    if (!next.past.empty())
      next.motion = detail::flow::motion_between(picture->grey, next.past.front()->grey, next.motion);
    work.step(0.5, where);
    detail::flow::follow(next, *picture, options_, work);

    next.past.insert(next.past.begin(), picture);
    if (next.past.size() > detail::flow::memory_depth) next.past.pop_back();
    next.last_index = frame.index;
    at::Tensor given = std::exchange(next.awaited, at::Tensor());
    if (given.defined()) detail::flow::draw(next, given, options_);

    FrameResult result{.index = frame.index, .seconds = frame.seconds};
    result.labels = detail::flow::labels_of(next.tracks, *picture);
    if (given.defined()) result.labels = merge_labels(result.labels, given);
    for (const auto& track : next.tracks)
      result.objects.push_back({.id = track.id, .score = std::clamp(track.score, 0.0F, 1.0F)});
    measure_objects(result);
    work.step(1, where);
    state_ = std::move(next);
    return result;
  }

  Results finish(const Work& /*work*/ = {}) { return {}; }
  void reset() { state_ = {}; }
  State snapshot() const { return state_; }
  void restore(const State& state) { state_ = state; }
  Latency latency() const { return {}; }

 private:
  FlowOptions options_;
  State state_;
};

static_assert(Segmenter<FlowSegmenter>);

}  // namespace vos
