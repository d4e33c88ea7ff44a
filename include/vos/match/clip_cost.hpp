#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/cat.h>
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

/// What each query would cost as each object's answer in a frame: [Q,G], or of several frames [n,Q,G].
///
///   logits      [n,Q,K+1]  class scores; the last column is ∅
///   masks       [n,Q,P]    logits at the frame's points
///   categories  [G]
///   labels      [n,G,P]    0 to 1 at the same points
///
/// -p, not -log p: DETR keeps this term on the scale of the others. The cross-entropy of every pair is a sum and a product:
/// of a point with label y it is softplus(x) - xy.
inline at::Tensor frame_cost(const at::Tensor& logits, const at::Tensor& masks, const at::Tensor& categories,
                             const at::Tensor& labels, const ClipCostOptions& options) {
  const auto label = labels.transpose(-2, -1);  // [n,P,G]
  const auto chance = masks.sigmoid();          // [n,Q,P]
  const auto cross_entropy = (at::softplus(masks).sum(-1, true) - at::matmul(masks, label)) / masks.size(-1);
  const auto dice = 1 - (2 * at::matmul(chance, label) + 1) / (chance.sum(-1, true) + label.sum(-2, true) + 1);
  const auto probability = logits.softmax(-1).index_select(-1, categories);
  return options.mask_weight * cross_entropy + options.dice_weight * dice - options.class_weight * probability;
}

/// The costs of a clip's frames, without a gradient, a few frames at a time: as many as make some megabytes.
///
///   layers   the same clip as each layer of a decoder sees it: logits [T,Q,K+1], masks [T,Q,h,w]
///   targets  categories in 0..K-1
///   take     called with (first frame, costs [n,L,Q,G]), in order of frames
///
/// A cost that is not a number or infinite is 1e6: such a pair is taken last. One set of points a frame serves all.
template <class Take>
void for_each_frame_costs(std::span<const FrameDetections> layers, const ClipTargets& targets,
                          const ClipCostOptions& options, ClipKey key, const Take& take) {
  const at::NoGradGuard no_grad;
  const FullPrecision full;
  constexpr std::int64_t at_once = std::int64_t{1} << 21;  // numbers
  const auto frames = targets.masks.size(1), queries = layers[0].logits.size(1);
  const auto count = static_cast<std::int64_t>(layers.size());
  const auto cells = layers[0].masks.size(2) * layers[0].masks.size(3);
  const auto places = options.points > 0 ? options.points : cells;
  const auto together = std::clamp<std::int64_t>(at_once / std::max<std::int64_t>(1, count * queries * places), 1, 64);
  for (std::int64_t first = 0; first < frames; first += together) {
    const auto n = std::min(together, frames - first);
    const auto type = full_precision(layers[0].masks.narrow(0, 0, 0)).scalar_type();
    const auto truth = targets.masks.narrow(1, first, n).transpose(0, 1).to(type);  // [n,G,H,W]
    at::Tensor points;                                                              // [n,P,2]
    if (options.points > 0) {
      std::vector<PointRows> drawn;
      for (auto t = first; t < first + n; ++t)
        drawn.push_back({CounterRandom{key.video, key.iteration, static_cast<std::uint64_t>(t)}, 1});
      points = uniform_points(drawn, options.points, truth.device());
    }
    const auto labels = points.defined()
                            ? sample_points(truth, points)
                            : at::adaptive_avg_pool2d(truth, layers[0].masks.sizes().slice(2)).flatten(2);  // [n,G,P]
    std::vector<at::Tensor> logits, masks;
    for (const auto& layer : layers) {
      const auto here = full_precision(layer.masks.narrow(0, first, n));  // [n,Q,h,w]
      masks.push_back(points.defined() ? sample_points(here, points) : here.flatten(2));
      logits.push_back(full_precision(layer.logits.narrow(0, first, n)));
    }
    const auto costs = frame_cost(at::cat(logits, 1), at::cat(masks, 1), targets.categories, labels, options);
    take(first, at::nan_to_num(costs, 1e6, 1e6, 1e6).unflatten(1, {count, queries}));
  }
}

/// [L,Q,G]: each layer's costs over the clip, `weights` [G,T] times those of its frames.
inline at::Tensor clip_cost(std::span<const FrameDetections> layers, const ClipTargets& targets,
                            const at::Tensor& weights, const ClipCostOptions& options, ClipKey key) {
  at::Tensor total;
  const auto absent = targets.visible.logical_not().to(at::kFloat) * (options.absent_weight / targets.visible.size(1));
  for_each_frame_costs(layers, targets, options, key, [&](std::int64_t first, const at::Tensor& costs) {
    const auto n = costs.size(0);
    // [G,T] -> [n,1,1,G]
    const auto of_frames = [&](const at::Tensor& each) { return each.narrow(1, first, n).t().view({n, 1, 1, -1}); };
    auto weighted = costs * of_frames(weights);
    if (options.absent_weight > 0) {
      std::vector<at::Tensor> something;
      for (const auto& layer : layers)
        something.push_back(1 - full_precision(layer.logits.narrow(0, first, n)).softmax(-1).select(-1, -1));  // [n,Q]
      weighted += at::nan_to_num(at::stack(something, 1), 1e6).unsqueeze(-1) * of_frames(absent);
    }
    const auto sum = weighted.sum(0);
    total = total.defined() ? total.add_(sum) : sum;
  });
  return total;
}

/// [L,T,Q,G]: the costs of every frame by itself.
inline at::Tensor frame_costs(std::span<const FrameDetections> layers, const ClipTargets& targets,
                              const ClipCostOptions& options, ClipKey key) {
  std::vector<at::Tensor> all;
  for_each_frame_costs(layers, targets, options, key,
                       [&](std::int64_t, const at::Tensor& costs) { all.push_back(costs); });
  return at::cat(all).transpose(0, 1);
}

}  // namespace vos
