#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include <vos/segment/video_detector.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/track.hpp>

namespace vos {

namespace detail {

/// Where the pixels of one axis lie between the cells of a grid: pixel i is cell[i] and the next, `share[i]` of the latter.
struct PixelsInCells {
  std::vector<std::int64_t> cell;
  std::vector<float> share;

  PixelsInCells(std::int64_t pixels, std::int64_t cells, double pixels_per_cell)
      : cell(static_cast<std::size_t>(pixels)), share(static_cast<std::size_t>(pixels)) {
    for (std::size_t i = 0; i < cell.size(); ++i) {
      const double place =
          std::clamp((static_cast<double>(i) + 0.5) / pixels_per_cell - 0.5, 0.0, static_cast<double>(cells - 1));
      cell[i] = std::min(static_cast<std::int64_t>(place), std::max<std::int64_t>(0, cells - 2));
      share[i] = cells > 1 ? static_cast<float>(place - static_cast<double>(cell[i])) : 0.0F;
    }
  }

  /// The pixels [first,last) that a value in the cells [begin,end) can reach.
  std::pair<std::size_t, std::size_t> reached_from(std::int64_t begin, std::int64_t end) const {
    const auto first = std::lower_bound(cell.begin(), cell.end(), begin - 1);
    const auto last = std::lower_bound(first, cell.end(), end);
    return {static_cast<std::size_t>(first - cell.begin()), static_cast<std::size_t>(last - cell.begin())};
  }
};

/// The cells of a mask [height,width] that are inside: rows [top,bottom), columns [left,right). Empty where none is.
struct InsideCells {
  std::int64_t top, bottom = 0, left, right = 0;

  InsideCells(const float* logits, std::int64_t height, std::int64_t width) : top(height), left(width) {
    for_each_run({logits, static_cast<std::size_t>(height * width)}, height, width, [&](auto y, auto begin, auto end) {
      top = std::min(top, y), bottom = y + 1;
      left = std::min(left, begin), right = std::max(right, end);
    });
  }
};

}  // namespace detail

/// Who owns each pixel of the frame, int32 [H,W] on the CPU: of the objects whose own mask has the pixel (a probability above
/// one half, the background's), the one with the highest probability times confidence. A low confidence makes an object give
/// way to others; that its mask is shown at all is the tracker's word.
///
/// `tracks` with a query are shown. Only their masks leave the device, in one copy, and each is enlarged, bilinearly, only
/// around where it is: the cost is that of the pixels shown, not of the number of queries.
inline at::Tensor exclusive_labels(const DetectedFrame& seen, std::span<const Track> tracks) {
  const auto [height, width] = seen.frame;
  auto labels = at::zeros({height, width}, at::kInt);
  std::vector<std::int64_t> queries;
  std::vector<const Track*> shown;
  for (const auto& track : tracks)
    if (track.query >= 0) queries.push_back(track.query), shown.push_back(&track);
  if (shown.empty()) return labels;

  const auto& all = seen.detections.masks;  // [1,Q,h,w]
  const auto chosen = at::from_blob(queries.data(), {std::ssize(queries)}, at::kLong).to(all.device());
  const auto masks = all[0].index_select(0, chosen).to(at::kCPU, at::kFloat).contiguous();  // [shown,h,w]
  const auto rows = masks.size(1), columns = masks.size(2);
  const detail::PixelsInCells down(height, rows, seen.rows_per_cell()), across(width, columns, seen.columns_per_cell());

  auto* owner = labels.mutable_data_ptr<std::int32_t>();
  std::vector<float> best(static_cast<std::size_t>(height * width));  // the owner's probability times confidence
  std::vector<float> row(static_cast<std::size_t>(columns));
  const auto probability = [](float logit) { return 1 / (1 + std::exp(-logit)); };
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto* mask = masks.const_data_ptr<float>() + static_cast<std::int64_t>(i) * rows * columns;
    const detail::InsideCells inside(mask, rows, columns);
    const auto [first_y, last_y] = down.reached_from(inside.top, inside.bottom);
    const auto [first_x, last_x] = across.reached_from(inside.left, inside.right);
    const auto left = std::max<std::int64_t>(0, inside.left - 1), right = std::min(columns, inside.right + 1);
    for (auto y = first_y; y < last_y; ++y) {
      const auto* upper = mask + down.cell[y] * columns;
      const auto* lower = rows > 1 ? upper + columns : upper;
      const float below = down.share[y];
      for (auto x = left; x < right; ++x) row[static_cast<std::size_t>(x)] = upper[x] + below * (lower[x] - upper[x]);
      for (auto x = first_x; x < last_x; ++x) {
        const auto cell = static_cast<std::size_t>(across.cell[x]);
        const float near = row[cell], far = columns > 1 ? row[cell + 1] : near;
        const float logit = near + across.share[x] * (far - near);
        if (!(logit > 0)) continue;
        const auto pixel = y * static_cast<std::size_t>(width) + x;
        const float sure = probability(logit) * shown[i]->score;
        if (owner[pixel] != 0 && !(sure > best[pixel])) continue;  // a tie is the lower id's
        owner[pixel] = shown[i]->id;
        best[pixel] = sure;
      }
    }
  }
  return labels;
}

}  // namespace vos
