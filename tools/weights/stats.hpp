#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stop_token>
#include <vector>

#include <vos/weights/checkpoint.hpp>

namespace vos::weights {

/// What the numbers of a tensor are like. NaN and infinities are counted and left out of the rest.
struct TensorStats {
  std::int64_t count = 0, nan = 0, infinite = 0;
  double min = std::numeric_limits<double>::infinity(), max = -std::numeric_limits<double>::infinity(), mean = 0;
  double squares = 0;  ///< of the distances to the mean, summed; infinite where they are beyond a double

  std::int64_t finite() const { return count - nan - infinite; }
  double std() const;  ///< of the population; NaN where there is nothing

  void add(std::span<const double> numbers);
};

TensorStats stats_of(const Checkpoint& file, const TensorRecord& tensor);

/// Of each of these, on up to `threads` threads. Pages of the file are given back once they were looked at.
std::vector<TensorStats> stats_of(const Checkpoint& file, const std::vector<std::uint32_t>& tensors,
                                  std::size_t threads, std::stop_token stop = {});

}  // namespace vos::weights
