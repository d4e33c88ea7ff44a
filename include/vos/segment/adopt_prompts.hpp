#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/error.hpp>
#include <vos/fwd.hpp>
#include <vos/segment/video_detector.hpp>
#include <vos/track/associate.hpp>
#include <vos/track/book.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/observe.hpp>
#include <vos/track/sighting.hpp>
#include <vos/track/tracker.hpp>

namespace vos {

namespace detail {

/// Each object of a label map int32 [H,W] on the tracker's grid, laid as the detector's masks are: over their whole extent,
/// also where that reaches beyond the frame.
inline std::map<ObjectId, CoarseMask> coarse_masks(const at::Tensor& labels, const DetectedFrame& seen) {
  const auto covered = [](double cells, double pixels_per_cell, std::int64_t at_least) {
    return std::max(at_least, static_cast<std::int64_t>(std::lround(cells * pixels_per_cell)));
  };
  const auto& masks = seen.detections.masks;
  const auto height = covered(static_cast<double>(masks.size(2)), seen.rows_per_cell(), labels.size(0));
  const auto width = covered(static_cast<double>(masks.size(3)), seen.columns_per_cell(), labels.size(1));
  std::map<ObjectId, CellCounts> counts;
  const auto* pixel = labels.const_data_ptr<std::int32_t>();
  const auto rows = labels.size(0), columns = labels.size(1);
  for (std::int64_t y = 0; y < rows; ++y, pixel += columns)
    for (std::int64_t x = 0; x < columns;) {
      const auto id = pixel[x];
      const auto begin = x;
      while (x < columns && pixel[x] == id) ++x;
      if (id != 0) counts.try_emplace(id, height, width).first->second.add(y, begin, x);
    }
  std::map<ObjectId, CoarseMask> coarse;
  for (const auto& [id, count] : counts) coarse.emplace(id, count.mask());
  return coarse;
}

/// Where queries propagate, the slot for an object that none of them sees: its own, or the one that will be missed least.
/// Slots of pinned objects, and those in `given`, are not to be had; -1 if no other is left.
inline std::int64_t spare_slot(const TrackBook& book, ObjectId id, const std::vector<Sighting>& slots,
                               const std::set<std::int64_t>& given) {
  const auto* known = book.find(id);
  if (known != nullptr && known->slot >= 0 && !given.contains(known->slot)) return known->slot;
  std::map<std::int64_t, const TrackEntry*> holders;
  for (const auto& entry : book.entries()) holders[entry.slot] = &entry;
  std::tuple<int, float, std::int64_t> best{4, 0.0F, -1};
  for (const auto& slot : slots) {
    const auto holder = holders.find(slot.query);
    const bool held = holder != holders.end();
    if (given.contains(slot.query) || (held && holder->second->pinned)) continue;
    using State = LifeCycle::State;
    const auto state = held ? holder->second->life.state() : State::dead;
    const int loss = state == State::alive ? 3 : state == State::lost ? 2 : state == State::tentative ? 1 : 0;
    best = std::min(best, {loss, slot.score, slot.query});
  }
  return std::get<2>(best);
}

struct Holder {
  ObjectId id;
  bool pinned;
};

/// The object that this detection continues, if it is none of those that are given.
inline std::optional<Holder> who_has(const TrackBook& book, std::int64_t query,
                                     const std::map<ObjectId, CoarseMask>& given) {
  for (const auto& entry : book.entries())
    if (query >= 0 && entry.query == query && entry.life.known() && !given.contains(entry.id))
      return Holder{entry.id, entry.pinned};
  return std::nullopt;
}

}  // namespace detail

/// Tells a tracker where the caller's objects are in the frame that it has just been shown: `labels` int32 [H,W]. They are
/// the caller's from now on: pinned, under the caller's ids.
///
/// An object becomes the detection that covers it best, if their overlap (IoU) is at least `least`: so its look is known, and
/// where queries propagate, its slot. Else there is nothing but where it is; then a slot is taken that nobody needs.
///
/// Who had that detection before and is not named in `labels`: if the named one was seen elsewhere, the two were confused and
/// change places. Else it is the same object under another name, which is forgotten unless it is the caller's.
///
/// A known object that is given where nothing is detected, while it was seen elsewhere, was something else until now: that is
/// forgotten. The result: the slots that were taken from others or nobody, which the model has to begin anew.
template <class Track>
std::vector<std::int64_t> adopt_prompts(Track& tracker, const at::Tensor& labels, const DetectedFrame& seen,
                                        double least) {
  const auto given = detail::coarse_masks(labels, seen);
  const auto sightings = observe(seen.detections);
  std::vector<float> overlaps;
  for (const auto& [id, mask] : given)
    for (const auto& sighting : sightings) overlaps.push_back(iou(mask, sighting.mask));
  const auto chosen = associate(overlaps, given.size(), sightings.size(), std::nextafter(least, 0.0));

  struct Given {
    int turn;  // those that are detected, then those that have a slot, then new ones: nobody takes another's
    ObjectId id;
    std::int64_t row;  // of the sightings, or -1
  };
  std::vector<Given> turns;
  std::set<std::int64_t> taken;
  auto choice = chosen.begin();
  for (const auto& [id, mask] : given) {
    const auto row = *choice++;
    const auto* before = tracker.book().find(id);
    if (row >= 0) taken.insert(sightings[static_cast<std::size_t>(row)].query);
    else if (before != nullptr && before->query >= 0 && iou(before->mask, mask) == 0) {
      tracker.remove(id);
      before = nullptr;
    }
    turns.push_back({row >= 0 ? 0 : before != nullptr ? 1 : 2, id, row});
  }
  std::stable_sort(turns.begin(), turns.end(), [](const Given& a, const Given& b) { return a.turn < b.turn; });

  std::vector<std::int64_t> begun;
  for (const auto& [turn, id, row] : turns) {
    const auto* known = tracker.book().find(id);
    Sighting sighting;
    if (row >= 0) sighting = sightings[static_cast<std::size_t>(row)];
    else if constexpr (SlotFollower<Track>) {
      sighting.query = detail::spare_slot(tracker.book(), id, sightings, taken);
      if (sighting.query < 0)
        throw Error({.what = "object " + std::to_string(id) +
                             " is one more than the model can follow: " + std::to_string(sightings.size()),
                     .where = "prompt()",
                     .mend = "remove() an object first, or use more slots"});
      taken.insert(sighting.query);
      if (known == nullptr || known->slot != sighting.query) begun.push_back(sighting.query);
    }
    sighting.score = 1;
    sighting.mask = given.at(id);

    const auto former = known != nullptr && !taken.contains(known->query) ? known->query : -1;
    const auto other = row >= 0 ? detail::who_has(tracker.book(), sighting.query, given) : std::nullopt;
    if (other && former < 0 && !other->pinned) tracker.remove(other->id);
    tracker.adopt(id, sighting);
    if (!other || former < 0) continue;
    const auto exchanged =
        std::find_if(sightings.begin(), sightings.end(), [&](const auto& each) { return each.query == former; });
    if (exchanged == sightings.end()) continue;
    tracker.adopt(other->id, *exchanged);
    if (!other->pinned) tracker.release(other->id);
  }
  return begun;
}

}  // namespace vos
