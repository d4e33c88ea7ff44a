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
  std::vector<float> row_top(rows, *high), column_top(columns, *high), row_sum(rows), column_sum(columns), apart;
  // Mostly one exponential serves both sums; where it could vanish, each is taken from its own highest.
  const bool narrow = *high - *low < 60;
  auto* const by_row = scores.data();
  auto* by_column = by_row;
  if (!narrow) {
    apart.resize(scores.size());
    by_column = apart.data();
    std::fill(row_top.begin(), row_top.end(), *low);
    std::fill(column_top.begin(), column_top.end(), *low);
    for (std::size_t i = 0, pair = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j, ++pair) {
        row_top[i] = std::max(row_top[i], scores[pair]);
        column_top[j] = std::max(column_top[j], scores[pair]);
      }
    for (std::size_t i = 0, pair = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j, ++pair) by_column[pair] = std::exp(scores[pair] - column_top[j]);
  }
  auto* const of_column = column_sum.data();
  for (std::size_t i = 0; i < rows; ++i) {
    auto* const row = by_row + i * columns;
    const auto* const column = by_column + i * columns;
    const float top = row_top[i];
    float sum = 0;
    for (std::size_t j = 0; j < columns; ++j) sum += row[j] = std::exp(row[j] - top);
    for (std::size_t j = 0; j < columns; ++j) of_column[j] += column[j];
    row_sum[i] = sum;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    auto* const row = by_row + i * columns;
    const auto* const column = by_column + i * columns;
    const float sum = row_sum[i];
    for (std::size_t j = 0; j < columns; ++j) row[j] = 0.5F * (row[j] / sum + column[j] / of_column[j]);
  }
}

}  // namespace vos
