#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>

namespace vos {

namespace detail::assignment {

inline constexpr std::size_t lanes = 2;

// GCC's and Clang's own vectors, as wide as every x86-64 and ARMv8 has them: neither compiler finds by itself that the
// selections below need no branch, which would be guessed wrong half of the time.
using Reals [[gnu::vector_size(lanes * sizeof(double))]] = double;
using Whole [[gnu::vector_size(lanes * sizeof(std::int64_t))]] = std::int64_t;

template <class Vector = Reals, class Value>
inline Vector load(const Value* from) {
  Vector values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
template <class Vector, class Value>
inline void store(Value* to, const Vector& values) {
  std::memcpy(to, &values, sizeof values);
}
inline Reals all(double value) { return Reals{} + value; }
inline Reals lower(Reals a, Reals b) { return a < b ? a : b; }

struct CostRange {
  double low, high;  // of the finite costs
  bool sound, gaps;  // no NaN and no -inf; some +inf
};

inline CostRange cost_range(std::span<const double> cost) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  Reals low = all(infinite), high = all(-infinite);
  Whole unsound{}, gaps{};
  const auto add = [&](Reals value) {
    const Whole finite = value < all(infinite);
    unsound |= ~(value > all(-infinite));
    gaps |= ~finite;
    low = lower(value, low);
    high = (finite & (value > high)) ? value : high;
  };
  std::size_t at = 0;
  for (; at + lanes <= cost.size(); at += lanes) add(load(cost.data() + at));
  if (at < cost.size()) add(all(cost[at]));
  return {std::min(low[0], low[1]), std::max(high[0], high[1]), (unsound[0] | unsound[1]) == 0,
          (gaps[0] | gaps[1]) != 0};
}

[[noreturn]] inline void refuse_cost(std::span<const double> cost, std::int64_t columns) {
  std::size_t i = 0;
  while (cost[i] > -std::numeric_limits<double>::infinity()) ++i;
  throw Error({.what = std::isnan(cost[i]) ? "the cost is not a number" : "the cost is minus infinity",
               .where = "cheapest_assignment, row " + std::to_string(i / static_cast<std::size_t>(columns)) +
                        ", column " + std::to_string(i % static_cast<std::size_t>(columns)),
               .mend = "use +inf for a pair that may not be, finite numbers for all others"});
}

/// The solver behind `cheapest_assignment`: every row of a matrix of finite costs gets a column of its own, rows <= columns.
/// Rows are padded to whole blocks with +inf.
class Solver {
 public:
  Solver(std::size_t rows, std::size_t columns)
      : rows_(rows),
        stride_((columns + block - 1) / block * block),
        cost_(rows * stride_, infinite),
        price_(stride_, 0),
        row_of_(stride_, none),
        column_of_(rows, none) {}

  /// The costs of a row, and behind them the padding.
  std::span<double> line(std::size_t row) { return {cost_.data() + row * stride_, stride_}; }
  std::size_t column_of(std::size_t row) const { return column_of_[row]; }

  void solve() {
    const auto open = take_cheapest();
    if (open.empty()) return;
    reached_.resize(stride_);
    barred_.resize(stride_);
    from_.resize(stride_);
    least_.resize(stride_ / block * lanes);
    for (const auto row : open) augment(row);
  }

 private:
  static constexpr double infinite = std::numeric_limits<double>::infinity();
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::size_t block = 8;

  const double* costs_of(std::size_t row) const { return cost_.data() + row * stride_; }

  void give(std::uint32_t row, std::uint32_t column) {
    row_of_[column] = row;
    column_of_[row] = column;
  }

  /// Each row takes its cheapest column if nobody has it. Gives the rows left over.
  std::vector<std::uint32_t> take_cheapest() {
    std::vector<std::uint32_t> open;
    for (std::uint32_t row = 0; row < rows_; ++row) {
      const auto* costs = costs_of(row);
      Reals low = all(infinite);
      for (std::size_t at = 0; at < stride_; at += lanes) low = lower(load(costs + at), low);
      const double lowest = std::min(low[0], low[1]);
      std::uint32_t column = none;
      for (std::uint32_t j = 0; j < stride_; ++j)
        if (costs[j] == lowest && row_of_[j] == none) {
          column = j;
          break;
        }
      if (column != none) give(row, column);
      else open.push_back(row);
    }
    return open;
  }

  /// The shortest path from an open row to a free column, over columns whose rows make way.
  void augment(std::uint32_t start) {
    std::copy(price_.begin(), price_.end(), barred_.begin());  // prices, -inf where a column is settled: beyond reach
    settled_.clear();
    auto row = start;
    auto step = nearest_from<true>(row, 0);
    while (true) {
      const auto [column, path] = step;
      if (row_of_[column] == none) {
        for (const auto& [settled, distance] : settled_) price_[settled] -= path - distance;
        make_way(start, column);
        return;
      }
      row = row_of_[column];
      settled_.push_back({column, path});
      reached_[column] = infinite;
      barred_[column] = -infinite;
      step = nearest_from<false>(row, path - (costs_of(row)[column] - price_[column]));
    }
  }

