#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <vos/core/choice.hpp>
#include <vos/core/full_precision.hpp>
#include <vos/core/shape.hpp>
#include <vos/criterion/class_loss.hpp>
#include <vos/criterion/clip_prediction.hpp>
#include <vos/criterion/clip_rows.hpp>
#include <vos/criterion/criterion.hpp>
#include <vos/criterion/embedding_losses.hpp>
#include <vos/criterion/mask_losses.hpp>
#include <vos/criterion/mask_pairs.hpp>
#include <vos/match/clip_assigner.hpp>

namespace vos {

struct ClipCriterionOptions {
  double class_weight = 2;
  double mask_weight = 5;
  double dice_weight = 5;
  double no_object_weight = 0.1;  ///< of ∅ in the class loss
  std::string mask_loss = "bce";  ///< or focal
  FocalOptions focal = {};
  LossPointOptions points = {};
  EmbeddingLossOptions embedding = {};
  std::string negatives = "in_batch";  ///< or memory_bank: those of earlier batches as well
  std::int64_t bank = 1024;            ///< embeddings of earlier batches that are kept
  std::string frames = "mean";         ///< or sum: each frame's mean, added up over the clip, as GenVIS does
  ClipAssignerOptions assign = {};
  void visit(auto&& field) {
    field("class_weight", class_weight, "weight of the class loss; a weight of 0 leaves its loss out");
    field("mask_weight", mask_weight, "weight of the masks' loss, point by point");
    field("dice_weight", dice_weight, "weight of the masks' dice loss");
    field("no_object_weight", no_object_weight, "weight of queries that are no object in the class loss");
    field("mask_loss", mask_loss, "bce or focal");
    field("focal_alpha", focal.alpha, "focal: weight of points inside the mask; -1: no weights");
    field("focal_gamma", focal.gamma, "focal: how much easy points are played down; 0, or 1 and more");
    points.visit(field);
    embedding.visit(field);
    field("negatives", negatives, "what an object's embeddings are held against: in_batch or memory_bank");
    field("bank", bank, "embeddings of earlier batches that are kept as negatives");
    field("frames", frames, "mean over all frames, or sum: each frame's mean, added up");
    assign.visit(field);
  }
};

/// Throws unless the options can be used. Words are looked at where they are turned into rules.
inline void expect_usable(const ClipCriterionOptions& options) {
  expect_within("class_weight", options.class_weight, 0);
  expect_within("mask_weight", options.mask_weight, 0);
  expect_within("dice_weight", options.dice_weight, 0);
  expect_within("no_object_weight", options.no_object_weight, 0);
  expect_within("bank", static_cast<double>(options.bank), 0);
  expect_usable(options.focal);
  expect_usable(options.points);
  expect_usable(options.embedding);
}

/// How wrong a model is that keeps one query for one object through a clip.
///
/// Every layer of the decoder is assigned by itself and pays "loss_class", "loss_mask" and "loss_dice", with "_0", "_1", ...
/// behind the names of those before the last; the embeddings pay "loss_match", "loss_contrast" and "loss_cosine" by the
/// last layer's assignment. A query's class is its object's where that is visible, and ∅ in all other frames: so a slot
/// learns to be silent before its object comes and after it has gone.
///
/// With a memory bank a call with gradients, which is a step of training, adds the batch's objects to it. Without them, as in
/// validation, it stays as it is.
class ClipCriterion {
 public:
  explicit ClipCriterion(ClipCriterionOptions options = {})
      : options_(std::move(options)),
        assign_(options_.assign),
        bank_(options_.bank),
        focal_(choice("mask_loss", options_.mask_loss, {"bce", "focal"}) == 1),
        with_bank_(choice("negatives", options_.negatives, {"in_batch", "memory_bank"}) == 1),
        sum_frames_(choice("frames", options_.frames, {"mean", "sum"}) == 1) {
    expect_usable(options_);
  }

