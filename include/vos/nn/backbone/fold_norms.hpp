#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>

#include <vos/nn/backbone/norm2d.hpp>

namespace vos {

namespace detail {

/// Gives a convolution that was made without a bias one that moves with it. It has registered an undefined one, which
/// register_parameter would refuse to replace.
inline void give_bias(torch::nn::Conv2dImpl& conv, const at::Tensor& bias) {
  struct Access : torch::nn::Module {
    static auto parameters() { return &Access::parameters_; }
  };
  conv.bias = (conv.*Access::parameters())["bias"] = bias.to(conv.weight.scalar_type()).requires_grad_(false);
}

}  // namespace detail

/// Lets each convolution do the work of the norm after it: fewer passes over memory, the same result to rounding. For
/// inference with weights already loaded: afterwards `module` has biases that no checkpoint has, so it neither trains, loads
/// nor saves. Twice is once.
inline void fold_norms(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  torch::nn::Conv2dImpl* conv = nullptr;
  for (const auto& child : module.children()) {
    if (auto* norm = child->as<Norm2dImpl>(); norm != nullptr && conv != nullptr && !norm->folded) {
      const auto precise = [](const at::Tensor& of) { return of.to(at::kDouble); };
      const auto scale = precise(norm->weight) * (precise(norm->running_var) + Norm2dImpl::eps).rsqrt();  // [C]
      auto shift = precise(norm->bias) - precise(norm->running_mean) * scale;                             // [C]
      if (conv->bias.defined()) shift += precise(conv->bias) * scale;
      conv->weight.copy_(precise(conv->weight) * scale.view({-1, 1, 1, 1}));
      if (conv->bias.defined()) conv->bias.copy_(shift);
      else detail::give_bias(*conv, shift);
      norm->folded = true;
    }
    conv = child->as<torch::nn::Conv2dImpl>();
    fold_norms(*child);
  }
}

}  // namespace vos
