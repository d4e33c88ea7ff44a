#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <vos/metric/statistics.hpp>

namespace vos {

/// LVOS' variability of an object: how far the mean of J and F strays from its own mean over time; lower is better. The
/// variance is rounded to four digits first, as the benchmark has it. NaN for no frames.
inline double variability(std::span<const double> j, std::span<const double> f) {
  double sum = 0, squares = 0;
  const auto count = static_cast<double>(j.size());
  for (std::size_t i = 0; i < j.size(); ++i) sum += (j[i] + f[i]) / 2;
  for (std::size_t i = 0; i < j.size(); ++i) {
    const double away = (j[i] + f[i]) / 2 - sum / count;
    squares += away * away;
  }
  return std::sqrt(std::nearbyint(squares / count * 1e4) / 1e4);
}

}  // namespace vos
