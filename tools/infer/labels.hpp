#pragma once

#include <set>

#include <ATen/ops/zeros_like.h>

#include <vos/vos.hpp>

namespace vos::infer {

/// `labels` int32 [H,W] with the pixels of these objects alone.
inline at::Tensor only(const at::Tensor& labels, const std::set<ObjectId>& ids) {
  auto some = at::zeros_like(labels);
  const auto* from = labels.const_data_ptr<std::int32_t>();
  auto* to = some.mutable_data_ptr<std::int32_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i)
    if (from[i] != 0 && ids.contains(from[i])) to[i] = from[i];
  return some;
}

}  // namespace vos::infer
