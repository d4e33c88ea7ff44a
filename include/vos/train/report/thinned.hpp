#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vos {

/// A curve of few points that hides no peak: each stands for a stretch of steps, with the least, the mean and the most of it.
struct Thinned {
  std::vector<double> x = {}, low = {}, mean = {}, high = {};
  std::size_t size() const { return x.size(); }
};

/// At most `most` points, give or take one. Values that are no numbers are left out; so are stretches without any. `x` rises.
inline Thinned thinned(std::span<const double> x, std::span<const double> y, std::size_t most) {
  Thinned curve;
  if (x.empty()) return curve;
  const bool fits = x.size() <= most;
  const double width = (x.back() - x.front()) / static_cast<double>(most);
  for (std::size_t i = 0; i < x.size();) {
    const double end = x.front() + width * (std::floor((x[i] - x.front()) / width) + 1);
    double low = 0, high = 0, sum = 0, where = 0, count = 0;
    const auto begin = i;
    for (; i < x.size() && (i == begin || (!fits && x[i] < end)); ++i) {
      if (!std::isfinite(y[i])) continue;
      low = count > 0 ? std::min(low, y[i]) : y[i];
      high = count > 0 ? std::max(high, y[i]) : y[i];
      sum += y[i], where += x[i], ++count;
    }
    if (count == 0) continue;
    curve.x.push_back(where / count);
    curve.low.push_back(low);
    curve.mean.push_back(sum / count);
    curve.high.push_back(high);
  }
  return curve;
}

/// The running mean in which a value's weight falls by `keep` from one point to the next.
inline std::vector<double> smoothed(std::span<const double> values, double keep) {
  std::vector<double> smooth;
  double sum = 0, weight = 0;
  for (const auto value : values) {
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    smooth.push_back(sum / weight);
  }
  return smooth;
}

}  // namespace vos
