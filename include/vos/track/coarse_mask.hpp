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

namespace detail {

/// Bit i: whether logit i of 32 is above 0. GCC's and Clang's own vectors, as wide as every x86-64 and ARMv8 has them.
inline std::uint64_t inside_bits(const float* logits) {
  using Floats [[gnu::vector_size(16)]] = float;
  using Words [[gnu::vector_size(16)]] = std::uint32_t;
  Words bits{}, places{1, 2, 4, 8};
  for (std::size_t i = 0; i < 32; i += 4, places <<= 4) {
    Floats four;
    std::memcpy(&four, logits + i, sizeof four);
    bits |= reinterpret_cast<Words>(four > 0.0F) & places;
  }
  return bits[0] | bits[1] | bits[2] | bits[3];
}

/// The same for the pixels x.. of a row; beyond its end nothing is inside.
inline std::uint64_t inside_bits(const float* row, std::int64_t x, std::int64_t width) {
  if (x + 32 <= width) return inside_bits(row + x);
  if (width >= 32) return inside_bits(row + width - 32) >> (x + 32 - width);
  std::uint64_t bits = 0;
  for (auto i = x; i < width; ++i) bits |= std::uint64_t{row[i] > 0} << (i - x);
  return bits;
}

}  // namespace detail

/// Calls `act(y, begin, end)` for the pixels [begin,end) of row y that are inside a mask of logits [height,width]: above 0.
/// In reading order; long runs come in pieces. Most pixels are outside, and are passed over many at a time.
template <class Act>
inline void for_each_run(std::span<const float> logits, std::int64_t height, std::int64_t width, Act&& act) {
  assert(static_cast<std::int64_t>(logits.size()) == height * width);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; x += 32)
      for (auto bits = detail::inside_bits(logits.data() + y * width, x, width); bits != 0;) {
        const auto begin = std::countr_zero(bits), end = begin + std::countr_one(bits >> begin);
        act(y, x + begin, x + end);
        bits &= ~std::uint64_t{0} << end;
      }
}

/// Calls `act(y, x, logit)` for the pixels inside, in reading order.
template <class Act>
inline void for_each_inside(std::span<const float> logits, std::int64_t height, std::int64_t width, Act&& act) {
  for_each_run(logits, height, width, [&](auto y, auto begin, auto end) {
    const auto* row = logits.data() + y * width;
    for (auto x = begin; x < end; ++x) act(y, x, row[x]);
  });
}

/// How much of each cell of the grid a mask covers.
///
/// A pixel seldom ends where a cell does. Lengths are counted so that both are whole numbers: a pixel is 64 long and a cell as
/// many as the picture's longer side has pixels. So each pixel gives each cell exactly its share.
class CellCounts {
 public:
  CellCounts(std::int64_t height, std::int64_t width)
      : cell_(std::max(height, width)),
        covered_(static_cast<std::size_t>(CoarseMask::side * CoarseMask::side)),
        in_row_(static_cast<std::size_t>(height)),
        in_column_(static_cast<std::size_t>(width)) {
    edges_.reserve(static_cast<std::size_t>(cell_ + 1));
    Edge edge{0, 0};
    for (edges_.push_back(edge); std::ssize(edges_) <= cell_; edges_.push_back(edge))
      for (edge.within += CoarseMask::side; edge.within >= cell_; edge.within -= cell_) ++edge.cell;
  }

  void add(std::int64_t y, std::int64_t x) { add(y, x, x + 1); }

  /// The pixels [begin,end) of row y.
  void add(std::int64_t y, std::int64_t begin, std::int64_t end) {
    const bool first = right_ == 0;
    top_ = first ? y : std::min(top_, y), bottom_ = std::max(bottom_, y + 1);
    left_ = first ? begin : std::min(left_, begin), right_ = std::max(right_, end);
    in_row_[static_cast<std::size_t>(y)] = true;
    std::fill(in_column_.begin() + begin, in_column_.begin() + end, std::uint8_t{true});
    for_each_cell(y, y + 1, [&](auto row, std::uint64_t tall) {
      auto* line = covered_.data() + row * CoarseMask::side;
      for_each_cell(begin, end, [&](auto column, std::uint64_t wide) { line[column] += tall * wide; });
    });
  }

