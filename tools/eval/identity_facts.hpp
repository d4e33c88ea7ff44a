#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/metric/boundary.hpp>
#include <vos/metric/identity/sequence.hpp>

namespace vos::eval {

using Seen = IdentitySequence::Seen;

/// A mask in a frame: whose it is, and its outline for J&F.
struct Shown {
  Seen seen = {};
  std::int64_t category = 0;
  Contour contour = {};
};

/// What a frame tells. Of the pairs within a category only those are kept that have something in common.
struct FrameFacts {
  struct Pair {
    std::size_t object = 0, track = 0;  ///< places in the lists
    std::int64_t shared = 0;            ///< pixels; 0 where only the boundaries are close
    double quality = 0;                 ///< (J+F)/2
  };
  std::vector<Seen> objects = {}, tracks = {};
  std::vector<std::int64_t> object_categories = {}, track_categories = {};
  std::vector<Pair> pairs = {};            ///< by object, then track
  std::vector<std::int64_t> ignored = {};  ///< [tracks] pixels in the ignored region

  std::int64_t shared(std::size_t object, std::size_t track) const {
    const auto at = std::lower_bound(
        pairs.begin(), pairs.end(), std::pair{object, track},
        [](const Pair& pair, const auto& wanted) { return std::pair{pair.object, pair.track} < wanted; });
    return at != pairs.end() && at->object == object && at->track == track ? at->shared : 0;
  }
};

template <class Shared>
FrameFacts facts_of(const std::vector<Shown>& objects, const std::vector<Shown>& tracks, const Shared& shared) {
  FrameFacts facts;
  for (const auto& object : objects) {
    facts.objects.push_back(object.seen);
    facts.object_categories.push_back(object.category);
  }
  for (const auto& track : tracks) {
    facts.tracks.push_back(track.seen);
    facts.track_categories.push_back(track.category);
  }
  facts.ignored.resize(tracks.size());
  for (std::size_t i = 0; i < objects.size(); ++i)
    for (std::size_t j = 0; j < tracks.size(); ++j) {
      if (objects[i].category != tracks[j].category) continue;
      const std::int64_t both = shared(i, j);
      const auto either = objects[i].seen.area + tracks[j].seen.area - both;
      const double quality = (static_cast<double>(both) / static_cast<double>(either) +
                              boundary_measure(objects[i].contour, tracks[j].contour)) /
                             2;
      if (both > 0 || quality > 0) facts.pairs.push_back({i, j, both, quality});
    }
  return facts;
}

/// J&F of the objects of one category in one sequence.
class Quality {
 public:
  void add(const FrameFacts& facts, std::int64_t category) {
    const auto note = [&](std::map<std::int64_t, Life>& lives, const std::vector<Seen>& all,
                          const std::vector<std::int64_t>& categories) {
      for (std::size_t i = 0; i < all.size(); ++i)
        if (categories[i] == category) lives[all[i].id].push_back(frames_);
    };
    note(objects_, facts.objects, facts.object_categories);
    note(tracks_, facts.tracks, facts.track_categories);
    for (const auto& pair : facts.pairs)
      if (facts.object_categories[pair.object] == category)
        sums_[{facts.objects[pair.object].id, facts.tracks[pair.track].id}] += pair.quality;
    ++frames_;
  }

  /// Ids are given: object and track of one id, from the first frame that shows either to the end.
  std::vector<double> by_id() const {
    std::vector<double> values;
    for (const auto& [id, life] : objects_) {
      const auto track = tracks_.find(id);
      const auto begin = track == tracks_.end() ? life.front() : std::min(life.front(), track->second.front());
      values.push_back(value(id, id, begin));
    }
    return values;
  }

  /// Ids are free: the pairs with the best sum, over all frames; an object without a track is compared with nothing.
  std::vector<double> by_assignment() const {
    std::vector<double> gain;
    for (const auto& [object, life] : objects_)
      for (const auto& [track, other] : tracks_) gain.push_back(value(object, none, 0) - value(object, track, 0));
    const auto rows = static_cast<std::int64_t>(objects_.size()), columns = static_cast<std::int64_t>(tracks_.size());
    // Being left alone costs 0: better than a track that is worse than nothing.
    std::vector<double> cost;
    for (std::int64_t i = 0; i < rows; ++i) {
      cost.insert(cost.end(), gain.begin() + i * columns, gain.begin() + (i + 1) * columns);
      cost.resize(cost.size() + objects_.size());
    }
    const auto chosen = cheapest_assignment(cost, rows, columns + rows);
    std::vector<double> values;
    for (auto object = objects_.begin(); object != objects_.end(); ++object) {
      const auto track = chosen[values.size()];
      values.push_back(value(object->first, track < columns ? std::next(tracks_.begin(), track)->first : none, 0));
    }
    return values;
  }

 private:
  using Life = std::vector<std::int64_t>;  ///< the frames that show it, ascending
  static constexpr auto none = std::numeric_limits<std::int64_t>::min();

  /// Frames that show neither agree: 1. Frames that show one of them are 0.
  double value(std::int64_t object, std::int64_t track, std::int64_t begin) const {
    const auto sum = sums_.find({object, track});
    const auto life = tracks_.find(track);
    const auto shown =
        life == tracks_.end() ? std::ssize(objects_.at(object)) : either(objects_.at(object), life->second);
    return ((sum == sums_.end() ? 0 : sum->second) + static_cast<double>(frames_ - begin - shown)) /
           static_cast<double>(frames_ - begin);
  }

  /// How many frames two lists have, each counted once.
  static std::int64_t either(const Life& a, const Life& b) {
    std::int64_t both = 0;
    for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
      both += *i == *j;
      if (*i <= *j) {
        if (*i == *j) ++j;
        ++i;
      } else {
        ++j;
      }
    }
    return std::ssize(a) + std::ssize(b) - both;
  }

  std::map<std::int64_t, Life> objects_, tracks_;
  std::map<std::pair<std::int64_t, std::int64_t>, double> sums_;
  std::int64_t frames_ = 0;
};

}  // namespace vos::eval
