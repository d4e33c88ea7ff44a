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
  at::Tensor logits, labels;  ///< [L*R,P]
};

/// Predicted masks [L,R,h,w] of L layers and those of the targets, at the points that the loss looks at or in all cells, where
/// a target's pixels are averaged.
///
///   rows   in `clip_rows`' order; layers differ in their slots alone
///   keys   [B]; with the layer, whose points are drawn
inline MaskPairs compare_masks(const at::Tensor& masks, const std::vector<ClipRow>& rows,
                               const std::vector<ClipTargets>& targets, const std::vector<ClipKey>& keys,
                               const LossPointOptions& options) {
  const auto layers = masks.size(0), count = masks.size(1);
  std::vector<at::Tensor> of_clips;
  std::vector<std::int64_t> lengths;
  auto begin = rows.begin();
  for (std::size_t b = 0; b < targets.size(); ++b) {
    const auto end =
        std::find_if(begin, rows.end(), [&](const ClipRow& row) { return row.clip != static_cast<std::int64_t>(b); });
    const auto& all = targets[b].masks;
    const auto place = index_tensor(std::span(begin, end), all.device(),
                                    [&](const ClipRow& row) { return row.object * all.size(1) + row.frame; });
    of_clips.push_back(all.flatten(0, 1).index_select(0, place));
    lengths.push_back(end - begin);
    begin = end;
  }
  const auto truth = at::cat(of_clips);  // [R,H,W]
  if (options.points == 0) {
    const auto labels = at::adaptive_avg_pool2d(truth.to(masks.scalar_type()), masks.sizes().slice(2)).flatten(1);
    return {.logits = masks.flatten(2).flatten(0, 1), .labels = labels.repeat({layers, 1})};
  }
  std::vector<PointRows> drawn;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    for (std::size_t b = 0; b < targets.size(); ++b)
      drawn.push_back(
          {CounterRandom{keys[b].video, keys[b].iteration, static_cast<std::uint64_t>(layer), 0}, lengths[b]});
  const auto flat = masks.flatten(0, 1);                                                              // [L*R,h,w]
  const auto points = loss_points(flat, drawn, options);                                              // [L*R,P,2]
  const auto by_row = points.view({layers, count, points.size(1), 2}).transpose(0, 1).flatten(1, 2);  // [R,L*P,2]
  const auto labels =
      sample_labels(truth, by_row, masks.scalar_type()).view({count, layers, points.size(1)}).transpose(0, 1);
  return {.logits = sample_points(flat.unsqueeze(1), points).squeeze(1), .labels = labels.flatten(0, 1)};
}

}  // namespace vos
