#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>

namespace vos {

/// The cheapest one-to-one assignment of a `rows` x `columns` cost matrix (row after row): for each row its column, or -1
/// for the rows left over where there are more rows than columns. +inf marks a pair that may not be; rows that have only
/// such pairs left stay unassigned. NaN and -inf are refused. Ties are broken by a fixed rule,
/// the same on every machine.
///
/// Shortest augmenting paths (Jonker and Volgenant 1987; the rectangular form of Crouse 2016), O(min² · max).
inline std::vector<std::int64_t> cheapest_assignment(std::span<const double> cost, std::int64_t rows,
                                                     std::int64_t columns) {
  if (rows < 0 || columns < 0 || static_cast<std::int64_t>(cost.size()) != rows * columns)
    throw Error({.what = "a cost of " + std::to_string(cost.size()) + " values for " + std::to_string(rows) + "x" +
                         std::to_string(columns),
                 .where = "cheapest_assignment",
                 .mend = "give one value a pair, row after row"});
  constexpr double infinite = std::numeric_limits<double>::infinity();
  double low = infinite, high = -infinite;  // of the pairs that may be
  for (std::size_t i = 0; i < cost.size(); ++i) {
    if (std::isnan(cost[i]) || cost[i] == -infinite)
      throw Error({.what = std::isnan(cost[i]) ? "the cost is not a number" : "the cost is minus infinity",
                   .where = "cheapest_assignment, row " + std::to_string(i / static_cast<std::size_t>(columns)) +
                            ", column " + std::to_string(i % static_cast<std::size_t>(columns)),
                   .mend = "use +inf for a pair that may not be, finite numbers for all others"});
    if (cost[i] < infinite) low = std::min(low, cost[i]), high = std::max(high, cost[i]);
  }
  std::vector<std::int64_t> column_of(static_cast<std::size_t>(rows), -1);
  if (rows == 0 || columns == 0 || low > high) return column_of;

  // Work on the short side's rows: a tall matrix is read transposed. A pair that may not be costs more than any set of
  // allowed ones, so it is taken only where nothing else is left, and dropped at the end.
  const bool tall = rows > columns;
  const auto n = static_cast<std::size_t>(tall ? columns : rows), m = static_cast<std::size_t>(tall ? rows : columns);
  const double forbidden = (high - low + 1) * static_cast<double>(n + 1);
  if (!(forbidden < infinite))
    throw Error({.what = "the costs span more than can be added up",
                 .where = "cheapest_assignment, costs from " + std::to_string(low) + " to " + std::to_string(high),
                 .mend = "use +inf for a pair that may not be"});
  std::vector<double> matrix(n * m);  // shifted to begin at 0, short side first
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      const double value = tall ? cost[j * n + i] : cost[i * m + j];
      matrix[i * m + j] = value < infinite ? value - low : forbidden;
    }

  constexpr auto none = static_cast<std::size_t>(-1);
  std::vector<double> u(n, 0), v(m, 0), distance(m);
  std::vector<std::size_t> row_of(m, none), came_from(m), open(m);
  std::vector<std::size_t> taken(n, none);
  for (std::size_t start = 0; start < n; ++start) {
    std::fill(distance.begin(), distance.end(), infinite);
    std::iota(open.begin(), open.end(), std::size_t{0});
    std::size_t open_count = m, row = start, sink = none;
    double path = 0;
    std::vector<std::size_t> visited_rows{start}, visited_columns;
    while (sink == none) {
      std::size_t best = 0;
      double shortest = infinite;
      const double* line = matrix.data() + row * m;
      for (std::size_t k = 0; k < open_count; ++k) {
        const auto j = open[k];
        const double reduced = path + line[j] - u[row] - v[j];
        if (reduced < distance[j]) distance[j] = reduced, came_from[j] = row;
        // Among equals a free column ends the search at once, then the smaller index.
        const bool nearer = distance[j] < shortest;
        const bool equal = distance[j] == shortest;
        const bool freer = equal && row_of[j] == none && row_of[open[best]] != none;
        const bool earlier = equal && (row_of[j] == none) == (row_of[open[best]] == none) && j < open[best];
        if (nearer || freer || earlier) shortest = distance[j], best = k;
      }
      path = shortest;
      const auto column = open[best];
      open[best] = open[--open_count];
      visited_columns.push_back(column);
      if (row_of[column] == none) sink = column;
      else visited_rows.push_back(row = row_of[column]);
    }
    for (const auto i : visited_rows) u[i] += i == start ? path : path - distance[taken[i]];
    for (const auto j : visited_columns) v[j] -= path - distance[j];
    for (auto column = sink;;) {
      const auto i = came_from[column];
      row_of[column] = i;
      std::swap(taken[i], column);
      if (i == start) break;
    }
  }

  for (std::size_t i = 0; i < n; ++i) {
    const auto r = tall ? taken[i] : i, c = tall ? i : taken[i];
    if (matrix[i * m + taken[i]] != forbidden) column_of[r] = static_cast<std::int64_t>(c);
  }
  return column_of;
}

}  // namespace vos
