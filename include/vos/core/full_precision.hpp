#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace vos {

/// While one lives, mixed precision leaves this thread's operations alone: autocast would take the matrix products of
/// costs and losses, sums of thousands of terms, down to 16 bits.
struct FullPrecision {
  c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::autocast_dispatch_keyset};
};

/// Logits as costs and losses compute with them: 16 bits become fp32, and what overflowed fp16 becomes its largest number,
/// which is as wrong but finite. Clipping nearer to zero (to ±20, where a sigmoid ends) would cost the cross-entropy its
/// gradient exactly where a prediction is most wrong. fp32 and double pass; a NaN stays one, to be seen.
inline at::Tensor full_precision(const at::Tensor& logits) {
  const auto type = logits.scalar_type();
  if (type == at::kHalf) return logits.to(at::kFloat).clamp(-65504, 65504);
  return type == at::kBFloat16 ? logits.to(at::kFloat) : logits;
}

}  // namespace vos
