#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <vos/core/choice.hpp>
#include <vos/core/shape.hpp>
#include <vos/match/clip_cost.hpp>
#include <vos/match/clip_slots.hpp>

namespace vos {

struct ClipAssignerOptions {
  std::string assign = "global";  ///< or first_appearance, per_frame
  std::string weights = "mean";   ///< or sum, area: how much an object's frames count in the clip's cost (global)
  ClipCostOptions cost = {};
  void visit(auto&& field) {
    field("assign", assign, "who answers for whom: global, first_appearance or per_frame");
    field("assign.weights", weights, "how much an object's frames count: mean, sum or area");
    cost.visit([&](const std::string& key, auto& value, auto meaning) { field("assign." + key, value, meaning); });
  }
};

/// Ties a clip's objects to a model's queries, as training needs it, for each layer of its decoder.
///
///   layers   the clip as each layer sees it: logits [T,Q,K+1], masks [T,Q,h,w]; any device; no gradient is taken
///   targets  of the clip, on the same device
///   result   one ClipSlots a layer
///
/// Costs are made on the device, and all of them travel to the host in one copy.
class ClipAssigner {
 public:
  explicit ClipAssigner(ClipAssignerOptions options = {})
      : options_(std::move(options)),
        rule_(AssignRule{
            static_cast<std::uint8_t>(choice("assign", options_.assign, {"global", "first_appearance", "per_frame"}))}),
        weights_(FrameWeights{
            static_cast<std::uint8_t>(choice("assign.weights", options_.weights, {"sum", "mean", "area"}))}) {
    expect_usable(options_.cost);
    // Elsewhere one frame decides, and what a slot says in others has no part in it.
    if (rule_ != AssignRule::global) options_.cost.absent_weight = 0;
  }

  const ClipAssignerOptions& options() const { return options_; }

  std::vector<ClipSlots> operator()(std::span<const FrameDetections> layers, const ClipTargets& targets,
                                    ClipKey key = {}) const {
    expect_shape(targets.masks, {any_size, any_size, any_size, any_size}, "target masks [G,T,H,W]");
    const auto objects = targets.masks.size(0), frames = targets.masks.size(1);
    expect_shape(targets.categories, {objects}, "target categories [G]");
    expect_shape(targets.visible, {objects, frames}, "target visible [G,T]");
    for (const auto& layer : layers) {
      expect_shape(layer.logits, {frames, any_size, any_size}, "logits [T,Q,K+1]");
      expect_shape(layer.masks, {frames, layer.logits.size(1), any_size, any_size}, "masks [T,Q,h,w]");
      if (layer.logits.sizes() != layers[0].logits.sizes())
        throw Error({.what = "the layers of a decoder differ in shape",
                     .where = "ClipAssigner",
                     .mend = "give each layer's logits [T,Q,K+1] of the same clip"});
    }
    if (layers.empty()) return {};
    ClipFacts clip{.objects = objects, .frames = frames, .queries = layers[0].logits.size(1)};
    if (objects == 0) return std::vector<ClipSlots>(layers.size(), assign_clip(rule_, clip));

    const auto classes = layers[0].logits.size(2) - 1;
    const auto numbers = facts(layers, targets, classes, key);
    const auto* at = numbers.const_data_ptr<double>();
    for (std::int64_t g = 0; g < objects; ++g)
      if (const auto category = static_cast<std::int64_t>(*at++); category < 0 || category >= classes)
        throw Error({.what = "an object is of category " + std::to_string(category) + ", but the model knows " +
                             std::to_string(classes) + " classes",
                     .where = "object " + std::to_string(g) + " of a clip in training",
                     .mend = "count categories from 0, and build the model for as many as the data has"});
    clip.area.assign(at, at + objects);
    at += objects;
    for (std::int64_t i = 0; i < objects * frames; ++i) clip.visible.push_back(*at++ != 0);
    std::vector<ClipSlots> slots;
    const auto costs = objects * clip.queries * (rule_ == AssignRule::per_frame ? frames : 1);
    for (std::size_t layer = 0; layer < layers.size(); ++layer, at += costs) {
      clip.cost.assign(at, at + costs);
      slots.push_back(assign_clip(rule_, clip));
    }
    return slots;
  }

 private:
  /// What `ClipFacts` wants, on the host: categories [G], areas [G], visible [G,T], and the costs of all layers.
  at::Tensor facts(std::span<const FrameDetections> layers, const ClipTargets& targets, std::int64_t classes,
                   ClipKey key) const {
    auto known = targets;  // a category out of range would stop a GPU before it can be reported
    known.categories = targets.categories.clamp(0, classes - 1);
    const auto costs =
        rule_ == AssignRule::per_frame
            ? frame_costs(layers, known, options_.cost, key)
            : clip_cost(layers, known,
                        frame_weights(known, rule_ == AssignRule::global ? weights_ : FrameWeights::first),
                        options_.cost, key);
    const auto crowded = targets.masks.size(0) > layers[0].logits.size(1);
    const auto areas =  // asked for where objects are left out
        crowded ? targets.masks.sum({1, 2, 3}).to(at::kDouble) : at::zeros_like(targets.categories, at::kDouble);
    return at::cat({targets.categories.to(at::kDouble), areas, targets.visible.flatten().to(at::kDouble),
                    costs.transpose(-1, -2).flatten().to(at::kDouble)})
        .to(at::kCPU);
  }

  ClipAssignerOptions options_;
  AssignRule rule_;
  FrameWeights weights_;
};

}  // namespace vos
