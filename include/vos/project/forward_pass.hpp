#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <vos/frame/frame.hpp>
#include <vos/project/plan.hpp>
#include <vos/project/sightings.hpp>
#include <vos/segment/any.hpp>

namespace vos {

/// A label map int32 [H,W] of masks; slot k is called `ids[k-1]`, 0 leaves it out.
inline at::Tensor labels_of(const MaskFrame& masks, std::span<const ObjectId> ids) {
  std::vector<ObjectId> value_of{0};
  value_of.insert(value_of.end(), ids.begin(), ids.end());
  auto labels = at::zeros({masks.height, masks.width}, at::kInt);
  paint_rows<ObjectId>(masks.layers.at(0), masks.width, value_of, labels.mutable_data_ptr<ObjectId>());
  return labels;
}

/// A segmenter that goes through a video as a plan says, and can go back: moments of it are kept, more of them near the
/// present than long ago.
class ForwardPass {
 public:
  explicit ForwardPass(AnySegmenter segmenter) : segmenter_(std::move(segmenter)) {}

  /// The frame that is due: one behind the last that was pushed.
  std::int64_t position() const { return position_; }
  /// A moment every so many frames, and how many of them at most.
  void keep(std::size_t moments, std::int64_t every) {
    most_ = moments;
    interval_ = every;
  }
  /// How many are kept.
  std::size_t moments() const { return moments_.size() + (last_ ? 1 : 0); }

  /// The latest frame at or before `index` from which it can go on: its position, or that of a moment; 0: the beginning.
  std::int64_t reachable(std::int64_t index) const {
    if (position_ <= index) return std::max(position_, kept_before(index).value_or(0));
    return kept_before(index).value_or(0);
  }
  /// The first frame that it can go back to, besides the beginning.
  std::optional<std::int64_t> kept_before(std::int64_t index) const {
    std::optional<std::int64_t> best;
    if (const auto after = moments_.upper_bound(index); after != moments_.begin()) best = std::prev(after)->first;
    if (last_ && last_->first <= index && (!best || last_->first > *best)) best = last_->first;
    return best;
  }

  /// Goes to frame `index`, which `reachable` gave.
  void go_to(std::int64_t index) {
    if (index == position_) return;
    std::optional<Moment> there;
    if (last_ && last_->first == index) there = last_->second;
    else if (const auto found = moments_.find(index); found != moments_.end()) there = found->second;
    if (index < position_ && position_ > 0) keep(position_, {segmenter_.snapshot(), sightings_});
    if (there) {
      restore(*there);
    } else {
      segmenter_.reset();
      sightings_ = {};
    }
    position_ = index;
    last_.reset();
  }

  /// What is known from frame `first` on does not hold any more.
  void forget_from(std::int64_t first) {
    if (position_ > first) go_to(reachable(first));
    moments_.erase(moments_.upper_bound(first), moments_.end());
    if (last_ && last_->first > first) last_.reset();
  }

  /// The frame that is due cannot be had.
  void skip() { ++position_; }

  struct Answer {
    FrameResult result;
    std::set<ObjectId> suspect;
  };

  /// Takes the frame that is due, or a later one where those between are left out. A call that throws leaves all as it was.
  Answer push(const Frame& frame, const Plan& plan, const Work& work) {
    const Moment before{segmenter_.snapshot(), sightings_};
    try {
      const auto given = tell(frame, plan);
      FrameResult result = segmenter_.push(frame, work);
      Answer answer{std::move(result), {}};
      answer.suspect = sightings_.see(answer.result, given);
      const bool passes_mark = frame.index / interval_ != (position_ - 1) / interval_;
      if (position_ > 0 && (passes_mark || plan.frames.contains(frame.index))) keep(frame.index, before);
      last_ = {frame.index, before};
      position_ = frame.index + 1;
      return answer;
    } catch (...) {
      restore(before);
      throw;
    }
  }

 private:
  struct Moment {
    Snapshot snapshot;
    Sightings sightings;
  };

  /// Tells the segmenter what the plan says of the frame; gives the ids of the masks.
  std::set<ObjectId> tell(const Frame& frame, const Plan& plan) {
    const auto known = [&](ObjectId id) { return segmenter_.objects().contains(id); };
    for (const auto& [id, from] : plan.removed)
      if (from <= frame.index && known(id)) segmenter_.remove(id);
    std::set<ObjectId> told;
    const auto found = plan.frames.find(frame.index);
    if (found == plan.frames.end()) return told;
    for (const auto id : found->second.ended)
      if (known(id)) segmenter_.remove(id);
    for (const auto& given : found->second.given) {
      segmenter_.prompt(frame, labels_of(given.masks(), given.inner));
      told.insert(given.inner.begin(), given.inner.end());
    }
    return told;
  }

  void restore(const Moment& moment) {
    segmenter_.restore(moment.snapshot);
    sightings_ = moment.sightings;
  }

  /// Where there are too many, the one goes that is missed least: the way between its neighbours is short, measured by how
  /// long ago it is.
  void keep(std::int64_t index, const Moment& moment) {
    moments_.insert_or_assign(index, moment);
    while (moments_.size() > most_) {
      auto least = moments_.begin();
      double least_cost = INFINITY;
      std::int64_t before = 0;
      for (auto at = moments_.begin(); at != moments_.end(); ++at) {
        const auto next = std::next(at);
        const auto after = next == moments_.end() ? index + interval_ : next->first;
        const auto cost =
            static_cast<double>(after - before) / static_cast<double>(std::abs(index - at->first) + interval_);
        if (cost < least_cost && at->first != index) least = at, least_cost = cost;
        before = at->first;
      }
      moments_.erase(least);
    }
  }

  AnySegmenter segmenter_;
  Sightings sightings_;
  std::int64_t position_ = 0;
  std::size_t most_ = 16;
  std::int64_t interval_ = 16;
  std::map<std::int64_t, Moment> moments_;               // before the frame of that index
  std::optional<std::pair<std::int64_t, Moment>> last_;  // before the frame that was pushed last
};

}  // namespace vos
