#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>

#include <vos/core/choice.hpp>
#include <vos/core/full_precision.hpp>
#include <vos/criterion/criterion.hpp>
#include <vos/frame/detector.hpp>
#include <vos/match/mask_points.hpp>

namespace vos {

/// Weights of the matching cost, as in Mask2Former and what followed it.
struct ClipCostOptions {
  double class_weight = 2;
  double mask_weight = 5;
  double dice_weight = 5;
  double absent_weight = 0;     ///< global: for claiming a slot that says "something" where the object is not
  std::int64_t points = 12544;  ///< of each frame, one set for all pairs; 0: every cell of the predicted masks
  void visit(auto&& field) {
    field("class_weight", class_weight, "weight of the class probability in the cost");
    field("mask_weight", mask_weight, "weight of the masks' cross-entropy in the cost");
    field("dice_weight", dice_weight, "weight of the masks' dice in the cost");
    field("absent_weight", absent_weight,
          "global: weight of saying something in frames where the object is not visible");
    field("points", points, "points of each frame that masks are compared at; 0: every cell");
  }
};

/// Throws unless the options can be used.
inline void expect_usable(const ClipCostOptions& options) {
  expect_within("assign.class_weight", options.class_weight, 0);
  expect_within("assign.mask_weight", options.mask_weight, 0);
  expect_within("assign.dice_weight", options.dice_weight, 0);
  expect_within("assign.absent_weight", options.absent_weight, 0);
  expect_within("assign.points", static_cast<double>(options.points), 0, most_points);
}

/// How much each frame of an object counts.
enum class FrameWeights : std::uint8_t {
  sum,   ///< 1 where it is visible: long-lived objects win contended slots
  mean,  ///< the same, divided by its visible frames: every object counts alike
  area,  ///< √area, adding up to 1: frames where it is well visible decide
  first  ///< 1 where it is first visible, 0 afterwards
};

/// [G,T] fp32; 0 where the object is not visible.
inline at::Tensor frame_weights(const ClipTargets& targets, FrameWeights kind) {
  const auto visible = targets.visible.to(at::kFloat);
  switch (kind) {
    case FrameWeights::sum: return visible;
    case FrameWeights::mean: return visible / visible.sum(1, true).clamp_min(1);
    case FrameWeights::first: return visible * visible.cumsum(1).eq(1);
    case FrameWeights::area: break;
  }
  const auto side = targets.masks.sum({2, 3}).to(at::kFloat).sqrt() * visible;
  return side / side.sum(1, true).clamp_min(1);
}

/// What each query would cost as each object's answer in one frame, [Q,G].
///
///   logits      [Q,K+1]  class scores; the last column is ∅
///   masks       [Q,P]    logits at the frame's points
///   categories  [G]
///   labels      [G,P]    0 to 1 at the same points
///
/// -p, not -log p: DETR keeps this term on the scale of the others. The cross-entropy of every pair is two products:
/// it is softplus(-x) where the label is 1 and softplus(x) where it is 0.
inline at::Tensor frame_cost(const at::Tensor& logits, const at::Tensor& masks, const at::Tensor& categories,
                             const at::Tensor& labels, const ClipCostOptions& options) {
  const auto label = labels.t();            // [P,G]
  const auto if_off = at::softplus(masks);  // [Q,P]
  const auto if_on = if_off - masks;        // softplus(-x)
  const auto chance = masks.sigmoid();
  const auto cross_entropy = (at::matmul(if_on, label) + at::matmul(if_off, 1 - label)) / masks.size(1);
  const auto dice = 1 - (2 * at::matmul(chance, label) + 1) / (chance.sum(1, true) + label.sum(0, true) + 1);
  const auto probability = logits.softmax(-1).index_select(1, categories);
  return options.mask_weight * cross_entropy + options.dice_weight * dice - options.class_weight * probability;
}

/// The costs of a clip's frames, layer by layer, each [Q,G], without a gradient.
///
///   layers   the same clip as each layer of a decoder sees it: logits [T,Q,K+1], masks [T,Q,h,w]
///   targets  categories in 0..K-1
///   take     called with (layer, frame, cost), frame after frame
///
/// A cost that is not a number or infinite is 1e6: such a pair is taken last. One set of points a frame serves all.
template <class Take>
void for_each_frame_cost(std::span<const FrameDetections> layers, const ClipTargets& targets,
                         const ClipCostOptions& options, ClipKey key, const Take& take) {
  const at::NoGradGuard no_grad;
  const FullPrecision full;
  const auto frames = targets.masks.size(1);
  for (std::int64_t t = 0; t < frames; ++t) {
    at::Tensor points, labels;  // [1,P,2], [G,P]
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      const auto masks = full_precision(layers[layer].masks[t]);    // [Q,h,w]
      const auto logits = full_precision(layers[layer].logits[t]);  // [Q,K+1]
      if (!labels.defined()) {
        const auto here = targets.masks.select(1, t).to(masks.scalar_type());  // [G,H,W]
        if (options.points > 0) {
          points = uniform_points(CounterRandom{key.video, key.iteration, static_cast<std::uint64_t>(t)}, 1,
                                  options.points, masks.device());
          labels = sample_points(here.unsqueeze(0), points).squeeze(0);
        } else {
          labels = at::adaptive_avg_pool2d(here, masks.sizes().slice(1)).flatten(1);
        }
      }
      const auto values =
          options.points > 0 ? sample_points(masks.unsqueeze(0), points).squeeze(0) : masks.flatten(1);  // [Q,P]
      auto cost = frame_cost(logits, values, targets.categories, labels, options);
      take(layer, t, at::nan_to_num(cost, 1e6, 1e6, 1e6));
    }
  }
}

/// [L,Q,G]: each layer's costs over the clip, `weights` [G,T] times those of its frames. No tensor has both Q·G and T.
inline at::Tensor clip_cost(std::span<const FrameDetections> layers, const ClipTargets& targets,
                            const at::Tensor& weights, const ClipCostOptions& options, ClipKey key) {
  std::vector<at::Tensor> total(layers.size());
  const auto absent = targets.visible.logical_not().to(at::kFloat) * (options.absent_weight / targets.visible.size(1));
  for_each_frame_cost(layers, targets, options, key, [&](std::size_t layer, std::int64_t t, const at::Tensor& cost) {
    auto weighted = cost * weights.select(1, t);
    if (options.absent_weight > 0) {
      const auto something = 1 - full_precision(layers[layer].logits[t]).softmax(-1).select(-1, -1);  // [Q]
      weighted += at::nan_to_num(something, 1e6).unsqueeze(1) * absent.select(1, t);
    }
    auto& sum = total[layer];
    sum = sum.defined() ? sum.add_(weighted) : weighted;
  });
  return at::stack(total);
}

/// [L,T,Q,G]: the costs of every frame by itself.
inline at::Tensor frame_costs(std::span<const FrameDetections> layers, const ClipTargets& targets,
                              const ClipCostOptions& options, ClipKey key) {
  std::vector<std::vector<at::Tensor>> costs(layers.size());
  for_each_frame_cost(layers, targets, options, key,
                      [&](std::size_t layer, std::int64_t, const at::Tensor& cost) { costs[layer].push_back(cost); });
  std::vector<at::Tensor> stacked;
  for (const auto& of_layer : costs) stacked.push_back(at::stack(of_layer));
  return at::stack(stacked);
}

}  // namespace vos
