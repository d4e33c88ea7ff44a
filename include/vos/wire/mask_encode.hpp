#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/wire/mask_decode.hpp>
#include <vos/wire/mask_rows.hpp>
#include <vos/wire/mask_shift.hpp>

namespace vos {
namespace detail {

/// One object's stretches, row by row from its uppermost.
struct MaskShape {
  struct Stretch {
    std::int32_t x0, x1;
  };
  std::int32_t top = 0;
  std::vector<std::uint32_t> ends = {};  // of each row
  std::vector<Stretch> stretches = {};
  std::int64_t area = 0, sum_x = 0, sum_y = 0;

  void add(std::int64_t y, std::int64_t x0, std::int64_t x1) {
    if (ends.empty()) top = static_cast<std::int32_t>(y);
    while (static_cast<std::int64_t>(ends.size()) + top <= y)
      ends.push_back(static_cast<std::uint32_t>(stretches.size()));
    stretches.push_back({static_cast<std::int32_t>(x0), static_cast<std::int32_t>(x1)});
    ends.back() = static_cast<std::uint32_t>(stretches.size());
    area += x1 - x0;
    sum_x += (x0 + x1 - 1) * (x1 - x0) / 2;
    sum_y += y * (x1 - x0);
  }
  std::span<const Stretch> row(std::int32_t y) const {
    const auto i = y - top;
    if (i < 0 || i >= static_cast<std::int32_t>(ends.size())) return {};
    const std::uint32_t begin = i == 0 ? 0 : ends[static_cast<std::size_t>(i) - 1];
    return {stretches.data() + begin, ends[static_cast<std::size_t>(i)] - begin};
  }
};

inline std::vector<MaskShape> shapes_of(const MaskFrame& frame) {
  std::vector<MaskShape> shapes(frame.ids.size());
  for (std::size_t k = 0; k < frame.layers.size(); ++k)
    for_each_run(frame.layers[k], frame.width,
                 [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t slot) {
                   shapes[frame.overlapping ? k : slot - 1U].add(y, x0, x1);
                 });
  return shapes;
}

/// How many pixels `moving`, moved, has in common with `still`.
inline std::int64_t overlap(const MaskShape& moving, const MaskShape& still, std::int32_t dx, std::int32_t dy) {
  std::int64_t common = 0;
  const auto first = std::max(moving.top, still.top - dy);
  const auto last = std::min(moving.top + static_cast<std::int32_t>(moving.ends.size()),
                             still.top + static_cast<std::int32_t>(still.ends.size()) - dy);
  for (auto y = first; y < last; ++y) {
    const auto a = moving.row(y), b = still.row(y + dy);
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      const auto a1 = a[i].x1 + dx;
      common += std::max(0, std::min(a1, b[j].x1) - std::max(a[i].x0 + dx, b[j].x0));
      if (a1 < b[j].x1) ++i;
      else ++j;
    }
  }
  return common;
}

/// The move that lays `moving` best over `still`: downhill from no move and from that of the centres.
inline std::pair<std::int32_t, std::int32_t> best_move(const MaskShape& moving, const MaskShape& still) {
  if (moving.area == 0 || still.area == 0) return {0, 0};
  const auto common_at = [&](std::int32_t dx, std::int32_t dy) { return overlap(moving, still, dx, dy); };
  const auto at_rest = common_at(0, 0);
  if (at_rest == moving.area && at_rest == still.area) return {0, 0};
  auto x = static_cast<std::int32_t>(still.sum_x / still.area - moving.sum_x / moving.area);
  auto y = static_cast<std::int32_t>(still.sum_y / still.area - moving.sum_y / moving.area);
  auto best = common_at(x, y);
  if (at_rest >= best) best = at_rest, x = 0, y = 0;
  for (const std::int32_t step : {2, 1}) {
    for (bool better = true; better;) {
      better = false;
      for (const auto& [dx, dy] : {std::pair{step, 0}, std::pair{-step, 0}, std::pair{0, step}, std::pair{0, -step}}) {
        const auto common = common_at(x + dx, y + dy);
        if (common <= best) continue;
        best = common, x += dx, y += dy, better = true;
        break;
      }
    }
  }
  return {x, y};
}

/// How each object of the frame before moved, and how well that predicts the frame.
struct MaskMotion {
  std::vector<SlotShift> shifts = {};     ///< one for each id of the frame before
  std::int64_t wrong = 0, stretches = 0;  ///< pixels foretold wrongly, stretches of rows in the frame

