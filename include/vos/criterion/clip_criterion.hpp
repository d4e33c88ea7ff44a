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
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
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

    // Layers differ in who answers for an object, not in where it is seen: all but their slots is the same.
    const auto slots = assign(prediction.layers, targets, keys);
    std::vector<ClipRow> all;  // [L*R]
    for (const auto& of_layer : slots)
      for (const auto& row : clip_rows(of_layer)) all.push_back(row);
    const auto layers = slots.size(), objects = all.size() / layers;
    const std::vector<ClipRow> rows(all.end() - static_cast<std::ptrdiff_t>(objects), all.end());  // the last layer's
    const auto& last = prediction.layers.back().logits;
    const auto counts = count(rows, last);
    const auto places = query_places(all, last.size(1), last.size(2), last.device())
                            .view({static_cast<std::int64_t>(layers), static_cast<std::int64_t>(objects)});

    Losses losses;
    const auto add = [&](const std::string& name, const at::Tensor& of_layers) {
      const auto each = of_layers.unbind();
      for (std::size_t i = 0; i < layers; ++i) losses[i + 1 < layers ? name + "_" + std::to_string(i) : name] = each[i];
    };
    if (options_.class_weight > 0)
      add("loss_class", class_losses(prediction.layers, places, categories_of(rows, targets), counts));
    if (options_.mask_weight > 0 || options_.dice_weight > 0) {
      const auto frame = places.floor_divide(last.size(2)), query = places.remainder(last.size(2));
      std::vector<at::Tensor> masks;
      for (std::size_t i = 0; i < layers; ++i) {
        const auto layer = static_cast<std::int64_t>(i);
        masks.push_back(prediction.layers[i].masks.flatten(0, 1).index({frame[layer], query[layer]}));  // [R,h,w]
      }
      const auto [logits, labels] =
          compare_masks(full_precision(at::stack(masks)), rows, targets, keys, options_.points);  // [L*R,P]
      const auto share = shares(rows, logits, counts);
      const auto by_layer = [&](const at::Tensor& each) { return at::matmul(each.view(places.sizes()), share); };
      if (options_.mask_weight > 0)
        add("loss_mask", options_.mask_weight * by_layer(focal_ ? mask_focal(logits, labels, options_.focal)
                                                                : mask_cross_entropy(logits, labels)));
      if (options_.dice_weight > 0) add("loss_dice", options_.dice_weight * by_layer(mask_dice(logits, labels)));
    }
    if (prediction.embeddings.defined()) {
      losses.merge(embedding_losses(prediction.embeddings, rows, keys, with_bank_ ? &bank_ : nullptr,
                                    options_.embedding, counts.embedding));
      if (with_bank_ && at::GradMode::is_enabled()) remember(prediction.embeddings, rows, keys);
    }
    return losses;
  }

  const ClipCriterionOptions& options() const { return options_; }

  /// What it remembers of earlier batches; empty without a memory bank.
  const NegativeBank& bank() const { return bank_; }
  NegativeBank& bank() { return bank_; }

  /// Where several processes share a batch: replaces the counts that losses are divided by with their means over all of them,
  /// so that the mean of the processes' losses is that of the whole batch, however objects are spread. Called once a batch with
  /// counts of always the same number. What an object is held against stays each process's own.
  std::function<void(std::span<double>)> average_over_ranks = {};

 private:
  /// What losses are divided by. `masks` and `classes` are one number, or one a frame with `frames = sum`.
  struct Counts {
    std::vector<double> masks = {};
    std::vector<double> classes = {};  ///< weights of queries; empty: those at hand, added up where they are
    EmbeddingCounts embedding = {};
  };

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
    expect_shape(last.masks, {clips, any_size, any_size, any_size, any_size}, "masks [B,T,Q,h,w]");
    const auto frames = last.logits.size(1), queries = last.logits.size(2);
    if (clips == 0 || frames == 0)
      throw Error({.what = "a batch of " + std::to_string(clips) + " clips of " + std::to_string(frames) + " frames",
                   .where = "ClipCriterion",
                   .mend = "give at least one clip of one frame; it may be without objects"});
    for (const auto& layer : prediction.layers) {
      expect_shape(layer.logits, {clips, frames, queries, last.logits.size(3)}, "logits [B,T,Q,K+1]");
      expect_shape(layer.masks, {clips, frames, queries, last.masks.size(-2), last.masks.size(-1)},
                   "masks [B,T,Q,h,w]");
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

  /// [L]
  at::Tensor class_losses(const std::vector<ClipLayer>& layers, const at::Tensor& places, const at::Tensor& categories,
                          const Counts& counts) const {
    std::vector<at::Tensor> all;
    for (const auto& layer : layers) all.push_back(layer.logits);
    auto logits = at::stack(all);  // [L,B,T,Q,K+1]
    auto wanted = at::full({logits.size(0), logits[0].numel() / logits.size(4)}, logits.size(4) - 1, places.options())
                      .scatter(1, places, categories.expand(places.sizes()))
                      .view(logits.sizes().slice(0, 4));
    // What is divided by one number side by side: [L,1,B*T*Q], or [L,T,B*Q].
    const auto grouped = [&](const at::Tensor& x) {
      return sum_frames_ ? x.transpose(1, 2).flatten(2, 3) : x.flatten(1, 3).unsqueeze(1);
    };
    const auto divisor = counts.classes.empty() ? at::Tensor{} : numbers(counts.classes, logits);  // [1], or [T]
    return options_.class_weight *
           class_loss(grouped(logits), grouped(wanted), options_.no_object_weight, divisor).sum(1);
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

  std::size_t group_of(const ClipRow& row) const { return static_cast<std::size_t>(sum_frames_ ? row.frame : 0); }

  /// Of the objects `rows` among queries with `logits` [B,T,Q,K+1].
  Counts count(const std::vector<ClipRow>& rows, const at::Tensor& logits) const {
    const auto frames = logits.size(1), queries = logits.size(0) * logits.size(2);
    Counts counts{.embedding = embedding_counts(rows, options_.embedding)};
    counts.masks.resize(static_cast<std::size_t>(sum_frames_ ? frames : 1));
    for (const auto& row : rows) ++counts.masks[group_of(row)];
    if (!average_over_ranks) return counts;
    auto all = counts.masks;
    const auto groups = all.size();
    for (const auto objects : counts.masks)
      all.push_back(objects +
                    options_.no_object_weight * (static_cast<double>(queries * (sum_frames_ ? 1 : frames)) - objects));
    all.push_back(counts.embedding.pairs), all.push_back(counts.embedding.anchors);
    average_over_ranks(all);
    const auto place = all.begin() + static_cast<std::ptrdiff_t>(groups);
    counts.masks.assign(all.begin(), place);
    counts.classes.assign(place, place + static_cast<std::ptrdiff_t>(groups));
    counts.embedding = {.pairs = all[2 * groups], .anchors = all[2 * groups + 1]};
    return counts;
  }

  /// [R] what each mask's loss is multiplied by, so that losses do not grow with the number of objects.
  at::Tensor shares(const std::vector<ClipRow>& rows, const at::Tensor& like, const Counts& counts) const {
    std::vector<double> shares;
    for (const auto& row : rows) shares.push_back(1 / counts.masks[group_of(row)]);
    return numbers(shares, like);
  }

  static at::Tensor numbers(const std::vector<double>& values, const at::Tensor& like) {
    const auto type = like.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    return at::tensor(values, type).to(like.device(), true);
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
