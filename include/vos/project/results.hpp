#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <vos/project/plan.hpp>
#include <vos/project/project.hpp>
#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>

namespace vos {

/// What a model said of a frame, in its own ids; the masks encoded on their own.
struct StoredFrame {
  std::int64_t index = 0;
  double seconds = 0;
  std::uint32_t revision = 0;
  std::vector<SeenObject> objects = {};
  std::vector<std::uint8_t> masks = {};

  std::size_t bytes() const { return sizeof *this + objects.size() * sizeof(SeenObject) + masks.size() + 64; }
};

/// Results by frame, at most so many bytes of them: those farthest from the one that was put last make room.
class StoredFrames {
 public:
  using Shared = std::shared_ptr<const StoredFrame>;

  explicit StoredFrames(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  void put(StoredFrame frame) {
    const auto index = frame.index;
    erase(frames_.find(index));
    bytes_ += frame.bytes();
    frames_.emplace(index, std::make_shared<const StoredFrame>(std::move(frame)));
    while (bytes_ > most_bytes_ && frames_.size() > 1) {
      const auto first = frames_.begin(), last = std::prev(frames_.end());
      erase(std::abs(first->first - index) >= std::abs(last->first - index) ? first : last);
    }
  }
  Shared find(std::int64_t index) const {
    const auto found = frames_.find(index);
    return found == frames_.end() ? nullptr : found->second;
  }
  void forget_from(std::int64_t first) {
    for (auto at = frames_.lower_bound(first); at != frames_.end();) at = erase(at);
  }
  const std::map<std::int64_t, Shared>& all() const { return frames_; }
  std::size_t bytes() const { return bytes_; }

 private:
  using Map = std::map<std::int64_t, Shared>;
  Map::iterator erase(Map::const_iterator at) {
    if (at == frames_.end()) return frames_.end();
    bytes_ -= at->second->bytes();
    return frames_.erase(at);
  }

  Map frames_;
  std::size_t most_bytes_, bytes_ = 0;
};

/// All that one frame of a project is made of.
struct FrameParts {
  struct Back {
    StoredFrames::Shared frame;
    std::size_t step;  ///< of the edit: its ids are the names that objects had then
  };
  StoredFrames::Shared forward = {};
  std::vector<Back> back = {};
};

namespace detail {

inline MaskFrame decoded(const StoredFrame& frame) {
  MaskFrame masks;
  if (decode_masks(frame.masks, nullptr, masks) != MaskFault::none)
    throw Error({.what = "the result of frame " + std::to_string(frame.index) + " is damaged in memory"});
  return masks;
}

/// Tight around each of the masks; empty for one without pixels.
inline std::vector<Box> boxes_of(const MaskFrame& masks) {
  std::vector<Box> boxes(masks.ids.size());
  if (masks.layers.empty()) return boxes;
  for_each_run(masks.layers[0], masks.width, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t slot) {
    auto& box = boxes[slot - 1U];
    const Box run{static_cast<float>(x0), static_cast<float>(y), static_cast<float>(x1), static_cast<float>(y + 1)};
    box = box.empty() ? run : Box{std::min(box.x0, run.x0), box.y0, std::max(box.x1, run.x1), run.y1};
  });
  return boxes;
}

}  // namespace detail

/// The frame as the person sees it: what the model said, under the names that the plan gives, with what was found backwards
/// where the model knew nothing.
inline ProjectFrame assemble(const Plan& plan, const FrameParts& parts, std::uint32_t revision) {
  const auto& forward = *parts.forward;
  const auto index = forward.index;
  ProjectFrame frame{.index = index, .seconds = forward.seconds, .revision = revision};
  std::map<ObjectId, SeenObject> objects;
  const auto add = [&](SeenObject object, ObjectId id) {
    object.id = id;
    const auto [known, fresh] = objects.try_emplace(id, object);
    if (fresh) return;
    auto& one = known->second;  // two of the model's are one for the person
    one.suspect = one.suspect || object.suspect;
    if (object.score > one.score) one.score = object.score, one.category = object.category;
  };

  frame.masks = detail::decoded(forward);
  for (const auto& object : forward.objects)
    if (const auto id = plan.identities.shown_as(object.id, index); id != 0) add(object, id);
  bool as_it_is = parts.back.empty();
  for (const auto id : frame.masks.ids) as_it_is = as_it_is && plan.identities.shown_as(id, index) == id;
  if (!as_it_is) {
    std::vector<ObjectId> labels(static_cast<std::size_t>(frame.masks.height * frame.masks.width));
    std::vector<ObjectId> value_of{0};
    for (const auto id : frame.masks.ids) value_of.push_back(plan.identities.shown_as(id, index));
    paint_rows<ObjectId>(frame.masks.layers.at(0), frame.masks.width, value_of, labels.data());
    std::set<ObjectId> shown;
    for (const auto& run : frame.masks.layers[0].runs) shown.insert(value_of[run.slot]);
    for (const auto& back : parts.back) {
      const auto masks = detail::decoded(*back.frame);
      if (masks.height != frame.masks.height || masks.width != frame.masks.width) continue;
      std::vector<ObjectId> found{0};
      for (const auto id : masks.ids) {
        const auto name = plan.identities.renamed(id, back.step, index);
        found.push_back(shown.contains(name) ? 0 : name);
      }
      for (const auto& object : back.frame->objects)
        if (const auto name = plan.identities.renamed(object.id, back.step, index); name != 0 && !shown.contains(name))
          add(object, name);
      for_each_run(masks.layers.at(0), masks.width,
                   [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t slot) {
                     if (found[slot] == 0) return;
                     for (auto* label = labels.data() + y * masks.width + x0; x0 < x1; ++x0, ++label)
                       if (*label == 0) *label = found[slot];
                   });
      shown.insert(found.begin(), found.end());
    }
    std::vector<ObjectId> ids;
    for (const auto& [id, object] : objects) ids.push_back(id);
    frame.masks = masks_from_labels(labels, frame.masks.height, frame.masks.width, ids);
  }
  const auto boxes = detail::boxes_of(frame.masks);
  for (auto& [id, object] : objects) {
    const auto place = std::lower_bound(frame.masks.ids.begin(), frame.masks.ids.end(), id);
    const bool there = place != frame.masks.ids.end() && *place == id;
    object.box = there ? boxes[static_cast<std::size_t>(place - frame.masks.ids.begin())] : Box{};
    object.visible = !object.box.empty();
    if (!object.visible) object.score = 0;
    object.prompted = plan.prompted(id, index);
    object.corrected = plan.corrected(id, index);
    if (const auto look = plan.looks.find(id); look != plan.looks.end() && look->second.category >= 0)
      object.category = look->second.category;
    frame.objects.push_back(object);
  }
  return frame;
}

}  // namespace vos
