#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <vos/core/box.hpp>

namespace vos {

/// A mask on a grid of 64x64 cells, a bit each. The picture's longer side has 64 of them, whatever its resolution: a mask at
/// full size and one at stride 16 can be compared. Enough to say whether two masks are of one thing, and thousands of pairs
/// can be compared in a frame.
struct CoarseMask {
  static constexpr std::int64_t side = 64;
  using Row = std::uint64_t;

  std::array<Row, side> rows = {};   ///< bit x of rows[y]
  std::int64_t top = 0, bottom = 0;  ///< rows outside [top,bottom) are 0
  std::int64_t left = 0, right = 0;  ///< columns too
  std::int64_t area = 0;             ///< cells
  Box extent = {};                   ///< what is covered within those cells; unit: cells, finer than whole ones

  bool empty() const { return area == 0; }
  Box box() const {
    return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(right), static_cast<float>(bottom)};
  }

  /// Row y, until now empty.
  void set_row(std::int64_t y, Row bits) {
    if (bits == 0) return;
    const std::int64_t first = std::countr_zero(bits), last = std::bit_width(bits);
    left = empty() ? first : std::min(left, first), right = std::max(right, last);
    top = empty() ? y : std::min(top, y), bottom = std::max(bottom, y + 1);
    rows[static_cast<std::size_t>(y)] = bits;
    area += std::popcount(bits);
    extent = box();
  }

  friend bool operator==(const CoarseMask& a, const CoarseMask& b) { return a.rows == b.rows && a.extent == b.extent; }
  /// In reading order: what begins further up comes first, then what is further left.
  friend bool operator<(const CoarseMask& a, const CoarseMask& b) {
    const auto order = [](const CoarseMask& m) {
      return std::tie(m.top, m.left, m.rows, m.extent.y0, m.extent.x0, m.extent.y1, m.extent.x1);
    };
    return order(a) < order(b);
  }
};

/// Calls `act(y, x, logit)` for the pixels of a mask of logits [height,width] that are inside: above 0. Most pixels are not,
/// and are passed over many at a time.
template <class Act>
inline void for_each_inside(std::span<const float> logits, std::int64_t height, std::int64_t width, Act&& act) {
  assert(static_cast<std::int64_t>(logits.size()) == height * width);
  constexpr std::int64_t block = 32;
  for (std::int64_t y = 0; y < height; ++y) {
    const auto* row = logits.data() + y * width;
    for (std::int64_t begin = 0; begin < width; begin += block) {
      const auto end = std::min(begin + block, width);
      if (end - begin == block) {
        std::int32_t any = 0;
        for (std::int64_t i = 0; i < block; ++i) any |= row[begin + i] > 0 ? -1 : 0;
        if (any == 0) continue;
      }
      for (auto x = begin; x < end; ++x)
        if (row[x] > 0) act(y, x, row[x]);
    }
  }
}

