#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/metric/identity/recovery.hpp>
#include <vos/metric/identity/sequence.hpp>

namespace vos {

/// Identity where ids are given, as in semi-supervised segmentation: an object is right under its own label alone.
struct GivenIdentity {
  std::int64_t switches = 0;  ///< changes of the label that explains an object, its own to begin with
  Share confused = {};        ///< frames explained by another label, of those explained at all

  GivenIdentity& operator+=(const GivenIdentity& other) {
    switches += other.switches, confused += other.confused;
    return *this;
  }
};

/// The label that overlaps an object by an IoU of .5 or more explains it. Two can do so only at exactly .5 each; then the
/// object's own does.
inline GivenIdentity given_identity(const IdentitySequence& sequence, double threshold = 0.5) {
  GivenIdentity result;
  std::vector<std::int64_t> worn = sequence.object_ids();
  for (const auto& frame : sequence.frames())
    for (std::size_t i = 0; i < frame.objects.size(); ++i) {
      const auto object = frame.objects[i];
      const auto own = sequence.object_ids()[object];
      bool explained = false;
      std::int64_t label = 0;
      for (const auto& pair : frame.pairs) {
        if (pair.object != i || pair.iou < threshold - iou_slack) continue;
        const auto other = sequence.track_ids()[frame.tracks[pair.track]];
        if (!explained || other == own) label = other;
        explained = true;
      }
      if (!explained) continue;
      result.switches += label != worn[object];
      worn[object] = label;
      ++result.confused.whole;
      result.confused.part += label != own;
    }
  return result;
}

}  // namespace vos
