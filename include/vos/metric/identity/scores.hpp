#pragma once

#include <utility>
#include <vector>

#include <vos/metric/identity/ata.hpp>
#include <vos/metric/identity/clear.hpp>
#include <vos/metric/identity/correspondence.hpp>
#include <vos/metric/identity/given.hpp>
#include <vos/metric/identity/hota.hpp>
#include <vos/metric/identity/idf1.hpp>
#include <vos/metric/identity/recovery.hpp>
#include <vos/metric/identity/switches.hpp>

namespace vos {

/// Everything that is said of identities in a sequence. `+=` combines sequences: counts are summed, association is weighted
/// by true positives.
struct IdentityScores {
  ClearScores clear = {};
  IdentityCounts identity = {};
  HotaScores hota = {};
  TrackingAccuracy tracks = {};
  GivenIdentity given = {};
  Share recovered = {}, ghosts = {};
  double severity = 0;  ///< switches, weighted by their kinds

  IdentityScores& operator+=(const IdentityScores& other) {
    clear += other.clear, identity += other.identity, hota += other.hota, tracks += other.tracks, given += other.given;
    recovered += other.recovered, ghosts += other.ghosts, severity += other.severity;
    return *this;
  }
};

/// The scores of a sequence and its switches.
inline std::pair<IdentityScores, std::vector<IdentitySwitch>> identity_scores(const IdentitySequence& sequence) {
  const auto carried = correspondences(sequence);
  auto switches = identity_switches(sequence, carried);
  IdentityScores scores{.clear = clear_scores(sequence, carried),
                        .identity = identity_counts(sequence),
                        .hota = hota_scores(sequence),
                        .tracks = tracking_accuracy(sequence),
                        .given = given_identity(sequence),
                        .recovered = recoveries(sequence, carried),
                        .ghosts = ghosts(sequence)};
  for (const auto& each : switches) scores.severity += severity_of(each.kind);
  return {scores, std::move(switches)};
}

}  // namespace vos
