#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <vos/metric/bit_plane.hpp>
#include <vos/metric/mask_view.hpp>

namespace vos {

/// The pixels of DAVIS' boundary map: where a pixel differs from its right, lower or lower right neighbour. The last row
/// looks right only, the last column down only: the picture's frame is no boundary.
inline BitPlane boundary_of(const BitPlane& mask) {
  using Word = BitPlane::Word;
  BitPlane edge(mask.height(), mask.width());
  if (mask.height() == 0 || mask.width() == 0) return edge;
  const std::int64_t last_row = mask.height() - 1, words = mask.stride();
  const Word last_column = Word{1} << ((mask.width() - 1) % 64);
  // Word i of the row moved left by a pixel, so that it lines up with the left neighbour.
  const auto from_right = [words](std::span<const Word> row, std::int64_t i) {
    return row[i] >> 1 | (i + 1 < words ? row[i + 1] << 63 : 0);
  };
  for (std::int64_t y = 0; y <= last_row; ++y) {
    const auto here = mask.row(y), below = mask.row(std::min(y + 1, last_row));
    const auto out = edge.row(y);
    for (std::int64_t i = 0; i < words; ++i) {
      const Word differs_below = here[i] ^ below[i];  // 0 in the last row, which is its own lower neighbour here
      Word line = (here[i] ^ from_right(here, i)) | differs_below;
      if (y < last_row) line |= here[i] ^ from_right(below, i);
      if (i + 1 == words) line = (line & ~last_column) | (differs_below & last_column);
      out[i] = line;
    }
  }
  return edge;
}

/// What lies near a pixel: a stack of rows, the pixels from x - left to x + right of row y + dy. Narrow rows come first, and
/// each lies within the next.
struct Disk {
  struct Row {
    std::int64_t dy, left, right;
  };
  std::vector<Row> rows = {};

  /// The lattice disk x² + y² <= radius².
  static Disk of(std::int64_t radius) {
    Disk disk;
    for (std::int64_t dy = radius; dy >= 0; --dy) {
      const auto half = static_cast<std::int64_t>(std::sqrt(static_cast<double>(radius * radius - dy * dy)));
      disk.rows.push_back({-dy, half, half});
      if (dy > 0) disk.rows.push_back({dy, half, half});
    }
    return disk;
  }

  /// The farthest that it reaches in any of the four directions.
  std::int64_t reach() const {
    std::int64_t farthest = 0;
    for (const auto& row : rows) farthest = std::max({farthest, std::abs(row.dy), row.left, row.right});
    return farthest;
  }
};

namespace detail {

/// Lets each pixel of a row reach one further to the left, to the right, or both.
inline void widen(std::span<BitPlane::Word> row, bool left, bool right) {
  using Word = BitPlane::Word;
  const Word to_left = left ? ~Word{0} : 0, to_right = right ? ~Word{0} : 0;
  Word before = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const Word here = row[i];
    row[i] = here | ((here << 1 | before >> 63) & to_right) |
             ((here >> 1 | (i + 1 < row.size() ? row[i + 1] << 63 : 0)) & to_left);
    before = here;
  }
}

}  // namespace detail

/// Every pixel near a set one.
inline BitPlane dilated(const BitPlane& plane, const Disk& disk) {
  using Word = BitPlane::Word;
  BitPlane grown(plane.height(), plane.width());
  const std::int64_t words = plane.stride(), spill = (disk.reach() + 63) / 64;
  std::vector<Word> reach(static_cast<std::size_t>(words));
  for (std::int64_t y = 0; y < plane.height(); ++y) {
    const auto row = plane.row(y);
    std::int64_t first = 0, last = words;  // the words that can be set in the widest row of the disk
    while (first < last && row[first] == 0) ++first;
    if (first == last) continue;
    while (row[last - 1] == 0) --last;
    first = std::max<std::int64_t>(first - spill, 0);
    last = std::min(last + spill, words);

    std::copy(row.begin(), row.end(), reach.begin());
    const std::span<Word> wide{reach.data() + first, static_cast<std::size_t>(last - first)};
    std::int64_t left = 0, right = 0;
    for (const auto& step : disk.rows) {
      for (; left < step.left || right < step.right; left += left < step.left, right += right < step.right)
        detail::widen(wide, left < step.left, right < step.right);
      const auto target = y + step.dy;
      if (target < 0 || target >= plane.height()) continue;
      const auto out = grown.row(target);
      for (std::int64_t i = first; i < last; ++i) out[i] |= reach[i];
    }
  }
  // Widening runs past the last column; those bits are promised to be 0.
  if (plane.width() % 64 != 0)
    for (std::int64_t y = 0; y < grown.height(); ++y) grown.row(y).back() &= (Word{1} << (plane.width() % 64)) - 1;
  return grown;
}

