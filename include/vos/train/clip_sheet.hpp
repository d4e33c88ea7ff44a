#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <vos/data/paste.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/io/drawing.hpp>

namespace vos {

struct ClipSheetOptions {
  std::int64_t frames = 8;   ///< of a clip at most, evenly chosen
  std::int64_t width = 320;  ///< of a tile at most, in pixels
  std::int64_t least = 1;    ///< of a tile at least
};

/// Clips as a picture to look at, a row each: their frames with masks, outlines and ids. uint8 [H,W,3].
inline at::Tensor clip_sheet(std::span<const Sample> clips, const ClipSheetOptions& options = {}) {
  constexpr std::int64_t gap = 4, ground = 24;
  std::vector<std::vector<at::Tensor>> rows;
  std::int64_t height = gap, width = 0;
  for (const auto& clip : clips) {
    const auto length = length_of(clip), shown = std::min(length, options.frames);
    const auto labels = labels_of(clip);
    const auto [h, w] = size_of(clip);
    const auto scale = static_cast<double>(std::clamp(w, options.least, options.width)) / static_cast<double>(w);
    const auto side = [scale](std::int64_t whole) {
      return std::max<std::int64_t>(1, std::llround(scale * static_cast<double>(whole)));
    };
    std::vector<at::Tensor> tiles;
    for (std::int64_t i = 0; i < shown; ++i) {
      const auto t = shown < 2 ? 0 : i * (length - 1) / (shown - 1);
      // Drawn at its final size, so that lines and numbers are as clear as on a full picture.
      const auto picture = clip.frames[t].permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);     // [1,3,H,W]
      const auto ids = labels[t].unsqueeze(0).unsqueeze(0).to(at::kDouble);                   // [1,1,H,W]
      const auto small = at::_upsample_bilinear2d_aa(picture, {side(h), side(w)}, false)[0];  // [3,h,w]
      FrameResult result;
      result.labels = at::upsample_nearest2d(ids, {side(h), side(w)})[0][0].to(at::kInt).contiguous();
      tiles.push_back(draw({.rgb = small.permute({1, 2, 0}).round().clamp(0, 255).to(at::kByte).contiguous()}, result));
    }
    height += side(h) + gap;
    width = std::max(width, gap + shown * (side(w) + gap));
    rows.push_back(std::move(tiles));
  }
  auto sheet = at::full({height, std::max(width, gap), 3}, ground, at::kByte);
  std::int64_t top = gap;
  for (const auto& tiles : rows) {
    std::int64_t left = gap;
    for (const auto& tile : tiles) {
      sheet.narrow(0, top, tile.size(0)).narrow(1, left, tile.size(1)).copy_(tile);
      left += tile.size(1) + gap;
    }
    top += tiles.empty() ? 0 : tiles.front().size(0) + gap;
  }
  return sheet;
}

/// What was found in a clip, int32 [H,W] a frame, and below it the truth.
inline at::Tensor comparison_sheet(const Sample& clip, std::span<const at::Tensor> guesses,
                                   const ClipSheetOptions& options = {.frames = 5, .width = 320, .least = 240}) {
  std::array<Sample, 2> rows{clip, clip};
  rows[0].labels = at::stack(at::TensorList{guesses.data(), guesses.size()});
  rows[0].masks = at::Tensor{};
  return clip_sheet(rows, options);
}

}  // namespace vos