  Losses operator()(const ClipPrediction& prediction, const std::vector<ClipTargets>& targets) {
    const FullPrecision full;
    expect(prediction, targets);
    const auto& keys = prediction.keys;

    Losses losses;
    const auto slots = assign(prediction.layers, targets, keys);
    auto rows = clip_rows(slots[0]);
    // Layers differ in who answers for an object, not in where it is seen: its share is the same in all of them.
    const auto share = shares(rows, prediction.layers[0].masks);
    for (std::size_t layer = 0; layer < slots.size(); ++layer) {
      if (layer > 0) rows = clip_rows(slots[layer]);
      const auto suffix = layer + 1 < slots.size() ? "_" + std::to_string(layer) : std::string{};
      for (auto& [name, loss] : layer_losses(prediction.layers[layer], layer, rows, share, targets, keys))
        losses[name + suffix] = std::move(loss);
    }
    if (prediction.embeddings.defined()) {
      losses.merge(
          embedding_losses(prediction.embeddings, rows, keys, with_bank_ ? &bank_ : nullptr, options_.embedding));
      if (with_bank_ && at::GradMode::is_enabled()) remember(prediction.embeddings, rows, keys);
    }
    return losses;
  }

  const ClipCriterionOptions& options() const { return options_; }

  /// What it remembers of earlier batches; empty without a memory bank.
  const NegativeBank& bank() const { return bank_; }
  NegativeBank& bank() { return bank_; }

  /// Replaces counts of masks by their means over all processes, so that a process with few objects does not shout. One
  /// number, or one a frame with `frames = sum`; called once a batch, where masks have a loss.
  std::function<void(std::span<double>)> average_over_ranks = {};

 private:
  static void expect(const ClipPrediction& prediction, const std::vector<ClipTargets>& targets) {
    if (prediction.layers.empty())
      throw Error({.what = "a prediction without layers", .where = "ClipCriterion", .mend = "give at least one"});
    const auto clips = static_cast<std::int64_t>(targets.size());
    if (prediction.keys.size() != targets.size())
      throw Error({.what = std::to_string(prediction.keys.size()) + " keys for " + std::to_string(clips) + " clips",
                   .where = "ClipCriterion",
                   .mend =
                       "give each clip its video and the training step: without them every step would draw the same "
                       "points, and clips of one video would count as strangers"});
    const auto& last = prediction.layers.back();
    expect_shape(last.logits, {clips, any_size, any_size, any_size}, "logits [B,T,Q,K+1]");
    const auto frames = last.logits.size(1), queries = last.logits.size(2);
    if (clips == 0 || frames == 0)
      throw Error({.what = "a batch of " + std::to_string(clips) + " clips of " + std::to_string(frames) + " frames",
                   .where = "ClipCriterion",
                   .mend = "give at least one clip of one frame; it may be without objects"});
    for (const auto& layer : prediction.layers) {
      expect_shape(layer.logits, {clips, frames, queries, last.logits.size(3)}, "logits [B,T,Q,K+1]");
      expect_shape(layer.masks, {clips, frames, queries, any_size, any_size}, "masks [B,T,Q,h,w]");
    }
    if (prediction.embeddings.defined())
      expect_shape(prediction.embeddings, {clips, frames, queries, any_size}, "embeddings [B,T,Q,E]");
    for (const auto& clip : targets)
      expect_shape(clip.masks, {any_size, frames, any_size, any_size}, "target masks [G,T,H,W]");
  }

  /// [layer][clip]
  std::vector<std::vector<ClipSlots>> assign(const std::vector<ClipLayer>& layers,
                                             const std::vector<ClipTargets>& targets,
                                             const std::vector<ClipKey>& keys) const {
    std::vector<std::vector<ClipSlots>> slots(layers.size());
    for (std::size_t b = 0; b < targets.size(); ++b) {
      std::vector<FrameDetections> clip;
      const auto at = static_cast<std::int64_t>(b);
      for (const auto& layer : layers)
        clip.push_back({.logits = layer.logits[at].detach(), .masks = layer.masks[at].detach()});
      auto of_clip = assign_(clip, targets[b], keys[b]);
      for (std::size_t layer = 0; layer < layers.size(); ++layer) slots[layer].push_back(std::move(of_clip[layer]));
    }
    return slots;
  }

