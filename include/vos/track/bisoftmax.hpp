#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace vos {

/// From similarities [rows,columns] to how much a row and a column choose each other, 0 to 1: the mean of each row's softmax
/// and each column's (IDOL, sec. 3.3). Two rows alike share their column: each gets less of it.
inline void bisoftmax(std::span<float> scores, std::size_t rows, std::size_t columns) {
  assert(scores.size() == rows * columns);
  if (scores.empty()) return;
  const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
  std::vector<float> row_top(rows, *high), column_top(columns, *high), row_sum(rows), column_sum(columns);
  // Mostly one exponential serves both sums; where it could vanish, each is taken from its own highest.
  const bool narrow = *high - *low < 60;
  if (!narrow) {
    std::fill(row_top.begin(), row_top.end(), *low);
    std::fill(column_top.begin(), column_top.end(), *low);
    for (std::size_t i = 0, at = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j, ++at) {
        row_top[i] = std::max(row_top[i], scores[at]);
        column_top[j] = std::max(column_top[j], scores[at]);
      }
  }
  std::vector<float> by_column(scores.size());
  for (std::size_t i = 0, at = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j, ++at) {
      const float of_row = std::exp(scores[at] - row_top[i]);
      by_column[at] = narrow ? of_row : std::exp(scores[at] - column_top[j]);
      scores[at] = of_row;
      row_sum[i] += of_row;
      column_sum[j] += by_column[at];
    }
  for (std::size_t i = 0, at = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j, ++at)
      scores[at] = 0.5F * (scores[at] / row_sum[i] + by_column[at] / column_sum[j]);
}

}  // namespace vos