  /// Where objects differ from what is foretold by more than a few pixels in each stretch, the prediction says less than the
  /// row above does. The bound is not sharp: from 4 to 8 the sizes are the same on all videos tried.
  bool helps() const { return wrong <= 6 * stretches; }
};

inline MaskMotion motion_between(const MaskFrame& before, const MaskFrame& now) {
  MaskMotion motion{.shifts = std::vector<SlotShift>(before.ids.size())};
  const auto from = shapes_of(before), to = shapes_of(now);
  for (const auto& shape : to) motion.stretches += static_cast<std::int64_t>(shape.stretches.size());
  for (std::size_t i = 0; i < before.ids.size(); ++i) {
    const auto found = std::lower_bound(now.ids.begin(), now.ids.end(), before.ids[i]);
    if (found == now.ids.end() || *found != before.ids[i]) continue;
    const auto& shape = to[static_cast<std::size_t>(found - now.ids.begin())];
    const auto [x, y] = best_move(from[i], shape);
    motion.shifts[i] = {0, x, y};
    motion.wrong += from[i].area + shape.area - 2 * overlap(from[i], shape, x, y);
  }
  return motion;
}

inline void put_number(std::vector<std::uint8_t>& to, std::uint32_t value) {
  for (; value >= 128; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 128));
  to.push_back(static_cast<std::uint8_t>(value));
}

inline void put_word(std::vector<std::uint8_t>& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value));
  to.push_back(static_cast<std::uint8_t>(value >> 8));
}

}  // namespace detail

/// The bytes of a frame's masks: on their own, or as the difference to `base`, which the receiver must hold then. Where the
/// base has another size, or foretells little of the frame, they stand on their own.
inline std::vector<std::uint8_t> encode_masks(const MaskFrame& now, const MaskFrame* base = nullptr) {
  using namespace detail;
  MaskMotion motion;
  if (base != nullptr &&
      (base->height != now.height || base->width != now.width || base->overlapping != now.overlapping))
    base = nullptr;
  if (base != nullptr) motion = motion_between(*base, now);
  if (!motion.helps()) base = nullptr;
  const bool same_ids = base != nullptr && base->ids == now.ids;
  std::vector<std::uint8_t> bytes{
      static_cast<std::uint8_t>(mask_head::form << 4 | (base != nullptr ? mask_head::delta : 0) |
                                (now.overlapping ? mask_head::overlapping : 0) | (same_ids ? mask_head::same_ids : 0))};
  put_word(bytes, fingerprint(now));
  if (base != nullptr) put_word(bytes, fingerprint(*base));
  else
    put_number(bytes, static_cast<std::uint32_t>(now.height)), put_number(bytes, static_cast<std::uint32_t>(now.width));
  if (!same_ids) {
    put_number(bytes, static_cast<std::uint32_t>(now.ids.size()));
    ObjectId last = 0;
    for (const auto id : now.ids) put_number(bytes, static_cast<std::uint32_t>(id - last - 1)), last = id;
  }
  RangeEncoder coder{bytes};
  MaskModel model{base != nullptr};
  const bool sound = base != nullptr ? code_layers<RangeEncoder, true>(coder, model, base, now, motion.shifts)
                                     : code_layers<RangeEncoder, false>(coder, model, nullptr, now, {});
  if (!sound)
    throw Error({.what = std::to_string(now.layers.size()) + " masks that differ at almost every pixel",
                 .where = "masks for the wire",
                 .mend = "send fewer objects in a frame"});
  coder.finish();
  return bytes;
}

}  // namespace vos
