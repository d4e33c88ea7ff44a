#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
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

/// Every pixel within `radius` of a set one: dilation by the lattice disk x² + y² <= radius².
inline BitPlane dilated(const BitPlane& plane, std::int64_t radius) {
  using Word = BitPlane::Word;
  BitPlane grown(plane.height(), plane.width());
  const std::int64_t words = plane.stride(), spill = (radius + 63) / 64;
  // The disk is a stack of rows: dy rows away it reaches half_width[dy] pixels to both sides.
  std::vector<std::int64_t> half_width;
  for (std::int64_t dy = 0; dy <= radius; ++dy)
    half_width.push_back(static_cast<std::int64_t>(std::sqrt(static_cast<double>(radius * radius - dy * dy))));

  std::vector<Word> reach(static_cast<std::size_t>(words));
  for (std::int64_t y = 0; y < plane.height(); ++y) {
    const auto row = plane.row(y);
    std::int64_t first = 0, last = words;  // the words that can be set in the widest row of the disk
    while (first < last && row[first] == 0) ++first;
    if (first == last) continue;
    while (row[last - 1] == 0) --last;
    first = std::max<std::int64_t>(first - spill, 0);
    last = std::min(last + spill, words);

    // Narrow rows first: each pass widens the row by a pixel to both sides.
    std::copy(row.begin(), row.end(), reach.begin());
    for (std::int64_t width = 0, dy = radius; dy >= 0; --dy) {
      for (; width < half_width[dy]; ++width) {
        Word left = 0;
        for (std::int64_t i = first; i < last; ++i) {
          const Word here = reach[i];
          reach[i] = here | here << 1 | left >> 63 | here >> 1 | (i + 1 < last ? reach[i + 1] << 63 : 0);
          left = here;
        }
      }
      for (const std::int64_t target : {y - dy, y + dy}) {
        if (target < 0 || target >= plane.height()) continue;
        const auto out = grown.row(target);
        for (std::int64_t i = first; i < last; ++i) out[i] |= reach[i];
      }
    }
  }
  // Widening runs past the last column; those bits are promised to be 0.
  if (plane.width() % 64 != 0)
    for (std::int64_t y = 0; y < grown.height(); ++y) grown.row(y).back() &= (Word{1} << (plane.width() % 64)) - 1;
  return grown;
}

/// How far apart two boundary pixels may lie and still match: .8 % of the diagonal, rounded up.
inline std::int64_t boundary_tolerance(std::int64_t height, std::int64_t width) {
  return static_cast<std::int64_t>(std::ceil(0.008 * std::sqrt(static_cast<double>(height * height + width * width))));
}

/// A mask's boundary and what lies near it. Made once a mask: comparing two is then a few popcounts.
struct Contour {
  BitPlane line, near;
  std::int64_t length = 0;

  Contour() = default;
  explicit Contour(MaskView mask, MaskView hidden = {})
      : line(boundary_of(BitPlane(mask, hidden))),
        near(dilated(line, boundary_tolerance(mask.height, mask.width))),
        length(line.count()) {}
};

/// Boundary measure F of DAVIS: the harmonic mean of the shares of each boundary that lie near the other.
///
/// Two empty boundaries agree (1), so that a mask of the whole picture agrees with an empty one; that is the reference's
/// behaviour.
inline double boundary_measure(const Contour& truth, const Contour& guess) {
  if (truth.length == 0 && guess.length == 0) return 1;
  if (truth.length == 0 || guess.length == 0) return 0;
  const double precision = static_cast<double>(count_both(guess.line, truth.near)) / static_cast<double>(guess.length);
  const double recall = static_cast<double>(count_both(truth.line, guess.near)) / static_cast<double>(truth.length);
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

/// The same for two masks; void pixels leave both masks before their boundaries are drawn.
inline double boundary_measure(MaskView truth, MaskView guess, MaskView hidden = {}) {
  assert(truth.height == guess.height && truth.width == guess.width);
  return boundary_measure(Contour(truth, hidden), Contour(guess, hidden));
}

}  // namespace vos
