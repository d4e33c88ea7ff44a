#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/nll_loss.h>

#include <vos/core/full_precision.hpp>

namespace vos {

/// How badly an object is found again in another frame: softmax over that frame's queries, of which `right` [R] is the
/// object, by their cosines [R,Q] with it. `scale` makes the softmax sharp. Result [R].
inline at::Tensor matching_loss(const at::Tensor& cosine, const at::Tensor& right, double scale) {
  return at::nll_loss((full_precision(cosine) * scale).log_softmax(1), right, {}, at::Reduction::None);
}

}  // namespace vos
