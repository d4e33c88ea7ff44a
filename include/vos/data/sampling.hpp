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

/// Which videos the samples of an epoch are clips of. `categories` [videos]: of each one's objects, negative ones unknown.
inline WeightedEpoch sampled_videos(const std::vector<std::vector<std::int32_t>>& categories, std::int64_t samples,
                                    const SamplingOptions& options = {}) {
  expect_within("rare", options.rare, 0, 1);
  const bool balanced = choice("sampling", options.sampling, {"frequency", "class_balanced"}) == 1;
  return {balanced ? repeat_factors(categories, options.rare) : std::vector<double>(categories.size(), 1.0), samples};
}

}  // namespace vos
