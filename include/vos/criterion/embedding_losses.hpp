#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>

#include <vos/core/choice.hpp>
#include <vos/core/full_precision.hpp>
#include <vos/criterion/clip_rows.hpp>
#include <vos/criterion/contrastive.hpp>
#include <vos/criterion/criterion.hpp>
#include <vos/criterion/matching_loss.hpp>
#include <vos/criterion/negative_bank.hpp>
#include <vos/match/mask_points.hpp>

namespace vos {

struct EmbeddingLossOptions {
  double match_weight = 1;
  double contrast_weight = 2;
  double cosine_weight = 3;
  double match_scale = 10;             ///< of the cosines whose softmax finds an object again
  std::int64_t match_gap = 0;          ///< objects are found again at most so many frames away; 0: in the whole clip
  std::int64_t cosine_negatives = 10;  ///< for every positive; 0: all
  void visit(auto&& field) {
    field("match_weight", match_weight, "weight of finding an object again among the queries of another frame");
    field("contrast_weight", contrast_weight, "weight of an object's embeddings against all others");
    field("cosine_weight", cosine_weight, "weight of their cosines being 1 and 0");
    field("match_scale", match_scale, "sharpness of finding an object again");
    field("match_gap", match_gap, "objects are found again at most so many frames away; 0: anywhere in the clip");
    field("cosine_negatives", cosine_negatives, "negatives for every positive in the cosines' loss; 0: all");
  }
};

/// Throws unless the options can be used.
inline void expect_usable(const EmbeddingLossOptions& options) {
  expect_within("match_weight", options.match_weight, 0);
  expect_within("contrast_weight", options.contrast_weight, 0);
  expect_within("cosine_weight", options.cosine_weight, 0);
  expect_within("match_scale", options.match_scale, 0);
  expect_within("match_gap", static_cast<double>(options.match_gap), 0);
  expect_within("cosine_negatives", static_cast<double>(options.cosine_negatives), 0);
}

namespace detail {

inline bool same_object(const ClipRow& a, const ClipRow& b) { return a.clip == b.clip && a.object == b.object; }

/// Every row with every other of its object that is at most `gap` frames away, or anywhere with 0; both ways. Rows of one
/// object are neighbours.
inline std::vector<std::pair<std::size_t, std::size_t>> near_views(const std::vector<ClipRow>& rows, std::int64_t gap) {
  const auto near = [&](std::size_t i, std::size_t j) {
    return i != j && (gap == 0 || std::abs(rows[i].frame - rows[j].frame) <= gap);
  };
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && same_object(rows[begin], rows[end])) ++end;
    for (auto i = begin; i < end; ++i)
      for (auto j = begin; j < end; ++j)
        if (near(i, j)) pairs.emplace_back(i, j);
  }
  return pairs;
}

/// What an object's embeddings are held against: all queries of a batch, and behind them those of a bank.
struct Kinds {
  at::Tensor positive, negative;  // bool [A,M]
};

/// An object's positives are its own queries in other frames; its negatives all other queries of its clip, and those of
/// other videos.
inline Kinds kinds_of_items(const std::vector<ClipRow>& rows, const at::Tensor& place, const std::vector<ClipKey>& keys,
                            std::int64_t clips, std::int64_t queries_of_clip, const NegativeBank* bank) {
  const auto device = place.device();
  std::int64_t object = -1;
  std::vector<std::int64_t> objects;  // counted through the batch
  for (std::size_t i = 0; i < rows.size(); ++i)
    objects.push_back(object += i == 0 || !same_object(rows[i], rows[i - 1]));
  const auto mine = index_tensor(objects, device, [](std::int64_t number) { return number; });          // [A]
  const auto whose = at::full({clips * queries_of_clip}, -1, mine.options()).index_put({place}, mine);  // [M]
  const auto same = mine.unsqueeze(1).eq(whose);                                                        // [A,M]

  const auto clip = at::arange(clips, mine.options()).repeat_interleave(queries_of_clip);  // [M]
  const auto video = index_tensor(keys, device, [](const ClipKey& key) {
                       return static_cast<std::int64_t>(key.video);
                     }).index_select(0, clip);                      // [M]
  const auto my_clip = clip.index_select(0, place).unsqueeze(1);    // [A,1]
  const auto my_video = video.index_select(0, place).unsqueeze(1);  // [A,1]
  const auto eligible = my_clip.eq(clip).logical_or(my_video.ne(video));
  Kinds kinds{.positive = same.scatter(1, place.unsqueeze(1), false),  // not itself
              .negative = same.logical_not().logical_and(eligible)};
  if (bank != nullptr && bank->size() > 0) {
    const auto foreign = bank->foreign_to(my_video);
    kinds = {at::cat({kinds.positive, at::zeros_like(foreign)}, 1), at::cat({kinds.negative, foreign}, 1)};
  }
  return kinds;
}

}  // namespace detail

