#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/wire/rle.hpp>

namespace vos {
namespace detail {

/// Where, going down the columns, one value gives way to another.
struct LabelChange {
  std::int64_t at = 0;  // column by column
  std::int32_t before = 0, after = 0;
};

/// Every change in `pixels` (row by row), in column order, with `id_of` applied; the map is surrounded by 0.
///
/// A column-wise walk would miss the cache at each step. Vertical neighbours are compared row against row instead, a word
/// at a time, and the few changes found are then sorted into their columns by counting.
template <class Pixel, class IdOf>
std::vector<LabelChange> label_changes(std::span<const Pixel> pixels, std::int64_t height, std::int64_t width,
                                       IdOf&& id_of) {
  std::vector<LabelChange> found;    // row by row
  std::vector<std::int64_t> column;  // of each
  std::vector<std::size_t> first(static_cast<std::size_t>(width) + 1);
  const auto compare = [&](std::int64_t y, std::int64_t x, Pixel before, Pixel after) {
    const std::int32_t from = id_of(before), to = id_of(after);
    if (from == to) return;
    found.push_back({x * height + y, from, to});
    column.push_back(x);
    ++first[static_cast<std::size_t>(x) + 1];
  };
  const Pixel* row = pixels.data();
  const Pixel* bottom = row + (height - 1) * width;
  for (std::int64_t x = 0; x < width; ++x)  // the head of a column follows the foot of the one before
    compare(0, x, x > 0 ? bottom[x - 1] : Pixel{}, row[x]);
  constexpr std::int64_t word = 32 / sizeof(Pixel);
  for (std::int64_t y = 1; y < height; ++y) {
    const Pixel* above = row;
    row += width;
    std::int64_t x = 0;
    for (; x + word <= width; x += word) {
      if (std::memcmp(above + x, row + x, 32) == 0) continue;
      for (auto k = x; k < x + word; ++k)
        if (above[k] != row[k]) compare(y, k, above[k], row[k]);
    }
    for (; x < width; ++x)
      if (above[x] != row[x]) compare(y, x, above[x], row[x]);
  }
  for (std::size_t x = 1; x < first.size(); ++x) first[x] += first[x - 1];
  std::vector<LabelChange> sorted(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) sorted[first[static_cast<std::size_t>(column[i])]++] = found[i];
  return sorted;
}

inline void expect_pixels(std::size_t given, std::int64_t height, std::int64_t width) {
  expect_rle_size(height, width, "encoding a mask");
  if (given != static_cast<std::size_t>(height * width))
    throw Error({.what = std::to_string(given) + " pixels for a mask of " + std::to_string(width) + "x" +
                         std::to_string(height),
                 .where = "encoding a mask"});
}

/// Grows the runs of one object from the places, in column order, where it begins and ends.
class RleBuilder {
 public:
  void change(std::int64_t at) {
    counts_.push_back(static_cast<std::uint32_t>(at - last_));
    last_ = at;
  }
  Rle finish(std::int64_t height, std::int64_t width) {
    change(height * width);
    return {height, width, std::move(counts_)};
  }

 private:
  std::vector<std::uint32_t> counts_;
  std::int64_t last_ = 0;
};

template <class Pixel, class IdOf>
Rle encode_one(std::span<const Pixel> pixels, std::int64_t height, std::int64_t width, IdOf&& inside) {
  expect_pixels(pixels.size(), height, width);
  RleBuilder runs;
  for (const auto& change : label_changes(pixels, height, width, inside)) runs.change(change.at);
  return runs.finish(height, width);
}

}  // namespace detail

/// The RLE of a mask given row by row: every value but 0 is inside.
inline Rle rle_from_mask(std::span<const std::uint8_t> mask, std::int64_t height, std::int64_t width) {
  return detail::encode_one(mask, height, width, [](std::uint8_t value) { return value != 0 ? 1 : 0; });
}

/// The RLE of object `id` (not 0) in a label map given row by row.
inline Rle rle_from_labels(std::span<const ObjectId> labels, std::int64_t height, std::int64_t width, ObjectId id) {
  return detail::encode_one(labels, height, width, [id](ObjectId value) { return value == id ? 1 : 0; });
}

/// The RLE of every id but 0 in a label map, in one pass: a hundred objects cost little more than one.
inline std::map<ObjectId, Rle> rles_from_labels(std::span<const ObjectId> labels, std::int64_t height,
                                                std::int64_t width) {
  detail::expect_pixels(labels.size(), height, width);
  std::map<ObjectId, detail::RleBuilder> open;
  for (const auto& change : detail::label_changes(labels, height, width, [](ObjectId value) { return value; })) {
    if (change.before != 0) open[change.before].change(change.at);
    if (change.after != 0) open[change.after].change(change.at);
  }
  std::map<ObjectId, Rle> rles;
  for (auto& [id, runs] : open) rles.emplace(id, runs.finish(height, width));
  return rles;
}

}  // namespace vos
