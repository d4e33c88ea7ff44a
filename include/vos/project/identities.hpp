#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/project/edits.hpp>

namespace vos {

/// Which object of the person's is which of the model's, in each frame. The model's keep their ids for ever; removing, merging
/// and splitting change only what they are called, so that nothing has to be followed anew.
///
/// Steps are the places of edits in their list, from 1. A rule changes what has a name already: an object that begins after it
/// is none of its business.
class Identities {
 public:
  /// What the model's object is called in a frame; 0: it is not shown.
  ObjectId shown_as(ObjectId inner, std::int64_t frame) const {
    const auto found = begins_.find(inner);
    if (found != begins_.end()) return renamed(found->second.outer, found->second.step, frame);
    return inner < first_fresh ? renamed(inner, model_step_, frame) : 0;
  }

  /// What an object that was called `outer` at a step is called now.
  ObjectId renamed(ObjectId outer, std::size_t step, std::int64_t frame) const {
    for (const auto& rule : rules_)
      if (rule.step > step && rule.from == outer && frame >= rule.begin) outer = rule.to;
    return outer;
  }

  /// The model's objects that are called `outer` in a frame, as far as somebody named them. It is always asked for before an
  /// object is named, so that one the model found is among them.
  std::vector<ObjectId> called(ObjectId outer, std::int64_t frame) const {
    std::set<ObjectId> candidates{outer};
    for (const auto& rule : rules_) candidates.insert(rule.from);
    for (const auto& rule : rules_)
      if (rule.splits) candidates.erase(rule.to);  // a name alone: the model's object keeps its own
    for (const auto& [inner, begin] : begins_) candidates.insert(inner);
    std::erase_if(candidates, [&](auto inner) { return shown_as(inner, frame) != outer; });
    return {candidates.begin(), candidates.end()};
  }

  /// Of the model's objects that are called `outer`, the one that a new mask is for. A new one where there is none: under the
  /// same id, or, where that is another's or was one's that is gone, under one that no model gives.
  ObjectId named(ObjectId outer, std::int64_t frame, std::size_t step) {
    const auto known = called(outer, frame);
    if (known.empty()) {
      const auto fresh = first_fresh + static_cast<ObjectId>(begins_.size());
      begins_.emplace(fresh, Begin{step, outer});
      return fresh;
    }
    const bool own = std::find(known.begin(), known.end(), outer) != known.end();
    const auto inner = own ? outer : known.front();
    begins_.try_emplace(inner, Begin{model_step_, inner});
    return inner;
  }

  void remove(ObjectId id, std::size_t step) { rules_.push_back({step, id, 0, 0, false}); }
  void merge(ObjectId from, ObjectId into, std::size_t step) { rules_.push_back({step, from, into, 0, false}); }
  void split(ObjectId id, std::int64_t begin, ObjectId other, std::size_t step) {
    rules_.push_back({step, id, other, begin, true});
  }
  /// The first frame that shows an object of this name: another than 0 where it was split off.
  std::int64_t begin_of(ObjectId outer) const {
    std::int64_t begin = 0;
    for (const auto& rule : rules_)
      if (rule.splits && rule.to == outer) begin = rule.begin;
    return begin;
  }
  /// Another model finds other objects: what was said of those that the last one found does not hold for them.
  void begin_model(std::size_t step) { model_step_ = step; }

  bool operator==(const Identities&) const = default;

 private:
  static constexpr ObjectId first_fresh = most_object_id + 1;

  struct Rule {
    std::size_t step;
    ObjectId from, to;
    std::int64_t begin;  // a frame
    bool splits;
    bool operator==(const Rule&) const = default;
  };
  struct Begin {
    std::size_t step;
    ObjectId outer;
    bool operator==(const Begin&) const = default;
  };

  std::vector<Rule> rules_;
  std::map<ObjectId, Begin> begins_;  // the model's objects that somebody named
  std::size_t model_step_ = 0;
};

}  // namespace vos
