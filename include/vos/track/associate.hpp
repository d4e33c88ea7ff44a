#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <vos/core/assignment.hpp>
#include <vos/core/greedy_assignment.hpp>

namespace vos {

/// For each row of scores [rows,columns] (higher is better) the column that it belongs to, or -1: one to one, with the
/// largest sum of what pairs have above `accept`. A pair at or below that is never made, however lonely its row: two poor
/// pairs do not drive out a good one.
inline std::vector<std::int64_t> associate(std::span<const float> scores, std::size_t rows, std::size_t columns,
                                           double accept) {
  assert(scores.size() == rows * columns);
  std::vector<double> cost(scores.size());
  for (std::size_t i = 0; i < cost.size(); ++i) cost[i] = std::min(0.0, accept - static_cast<double>(scores[i]));
  auto column_of = cheapest_assignment(cost, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns));
  for (std::size_t row = 0; row < rows; ++row)
    if (auto& column = column_of[row]; column >= 0 && !(cost[row * columns + static_cast<std::size_t>(column)] < 0))
      column = -1;
  return column_of;
}

/// The same by taking the best pair, then the best of those left, and so on.
inline std::vector<std::int64_t> associate_greedily(std::span<const float> scores, std::size_t rows,
                                                    std::size_t columns, double accept) {
  std::vector<double> cost(scores.size());
  std::transform(scores.begin(), scores.end(), cost.begin(), std::negate<double>{});
  return greedy_assignment(cost, rows, columns, -accept);
}

}  // namespace vos
