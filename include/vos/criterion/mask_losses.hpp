#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>

#include <vos/core/choice.hpp>
#include <vos/core/full_precision.hpp>

namespace vos {

/// Losses of R masks at P points or cells each: logits [R,P], labels [R,P] of 0 to 1, result [R] in fp32 or wider.
/// No mask, no loss: R may be 0.

/// Mean cross-entropy of the points.
inline at::Tensor mask_cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::binary_cross_entropy_with_logits(full_precision(logits), labels, {}, {}, at::Reduction::None).mean(1);
}

struct FocalOptions {
  double alpha = 0.25;  ///< weight of points inside the mask, 1 - alpha outside; -1: no weights
  double gamma = 2;     ///< how much easy points are played down; 0, or 1 and more (below 1 the slope is infinite)
};

/// Throws unless the options can be used.
inline void expect_usable(const FocalOptions& options) {
  expect_within("focal_alpha", options.alpha, -1, 1);
  if (options.gamma != 0) expect_within("focal_gamma", options.gamma, 1);
}

/// The same, with points that are right already played down (Lin et al. 2017).
inline at::Tensor mask_focal(const at::Tensor& logits, const at::Tensor& labels, const FocalOptions& options = {}) {
  const auto wide = full_precision(logits);
  const auto chance = wide.sigmoid();
  const auto wrong = chance + labels - 2 * chance * labels;  // 1 - p of the label
  auto loss =
      at::binary_cross_entropy_with_logits(wide, labels, {}, {}, at::Reduction::None) * wrong.pow(options.gamma);
  if (options.alpha >= 0) loss = loss * (1 - options.alpha + (2 * options.alpha - 1) * labels);
  return loss.mean(1);
}

/// 1 - (2Σpy + 1) / (Σp + Σy + 1): small masks count as much as large ones; 0 for an empty mask that is predicted empty.
inline at::Tensor mask_dice(const at::Tensor& logits, const at::Tensor& labels) {
  const auto chance = full_precision(logits).sigmoid();
  return 1 - (2 * (chance * labels).sum(1) + 1) / (chance.sum(1) + labels.sum(1) + 1);
}

}  // namespace vos
