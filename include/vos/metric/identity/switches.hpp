#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <vos/metric/identity/correspondence.hpp>

namespace vos {

/// What an identity switch looks like, the gravest first.
enum class SwitchKind : std::uint8_t {
  swap,      ///< two objects exchange their tracks
  steal,     ///< the track was another object's
  renew,     ///< a fresh track, while the object was followed in the frame before
  re_entry,  ///< a fresh track, after the object was not followed
};

constexpr std::string_view name_of(SwitchKind kind) {
  switch (kind) {
    case SwitchKind::swap: return "swap";
    case SwitchKind::steal: return "steal";
    case SwitchKind::renew: return "renew";
    case SwitchKind::re_entry: return "re-entry";
  }
  return "";
}

constexpr double severity_of(SwitchKind kind) {
  return kind == SwitchKind::renew ? 0.5 : kind == SwitchKind::re_entry ? 0.25 : 1.0;
}

/// A match of an object with another track than the last that carried it.
struct IdentitySwitch {
  std::size_t frame = 0;
  std::int64_t object = 0, from = 0, to = 0;  ///< ids
  SwitchKind kind = SwitchKind::renew;
};

/// Each switch that CLEAR counts, with its one kind. A track that comes back to the object whose it last was is judged
/// like a fresh one: it took nothing from anybody.
inline std::vector<IdentitySwitch> identity_switches(const IdentitySequence& sequence,
                                                     std::span<const std::vector<Carried>> carried) {
  constexpr auto none = static_cast<std::size_t>(-1);
  constexpr std::size_t window = 3;  // frames between the two halves of one exchange
  struct Change {
    std::size_t frame, object, from, to, owner;  // numbers; the owner is whom the new track carried last
    bool followed;                               // the object was carried in the frame before
  };
  std::vector<Change> changes;
  const auto objects = sequence.object_ids().size();
  std::vector<std::size_t> last(objects, none), when(objects, none), owner(sequence.track_ids().size(), none);
  for (std::size_t t = 0; t < carried.size(); ++t) {
    for (const auto& [object, track, iou] : carried[t])
      if (last[object] != none && last[object] != track)
        changes.push_back({t, object, last[object], track, owner[track], when[object] + 1 == t});
    for (const auto& [object, track, iou] : carried[t]) last[object] = track, when[object] = t, owner[track] = object;
  }

  std::vector<IdentitySwitch> switches;
  for (const auto& change : changes) {
    auto near = std::partition_point(changes.begin(), changes.end(),
                                     [&](const Change& other) { return other.frame + window < change.frame; });
    bool other_takes = false;
    for (; near != changes.end() && near->frame <= change.frame + window; ++near)
      other_takes |= near->object == change.owner && near->to == change.from;
    const bool fresh = change.owner == none || change.owner == change.object;
    switches.push_back({change.frame, sequence.object_ids()[change.object], sequence.track_ids()[change.from],
                        sequence.track_ids()[change.to],
                        fresh         ? change.followed ? SwitchKind::renew : SwitchKind::re_entry
                        : other_takes ? SwitchKind::swap
                                      : SwitchKind::steal});
  }
  return switches;
}

}  // namespace vos
