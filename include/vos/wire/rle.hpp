#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/box.hpp>
#include <vos/error.hpp>

namespace vos {

/// A mask in COCO's run-length form: lengths of background and foreground runs in turn, background first (perhaps 0
/// long), column by column, top to bottom. Masks in memory are row by row; the functions here turn one into the other.
///
///   counts   sum to height * width
///
/// What comes from outside enters through `rle_from_counts` or `rle_from_string`, which check that.
struct Rle {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint32_t> counts = {};

  std::int64_t pixels() const { return height * width; }
  bool operator==(const Rle&) const = default;
};

/// Masks beyond this many pixels are refused before memory is asked for: a line of text can claim any size.
inline constexpr std::int64_t rle_pixel_limit = std::int64_t{1} << 28;

namespace detail {

inline void expect_rle_size(std::int64_t height, std::int64_t width, const std::string& where) {
  if (height < 1 || width < 1 || height > rle_pixel_limit || width > rle_pixel_limit ||
      height * width > rle_pixel_limit)
    throw Error({.what = "a mask of height " + std::to_string(height) + " and width " + std::to_string(width),
                 .where = where,
                 .mend = "both must be at least 1, their product at most " + std::to_string(rle_pixel_limit)});
}

[[noreturn]] inline void refuse_rle(const std::string& what, const std::string& where) {
  throw Error({.what = what, .where = where, .mend = "the mask is damaged; write it again from its source"});
}

}  // namespace detail

/// Checks `counts` of unknown origin. `where` names it in the Error.
inline Rle rle_from_counts(std::int64_t height, std::int64_t width, std::vector<std::uint32_t> counts,
                           const std::string& where = "RLE mask") {
  detail::expect_rle_size(height, width, where);
  std::uint64_t sum = 0;  // 2^32 counts below 2^32 cannot overflow it
  for (const auto count : counts) sum += count;
  if (sum != static_cast<std::uint64_t>(height * width))
    detail::refuse_rle(
        "the runs cover " + std::to_string(sum) + " pixels, the mask has " + std::to_string(height * width), where);
  return {height, width, std::move(counts)};
}

/// COCO's text form of the counts: from the fourth on the difference to the last count of the same colour, each number
/// in groups of five bits, lowest first, as characters from '0' to 'o'. It may hold a backslash.
inline std::string rle_string(const Rle& rle) {
  std::string text;
  text.reserve(rle.counts.size() * 2);
  for (std::size_t i = 0; i < rle.counts.size(); ++i) {
    std::int64_t value = rle.counts[i];
    if (i > 2) value -= rle.counts[i - 2];
    for (bool more = true; more;) {
      const auto group = value & 31;
      value >>= 5;
      more = (group & 16) != 0 ? value != -1 : value != 0;  // the sign is bit 4 of the last group
      text += static_cast<char>('0' + (more ? group | 32 : group));
    }
  }
  return text;
}

/// Reads COCO's text form. Whatever the text, memory stays below a few times its length, and the result is sound.
inline Rle rle_from_string(std::int64_t height, std::int64_t width, std::string_view text,
                           const std::string& where = "RLE mask") {
  detail::expect_rle_size(height, width, where);
  Rle rle{height, width, {}};
  rle.counts.reserve(text.size() / 2 + 1);
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::int64_t value = 0;
    for (int shift = 0;; shift += 5) {
      const int group = at < text.size() ? static_cast<unsigned char>(text[at]) - '0' : -1;
      // A difference of two counts below 2^28 needs six groups.
      if (group < 0 || group > 63 || shift > 30)
        detail::refuse_rle("'counts' is not COCO's text form at byte " + std::to_string(at), where);
      ++at;
      value |= static_cast<std::int64_t>(group & 31) << shift;
      if ((group & 32) != 0) continue;
      value -= static_cast<std::int64_t>(group & 16) << (shift + 1);  // the sign, without a branch: it is a coin's toss
      break;
    }
    if (rle.counts.size() > 2) value += rle.counts[rle.counts.size() - 2];
    if (value < 0 || value > rle.pixels())
      detail::refuse_rle("a run of " + std::to_string(value) + " pixels at byte " + std::to_string(at), where);
    rle.counts.push_back(static_cast<std::uint32_t>(value));
    sum += static_cast<std::uint64_t>(value);
  }
  if (sum != static_cast<std::uint64_t>(rle.pixels()))
    detail::refuse_rle(
        "the runs cover " + std::to_string(sum) + " pixels, the mask has " + std::to_string(rle.pixels()), where);
  return rle;
}

/// Calls `segment(begin, end)` for each foreground run that is not empty: half-open, column by column.
template <class Segment>
void for_each_segment(const Rle& rle, Segment&& segment) {
  std::int64_t at = 0;
  for (std::size_t i = 0; i < rle.counts.size(); at += rle.counts[i++])
    if (i % 2 == 1 && rle.counts[i] > 0) segment(at, at + rle.counts[i]);
}