/// .8 % of the diagonal, in pixels.
inline double exact_boundary_tolerance(std::int64_t height, std::int64_t width) {
  return 0.008 * std::sqrt(static_cast<double>(height * height + width * width));
}

/// How far apart two boundary pixels may lie and still match: .8 % of the diagonal, rounded up.
inline std::int64_t boundary_tolerance(std::int64_t height, std::int64_t width) {
  return static_cast<std::int64_t>(std::ceil(exact_boundary_tolerance(height, width)));
}

/// A mask's boundary and what lies near it. Made once a mask: comparing two is then a few popcounts. Both planes may be a
/// window of the picture that begins at row `top` and column `left`, a multiple of 64; outside of it there is nothing.
struct Contour {
  BitPlane line, near;
  std::int64_t length = 0, top = 0, left = 0;

  Contour() = default;
  /// `mask` is the window: one pixel and the disk's reach wider than its object on all sides, or up to the picture's frame.
  Contour(const BitPlane& mask, const Disk& disk, std::int64_t top_row = 0, std::int64_t left_column = 0)
      : line(boundary_of(mask)), near(dilated(line, disk)), length(line.count()), top(top_row), left(left_column) {
    assert(left % 64 == 0);
  }
  explicit Contour(MaskView mask, MaskView hidden = {})
      : Contour(BitPlane(mask, hidden), Disk::of(boundary_tolerance(mask.height, mask.width))) {}
};

namespace detail {

/// Pixels of `line`'s boundary that lie near `other`'s.
inline std::int64_t matched(const Contour& line, const Contour& other) {
  const auto y0 = std::max(line.top, other.top);
  const auto y1 = std::min(line.top + line.line.height(), other.top + other.near.height());
  const auto a0 = line.left / 64, b0 = other.left / 64;
  const auto x0 = std::max(a0, b0), x1 = std::min(a0 + line.line.stride(), b0 + other.near.stride());
  std::int64_t bits = 0;
  for (auto y = y0; y < y1; ++y) {
    const auto a = line.line.row(y - line.top), b = other.near.row(y - other.top);
    for (auto x = x0; x < x1; ++x)
      if (const auto word = a[x - a0] & b[x - b0]; word != 0) bits += std::popcount(word);
  }
  return bits;
}

}  // namespace detail

/// Boundary measure F of DAVIS: the harmonic mean of the shares of each boundary that lie near the other.
///
/// Two empty boundaries agree (1), so that a mask of the whole picture agrees with an empty one; that is the reference's
/// behaviour.
inline double boundary_measure(const Contour& truth, const Contour& guess) {
  if (truth.length == 0 && guess.length == 0) return 1;
  if (truth.length == 0 || guess.length == 0) return 0;
  const double precision = static_cast<double>(detail::matched(guess, truth)) / static_cast<double>(guess.length);
  const double recall = static_cast<double>(detail::matched(truth, guess)) / static_cast<double>(truth.length);
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

/// The same for two masks; void pixels leave both masks before their boundaries are drawn.
inline double boundary_measure(MaskView truth, MaskView guess, MaskView hidden = {}) {
  assert(truth.height == guess.height && truth.width == guess.width);
  return boundary_measure(Contour(truth, hidden), Contour(guess, hidden));
}

}  // namespace vos
