#pragma once

#include <cstdint>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/softplus.h>

#include <vos/core/full_precision.hpp>

namespace vos {

/// Losses that pull an object's embeddings together and push all others away, as IDOL and CTVIS have them. For A anchors
/// and M items, `positive` [A,M] marks the items that are the anchor's object, `negative` those that are not; a pair may be
/// neither. Result [A]; 0 for an anchor that has none of one kind.

/// log(1 + Σ₊ Σ₋ exp(s₋ - s₊)) of similarities [A,M]: every positive should be above every negative.
inline at::Tensor contrast(const at::Tensor& similarity, const at::Tensor& positive, const at::Tensor& negative) {
  // The double sum is a product of two. Finite in place of -inf: the slope of an empty sum is 0 then, not 0 · inf.
  constexpr double nothing = -1e30;
  const auto wide = full_precision(similarity);
  const auto above = wide.masked_fill(negative.logical_not(), nothing).logsumexp(1);
  const auto below = wide.neg().masked_fill(positive.logical_not(), nothing).logsumexp(1);
  return at::softplus(above + below);
}

/// Mean of (cosine - 1)² over positives and cosine² over negatives, of cosines [A,M].
inline at::Tensor contrast_cosine(const at::Tensor& cosine, const at::Tensor& positive, const at::Tensor& negative) {
  const auto wide = full_precision(cosine);
  const auto wanted = positive.to(wide.scalar_type());
  const auto counted = positive.logical_or(negative).to(wide.scalar_type());
  return ((wide - wanted).square() * counted).sum(1) / counted.sum(1).clamp_min(1);
}

/// About `each` negatives for every positive of an anchor, chosen by `draws` [A,M] in [0,1): among all of them, the few
/// positives would not be heard in `contrast_cosine`'s mean.
inline at::Tensor fewer_negatives(const at::Tensor& positive, const at::Tensor& negative, const at::Tensor& draws,
                                  std::int64_t each) {
  const auto share = positive.sum(1, true) * static_cast<double>(each) / negative.sum(1, true).clamp_min(1);  // [A,1]
  return negative.logical_and(draws.lt(share));
}

/// Rows of unit length; a row of zeros stays one, with a finite slope.
inline at::Tensor unit_rows(const at::Tensor& rows) {
  return rows / rows.square().sum(-1, true).clamp_min(1e-12).sqrt();
}

}  // namespace vos
