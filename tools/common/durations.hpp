#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace vos::tool {

/// Percentiles of any number of durations in 22 KB: a histogram whose buckets grow by 1 %, from 0.1 µs to a day.
class Durations {
 public:
  void add(double seconds) {
    const double place = std::log(std::max(seconds, shortest) / shortest) / std::log(growth);
    ++buckets_[std::min(static_cast<std::size_t>(place), buckets_.size() - 1)];
    ++count_;
    sum_ += seconds;
    most_ = std::max(most_, seconds);
  }

  void add(const Durations& others) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += others.buckets_[i];
    count_ += others.count_;
    sum_ += others.sum_;
    most_ = std::max(most_, others.most_);
  }

  std::int64_t count() const { return count_; }
  double mean() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }

  /// The duration that `percent` of all do not exceed, to half a percent; 0 when there is none.
  double percentile(double percent) const {
    const auto rank = static_cast<std::int64_t>(std::ceil(percent / 100 * static_cast<double>(count_)));
    std::int64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      if (seen += buckets_[i]; seen > 0 && seen >= rank)
        return std::min(most_, shortest * std::pow(growth, static_cast<double>(i) + 0.5));
    return 0;
  }

 private:
  static constexpr double shortest = 1e-7, growth = 1.01;
  std::array<std::int64_t, 2800> buckets_{};
  std::int64_t count_ = 0;
  double sum_ = 0, most_ = 0;
};

}  // namespace vos::tool
