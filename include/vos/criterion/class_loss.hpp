#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/ones.h>

#include <vos/core/full_precision.hpp>

namespace vos {

/// Cross-entropy of `logits` [*,M,K+1] against `categories` [*,M] int64, where K is ∅, which most queries are: its weight is
/// small. [*], divided by the sum of the weights and not by M, so that it does not depend on how many queries are ∅; or by
/// `divisor` [*], where the queries are a part of those that count.
inline at::Tensor class_loss(const at::Tensor& logits, const at::Tensor& categories, double no_object_weight,
                             const at::Tensor& divisor = {}) {
  const auto wide = full_precision(logits);
  auto weights = at::ones({wide.size(-1)}, wide.options());  // [K+1]
  weights[-1].fill_(no_object_weight);
  const auto each =
      at::nll_loss(wide.log_softmax(-1).flatten(0, -2), categories.flatten(), weights, at::Reduction::None);
  const auto sum = each.view(categories.sizes()).sum(-1);
  const auto weight = divisor.defined() ? divisor : weights.index({categories}).sum(-1);
  return sum / weight.clamp_min(1e-6);  // all ∅ with weight 0: no loss
}

}  // namespace vos