/// What the embeddings' losses are divided by, so that they do not grow with the number of objects.
struct EmbeddingCounts {
  double pairs = 0;    ///< of views in which an object is found again
  double anchors = 0;  ///< views of objects that are seen more than once: one seen once has nothing to be near to
};

inline EmbeddingCounts embedding_counts(const std::vector<ClipRow>& rows, const EmbeddingLossOptions& options) {
  const auto is_view_of = [&](std::size_t neighbour, const ClipRow& row) {  // 0 - 1 is no row either
    return neighbour < rows.size() && detail::same_object(rows[neighbour], row);
  };
  EmbeddingCounts counts{.pairs = static_cast<double>(detail::near_views(rows, options.match_gap).size())};
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (is_view_of(i - 1, rows[i]) || is_view_of(i + 1, rows[i])) ++counts.anchors;
  return counts;
}

/// The losses by which a model's embeddings learn to tell objects apart: "loss_match", "loss_contrast", "loss_cosine".
///
///   embeddings  [B,T,Q,E]
///   rows        the objects' queries, in `clip_rows`' order
///   keys        [B]; other clips of one video are no negatives, since they may show the same objects
///   bank        earlier objects as further negatives; may be null
///   counts      what to divide by: `embedding_counts` of these rows, or what several processes have on average
///
/// An object is held against all other queries, those of no object as well: or else nothing would keep these from looking
/// like one.
inline Losses embedding_losses(const at::Tensor& embeddings, const std::vector<ClipRow>& rows,
                               const std::vector<ClipKey>& keys, const NegativeBank* bank,
                               const EmbeddingLossOptions& options, const EmbeddingCounts& counts) {
  const auto clips = embeddings.size(0), frames = embeddings.size(1), queries = embeddings.size(2);
  const auto device = embeddings.device();
  auto items = full_precision(embeddings).flatten(0, 2);  // [M,E], M = B·T·Q
  const auto place = query_places(rows, frames, queries, device);
  const auto anchors = items.index_select(0, place);  // [A,E]
  if (bank != nullptr && bank->size() > 0) items = at::cat({items, bank->embeddings().to(items.options())});
  const auto cosine = at::matmul(unit_rows(anchors), unit_rows(items).t());  // [A,M]
  const auto some = [](double count) { return count > 0 ? count : 1; };

  Losses losses;
  if (options.match_weight > 0) {
    const auto near = detail::near_views(rows, options.match_gap);
    const auto from = index_tensor(near, device, [](const auto& pair) { return pair.first; });
    const auto frame = index_tensor(
        near, device, [&](const auto& pair) { return rows[pair.second].clip * frames + rows[pair.second].frame; });
    const auto right = index_tensor(near, device, [&](const auto& pair) { return rows[pair.second].slot; });
    const auto there = cosine.narrow(1, 0, clips * frames * queries)
                           .unflatten(1, {clips * frames, queries})
                           .index({from, frame});  // [pairs,Q]
    losses["loss_match"] =
        matching_loss(there, right, options.match_scale).sum() * (options.match_weight / some(counts.pairs));
  }
  if (options.contrast_weight <= 0 && options.cosine_weight <= 0) return losses;

  auto [positive, negative] = detail::kinds_of_items(rows, place, keys, clips, frames * queries, bank);
  if (options.contrast_weight > 0)
    losses["loss_contrast"] = contrast(at::matmul(anchors, items.t()), positive, negative).sum() *
                              (options.contrast_weight / some(counts.anchors));
  if (options.cosine_weight > 0) {
    if (options.cosine_negatives > 0) {
      const CounterRandom random{keys.at(0).video, keys.at(0).iteration, 0, 1};
      const auto draws = uniform_numbers(random, negative.numel(), device).view(negative.sizes());
      negative = fewer_negatives(positive, negative, draws, options.cosine_negatives);
    }
    const auto each = contrast_cosine(cosine, positive, negative) * positive.any(1).to(cosine.scalar_type());
    losses["loss_cosine"] = each.sum() * (options.cosine_weight / some(counts.anchors));
  }
  return losses;
}

}  // namespace vos
