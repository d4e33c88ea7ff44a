#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

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
    const auto queries = host.size(0), targets = host.size(1);
    const auto* value = host.const_data_ptr<double>();
    std::vector<std::int64_t> order(static_cast<std::size_t>(queries * targets));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return value[a] < value[b]; });
    std::vector<bool> used_query(static_cast<std::size_t>(queries)), used_target(static_cast<std::size_t>(targets));
    std::vector<Match> matches;
    for (const auto pair : order) {
      const auto query = pair / targets, target = pair % targets;
      if (!(value[pair] < options.most)) break;
      if (used_query[static_cast<std::size_t>(query)] || used_target[static_cast<std::size_t>(target)]) continue;
      used_query[static_cast<std::size_t>(query)] = used_target[static_cast<std::size_t>(target)] = true;
      matches.push_back({query, target});
    }
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.target < b.target; });
    return matches;
  }
};

static_assert(Matcher<GreedyMatcher>);

}  // namespace vos
