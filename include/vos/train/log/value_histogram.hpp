#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/train/log/event_file.hpp>

namespace vos {

/// How often a tensor's values fall into buckets that grow by a tenth from 1e-12 to 1e20, on both sides of 0: so gradients and
/// weights of any size are told apart. Values that are no numbers are left out.
inline EventHistogram histogram_of(const at::Tensor& values) {
  static const auto positive = [] {
    std::vector<double> ends;
    for (double end = 1e-12; end < 1e20; end *= 1.1) ends.push_back(end);
    return ends;
  }();
  const auto count_of = positive.size();
  std::vector<double> counts(2 * count_of + 2);
  // Bucket i ends at: -positive, the largest first; 0; positive; what is left.
  const auto end_of = [&](std::size_t i) {
    return i < count_of        ? -positive[count_of - 1 - i]
           : i == count_of     ? 0.0
           : i <= 2 * count_of ? positive[i - count_of - 1]
                               : std::numeric_limits<double>::max();
  };
  const auto plain = values.detach().to(at::kCPU, at::kDouble).contiguous();
  const auto* value = plain.const_data_ptr<double>();
  EventHistogram histogram{.least = std::numeric_limits<double>::infinity(),
                           .most = -std::numeric_limits<double>::infinity()};
  for (std::int64_t i = 0; i < plain.numel(); ++i) {
    const double v = value[i];
    if (!std::isfinite(v)) continue;
    histogram.least = std::min(histogram.least, v);
    histogram.most = std::max(histogram.most, v);
    histogram.count += 1, histogram.sum += v, histogram.squares += v * v;
    const auto above = [&](double size) {  // the first end beyond it
      return static_cast<std::size_t>(std::lower_bound(positive.begin(), positive.end(), size) - positive.begin());
    };
    std::size_t bucket = count_of;
    if (v > 0) bucket = count_of + 1 + above(v);
    else if (v < 0)  // ends at the smallest -positive that is no less than v
      bucket = count_of -
               static_cast<std::size_t>(std::upper_bound(positive.begin(), positive.end(), -v) - positive.begin());
    ++counts[bucket];
  }
  if (histogram.count == 0) return {.ends = {0}, .counts = {0}};
  // Of a row of empty buckets the last stands for all.
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const bool empty = counts[i] == 0, next_empty = i + 1 == counts.size() || counts[i + 1] == 0;
    if (empty && next_empty) continue;
    histogram.ends.push_back(end_of(i));
    histogram.counts.push_back(counts[i]);
  }
  return histogram;
}

}  // namespace vos
