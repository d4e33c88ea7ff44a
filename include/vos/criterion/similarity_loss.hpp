#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/matmul.h>

#include <vos/core/full_precision.hpp>

namespace vos {

/// VITA's: the dot product of two embeddings of one clip says whether they are one object, frame tokens and clip tokens
/// alike. A scalar.
///
///   embeddings  [M,E]
///   ids         [M] int64 of the objects; -1 takes no part
///   clips       [M] int64
///
/// The mean over all pairs of the same clip, an embedding with itself included; 0 where there is none.
inline at::Tensor similarity_loss(const at::Tensor& embeddings, const at::Tensor& ids, const at::Tensor& clips) {
  const auto wide = full_precision(embeddings);
  const auto same = [](const at::Tensor& values) { return values.unsqueeze(0).eq(values.unsqueeze(1)); };
  const auto known = ids.ge(0);
  const auto pairs = same(clips).logical_and(known.unsqueeze(0)).logical_and(known.unsqueeze(1)).to(wide.scalar_type());
  const auto wrong = at::binary_cross_entropy_with_logits(at::matmul(wide, wide.t()), same(ids).to(wide.scalar_type()),
                                                          {}, {}, at::Reduction::None);
  return (wrong * pairs).sum() / (pairs.sum() + 1e-6);
}

}  // namespace vos
