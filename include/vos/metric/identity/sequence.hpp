#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <vector>

#include <vos/metric/label_pair.hpp>

namespace vos {

/// IoUs are compared with thresholds up to this: the reference's slack for what rounding takes away.
inline constexpr double iou_slack = std::numeric_limits<double>::epsilon();

/// What identity metrics know of a video: in each frame the objects of the truth, the tracks of the guess, and where the
/// masks of two meet. Objects and tracks are numbered from 0 in the order in which they first appear; pixels are gone, so
/// that memory grows with the objects that are seen, not with their size.
class IdentitySequence {
 public:
  struct Seen {
    std::int64_t id = 0, area = 0;
  };
  struct Pair {
    std::size_t object = 0, track = 0;  ///< places in the frame's lists
    double iou = 0;                     ///< above 0
  };
  struct Frame {
    std::vector<std::size_t> objects = {}, tracks = {};  ///< numbers
    std::vector<std::int64_t> track_areas = {};
    std::vector<Pair> pairs = {};
  };

  /// Adds a frame. `shared(i, j)`: how many pixels objects[i] and tracks[j] have in common. What has no pixel is absent.
  template <class Shared>
  void add(std::span<const Seen> objects, std::span<const Seen> tracks, Shared&& shared) {
    Frame frame;
    const auto number = [](std::vector<std::int64_t>& ids, std::unordered_map<std::int64_t, std::size_t>& at,
                           std::int64_t id) {
      const auto [found, added] = at.try_emplace(id, ids.size());
      if (added) ids.push_back(id);
      return found->second;
    };
    for (const auto& object : objects)
      if (object.area > 0) frame.objects.push_back(number(objects_, object_at_, object.id));
    for (const auto& track : tracks)
      if (track.area > 0) {
        frame.tracks.push_back(number(tracks_, track_at_, track.id));
        frame.track_areas.push_back(track.area);
      }
    for (std::size_t i = 0, object = 0; i < objects.size(); ++i) {
      if (objects[i].area == 0) continue;
      for (std::size_t j = 0, track = 0; j < tracks.size(); ++j) {
        if (tracks[j].area == 0) continue;
        if (const std::int64_t both = shared(i, j); both > 0)
          frame.pairs.push_back(
              {object, track,
               static_cast<double>(both) / static_cast<double>(objects[i].area + tracks[j].area - both)});
        ++track;
      }
      ++object;
    }
    object_masks_ += static_cast<std::int64_t>(frame.objects.size());
    track_masks_ += static_cast<std::int64_t>(frame.tracks.size());
    frames_.push_back(std::move(frame));
  }

  /// Adds a frame of two label maps.
  void add(const LabelPair& pair) {
    const auto seen = [](const std::vector<ObjectRuns>& objects) {
      std::vector<Seen> list;
      for (const auto& object : objects) list.push_back({object.id, object.area});
      return list;
    };
    add(seen(pair.truth()), seen(pair.guess()),
        [&](std::size_t i, std::size_t j) { return pair.both(pair.truth()[i].id, pair.guess()[j].id); });
  }

  const std::vector<Frame>& frames() const { return frames_; }
  const std::vector<std::int64_t>& object_ids() const { return objects_; }  ///< by number
  const std::vector<std::int64_t>& track_ids() const { return tracks_; }
  std::int64_t object_masks() const { return object_masks_; }
  std::int64_t track_masks() const { return track_masks_; }

  /// In how many frames each object, or each track, is seen.
  std::vector<std::int64_t> object_lengths() const { return lengths(objects_.size(), &Frame::objects); }
  std::vector<std::int64_t> track_lengths() const { return lengths(tracks_.size(), &Frame::tracks); }

 private:
  std::vector<std::int64_t> lengths(std::size_t count, std::vector<std::size_t> Frame::* list) const {
    std::vector<std::int64_t> frames(count);
    for (const auto& frame : frames_)
      for (const auto number : frame.*list) ++frames[number];
    return frames;
  }

  std::vector<Frame> frames_;
  std::vector<std::int64_t> objects_, tracks_;
  std::unordered_map<std::int64_t, std::size_t> object_at_, track_at_;
  std::int64_t object_masks_ = 0, track_masks_ = 0;
};

}  // namespace vos
