#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <vos/core/choice.hpp>
#include <vos/data/balance.hpp>

namespace vos {

struct SamplingOptions {
  std::string sampling = "frequency";
  double rare = 0.1;

  void visit(auto&& field) {
    field("sampling", sampling, "of videos: frequency, each as often as any other, or class_balanced");
    field("rare", rare,
          "class_balanced: a category in a smaller share f of the videos has them shown √(rare/f) times as often");
  }
};

/// The share of videos below which a category's are shown more often; 0: all alike.
inline double balanced_below(const SamplingOptions& options) {
  expect_within("rare", options.rare, 0, 1);
  return choice("sampling", options.sampling, {"frequency", "class_balanced"}) == 1 ? options.rare : 0;
}

/// Which videos the samples of an epoch are clips of. `categories` [videos]: of each one's objects, negative ones unknown.
inline WeightedEpoch sampled_videos(const std::vector<std::vector<std::int32_t>>& categories, std::int64_t samples,
                                    const SamplingOptions& options = {}) {
  const double below = balanced_below(options);
  return {below > 0 ? repeat_factors(categories, below) : std::vector<double>(categories.size(), 1.0), samples};
}

}  // namespace vos
