#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <vos/core/assignment.hpp>

namespace vos {

/// Which of a model's queries, its slots, answers for which object of a clip.
enum class AssignRule : std::uint8_t {
  global,            ///< one slot for the whole clip, by the smallest total cost over all of its frames
  first_appearance,  ///< one slot for the whole clip, by the cost in the frame where the object is first seen
  per_frame,         ///< each frame's own smallest total: an object may change its slot
};

/// What an assignment needs to know of a clip, on the host.
struct ClipFacts {
  std::int64_t objects = 0, frames = 0, queries = 0;
  std::vector<double> cost = {};   ///< [G,Q] over the clip or of first frames, by the rule; per_frame: [T,G,Q]
  std::vector<bool> visible = {};  ///< [G,T]
  std::vector<double> area = {};   ///< [G] in the whole clip: who is left out where there are more objects than queries

  bool seen(std::int64_t object, std::int64_t frame) const {
    return visible[static_cast<std::size_t>(object * frames + frame)];
  }
};

/// The answer, -1 for none: where the object is not visible, or was left out.
struct ClipSlots {
  std::int64_t frames = 0;
  std::vector<std::int64_t> in_frame = {};   ///< [G,T]
  std::vector<std::int64_t> of_object = {};  ///< [G]; all -1 by `per_frame`, where an object has no slot of its own

  std::int64_t objects() const { return static_cast<std::int64_t>(of_object.size()); }
  std::int64_t slot(std::int64_t object, std::int64_t frame) const {
    return in_frame[static_cast<std::size_t>(object * frames + frame)];
  }
};

namespace detail {

/// Gives the earlier object the lower slot wherever a move or a swap costs nothing. `cost` [rows,queries]; every change
/// makes the list of slots smaller in dictionary order, so this ends.
inline void lowest_slots_first(std::span<const double> cost, std::int64_t queries, std::vector<std::int64_t>& slot_of) {
  const auto rows = static_cast<std::int64_t>(slot_of.size());
  const auto at = [&](std::int64_t row, std::int64_t slot) {
    return cost[static_cast<std::size_t>(row * queries + slot)];
  };
  std::vector<std::int64_t> owner(static_cast<std::size_t>(queries), -1);
  for (std::int64_t row = 0; row < rows; ++row)
    if (const auto slot = slot_of[static_cast<std::size_t>(row)]; slot >= 0)
      owner[static_cast<std::size_t>(slot)] = row;
  for (bool changed = true; std::exchange(changed, false);)
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t lower = 0; lower < slot_of[static_cast<std::size_t>(row)]; ++lower) {
        auto& mine = slot_of[static_cast<std::size_t>(row)];
        const auto other = owner[static_cast<std::size_t>(lower)];
        if (other >= 0 && other < row) continue;
        const bool ties = other < 0 ? at(row, lower) == at(row, mine)
                                    : at(row, lower) + at(other, mine) == at(row, mine) + at(other, lower);
        if (!ties) continue;
        owner[static_cast<std::size_t>(mine)] = other;
        if (other >= 0) slot_of[static_cast<std::size_t>(other)] = mine;
        owner[static_cast<std::size_t>(lower)] = row;
        mine = lower;
        changed = true;
      }
}

/// Gives each of `objects`, rows of `cost` [G,queries], a slot that nobody in `slot_of` has, at the smallest total.
inline void give_slots(std::span<const double> cost, std::int64_t queries, std::span<const std::int64_t> objects,
                       std::vector<std::int64_t>& slot_of) {
  const auto width = static_cast<std::size_t>(queries);
  std::vector<double> open;  // [objects,queries]
  for (const auto object : objects) {
    const auto row = cost.subspan(static_cast<std::size_t>(object) * width, width);
    open.insert(open.end(), row.begin(), row.end());
  }
  for (const auto taken : slot_of)
    if (taken >= 0)
      for (std::size_t row = 0; row < objects.size(); ++row)
        open[row * width + static_cast<std::size_t>(taken)] = std::numeric_limits<double>::infinity();
  auto given = cheapest_assignment(open, static_cast<std::int64_t>(objects.size()), queries);
  lowest_slots_first(open, queries, given);
  for (std::size_t row = 0; row < objects.size(); ++row) slot_of[static_cast<std::size_t>(objects[row])] = given[row];
}

/// The objects that any frame shows.
inline std::vector<std::int64_t> seen_objects(const ClipFacts& clip) {
  std::vector<std::int64_t> seen;
  for (std::int64_t object = 0; object < clip.objects; ++object)
    for (std::int64_t frame = 0; frame < clip.frames; ++frame)
      if (clip.seen(object, frame)) {
        seen.push_back(object);
        break;
      }
  return seen;
}

/// Of these objects as many as there are queries, the largest ones, in their order.
inline std::vector<std::int64_t> largest(const ClipFacts& clip, std::vector<std::int64_t> objects) {
  if (static_cast<std::int64_t>(objects.size()) <= clip.queries) return objects;
  const auto area = [&](std::int64_t object) { return clip.area[static_cast<std::size_t>(object)]; };
  std::stable_sort(objects.begin(), objects.end(), [&](auto a, auto b) { return area(a) > area(b); });
  objects.resize(static_cast<std::size_t>(clip.queries));
  std::sort(objects.begin(), objects.end());
  return objects;
}

}  // namespace detail

/// Who answers for whom in a clip, by one of three rules. Ties go to the lowest slot, by order of objects.
///
/// First appearance differs from GenVIS in one point: a slot stays its object's also while the object is away. There, a
/// newcomer could take it, and from the first one's return on two objects pulled at one slot.
inline ClipSlots assign_clip(AssignRule rule, const ClipFacts& clip) {
  const auto objects = static_cast<std::size_t>(clip.objects);
  ClipSlots slots{.frames = clip.frames,
                  .in_frame = std::vector<std::int64_t>(objects * static_cast<std::size_t>(clip.frames), -1),
                  .of_object = std::vector<std::int64_t>(objects, -1)};
  auto kept = detail::seen_objects(clip);
  // A slot is an object's for the clip, or for a frame: so many can have one.
  if (rule != AssignRule::per_frame) kept = detail::largest(clip, std::move(kept));
  if (rule == AssignRule::global) detail::give_slots(clip.cost, clip.queries, kept, slots.of_object);

  std::vector<bool> known(objects);
  for (std::int64_t frame = 0; frame < clip.frames; ++frame) {
    std::vector<std::int64_t> here, fresh;
    for (const auto object : kept)
      if (clip.seen(object, frame)) {
        here.push_back(object);
        if (!known[static_cast<std::size_t>(object)]) fresh.push_back(object);
        known[static_cast<std::size_t>(object)] = true;
      }
    auto slot_of = slots.of_object;
    if (rule == AssignRule::first_appearance) {
      detail::give_slots(clip.cost, clip.queries, fresh, slots.of_object);
      slot_of = slots.of_object;
    } else if (rule == AssignRule::per_frame) {
      here = detail::largest(clip, std::move(here));
      const auto table = objects * static_cast<std::size_t>(clip.queries);
      detail::give_slots(std::span{clip.cost}.subspan(static_cast<std::size_t>(frame) * table, table), clip.queries,
                         here, slot_of);
    }
    for (const auto object : here)
      slots.in_frame[static_cast<std::size_t>(object * clip.frames + frame)] =
          slot_of[static_cast<std::size_t>(object)];
  }
  return slots;
}

}  // namespace vos
