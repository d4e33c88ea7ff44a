#include "stats.hpp"

#include <algorithm>
#include <cmath>

#include <vos/core/parallel.hpp>
#include <vos/error.hpp>
#include <vos/weights/values.hpp>

namespace vos::weights {

double TensorStats::std() const {
  return finite() > 0 ? std::sqrt(squares / static_cast<double>(finite())) : std::numeric_limits<double>::quiet_NaN();
}

void TensorStats::add(std::span<const double> numbers) {
  const auto before = static_cast<double>(finite());
  double sum = 0, low = min, high = max;
  std::int64_t finite_here = 0;
  for (const double number : numbers) {
    if (!std::isfinite(number)) {
      ++(std::isnan(number) ? nan : infinite);
      continue;
    }
    sum += number;
    ++finite_here;
    low = std::min(low, number);
    high = std::max(high, number);
  }
  count += static_cast<std::int64_t>(numbers.size());
  if (finite_here == 0) return;
  min = low, max = high;
  // A block's own mean and squares, then both merged: sums of squares of all would cancel.
  const double here = static_cast<double>(finite_here);
  double mean_here = sum / here;
  if (!std::isfinite(mean_here)) {  // numbers so large that their sum is beyond a double
    mean_here = 0;
    for (const double number : numbers)
      if (std::isfinite(number)) mean_here += number / here;
  }
  double squares_here = 0;
  for (const double number : numbers)
    if (std::isfinite(number)) squares_here += (number - mean_here) * (number - mean_here);
  squares += squares_here;
  const double apart = mean_here - mean, all = before + here;
  if (before == 0) {
    mean = mean_here;
  } else if (std::isfinite(apart)) {
    mean += apart * (here / all);
    squares += apart * apart * (before * here / all);
  } else {
    mean = mean * (before / all) + mean_here * (here / all);
    squares = apart * apart;
  }
}

TensorStats stats_of(const Checkpoint& file, const TensorRecord& tensor) {
  TensorStats stats;
  TensorNumbers numbers(file, tensor);
  for (auto some = numbers.next(); !some.empty(); some = numbers.next()) stats.add(some);
  return stats;
}

std::vector<TensorStats> stats_of(const Checkpoint& file, const std::vector<std::uint32_t>& tensors,
                                  std::size_t threads, std::stop_token stop) {
  std::vector<TensorStats> stats(tensors.size());
  for_each_parallel(tensors.size(), threads, stop, [&](std::size_t i) {
    const auto& tensor = file.tensors[tensors[i]];
    stats[i] = stats_of(file, tensor);
    if (file.file) file.file->forget(file.storages[tensor.storage].bytes);
  });
  if (stop.stop_requested()) throw Cancelled(file.where);
  return stats;
}

}  // namespace vos::weights
