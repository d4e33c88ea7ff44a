#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <vos/core/greedy_assignment.hpp>
#include <vos/match/hungarian.hpp>
#include <vos/match/matcher.hpp>

namespace vos {

struct GreedyMatcherOptions {
  double most = std::numeric_limits<double>::infinity();  ///< pairs that cost this or more are left alone
  void visit(auto&& field) { field("most", most, "pairs that cost this or more are left alone"); }
};

/// Takes the cheapest pair, then the cheapest of those left, and so on: not the best total, but what many trackers do.
struct GreedyMatcher {
  GreedyMatcherOptions options = {};

  std::vector<Match> operator()(const at::Tensor& cost) const {
    const auto host = detail::cost_on_host(cost);
    const auto target_of =
        greedy_assignment({host.const_data_ptr<double>(), static_cast<std::size_t>(host.numel())},
                          static_cast<std::size_t>(host.size(0)), static_cast<std::size_t>(host.size(1)), options.most);
    std::vector<Match> matches;
    for (std::size_t query = 0; query < target_of.size(); ++query)
      if (target_of[query] >= 0) matches.push_back({static_cast<std::int64_t>(query), target_of[query]});
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.target < b.target; });
    return matches;
  }
};

static_assert(Matcher<GreedyMatcher>);

}  // namespace vos
