#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/core/box.hpp>
#include <vos/core/shape.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/resize/size.hpp>

namespace vos {

inline std::int64_t length_of(const Sample& sample) { return sample.frames.size(0); }
inline PictureSize size_of(const Sample& sample) { return {sample.frames.size(1), sample.frames.size(2)}; }

/// Throws unless the parts of a sample fit together.
inline void expect_sample(const Sample& sample) {
  expect_shape(sample.frames, {any_size, any_size, any_size, 3}, "frames [T,H,W,3]");
  const auto length = length_of(sample);
  const auto [height, width] = size_of(sample);
  const auto objects = static_cast<std::int64_t>(sample.ids.size());
  if (sample.labels.defined()) expect_shape(sample.labels, {length, height, width}, "labels [T,H,W]");
  if (sample.masks.defined()) expect_shape(sample.masks, {objects, length, height, width}, "masks [G,T,H,W]");
  if (sample.ids.size() != sample.categories.size())
    throw Error({.what = "a sample of " + std::to_string(objects) + " ids and " +
                         std::to_string(sample.categories.size()) + " categories",
                 .where = sample.name,
                 .mend = "give every object a category, -1 where it is unknown"});
  if (!sample.labelled.empty() && static_cast<std::int64_t>(sample.labelled.size()) != length)
    throw Error({.what = "a sample of " + std::to_string(length) + " frames that says of " +
                         std::to_string(sample.labelled.size()) + " whether they are labelled",
                 .where = sample.name,
                 .mend = "say it of every frame, or of none where all are"});
}

/// `change(tensor [...,H,W])` on the label maps and the masks, whichever there are.
template <class Change>
void change_maps(Sample& sample, const Change& change) {
  if (sample.labels.defined()) sample.labels = change(sample.labels);
  if (sample.masks.defined()) sample.masks = change(sample.masks);
}

/// One object in one frame.
struct Appearance {
  Box box = {};  ///< tight around the mask; empty where it covers nothing
  std::int64_t area = 0;
  bool operator==(const Appearance&) const = default;
};

/// [G][T]: where each object lies in each frame, from its masks. Boxes are never carried through a transform but read off
/// its result: they cannot disagree with the masks.
inline std::vector<std::vector<Appearance>> appearances_of(const Sample& sample) {
  const auto length = length_of(sample);
  const auto [height, width] = size_of(sample);
  std::vector<std::vector<Appearance>> all(sample.ids.size(),
                                           std::vector<Appearance>(static_cast<std::size_t>(length)));
  const auto grow = [](Appearance& one, std::int64_t y, std::int64_t begin, std::int64_t end) {
    const Box run{static_cast<float>(begin), static_cast<float>(y), static_cast<float>(end), static_cast<float>(y + 1)};
    if (one.area == 0) one.box = run;
    else one.box = {std::min(one.box.x0, run.x0), one.box.y0, std::max(one.box.x1, run.x1), run.y1};
    one.area += end - begin;
  };
  if (sample.masks.defined()) {
    const auto plain = sample.masks.contiguous();
    const auto* row = plain.const_data_ptr<bool>();
    for (auto& object : all)
      for (auto& one : object)
        for (std::int64_t y = 0; y < height; ++y, row += width)
          for (std::int64_t x = 0; x < width;) {
            x = std::find(row + x, row + width, true) - row;
            const auto begin = x;
            x = std::find(row + x, row + width, false) - row;
            if (x > begin) grow(one, y, begin, x);
          }
    return all;
  }
  if (!sample.labels.defined()) return all;
  const auto plain = sample.labels.contiguous();
  const auto* row = plain.const_data_ptr<std::int32_t>();
  for (std::size_t t = 0; t < static_cast<std::size_t>(length); ++t)
    for (std::int64_t y = 0; y < height; ++y, row += width)
      for (std::int64_t x = 0; x < width;) {
        const auto id = row[x];
        const auto begin = x;
        while (x < width && row[x] == id) ++x;
        if (id == 0) continue;
        const auto found = std::lower_bound(sample.ids.begin(), sample.ids.end(), id);
        if (found != sample.ids.end() && *found == id)
          grow(all[static_cast<std::size_t>(found - sample.ids.begin())][t], y, begin, x);
      }
  return all;
}

/// The objects at `places` (of the present ids), numbered `numbers`, rising; all others become background.
inline Sample with_objects(Sample sample, const std::vector<std::size_t>& places,
                           const std::vector<ObjectId>& numbers) {
  std::vector<ObjectId> ids;
  std::vector<std::int32_t> categories;
  for (std::size_t i = 0; i < places.size(); ++i) {
    ids.push_back(numbers[i]);
    categories.push_back(sample.categories[places[i]]);
  }
  if (sample.labels.defined()) {
    // Ids are few and small: a table unless someone numbers by the million.
    const auto most = sample.ids.empty() ? 0 : sample.ids.back();
    std::vector<std::pair<ObjectId, ObjectId>> pairs;
    for (std::size_t i = 0; i < places.size(); ++i) pairs.emplace_back(sample.ids[places[i]], numbers[i]);
    std::sort(pairs.begin(), pairs.end());
    const auto slow = [&](ObjectId id) {
      const auto found = std::lower_bound(pairs.begin(), pairs.end(), std::pair{id, ObjectId{0}});
      return found != pairs.end() && found->first == id ? found->second : ObjectId{0};
    };
    std::vector<ObjectId> table(static_cast<std::size_t>(std::min<ObjectId>(most, 65535)) + 1, 0);
    for (std::size_t id = 1; id < table.size(); ++id) table[id] = slow(static_cast<ObjectId>(id));
    const auto plain = sample.labels.contiguous();
    auto made = at::empty(plain.sizes(), plain.options());
    const auto* from = plain.const_data_ptr<std::int32_t>();
    auto* to = made.mutable_data_ptr<std::int32_t>();
    for (std::int64_t i = 0; i < plain.numel(); ++i)
      to[i] =
          static_cast<std::size_t>(from[i]) < table.size() ? table[static_cast<std::size_t>(from[i])] : slow(from[i]);
    sample.labels = made;
  }
  if (sample.masks.defined()) {
    auto sizes = sample.masks.sizes().vec();
    sizes[0] = static_cast<std::int64_t>(places.size());
    auto made = at::empty(sizes, sample.masks.options());
    for (std::size_t i = 0; i < places.size(); ++i)
      made[static_cast<std::int64_t>(i)].copy_(sample.masks[static_cast<std::int64_t>(places[i])]);
    sample.masks = made;
  }
  sample.ids = std::move(ids);
  sample.categories = std::move(categories);
  return sample;
}

/// The objects at `places`, in this order numbered 1, 2, …: what propagation trains on.
inline Sample renumbered(Sample sample, const std::vector<std::size_t>& places) {
  std::vector<ObjectId> numbers(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) numbers[i] = static_cast<ObjectId>(i + 1);
  return with_objects(std::move(sample), places, numbers);
}

/// Without the objects that cover fewer than `least` pixels in all frames together; the others keep their ids.
inline Sample without_unseen(Sample sample, std::int64_t least = 1) {
  const auto seen = appearances_of(sample);
  std::vector<std::size_t> places;
  std::vector<ObjectId> ids;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    std::int64_t area = 0;
    for (const auto& one : seen[i]) area += one.area;
    if (area < least) continue;
    places.push_back(i);
    ids.push_back(sample.ids[i]);
  }
  return places.size() == sample.ids.size() ? sample : with_objects(std::move(sample), places, ids);
}

}  // namespace vos