/// The mask row by row: 1 inside, 0 outside.
inline std::vector<std::uint8_t> mask_from_rle(const Rle& rle) {
  const auto height = rle.height, width = rle.width;
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(rle.pixels()));
  // First only where a column changes, then all rows from their upper neighbours: the long part walks along rows.
  const auto toggle = [&](std::int64_t y, std::int64_t x) { mask[static_cast<std::size_t>(y * width + x)] ^= 1; };
  for_each_segment(rle, [&](std::int64_t begin, std::int64_t end) {
    toggle(begin % height, begin / height);
    for (auto x = begin / height + 1; x * height < end; ++x) toggle(0, x);
    if (end % height != 0) toggle(end % height, end / height);
  });
  for (auto* row = mask.data() + width; row < mask.data() + rle.pixels(); row += width)
    for (std::int64_t x = 0; x < width; ++x) row[x] ^= (row - width)[x];
  return mask;
}

/// Gives the pixels of a mask to an object, in a label map of its size given row by row.
template <class Id>
void paint(const Rle& rle, Id id, std::span<Id> labels) {
  for_each_segment(rle, [&](std::int64_t begin, std::int64_t end) {
    auto y = begin % rle.height, x = begin / rle.height;
    for (auto at = begin; at < end; ++at) {
      labels[static_cast<std::size_t>(y * rle.width + x)] = id;
      if (++y == rle.height) y = 0, ++x;
    }
  });
}

inline std::int64_t area(const Rle& rle) {
  std::int64_t sum = 0;
  for (std::size_t i = 1; i < rle.counts.size(); i += 2) sum += rle.counts[i];
  return sum;
}

/// The tight box, empty for an empty mask.
inline Box box_of(const Rle& rle) {
  std::int64_t x0 = rle.width, y0 = rle.height, x1 = 0, y1 = 0;
  for_each_segment(rle, [&](std::int64_t begin, std::int64_t end) {
    const auto first = begin / rle.height, last = (end - 1) / rle.height;
    x0 = std::min(x0, first);
    x1 = std::max(x1, last + 1);
    y0 = std::min(y0, first == last ? begin % rle.height : 0);
    y1 = std::max(y1, first == last ? (end - 1) % rle.height + 1 : rle.height);
  });
  if (x1 == 0) return {};
  return {static_cast<float>(x0), static_cast<float>(y0), static_cast<float>(x1), static_cast<float>(y1)};
}

/// Combines two masks of one size pixel by pixel. pycocotools answers an empty mask where sizes differ; here that is an
/// Error, since it can only be a mix-up.
template <class Combine>
Rle combine(const Rle& a, const Rle& b, Combine&& keep) {
  if (a.height != b.height || a.width != b.width)
    throw Error({.what = "masks of " + std::to_string(a.width) + "x" + std::to_string(a.height) + " and " +
                         std::to_string(b.width) + "x" + std::to_string(b.height) + " cannot be combined",
                 .where = "RLE masks",
                 .mend = "compare masks of the same frame",
                 .exit_code = exit_code::sizes_differ});
  Rle result{a.height, a.width, {}};
  bool colour = false;
  std::uint32_t run = 0;
  std::size_t i = 0, j = 0;
  std::uint32_t left_a = a.counts.empty() ? 0 : a.counts[0], left_b = b.counts.empty() ? 0 : b.counts[0];
  while (true) {
    while (left_a == 0 && i + 1 < a.counts.size()) left_a = a.counts[++i];
    while (left_b == 0 && j + 1 < b.counts.size()) left_b = b.counts[++j];
    const auto step = std::min(left_a, left_b);
    if (step == 0) break;  // sound masks of one size end together
    if (keep(i % 2 == 1, j % 2 == 1) != colour) {
      result.counts.push_back(run);
      run = 0;
      colour = !colour;
    }
    run += step;
    left_a -= step;
    left_b -= step;
  }
  result.counts.push_back(run);
  return result;
}

inline Rle intersection(const Rle& a, const Rle& b) {
  return combine(a, b, [](bool in_a, bool in_b) { return in_a && in_b; });
}

inline Rle union_of(const Rle& a, const Rle& b) {
  return combine(a, b, [](bool in_a, bool in_b) { return in_a || in_b; });
}

/// Intersection over union, 0 when both are empty.
inline double iou(const Rle& a, const Rle& b) {
  const auto both = area(intersection(a, b)), all = area(a) + area(b) - both;
  return all > 0 ? static_cast<double>(both) / static_cast<double>(all) : 0.0;
}

}  // namespace vos
