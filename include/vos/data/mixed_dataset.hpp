#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/transform.hpp>
#include <vos/error.hpp>

namespace vos {

/// Any dataset: what a mixture holds, and a loader whose caller chooses at run time. Copies share the dataset.
class AnyDataset {
 public:
  template <class D>
    requires(!std::same_as<D, AnyDataset> && Dataset<D>)
  explicit(false) AnyDataset(D dataset) : size_(dataset.size()) {
    sample_ = [shared = std::make_shared<const D>(std::move(dataset))](const SampleKey& key) { return (*shared)(key); };
  }

  std::int64_t size() const { return size_; }
  Sample operator()(const SampleKey& key) const { return sample_(key); }

 private:
  std::int64_t size_;
  std::function<Sample(const SampleKey&)> sample_;
};

/// A dataset whose samples go through transforms: still images that become clips, scenes that are cropped.
template <Dataset Inner>
struct TransformedDataset {
  Inner inner;
  Transforms transforms;

  std::int64_t size() const { return inner.size(); }
  Sample operator()(const SampleKey& key) const {
    auto within = key;
    within.seed = scramble(key.seed);  // else transforms of one name would draw alike inside and here
    return transforms(inner(within), key);
  }
};

/// One dataset after another. Parts whose categories are numbered differently go through `MapCategories` first.
class ConcatDataset {
 public:
  explicit ConcatDataset(std::vector<AnyDataset> parts) : parts_(std::move(parts)) {
    for (const auto& part : parts_) ends_.push_back((ends_.empty() ? 0 : ends_.back()) + part.size());
  }

  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  Sample operator()(const SampleKey& key) const {
    const auto part = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), key.index) - ends_.begin());
    auto inner = key;
    if (part > 0) inner.index -= ends_[part - 1];
    inner.seed = scramble(key.seed + part);  // equal places of two parts draw unlike numbers
    return parts_[part](inner);
  }

 private:
  std::vector<AnyDataset> parts_;
  std::vector<std::int64_t> ends_;
};

struct WeightedPart {
  AnyDataset dataset;
  double weight = 1;
};

/// Datasets by weight: a part of weight w gives floor or ceil of w / Σw of an epoch's `size` samples, spread evenly over
/// the part; where it is shorter than that, its samples come again in proportion, drawn anew. Each epoch begins
/// at another place. Categories as in ConcatDataset.
class MixedDataset {
 public:
  MixedDataset(std::vector<WeightedPart> parts, std::int64_t size) : parts_(std::move(parts)), size_(size) {
    if (parts_.empty() || size_ < 1)
      throw Error({.what = "a mixture of " + std::to_string(parts_.size()) + " datasets with " + std::to_string(size_) +
                           " samples an epoch",
                   .where = "mixing datasets",
                   .mend = "give it at least one dataset, and a size of at least 1"});
    for (const auto& part : parts_) {
      if (!(part.weight > 0) || !std::isfinite(part.weight) || part.dataset.size() < 1)
        throw Error({.what = "a part of a mixture with weight " + std::to_string(part.weight) + " and " +
                             std::to_string(part.dataset.size()) + " samples",
                     .where = "mixing datasets",
                     .mend = "give each part a finite weight above 0 and at least one sample"});
      ends_.push_back((ends_.empty() ? 0 : ends_.back()) + part.weight);
    }
  }

  std::int64_t size() const { return size_; }

  Sample operator()(const SampleKey& key) const {
    CounterRandom epoch{key.seed, static_cast<std::uint64_t>(key.epoch), 0x317ED};  // the same for all its samples
    const double place = (static_cast<double>(key.index) + epoch.uniform()) * ends_.back() / static_cast<double>(size_);
    const auto part =
        std::min(static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), place) - ends_.begin()),
                 parts_.size() - 1);
    const auto& [dataset, weight] = parts_[part];
    const double share = (place - (part > 0 ? ends_[part - 1] : 0)) / weight;
    // The sample's own number goes into the seed: a part that comes round again is drawn anew.
    return dataset(
        {scramble(key.seed ^ scramble(static_cast<std::uint64_t>(key.index))), key.epoch,
         std::min(dataset.size() - 1, static_cast<std::int64_t>(share * static_cast<double>(dataset.size())))});
  }

 private:
  std::vector<WeightedPart> parts_;
  std::int64_t size_;
  std::vector<double> ends_;
};

static_assert(Dataset<AnyDataset> && Dataset<ConcatDataset> && Dataset<MixedDataset>);

}  // namespace vos
