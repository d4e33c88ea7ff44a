#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <vos/fwd.hpp>

namespace vos {

/// Query `query` answers for ground-truth instance `target`.
struct Match {
  std::int64_t query = 0, target = 0;
  bool operator==(const Match&) const = default;
};

/// Decides which prediction answers for which instance.
///
///   cost    [Q,G]  lower is better, any device, floating point, no NaN
///   result         at most min(Q,G) pairs, targets rising; no query and no target appears twice
///
/// Models: HungarianMatcher, GreedyMatcher. Consumers: criteria and trackers.
template <class M>
concept Matcher = requires(const M& match, const at::Tensor& cost) {
  { match(cost) } -> std::same_as<std::vector<Match>>;
};

}  // namespace vos
