#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace vos {

/// Takes the cheapest pair of a `rows` x `columns` cost matrix (row after row), then the cheapest of those left, and so on; of
/// pairs that cost the same the first. For each row its column, or -1. Pairs that cost `most` or more are left alone.
inline std::vector<std::int64_t> greedy_assignment(std::span<const double> cost, std::size_t rows, std::size_t columns,
                                                   double most = std::numeric_limits<double>::infinity()) {
  assert(cost.size() == rows * columns);
  std::vector<std::size_t> order;
  for (std::size_t pair = 0; pair < cost.size(); ++pair)
    if (cost[pair] < most) order.push_back(pair);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return cost[a] < cost[b]; });
  std::vector<std::int64_t> column_of(rows, -1);
  std::vector<bool> taken(columns);
  for (const auto pair : order) {
    const auto row = pair / columns, column = pair % columns;
    if (column_of[row] >= 0 || taken[column]) continue;
    column_of[row] = static_cast<std::int64_t>(column);
    taken[column] = true;
  }
  return column_of;
}

}  // namespace vos