  struct Step {
    std::uint32_t column;
    double distance;
  };

  /// Extends the paths by those over `row`; the nearest column not settled yet. Among equals a free one ends the search at
  /// once, then the first: ties have one answer everywhere.
  template <bool first>
  Step nearest_from(std::uint32_t row, double base) {
    const auto* costs = costs_of(row);
    const auto* barred = barred_.data();
    auto* reached = reached_.data();
    auto* from = from_.data();
    Reals lowest = all(infinite);
    for (std::size_t at = 0; at < stride_; at += block) {
      Reals low = all(infinite);
      for (std::size_t j = at; j < at + block; j += lanes) {
        Reals value = load(costs + j) - load(barred + j) + base;
        if constexpr (first) {
          store(from + j, Whole{} + row);
        } else {
          const Reals before = load(reached + j);
          const Whole nearer = value < before;
          store(from + j, nearer ? Whole{} + row : load<Whole>(from + j));
          value = nearer ? value : before;
        }
        store(reached + j, value);
        low = lower(value, low);
      }
      store(least_.data() + at / block * lanes, low);
      lowest = lower(low, lowest);
    }
    const double path = std::min(lowest[0], lowest[1]);
    auto nearest = none;
    for (std::uint32_t i = 0; i < stride_ / block; ++i) {
      if (least_[2 * i] != path && least_[2 * i + 1] != path) continue;
      for (auto j = i * std::uint32_t{block}; j < (i + 1) * block; ++j) {
        if (reached[j] != path) continue;
        if (row_of_[j] == none) return {j, path};
        nearest = std::min(nearest, j);
      }
    }
    return {nearest, path};
  }

  /// Moves each row on the path to `column` to the path's next column.
  void make_way(std::uint32_t start, std::uint32_t column) {
    while (true) {
      const auto taker = static_cast<std::uint32_t>(from_[column]), freed = column_of_[taker];
      give(taker, column);
      if (taker == start) return;
      column = freed;
    }
  }

  std::size_t rows_, stride_;
  std::vector<double> cost_, price_, reached_, barred_, least_;
  std::vector<std::uint32_t> row_of_, column_of_;
  std::vector<std::int64_t> from_;
  std::vector<Step> settled_;
};

}  // namespace detail::assignment

/// The cheapest one-to-one assignment of a `rows` x `columns` cost matrix (row after row): for each row its column, or -1
/// for the rows left over where there are more rows than columns. +inf marks a pair that may not be; rows that have only
/// such pairs left stay unassigned. NaN and -inf are refused. Ties are broken by a fixed rule,
/// the same on every machine.
///
/// Rows whose cheapest column is free take it, the others follow by shortest augmenting paths (Jonker and Volgenant 1987; the
/// rectangular form of Crouse 2016): O(min² · max).
inline std::vector<std::int64_t> cheapest_assignment(std::span<const double> cost, std::int64_t rows,
                                                     std::int64_t columns) {
  if (rows < 0 || columns < 0 || static_cast<std::int64_t>(cost.size()) != rows * columns)
    throw Error({.what = "a cost of " + std::to_string(cost.size()) + " values for " + std::to_string(rows) + "x" +
                         std::to_string(columns),
                 .where = "cheapest_assignment",
                 .mend = "give one value a pair, row after row"});
  const auto range = detail::assignment::cost_range(cost);
  if (!range.sound) detail::assignment::refuse_cost(cost, columns);
  std::vector<std::int64_t> column_of(static_cast<std::size_t>(rows), -1);
  if (rows == 0 || columns == 0 || range.low > range.high) return column_of;

  // Work on the short side's rows: a tall matrix is read transposed. A pair that may not be costs more than any set of
  // allowed ones, so it is taken only where nothing else is left, and dropped at the end.
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const bool tall = rows > columns;
  const auto n = static_cast<std::size_t>(tall ? columns : rows), m = static_cast<std::size_t>(tall ? rows : columns);
  const double span = range.high - range.low;
  const double forbidden = span > 0 ? 2 * span * static_cast<double>(n + 1) : 1;
  if (!(forbidden < infinite))
    throw Error(
        {.what = "the costs span more than can be added up",
         .where = "cheapest_assignment, costs from " + std::to_string(range.low) + " to " + std::to_string(range.high),
         .mend = "use +inf for a pair that may not be"});
  detail::assignment::Solver solver(n, m);
  const auto given = [&](std::size_t i, std::size_t j) { return tall ? cost[j * n + i] : cost[i * m + j]; };
  for (std::size_t i = 0; i < n; ++i) {
    const auto line = solver.line(i);
    for (std::size_t j = 0; j < m; ++j) line[j] = given(i, j);
    if (!range.gaps) continue;
    // Counted from the lowest, so that the mark stands out whatever the size of the costs.
    for (auto& value : line.first(m)) value = value < infinite ? value - range.low : forbidden;
  }
  solver.solve();
  for (std::size_t i = 0; i < n; ++i) {
    const auto j = solver.column_of(i);
    if (given(i, j) < infinite) column_of[tall ? j : i] = static_cast<std::int64_t>(tall ? i : j);
  }
  return column_of;
}

}  // namespace vos
