#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/wire/mask_rows.hpp>

namespace vos::detail {

/// What becomes of one slot of the map before: another number, moved by whole pixels; `slot` 0 drops it.
struct SlotShift {
  std::uint16_t slot = 0;
  std::int32_t x = 0, y = 0;
  bool operator==(const SlotShift&) const = default;
};

/// True where `shifts` (from slot 1 on) leave a map of `count` slots as it is.
inline bool leaves_all(const std::vector<SlotShift>& shifts) {
  for (std::size_t i = 0; i < shifts.size(); ++i)
    if (shifts[i] != SlotShift{static_cast<std::uint16_t>(i + 1), 0, 0}) return false;
  return true;
}

/// `rows` with each slot k moved as `shifts[k-1]` says: what the next map is predicted from. Where two meet, the higher new
/// slot lies above.
inline MaskRows shifted(const MaskRows& rows, std::int64_t width, const std::vector<SlotShift>& shifts) {
  struct Stretch {
    std::uint16_t slot, x0, x1;  // x1: the last pixel
  };
  const auto height = static_cast<std::int64_t>(rows.height());
  const auto for_each_moved = [&](auto&& act) {
    for_each_run(rows, width, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t slot) {
      const auto& to = shifts[slot - 1U];
      y += to.y;
      x0 = std::max<std::int64_t>(0, x0 + to.x), x1 = std::min(width, x1 + to.x);
      if (to.slot != 0 && y >= 0 && y < height && x0 < x1)
        act(static_cast<std::size_t>(y),
            Stretch{to.slot, static_cast<std::uint16_t>(x0), static_cast<std::uint16_t>(x1 - 1)});
    });
  };
  std::vector<std::uint32_t> first(rows.height() + 1);
  for_each_moved([&](std::size_t y, const Stretch&) { ++first[y + 1]; });
  for (std::size_t y = 0; y < rows.height(); ++y) first[y + 1] += first[y];
  std::vector<Stretch> stretches(first.back());
  auto free = first;
  for_each_moved([&](std::size_t y, const Stretch& stretch) { stretches[free[y]++] = stretch; });

  MaskRows moved;
  moved.ends.reserve(rows.height());
  moved.runs.reserve(rows.runs.size());
  std::vector<std::uint16_t> line(static_cast<std::size_t>(width));
  std::vector<std::uint32_t> edges;
  for (std::size_t y = 0; y < rows.height(); ++y) {
    const auto begin = stretches.begin() + first[y], end = stretches.begin() + first[y + 1];
    if (begin != end) {
      std::sort(begin, end, [](const Stretch& a, const Stretch& b) { return a.slot < b.slot; });
      edges.clear();
      for (auto it = begin; it != end; ++it) {
        std::fill(line.begin() + it->x0, line.begin() + it->x1 + 1, it->slot);
        edges.push_back(it->x0);
        edges.push_back(it->x1 + 1U);
      }
      std::sort(edges.begin(), edges.end());
      std::uint16_t last = 0;
      for (const auto x : edges) {
        if (x >= line.size() || line[x] == last) continue;
        last = line[x];
        moved.runs.push_back({static_cast<std::uint16_t>(x), last});
      }
      for (auto it = begin; it != end; ++it) std::fill(line.begin() + it->x0, line.begin() + it->x1 + 1, 0);
    }
    moved.end_row();
  }
  return moved;
}

}  // namespace vos::detail