  Losses layer_losses(const ClipLayer& layer, std::size_t number, const std::vector<ClipRow>& rows,
                      const at::Tensor& share, const std::vector<ClipTargets>& targets,
                      const std::vector<ClipKey>& keys) const {
    const auto frames = layer.logits.size(1), queries = layer.logits.size(2), classes = layer.logits.size(3) - 1;
    const auto place = query_places(rows, frames, queries, layer.logits.device());
    Losses losses;
    if (options_.class_weight > 0) {
      const auto categories = at::full({layer.logits.size(0) * frames * queries}, classes, place.options())
                                  .index_put({place}, categories_of(rows, targets))
                                  .view({-1, frames, queries});
      const auto of = [&](const at::Tensor& logits, const at::Tensor& wanted) {
        return class_loss(logits.flatten(0, -2), wanted.flatten(), options_.no_object_weight);
      };
      at::Tensor loss;
      const auto together = sum_frames_ ? 1 : frames;
      for (std::int64_t t = 0; t < frames; t += together) {
        const auto part = of(layer.logits.narrow(1, t, together), categories.narrow(1, t, together));
        loss = loss.defined() ? loss + part : part;
      }
      losses["loss_class"] = options_.class_weight * loss;
    }
    if (options_.mask_weight > 0 || options_.dice_weight > 0) {
      const auto masks = full_precision(layer.masks.flatten(0, 2).index_select(0, place));  // [R,h,w]
      const auto [logits, labels] = compare_masks(masks, rows, targets, keys, number, options_.points);
      if (options_.mask_weight > 0) {
        const auto loss = focal_ ? mask_focal(logits, labels, options_.focal) : mask_cross_entropy(logits, labels);
        losses["loss_mask"] = options_.mask_weight * (loss * share).sum();
      }
      if (options_.dice_weight > 0)
        losses["loss_dice"] = options_.dice_weight * (mask_dice(logits, labels) * share).sum();
    }
    return losses;
  }

  /// [R] int64
  static at::Tensor categories_of(const std::vector<ClipRow>& rows, const std::vector<ClipTargets>& targets) {
    std::vector<at::Tensor> all;
    std::vector<std::int64_t> first{0};
    for (const auto& clip : targets)
      all.push_back(clip.categories), first.push_back(first.back() + clip.categories.size(0));
    const auto categories = at::cat(all);
    return categories.index_select(0, index_tensor(rows, categories.device(), [&](const ClipRow& row) {
                                     return first[static_cast<std::size_t>(row.clip)] + row.object;
                                   }));
  }

  /// [R] what each mask's loss is multiplied by, so that losses do not grow with the number of objects; as `masks`
  /// [B,T,Q,h,w] are compared. Undefined where masks have no loss.
  at::Tensor shares(const std::vector<ClipRow>& rows, const at::Tensor& masks) const {
    if (options_.mask_weight <= 0 && options_.dice_weight <= 0) return {};
    const auto frames = masks.size(1);
    std::vector<double> counts(static_cast<std::size_t>(sum_frames_ ? frames : 1));
    const auto group = [&](const ClipRow& row) { return static_cast<std::size_t>(sum_frames_ ? row.frame : 0); };
    for (const auto& row : rows) ++counts[group(row)];
    if (average_over_ranks) average_over_ranks(counts);
    std::vector<double> shares;
    for (const auto& row : rows) shares.push_back(1 / std::max(1.0, counts[group(row)]));
    const auto type = masks.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    return at::tensor(shares, type).to(masks.device(), true);
  }

  void remember(const at::Tensor& embeddings, const std::vector<ClipRow>& rows, const std::vector<ClipKey>& keys) {
    const auto device = embeddings.device();
    const auto place = query_places(rows, embeddings.size(1), embeddings.size(2), device);
    bank_.push(full_precision(embeddings.detach()).flatten(0, 2).index_select(0, place),
               index_tensor(rows, device, [&](const ClipRow& row) {
                 return static_cast<std::int64_t>(keys[static_cast<std::size_t>(row.clip)].video);
               }));
  }

  ClipCriterionOptions options_;
  ClipAssigner assign_;
  NegativeBank bank_;
  bool focal_, with_bank_, sum_frames_;
};

static_assert(Criterion<ClipCriterion, ClipPrediction>);

}  // namespace vos
