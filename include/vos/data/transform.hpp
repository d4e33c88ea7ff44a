#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/data/dataset.hpp>

namespace vos {

/// One step between a decoded clip and the batch: frames, label maps and masks alike. It draws from `random` alone, and
/// what it draws before its first frame holds for the whole clip.
template <class T>
concept Transform = requires(const T& transform, Sample sample, CounterRandom& random) {
  { T::name } -> std::convertible_to<std::string_view>;
  { transform(std::move(sample), random) } -> std::same_as<Sample>;
};

/// Transforms one after another.
///
/// Each draws from a generator of its own, keyed by the sample, by its name and by how many of that name stand before
/// it. So a transform that is put in, taken out or changed leaves the draws of all others as they were.
class Transforms {
 public:
  static constexpr std::string_view name = "transforms";

  template <Transform T>
  Transforms& then(T transform) {
    std::uint64_t key = 0xCBF29CE484222325ULL;  // of the name's letters
    for (const char letter : T::name) key = scramble(key ^ static_cast<unsigned char>(letter));
    const auto earlier = std::count_if(steps_.begin(), steps_.end(), [&](const Step& step) { return step.key == key; });
    steps_.push_back({key, static_cast<std::uint64_t>(earlier), std::move(transform)});
    return *this;
  }

  bool empty() const { return steps_.empty(); }

  Sample operator()(Sample sample, const SampleKey& key) const {
    return apply(std::move(sample),
                 {key.seed, static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.index)});
  }

  /// As a step of other transforms.
  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto bits = random.bits();
    return apply(std::move(sample), {bits, 0, 0});
  }

 private:
  struct Step {
    std::uint64_t key, earlier;
    std::function<Sample(Sample, CounterRandom&)> apply;
  };
  struct Key {
    std::uint64_t seed, epoch, index;
  };

  Sample apply(Sample sample, const Key& key) const {
    for (const auto& step : steps_) {
      CounterRandom random{key.seed, key.epoch, key.index, step.key, step.earlier};
      sample = step.apply(std::move(sample), random);
    }
    return sample;
  }

  std::vector<Step> steps_;
};

/// Transforms that happen to one clip in so many.
struct Sometimes {
  static constexpr std::string_view name = "sometimes";
  double probability = 0.5;
  Transforms what = {};
  Transforms otherwise = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const bool yes = random.uniform() < probability;
    return (yes ? what : otherwise)(std::move(sample), random);
  }
};

static_assert(Transform<Transforms> && Transform<Sometimes>);

}  // namespace vos
