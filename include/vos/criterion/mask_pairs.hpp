#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/cat.h>

#include <vos/criterion/clip_rows.hpp>
#include <vos/criterion/criterion.hpp>
#include <vos/match/mask_points.hpp>

namespace vos {

/// Masks as losses compare them.
struct MaskPairs {
  at::Tensor logits, labels;  ///< [R,P]
};

/// Predicted masks [R,h,w] and those of the targets, at the points that the loss looks at or in all cells, where a
/// target's pixels are averaged.
///
///   rows   in `clip_rows`' order
///   keys   [B]; with `layer`, whose points are drawn
inline MaskPairs compare_masks(const at::Tensor& masks, const std::vector<ClipRow>& rows,
                               const std::vector<ClipTargets>& targets, const std::vector<ClipKey>& keys,
                               std::size_t layer, const LossPointOptions& options) {
  const bool whole = options.points == 0;
  std::vector<at::Tensor> points, labels;
  auto begin = rows.begin();
  for (std::size_t b = 0; b < targets.size(); ++b) {
    const auto end =
        std::find_if(begin, rows.end(), [&](const ClipRow& row) { return row.clip != static_cast<std::int64_t>(b); });
    const std::vector<ClipRow> own(begin, end);
    const auto& all = targets[b].masks;
    const auto place =
        index_tensor(own, all.device(), [&](const ClipRow& row) { return row.object * all.size(1) + row.frame; });
    const auto truth = all.flatten(0, 1).index_select(0, place);  // [own,H,W]
    if (whole) {
      labels.push_back(at::adaptive_avg_pool2d(truth.to(masks.scalar_type()), masks.sizes().slice(1)).flatten(1));
    } else {
      const CounterRandom random{keys[b].video, keys[b].iteration, layer, 0};
      points.push_back(loss_points(masks.narrow(0, begin - rows.begin(), truth.size(0)), random, options));
      labels.push_back(sample_labels(truth, points.back(), masks.scalar_type()));
    }
    begin = end;
  }
  return {.logits = whole ? masks.flatten(1) : sample_points(masks.unsqueeze(1), at::cat(points)).squeeze(1),
          .labels = at::cat(labels)};
}

}  // namespace vos
