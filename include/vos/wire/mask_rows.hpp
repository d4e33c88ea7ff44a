#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vos/fwd.hpp>

namespace vos {

/// From column `x` on, to the next run or the end of the row, pixels have `slot`.
struct MaskRun {
  std::uint16_t x = 0, slot = 0;
  bool operator==(const MaskRun&) const = default;
};

/// A map of small numbers ("slots", 0 for none) as the places in each row where one gives way to the next. A row begins with
/// 0, so an empty row has no runs; neighbours differ, so a map has one form.
struct MaskRows {
  std::vector<std::uint32_t> ends = {};  ///< where each row's runs end in `runs`
  std::vector<MaskRun> runs = {};

  std::size_t height() const { return ends.size(); }
  std::span<const MaskRun> row(std::size_t y) const {
    const std::size_t begin = y == 0 ? 0 : ends[y - 1];
    return {runs.data() + begin, ends[y] - begin};
  }
  void end_row() { ends.push_back(static_cast<std::uint32_t>(runs.size())); }
  bool operator==(const MaskRows&) const = default;
};

/// The masks of one frame. Where they are exclusive, one layer holds them all: slot k is `ids[k-1]`. Where they may overlap,
/// there is a layer for each id, with slots 0 and 1.
struct MaskFrame {
  std::int64_t height = 0, width = 0;
  bool overlapping = false;
  std::vector<ObjectId> ids = {};  ///< positive, rising; an id may cover no pixel
  std::vector<MaskRows> layers = {};

  bool operator==(const MaskFrame&) const = default;
};

/// What a frame on the wire may claim at most: 8K pictures, and rows and pixels in all layers together.
inline constexpr std::int64_t mask_side_limit = 65535, mask_pixel_limit = std::int64_t{1} << 25,
                              mask_object_limit = 65535, mask_row_limit = std::int64_t{1} << 22,
                              mask_area_limit = std::int64_t{1} << 31;

/// Whether so many layers of that size may be.
inline bool fits_mask_limits(std::size_t layers, std::int64_t height, std::int64_t width) {
  const auto rows = static_cast<std::int64_t>(layers) * height;
  return rows <= mask_row_limit && rows * width <= mask_area_limit;
}

/// Calls `run(y, x0, x1, slot)` for each stretch of a row that belongs to an object: half-open.
template <class Run>
void for_each_run(const MaskRows& rows, std::int64_t width, Run&& run) {
  for (std::size_t y = 0; y < rows.height(); ++y) {
    const auto row = rows.row(y);
    for (std::size_t i = 0; i < row.size(); ++i)
      if (row[i].slot != 0)
        run(static_cast<std::int64_t>(y), std::int64_t{row[i].x},
            i + 1 < row.size() ? std::int64_t{row[i + 1].x} : width, row[i].slot);
  }
}

/// Writes one row of `width` pixels, each as `value_of[slot]`.
template <class Pixel>
void paint_row(std::span<const MaskRun> row, Pixel* to, std::int64_t width, const Pixel* value_of) {
  std::int64_t x = 0;
  Pixel value = value_of[0];
  for (const auto& run : row) {
    std::fill(to + x, to + run.x, value);
    x = run.x;
    value = value_of[run.slot];
  }
  std::fill(to + x, to + width, value);
}

/// Writes a layer, row by row: each pixel as `value_of[slot]`, such as an id or a colour.
template <class Pixel>
void paint_rows(const MaskRows& rows, std::int64_t width, std::span<const Pixel> value_of, Pixel* to) {
  for (std::size_t y = 0; y < rows.height(); ++y, to += width) paint_row(rows.row(y), to, width, value_of.data());
}

/// The pixel's slot.
inline std::uint16_t slot_at(const MaskRows& rows, std::int64_t y, std::int64_t x) {
  std::uint16_t slot = 0;
  for (const auto& run : rows.row(static_cast<std::size_t>(y))) {
    if (run.x > x) break;
    slot = run.slot;
  }
  return slot;
}

/// The label map of exclusive masks, row by row, in `to` [height*width].
inline void labels_from_masks(const MaskFrame& frame, ObjectId* to) {
  std::vector<ObjectId> value_of{0};
  value_of.insert(value_of.end(), frame.ids.begin(), frame.ids.end());
  if (!frame.layers.empty()) paint_rows<ObjectId>(frame.layers[0], frame.width, value_of, to);
}

/// A number that tells frames of masks apart: the same for the same sizes, ids and pixels, on any machine.
inline std::uint32_t fingerprint(const MaskFrame& frame) {
  std::uint32_t hash = 0x811c9dc5U;
  const auto add = [&](std::uint32_t word) {
    hash = (hash ^ word) * 0x9e3779b1U;
    hash ^= hash >> 15;
  };
  add(static_cast<std::uint32_t>(frame.height));
  add(static_cast<std::uint32_t>(frame.width));
  add(frame.overlapping ? 1 : 0);
  for (const auto id : frame.ids) add(static_cast<std::uint32_t>(id));
  for (const auto& layer : frame.layers) {
    std::uint32_t before = 0;
    for (std::size_t y = 0; y < layer.height(); ++y) {
      if (layer.ends[y] == before) continue;  // most rows of most masks
      before = layer.ends[y];
      add(static_cast<std::uint32_t>(y) | 0x80000000U);
      for (const auto& run : layer.row(y)) add(std::uint32_t{run.x} << 16 ^ run.slot);
    }
  }
  return hash;
}

}  // namespace vos
