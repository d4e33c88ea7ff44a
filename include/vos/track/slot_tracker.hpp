#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/track/book.hpp>
#include <vos/track/observe.hpp>
#include <vos/track/tracker.hpp>

namespace vos {

/// Where queries propagate from frame to frame: query n is the same object as long as it lives, so nothing is matched. What
/// is left is when an object begins, is lost, dies and comes back in another slot.
class SlotTracker {
 public:
  explicit SlotTracker(TrackBookOptions options = {}) : book_(std::move(options)) {}

  const TrackBook& book() const { return book_; }

  Tracks step(const FrameDetections& detections) { return step(observe(detections, book_.options().life.keep)); }

  /// Sightings by their slot, `query`; a slot that is not among them sees nothing.
  Tracks step(std::vector<Sighting> sightings) {
    book_.expect_widths(sightings);
    book_.begin();
    // What a removed object's slot sees is still that object: the model has not begun it anew.
    std::erase_if(sightings, [&](const auto& each) { return removed_.contains(each.query); });
    std::sort(sightings.begin(), sightings.end(), [](const auto& a, const auto& b) { return a.query < b.query; });
    auto next = sightings.begin();
    std::vector<std::int64_t> before(removed_.begin(), removed_.end());
    removed_.clear();
    std::vector<Sighting> idle;
    sort_by_slot();
    for (auto& entry : book_.entries()) {
      if (entry.life.known() && entry.slot >= 0) before.push_back(entry.slot);
      while (next != sightings.end() && next->query < entry.slot) idle.push_back(std::move(*next++));
      if (next != sightings.end() && next->query == entry.slot) book_.see(entry, *next++);
      else book_.miss(entry);
    }
    idle.insert(idle.end(), std::make_move_iterator(next), std::make_move_iterator(sightings.end()));
    for (const auto& sighting : idle)
      if (sighting.score >= book_.options().life.birth) book_.open(sighting).slot = sighting.query;
    auto tracks = book_.settle();
    freed_.clear();
    sort_by_slot();
    std::sort(before.begin(), before.end());
    std::vector<std::int64_t> after;
    for (const auto& entry : book_.entries()) after.push_back(entry.slot);
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(freed_));
    return tracks;
  }

  /// Slots whose objects died in the last step or were removed before it: the model begins them anew, so that they can be used again.
  const std::vector<std::int64_t>& freed() const { return freed_; }

  void reset() { book_.reset(), freed_.clear(), removed_.clear(); }

  /// The object in slot `sighting.query` is `id`: see TrackBook. There is always a slot: nothing else continues an object.
  void adopt(ObjectId id, const Sighting& sighting) {
    if (sighting.query < 0)
      throw Error({.what = "object " + std::to_string(id) + " is given without a slot",
                   .where = "tracker, adopt()",
                   .mend = "name the slot that shows it as the sighting's query"});
    book_.adopt(id, sighting);
    removed_.erase(sighting.query);
    for (auto& entry : book_.entries())
      if (entry.id == id) entry.slot = sighting.query;
      else if (entry.slot == sighting.query) entry.slot = -1;  // lost, and nothing will continue it
  }
  void reserve(ObjectId id) { book_.reserve(id); }
  void rename(ObjectId from, ObjectId to) { book_.rename(from, to); }
  bool remove(ObjectId id) {
    if (const auto* entry = book_.find(id); entry != nullptr && entry->slot >= 0) removed_.insert(entry->slot);
    return book_.remove(id);
  }
  bool release(ObjectId id) { return book_.release(id); }

 private:
  void sort_by_slot() {
    std::stable_sort(book_.entries().begin(), book_.entries().end(),
                     [](const auto& a, const auto& b) { return a.slot < b.slot; });
  }

  TrackBook book_;
  std::vector<std::int64_t> freed_;
  std::set<std::int64_t> removed_;  // slots of objects removed since the last step
};

static_assert(SlotFollower<SlotTracker>);

}  // namespace vos
