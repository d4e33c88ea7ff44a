#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/wire/mask_rows.hpp>

namespace vos {
namespace detail {

inline void expect_mask_size(std::int64_t height, std::int64_t width, std::size_t objects, std::size_t layers,
                             std::size_t pixels) {
  const bool sized = height >= 1 && width >= 1 && height <= mask_side_limit && width <= mask_side_limit &&
                     height * width <= mask_pixel_limit;
  if (!sized || !fits_mask_limits(layers, height, width))
    throw Error(
        {.what = std::to_string(layers) + " masks of " + std::to_string(width) + "x" + std::to_string(height),
         .where = "masks for the wire",
         .mend = "sides go from 1 to 65535, pictures to 2^25 pixels, all masks together to 2^22 rows and 2^31 pixels"});
  if (objects > static_cast<std::size_t>(mask_object_limit))
    throw Error({.what = std::to_string(objects) + " objects in a frame",
                 .where = "masks for the wire",
                 .mend = "a frame holds up to 65535",
                 .exit_code = exit_code::too_many_ids});
  if (pixels != layers * static_cast<std::size_t>(height * width))
    throw Error({.what = std::to_string(pixels) + " pixels for " + std::to_string(layers) + " masks of " +
                         std::to_string(width) + "x" + std::to_string(height),
                 .where = "masks for the wire"});
}

/// Calls `change(x)` wherever a row's pixel differs from the one before it; before the first is 0.
template <class Pixel, class Change>
void for_each_change(const Pixel* row, std::int64_t width, Change&& change) {
  if (row[0] != Pixel{}) change(std::int64_t{0});
  constexpr std::int64_t step = 64 / sizeof(Pixel);
  std::int64_t x = 1;
  for (; x + step <= width; x += step) {
    Pixel differ = 0;
    for (std::int64_t k = 0; k < step; ++k) differ |= static_cast<Pixel>(row[x + k] ^ row[x + k - 1]);
    if (differ == 0) continue;
    for (auto k = x; k < x + step; ++k)
      if (row[k] != row[k - 1]) change(k);
  }
  for (; x < width; ++x)
    if (row[x] != row[x - 1]) change(x);
}

/// Gives each id a number in the order of their appearance.
class SlotBook {
 public:
  std::uint32_t slot(ObjectId id) {
    if (id == 0) return 0;
    auto& near = recent_[static_cast<std::uint32_t>(id) % recent_.size()];
    if (near.first == id) return near.second;
    const auto found = all_.try_emplace(id, static_cast<std::uint32_t>(all_.size() + 1)).first;
    near = *found;
    return found->second;
  }
  const std::unordered_map<ObjectId, std::uint32_t>& all() const { return all_; }

 private:
  std::array<std::pair<ObjectId, std::uint32_t>, 64> recent_ = {};
  std::unordered_map<ObjectId, std::uint32_t> all_;
};

}  // namespace detail

/// The masks of a label map given row by row. `known` are ids that the frame is to name though they may cover no pixel.
inline MaskFrame masks_from_labels(std::span<const ObjectId> labels, std::int64_t height, std::int64_t width,
                                   std::span<const ObjectId> known = {}) {
  detail::expect_mask_size(height, width, 0, 1, labels.size());
  MaskFrame frame{height, width, false, {}, std::vector<MaskRows>(1)};
  auto& rows = frame.layers[0];
  rows.ends.reserve(static_cast<std::size_t>(height));
  detail::SlotBook book;
  for (const auto id : known) book.slot(id);
  for (std::int64_t y = 0; y < height; ++y) {
    const auto* row = labels.data() + y * width;
    detail::for_each_change(row, width, [&](std::int64_t x) {
      rows.runs.push_back({static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(book.slot(row[x]))});
    });
    rows.end_row();
    if (book.all().size() > static_cast<std::size_t>(mask_object_limit)) break;
  }
  detail::expect_mask_size(height, width, book.all().size(), 1, labels.size());
  for (const auto& [id, slot] : book.all()) frame.ids.push_back(id);
  std::sort(frame.ids.begin(), frame.ids.end());
  if (!frame.ids.empty() && frame.ids.front() < 0)
    throw Error({.what = "the id " + std::to_string(frame.ids.front()) + " in a label map",
                 .where = "masks for the wire",
                 .mend = "ids are positive, 0 is no object"});
  std::vector<std::uint16_t> final_of(frame.ids.size() + 1);  // by order of appearance
  for (std::size_t i = 0; i < frame.ids.size(); ++i)
    final_of[book.all().at(frame.ids[i])] = static_cast<std::uint16_t>(i + 1);
  for (auto& run : rows.runs) run.slot = final_of[run.slot];
  return frame;
}

/// Masks that may overlap: `masks` [ids,height,width], every value but 0 is inside. `ids` are positive and rise.
inline MaskFrame masks_from_bitmaps(std::span<const std::uint8_t> masks, std::int64_t height, std::int64_t width,
                                    std::span<const ObjectId> ids) {
  detail::expect_mask_size(height, width, ids.size(), ids.size(), masks.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] <= (i == 0 ? 0 : ids[i - 1]))
      throw Error({.what = "the id " + std::to_string(ids[i]) + " in place " + std::to_string(i + 1),
                   .where = "masks for the wire",
                   .mend = "ids are positive and rise"});
  MaskFrame frame{height, width, true, {ids.begin(), ids.end()}, std::vector<MaskRows>(ids.size())};
  const auto* row = masks.data();
  for (auto& rows : frame.layers) {
    rows.ends.reserve(static_cast<std::size_t>(height));
    for (std::int64_t y = 0; y < height; ++y, row += width) {
      std::uint16_t last = 0;
      detail::for_each_change(row, width, [&](std::int64_t x) {
        const std::uint16_t slot = row[x] != 0 ? 1 : 0;
        if (slot != last) rows.runs.push_back({static_cast<std::uint16_t>(x), slot});
        last = slot;
      });
      rows.end_row();
    }
  }
  return frame;
}

}  // namespace vos
