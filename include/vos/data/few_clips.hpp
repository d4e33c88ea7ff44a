#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <vos/data/dataset.hpp>
#include <vos/error.hpp>

namespace vos {

/// A few clips of a dataset, evenly chosen, each the same in every epoch and for every seed: what a network must be able to
/// learn by heart before it can learn anything.
template <Dataset D>
class FewClips {
 public:
  FewClips(D dataset, std::int64_t count) : dataset_(std::move(dataset)), count_(std::min(count, dataset_.size())) {
    if (count_ < 1)
      throw Error({.what = std::to_string(count) + " clips of " + std::to_string(dataset_.size()),
                   .where = "FewClips",
                   .mend = "ask for at least one",
                   .exit_code = exit_code::usage});
  }

  std::int64_t size() const { return count_; }
  Sample operator()(const SampleKey& key) const { return dataset_({.index = key.index * dataset_.size() / count_}); }

 private:
  D dataset_;
  std::int64_t count_;
};

}  // namespace vos
