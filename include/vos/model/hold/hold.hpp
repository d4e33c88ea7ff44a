#pragma once

#include <algorithm>
#include <map>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <vos/frame/label_map.hpp>
#include <vos/segment/segmenter.hpp>
#include <vos/segment/spec.hpp>

namespace vos {

struct HoldOptions {
  double score = 0.5;
  void visit(auto&& field) { field("score", score, "the score of every object that is shown"); }
};

/// Shows the masks it was given, unmoved, for ever: the floor that any tracker must beat, and the smallest Segmenter.
/// It needs LibTorch alone.
class HoldSegmenter {
 public:
  struct State {
    at::Tensor labels;                  // int32 [H,W], undefined before the first prompt; never written in place
    std::map<ObjectId, float> objects;  // id -> score
  };

  explicit HoldSegmenter(HoldOptions options = {}) : options_(options) {
    options_.score = std::clamp(options_.score, 0.0, 1.0);
  }

  void prompt(const Frame&, const at::Tensor& labels) {
    for (const auto& [id, extent] : label_extents(labels)) state_.objects[id] = static_cast<float>(options_.score);
    state_.labels = merge_labels(state_.labels, labels);
  }

  void remove(ObjectId id) {
    state_.objects.erase(id);
    if (state_.labels.defined()) state_.labels = without_label(state_.labels, id);
  }

  Results push(const Frame& frame, const Work& work) {
    work.step(1.0, "push");
    FrameResult result{.index = frame.index, .seconds = frame.seconds};
    result.labels = state_.labels.defined() ? state_.labels : at::zeros({frame.height(), frame.width()}, at::kInt);
    for (const auto& [id, score] : state_.objects) result.objects.push_back({.id = id, .score = score});
    measure_objects(result);
    return result;
  }

  Results finish(const Work&) { return {}; }
  void reset() { state_ = {}; }
  State snapshot() const { return state_; }
  void restore(const State& state) { state_ = state; }
  Latency latency() const { return {}; }

 private:
  HoldOptions options_;
  State state_;
};

static_assert(Segmenter<HoldSegmenter>);

inline ModelEntry hold_entry() {
  return model_entry<HoldSegmenter>(
      {.name = "hold", .family = "hold", .summary = "repeats the masks it was given: the floor to beat"},
      HoldOptions{});
}

}  // namespace vos
