#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/metric/label_pair.hpp>

namespace vos {

/// J and F of each proposal with each object in one frame, both counted from 1, object after object.
struct ProposalScores {
  std::int64_t objects = 0, proposals = 0;
  std::vector<double> j = {}, f = {};  // [objects*proposals]

  std::size_t at(std::int64_t object, std::int64_t proposal) const {
    assert(object < objects && proposal < proposals);
    return static_cast<std::size_t>(object * proposals + proposal);
  }
};

/// Compares ids 1 to `objects` of the truth with ids 1 to `proposals` of the guess. Each boundary is drawn once.
inline ProposalScores proposal_scores(const LabelPair& pair, std::int64_t objects, std::int64_t proposals) {
  const auto disk = Disk::of(boundary_tolerance(pair.height(), pair.width()));
  const auto contours = [&](const std::vector<ObjectRuns>& found, std::int64_t count) {
    std::vector<Contour> lines;
    for (std::int64_t k = 1; k <= count; ++k)
      lines.push_back(contour_of(LabelPair::find(found, static_cast<ObjectId>(k)), pair.height(), pair.width(), disk));
    return lines;
  };
  const auto truth = contours(pair.truth(), objects), guess = contours(pair.guess(), proposals);
  ProposalScores scores{objects, proposals, std::vector<double>(static_cast<std::size_t>(objects * proposals)),
                        std::vector<double>(static_cast<std::size_t>(objects * proposals))};
  for (std::int64_t g = 0; g < objects; ++g)
    for (std::int64_t p = 0; p < proposals; ++p) {
      const auto& object = LabelPair::find(pair.truth(), static_cast<ObjectId>(g + 1));
      const auto& proposal = LabelPair::find(pair.guess(), static_cast<ObjectId>(p + 1));
      scores.j[scores.at(g, p)] = region_similarity(pair.overlap(object, proposal));
      scores.f[scores.at(g, p)] =
          boundary_measure(truth[static_cast<std::size_t>(g)], guess[static_cast<std::size_t>(p)]);
    }
  return scores;
}

/// DAVIS, unsupervised: the proposal of each object, so that the mean of J and F over all frames is largest in sum. Only
/// the first `proposals` of those scored take part; there are at least as many as objects.
inline std::vector<std::int64_t> matched_proposals(std::span<const ProposalScores> frames, std::int64_t objects,
                                                   std::int64_t proposals) {
  assert(proposals >= objects);
  std::vector<double> cost(static_cast<std::size_t>(objects * proposals));
  for (const auto& frame : frames)
    for (std::int64_t g = 0; g < objects; ++g)
      for (std::int64_t p = 0; p < proposals; ++p)
        cost[static_cast<std::size_t>(g * proposals + p)] -= frame.j[frame.at(g, p)] + frame.f[frame.at(g, p)];
  return cheapest_assignment(cost, objects, proposals);
}

}  // namespace vos
