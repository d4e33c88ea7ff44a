#pragma once

#include <ATen/core/grad_mode.h>
#include <c10/core/ScalarType.h>
#include <torch/nn/module.h>

namespace vos {

/// Gives a module's floating-point parameters and buffers another type. LibTorch's own Module::to(dtype) takes the integers
/// along: half-precision lookup tables and counters are wrong ones.
inline void to_dtype(torch::nn::Module& module, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const auto convert = [dtype](at::Tensor tensor) {
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(dtype));
  };
  for (const auto& parameter : module.parameters()) convert(parameter);
  for (const auto& buffer : module.buffers()) convert(buffer);
}

}  // namespace vos
