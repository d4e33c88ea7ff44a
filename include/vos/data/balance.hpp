#pragma once

/// Which objects of a clip, and which videos of a set: by frequency.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

#include <vos/core/random.hpp>

namespace vos {

/// The `most` objects that are seen in the most frames, the larger first among equals, then the earlier; their places,
/// rising. `areas` [G][T], pixels.
inline std::vector<std::size_t> most_frequent(const std::vector<std::vector<std::int64_t>>& areas, std::int64_t most) {
  std::vector<std::tuple<std::int64_t, std::int64_t, std::size_t>> rank;  // ascending is better
  for (std::size_t g = 0; g < areas.size(); ++g) {
    const auto frames = std::count_if(areas[g].begin(), areas[g].end(), [](std::int64_t area) { return area > 0; });
    if (frames > 0) rank.emplace_back(-frames, -std::accumulate(areas[g].begin(), areas[g].end(), std::int64_t{0}), g);
  }
  std::sort(rank.begin(), rank.end());
  if (static_cast<std::int64_t>(rank.size()) > most) rank.resize(static_cast<std::size_t>(most));
  std::vector<std::size_t> places;
  for (const auto& one : rank) places.push_back(std::get<2>(one));
  std::sort(places.begin(), places.end());
  return places;
}

/// How often each video is to be shown so that rare categories are seen often enough: Detectron2's repeat factors (LVIS).
/// A category in a share f of the videos repeats its videos max(1, sqrt(threshold / f)) times, and a video repeats as its
/// rarest category asks. `categories` [videos]; negative ones are unknown and ask for nothing.
inline std::vector<double> repeat_factors(const std::vector<std::vector<std::int32_t>>& categories, double threshold) {
  std::map<std::int32_t, std::int64_t> videos_with;
  for (const auto& video : categories)
    for (const auto category : std::set<std::int32_t>{video.begin(), video.end()}) ++videos_with[category];
  std::vector<double> factors;
  for (const auto& video : categories) {
    double factor = 1;
    for (const auto category : video) {
      if (category < 0) continue;
      const double share = static_cast<double>(videos_with[category]) / static_cast<double>(categories.size());
      factor = std::max(factor, std::sqrt(threshold / share));
    }
    factors.push_back(factor);
  }
  return factors;
}

/// Samples by weight, as many an epoch as there are to be: in each epoch a thing of weight w is met floor or ceil of its
/// expected number of times. Where Detectron2 rounds each weight at random, so that epochs differ in length, one random
/// offset an epoch moves a comb over all weights here.
class WeightedEpoch {
 public:
  WeightedEpoch(const std::vector<double>& weights, std::int64_t size) : size_(size) {
    double sum = 0;
    for (const double weight : weights) ends_.push_back(sum += weight);
  }

  std::int64_t size() const { return size_; }

  /// Which thing sample `index` of an epoch shows.
  std::int64_t operator()(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const {
    CounterRandom random{seed, static_cast<std::uint64_t>(epoch), 0x3E17C7};
    const double place = (static_cast<double>(index) + random.uniform()) * ends_.back() / static_cast<double>(size_);
    const auto found = std::upper_bound(ends_.begin(), ends_.end(), place);
    return std::min<std::int64_t>(found - ends_.begin(), static_cast<std::int64_t>(ends_.size()) - 1);
  }

 private:
  std::int64_t size_;
  std::vector<double> ends_;
};

/// 0 to n-1 in an order that depends on the key alone.
inline std::vector<std::int64_t> shuffled_order(std::int64_t n, CounterRandom random) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (auto i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
  return order;
}

}  // namespace vos
