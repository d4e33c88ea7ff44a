#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <vos/project/edits.hpp>
#include <vos/project/identities.hpp>

namespace vos {

/// Masks for the model, in the ids by which it knows the objects.
struct GivenMasks {
  std::shared_ptr<const Edit> edit = {};  ///< an edit::Prompt
  std::vector<ObjectId> inner = {};       ///< of each of its ids; 0: not for the model

  const MaskFrame& masks() const { return std::get<edit::Prompt>(*edit).masks; }
  bool operator==(const GivenMasks&) const = default;
};

/// What the model is told before it is shown a frame.
struct FramePlan {
  std::vector<GivenMasks> given = {};
  std::set<ObjectId> ended = {};  ///< the model's objects that are not there from here on
  bool operator==(const FramePlan&) const = default;
};

struct BackwardPass {
  std::shared_ptr<const Edit> edit = {};  ///< an edit::PropagateBack
  std::size_t step = 0;

  const edit::PropagateBack& what() const { return std::get<edit::PropagateBack>(*edit); }
  bool covers(std::int64_t frame) const { return what().to <= frame && frame < what().from; }
};

/// What a list of edits comes to: what the model is told and when, and what its objects are called. A function of the list.
struct Plan {
  std::string model = {};
  std::map<std::string, std::string> settings = {};
  std::map<std::int64_t, FramePlan> frames = {};
  std::map<ObjectId, std::int64_t> removed =
      {};  ///< the model's objects that are shown nowhere: from where on it is told
  std::vector<BackwardPass> backward = {};
  Identities identities = {};
  std::map<ObjectId, edit::Rename> looks = {};                   ///< names, categories and colours, where given
  std::map<ObjectId, std::set<std::int64_t>> named_frames = {};  ///< where somebody said what an object looks like

  /// Whether a person said in this frame what the object looks like, for the first time or again.
  bool prompted(ObjectId id, std::int64_t frame) const {
    const auto found = named_frames.find(id);
    return found != named_frames.end() && *found->second.begin() == frame;
  }
  bool corrected(ObjectId id, std::int64_t frame) const {
    const auto found = named_frames.find(id);
    return found != named_frames.end() && found->second.contains(frame) && *found->second.begin() != frame;
  }
};

namespace detail {

inline bool covers_nothing(const MaskFrame& masks, std::size_t slot) {
  for (const auto& run : masks.layers.at(0).runs)
    if (run.slot == slot + 1) return false;
  return true;
}

class Planner {
 public:
  Planner(std::string model, std::map<std::string, std::string> settings) {
    plan_.model = std::move(model);
    plan_.settings = std::move(settings);
  }

  void add(const std::shared_ptr<const Edit>& edit) {
    ++step_;
    std::visit([&](const auto& what) { take(edit, what); }, *edit);
  }

  Plan finish() {
    for (const auto& [inner, index] : ended_)
      if (const auto shown = plan_.identities.shown_as(inner, index); shown != 0)
        plan_.named_frames[shown].insert(index);
    for (auto& [index, frame] : plan_.frames)
      for (auto& given : frame.given)
        for (std::size_t slot = 0; slot < given.inner.size(); ++slot) {
          auto& inner = given.inner[slot];
          const auto shown = inner != 0 ? plan_.identities.shown_as(inner, index) : 0;
          if (shown != 0) plan_.named_frames[shown].insert(index);
          const auto removed = plan_.removed.find(inner);
          if (removed != plan_.removed.end() && removed->second <= index) inner = 0;
        }
    return std::move(plan_);
  }

 private:
  void take(const std::shared_ptr<const Edit>& edit, const edit::Prompt& prompt) {
    auto& frame = plan_.frames[prompt.index];
    GivenMasks given{edit, {}};
    for (std::size_t slot = 0; slot < prompt.masks.ids.size(); ++slot) {
      const auto outer = prompt.masks.ids[slot];
      const auto same = plan_.identities.called(outer, prompt.index);
      const auto inner = plan_.identities.named(outer, prompt.index, step_);
      const bool gone = covers_nothing(prompt.masks, slot);
      given.inner.push_back(gone ? 0 : inner);
      for (const auto other : same)
        if (other != inner || gone) frame.ended.insert(other);
      if (gone) {  // what was said of it here before does not hold
        ended_.push_back({inner, prompt.index});
        for (auto& earlier : frame.given) std::replace(earlier.inner.begin(), earlier.inner.end(), inner, ObjectId{0});
      } else {
        frame.ended.erase(inner);
      }
    }
    frame.given.push_back(std::move(given));
    for (const auto& [id, name] : prompt.names) look(id).name = name;
  }
  void take(const std::shared_ptr<const Edit>&, const edit::Remove& remove) {
    constexpr auto in_the_end = std::numeric_limits<std::int64_t>::max();
    for (const auto inner : plan_.identities.called(remove.object, in_the_end))
      plan_.removed.try_emplace(inner, std::max(remove.told, plan_.identities.begin_of(remove.object)));
    plan_.identities.remove(remove.object, step_);
    plan_.looks.erase(remove.object);
  }
  void take(const std::shared_ptr<const Edit>&, const edit::Rename& rename) { plan_.looks[rename.object] = rename; }
  void take(const std::shared_ptr<const Edit>&, const edit::Merge& merge) {
    plan_.identities.merge(merge.from, merge.into, step_);
  }
  void take(const std::shared_ptr<const Edit>&, const edit::Split& split) {
    plan_.identities.split(split.object, split.index, split.other, step_);
  }
  void take(const std::shared_ptr<const Edit>& edit, const edit::PropagateBack&) {
    plan_.backward.push_back({edit, step_});
  }
  void take(const std::shared_ptr<const Edit>&, const edit::ChooseModel& choice) {
    plan_.model = choice.name;
    plan_.settings = choice.settings;
    plan_.identities.begin_model(step_);
  }

  edit::Rename& look(ObjectId id) { return plan_.looks.try_emplace(id, edit::Rename{.object = id}).first->second; }

  Plan plan_;
  std::vector<std::pair<ObjectId, std::int64_t>> ended_;  // the model's objects that somebody said are not there
  std::size_t step_ = 0;
};

}  // namespace detail

inline Plan plan_of(std::string model, std::map<std::string, std::string> settings,
                    std::span<const EditList::Shared> edits) {
  detail::Planner planner{std::move(model), std::move(settings)};
  for (const auto& edit : edits) planner.add(edit);
  return planner.finish();
}

/// The first frame for which the model is told something else; nothing where it is told the same throughout.
inline std::optional<std::int64_t> first_difference(const Plan& before, const Plan& after) {
  constexpr auto never = std::numeric_limits<std::int64_t>::max();
  if (before.model != after.model || before.settings != after.settings) return 0;
  auto first = never;
  const auto compare = [&](const auto& one, const auto& other, const auto& frame_of) {
    for (const auto& [key, value] : one) {
      const auto found = other.find(key);
      if (found == other.end() || found->second != value) first = std::min(first, frame_of(key, value));
    }
  };
  const auto by_key = [](std::int64_t frame, const auto&) { return frame; };
  const auto by_value = [](ObjectId, std::int64_t frame) { return frame; };
  compare(before.frames, after.frames, by_key);
  compare(after.frames, before.frames, by_key);
  compare(before.removed, after.removed, by_value);
  compare(after.removed, before.removed, by_value);
  return first == never ? std::nullopt : std::optional{first};
}

}  // namespace vos
