#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <vos/segment/work.hpp>

namespace vos {

/// A learning rate that rises from `from` to `to`, by the same factor each step.
struct RateSweep {
  double from = 1e-7, to = 1;
  std::int64_t steps = 100;
  double diverged = 4;  ///< it ends where the loss is so many times the lowest
};

struct RatePoint {
  double lr = 0;
  double loss = 0;    ///< of the step that was then made with `lr`
  double smooth = 0;  ///< mean of the losses so far, the later ones counting more
};

/// The rate to train with, of how the loss went: a tenth of the one at which it was lowest. Nothing where it never fell.
inline std::optional<double> suggested_rate(const std::vector<RatePoint>& points) {
  if (points.empty()) return std::nullopt;
  auto lowest = points.begin();
  for (auto point = points.begin(); point != points.end(); ++point)
    if (point->smooth < lowest->smooth) lowest = point;
  if (lowest->smooth >= points.front().smooth) return std::nullopt;
  return lowest->lr / 10;
}

/// Trains for a moment with a rate that rises, and gives how the loss went. `step(lr)` makes a step and gives its loss.
std::vector<RatePoint> sweep_rates(const RateSweep& sweep, const Work& work, auto&& step) {
  constexpr double memory = 0.9;
  std::vector<RatePoint> points;
  double mean = 0, lowest = 0;
  for (std::int64_t i = 0; i < sweep.steps && !work.stop.stop_requested(); ++i) {
    const auto share = static_cast<double>(i) / static_cast<double>(std::max<std::int64_t>(1, sweep.steps - 1));
    RatePoint point{.lr = sweep.from * std::pow(sweep.to / sweep.from, share)};
    point.loss = step(point.lr);
    if (!std::isfinite(point.loss)) break;
    mean = memory * mean + (1 - memory) * point.loss;
    point.smooth = mean / (1 - std::pow(memory, static_cast<double>(i + 1)));  // as it began from 0
    lowest = i == 0 ? point.smooth : std::min(lowest, point.smooth);
    points.push_back(point);
    if (point.smooth > sweep.diverged * lowest) break;
    work.step(share, "learning rates");
  }
  return points;
}

}  // namespace vos