/// How much of each cell of the grid a mask covers.
///
/// A pixel seldom ends where a cell does. Lengths are counted so that both are whole numbers: a pixel is 64 long and a cell as
/// many as the picture's longer side has pixels. So each pixel gives each cell exactly its share.
class CellCounts {
 public:
  CellCounts(std::int64_t height, std::int64_t width)
      : split_((CoarseMask::side + std::max(height, width) - 1) / std::max<std::int64_t>(1, std::max(height, width))),
        cell_(split_ * std::max(height, width)),
        covered_(static_cast<std::size_t>(CoarseMask::side * CoarseMask::side)),
        in_row_(static_cast<std::size_t>(height)),
        in_column_(static_cast<std::size_t>(width)) {
    steps_.reserve(static_cast<std::size_t>(cell_));
    for (std::int64_t at = 0, end = CoarseMask::side; end <= CoarseMask::side * cell_; end += CoarseMask::side) {
      const bool over = end > (at + 1) * cell_;
      const auto beyond = over ? end - (at + 1) * cell_ : 0;
      steps_.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(CoarseMask::side - beyond),
                        static_cast<std::uint32_t>(beyond)});
      if (end >= (at + 1) * cell_) ++at;
    }
  }

  void add(std::int64_t y, std::int64_t x) {
    in_row_[static_cast<std::size_t>(y)] = in_column_[static_cast<std::size_t>(x)] = true;
    // A picture of fewer than 64 pixels: each is several, none longer than a cell.
    for (auto row = y * split_; row < (y + 1) * split_; ++row)
      for (auto column = x * split_; column < (x + 1) * split_; ++column)
        add(steps_[static_cast<std::size_t>(row)], steps_[static_cast<std::size_t>(column)]);
  }

  /// The cells that are covered by half; or, so that small things do not vanish, by half of what the best one is.
  CoarseMask mask() const {
    CoarseMask mask;
    // Most rows have nothing, and are not looked at.
    const auto first = std::find(in_row_.begin(), in_row_.end(), 1) - in_row_.begin();
    if (first == std::ssize(in_row_)) return mask;
    const auto last = in_row_.rend() - std::find(in_row_.rbegin(), in_row_.rend(), 1);
    const auto length = CoarseMask::side * split_;
    const auto top = first * length / cell_, bottom = (last * length + cell_ - 1) / cell_;
    const auto most =
        *std::max_element(covered_.begin() + top * CoarseMask::side, covered_.begin() + bottom * CoarseMask::side);
    for (auto y = top; y < bottom; ++y) {
      CoarseMask::Row bits = 0;
      const auto* row = covered_.data() + y * CoarseMask::side;
      for (std::size_t x = 0; x < CoarseMask::side; ++x) bits |= CoarseMask::Row{2 * row[x] >= most} << x;
      mask.set_row(y, bits);
    }
    // Only pixels in those rows and columns: a stray one far away does not count.
    std::tie(mask.extent.y0, mask.extent.y1) = extent(in_row_, mask.top, mask.bottom);
    std::tie(mask.extent.x0, mask.extent.x1) = extent(in_column_, mask.left, mask.right);
    return mask;
  }

 private:
  /// Where a pixel lies in a row or column of cells: its first cell, its length in it, and its length in the next.
  struct Step {
    std::uint32_t cell, here, next;
  };

  void add(const Step& row, const Step& column) {
    auto* at = covered_.data() + row.cell * CoarseMask::side + column.cell;
    at[0] += row.here * column.here;
    if (column.next > 0) at[1] += row.here * column.next;
    if (row.next == 0) return;
    at[CoarseMask::side] += row.next * column.here;
    if (column.next > 0) at[CoarseMask::side + 1] += row.next * column.next;
  }

  /// From the first to the last that is set of the lines that touch the cells [first,last); unit: cells.
  std::pair<float, float> extent(const std::vector<std::uint8_t>& lines, std::int64_t first, std::int64_t last) const {
    const auto length = CoarseMask::side * split_;
    auto begin = first * cell_ / length, end = std::min((last * cell_ + length - 1) / length, std::ssize(lines));
    while (begin < end && lines[static_cast<std::size_t>(begin)] == 0) ++begin;
    while (end > begin && lines[static_cast<std::size_t>(end - 1)] == 0) --end;
    const auto in_cells = [&](std::int64_t line) {
      return static_cast<float>(static_cast<double>(line * length) / static_cast<double>(cell_));
    };
    return {std::max(in_cells(begin), static_cast<float>(first)), std::min(in_cells(end), static_cast<float>(last))};
  }

  std::int64_t split_, cell_;  // parts that a pixel is taken as, and the length of a cell
  std::vector<std::uint64_t> covered_;
  std::vector<Step> steps_;
  std::vector<std::uint8_t> in_row_, in_column_;  // whether the mask has a pixel there
};

/// The cells that a mask of logits covers.
inline CoarseMask coarse_mask(std::span<const float> logits, std::int64_t height, std::int64_t width) {
  CellCounts counts(height, width);
  for_each_inside(logits, height, width, [&](auto y, auto x, float) { counts.add(y, x); });
  return counts.mask();
}

/// Cells that two masks share.
inline std::int64_t shared_cells(const CoarseMask& a, const CoarseMask& b) {
  if (std::min(a.right, b.right) <= std::max(a.left, b.left)) return 0;
  // Two rows at a time in GCC's and Clang's own vectors: a plain x86-64 has no instruction that counts bits.
  constexpr std::int64_t lanes = 2;
  using Bits [[gnu::vector_size(lanes * sizeof(CoarseMask::Row))]] = CoarseMask::Row;
  const auto load = [](const CoarseMask::Row* from) {
    Bits bits;
    std::memcpy(&bits, from, sizeof bits);
    return bits;
  };
  auto y = std::max(a.top, b.top) & ~(lanes - 1);  // rows outside are 0: what is read too much does not count
  const auto end = std::min(a.bottom, b.bottom);
  std::int64_t shared = 0;
  while (y < end) {
    Bits bytes{};
    for (const auto stop = std::min(end, y + 31 * lanes); y < stop; y += lanes) {  // 31 times 8 fits into a byte
      Bits x = load(a.rows.data() + y) & load(b.rows.data() + y);
      x -= x >> 1 & 0x5555555555555555;
      x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
      bytes += (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    }
    constexpr CoarseMask::Row even = 0x00ff00ff00ff00ff, ones = 0x0001000100010001;
    const Bits pairs = (bytes & even) + (bytes >> 8 & even);
    const Bits sums = pairs * ones >> 48;
    shared += static_cast<std::int64_t>(sums[0] + sums[1]);
  }
  return shared;
}

/// Intersection over union, 0 where both are empty. Of masks of a few cells no more than that of their extents: two small
/// things side by side may lie in the same cells.
inline float iou(const CoarseMask& a, const CoarseMask& b) {
  constexpr std::int64_t few = 9;
  const auto shared = shared_cells(a, b);
  if (shared == 0) return 0;
  const auto of_cells = static_cast<float>(shared) / static_cast<float>(a.area + b.area - shared);
  return std::min(a.area, b.area) > few ? of_cells : std::min(of_cells, iou(a.extent, b.extent));
}

}  // namespace vos
