#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

namespace vos {

/// Stochastic depth: with probability `rate` a sample of the batch goes without this branch; those that keep it are scaled
/// up so that the mean stays. branch [N,*]. For training only: who calls asks `is_training()`.
inline at::Tensor drop_path(const at::Tensor& branch, double rate) {
  if (rate <= 0) return branch;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(branch.dim()), 1);
  sizes[0] = branch.size(0);
  const double keep = 1 - rate;
  return branch * at::empty(sizes, branch.options()).bernoulli_(keep).div_(keep);
}

}  // namespace vos