  /// The cells that are covered by half; or, so that small things do not vanish, by half of what the best one is.
  CoarseMask mask() const {
    CoarseMask mask;
    const auto [top, bottom, left, right] = touched();
    std::uint64_t most = 0;
    for (auto y = top; y < bottom; ++y)
      for (auto x = left; x < right; ++x) most = std::max(most, covered_[static_cast<std::size_t>(at(y, x))]);
    for (auto y = top; y < bottom; ++y) {
      CoarseMask::Row bits = 0;
      for (auto x = left; x < right; ++x)
        bits |= CoarseMask::Row{2 * covered_[static_cast<std::size_t>(at(y, x))] >= most} << x;
      mask.set_row(y, bits);
    }
    // Only pixels in those rows and columns: a stray one far away does not count.
    std::tie(mask.extent.y0, mask.extent.y1) = extent(in_row_, mask.top, mask.bottom);
    std::tie(mask.extent.x0, mask.extent.x1) = extent(in_column_, mask.left, mask.right);
    return mask;
  }

  /// As new: another mask of this size can be counted.
  void clear() {
    const auto [top, bottom, left, right] = touched();
    for (auto y = top; y < bottom; ++y) std::fill(covered_.begin() + at(y, left), covered_.begin() + at(y, right), 0);
    std::fill(in_row_.begin() + top_, in_row_.begin() + bottom_, 0);
    std::fill(in_column_.begin() + left_, in_column_.begin() + right_, 0);
    top_ = bottom_ = left_ = right_ = 0;
  }

 private:
  /// Where the edge between two pixels lies: in which cell of its row or column, and how far into it.
  struct Edge {
    std::int64_t cell, within;
  };
  struct Cells {
    std::int64_t top, bottom, left, right;
  };

  static std::ptrdiff_t at(std::int64_t y, std::int64_t x) { return y * CoarseMask::side + x; }
  Edge edge(std::int64_t pixel) const { return edges_[static_cast<std::size_t>(pixel)]; }

  /// Calls `act(cell, length)` for the cells that the pixels [begin,end) of a row or column reach into.
  template <class Act>
  void for_each_cell(std::int64_t begin, std::int64_t end, Act&& act) const {
    auto [cell, from] = edge(begin);
    const auto [last, rest] = edge(end);
    for (; cell < last; ++cell, from = 0) act(cell, static_cast<std::uint64_t>(cell_ - from));
    if (rest > from) act(last, static_cast<std::uint64_t>(rest - from));
  }

  /// The cells that pixels lie in.
  Cells touched() const {
    const auto end = [&](std::int64_t pixel) { return edge(pixel).cell + (edge(pixel).within > 0); };
    return {edge(top_).cell, end(bottom_), edge(left_).cell, end(right_)};
  }

  /// From the first to the last that is set of the lines that touch the cells [first,last); unit: cells.
  std::pair<float, float> extent(const std::vector<std::uint8_t>& lines, std::int64_t first, std::int64_t last) const {
    auto begin = first * cell_ / CoarseMask::side,
         end = std::min((last * cell_ + CoarseMask::side - 1) / CoarseMask::side, std::ssize(lines));
    while (begin < end && lines[static_cast<std::size_t>(begin)] == 0) ++begin;
    while (end > begin && lines[static_cast<std::size_t>(end - 1)] == 0) --end;
    const auto in_cells = [&](std::int64_t line) {
      return static_cast<float>(static_cast<double>(line * CoarseMask::side) / static_cast<double>(cell_));
    };
    return {std::max(in_cells(begin), static_cast<float>(first)), std::min(in_cells(end), static_cast<float>(last))};
  }

  std::int64_t cell_;  // a cell's length
  std::vector<Edge> edges_;
  std::vector<std::uint64_t> covered_;
  std::vector<std::uint8_t> in_row_, in_column_;              // whether the mask has a pixel there
  std::int64_t top_ = 0, bottom_ = 0, left_ = 0, right_ = 0;  // pixels outside were not added
};

/// The cells that a mask of logits covers.
inline CoarseMask coarse_mask(std::span<const float> logits, std::int64_t height, std::int64_t width) {
  CellCounts counts(height, width);
  for_each_run(logits, height, width, [&](auto y, auto begin, auto end) { counts.add(y, begin, end); });
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
