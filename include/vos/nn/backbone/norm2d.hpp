#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vos/weights/module_state.hpp>

namespace vos {

enum class NormKind : std::uint8_t {
  frozen,  ///< four buffers that training never moves: weight, bias, running_mean, running_var
  live,    ///< torchvision's BatchNorm2d: two parameters, and the statistics with num_batches_tracked
};

/// Batch norm, frozen or live: [N,C,h,w] -> the same. Registered right after the convolution that it follows, because
/// `fold_norms` pairs the two by that.
struct Norm2dImpl : torch::nn::Module, LoadGuard {
  Norm2dImpl(std::int64_t channels, NormKind norm) : kind(norm) {
    const auto named = [&](const char* name, at::Tensor value) {
      return kind == NormKind::live ? register_parameter(name, std::move(value))
                                    : register_buffer(name, std::move(value));
    };
    weight = named("weight", at::ones({channels}));
    bias = named("bias", at::zeros({channels}));
    running_mean = register_buffer("running_mean", at::zeros({channels}));
    // Frozen, it begins as the identity, as detectron2 has it.
    running_var = register_buffer("running_var", at::full({channels}, kind == NormKind::frozen ? 1 - eps : 1.0));
    if (kind == NormKind::live) num_batches_tracked = register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
  }

  at::Tensor forward(const at::Tensor& x) {
    if (folded) return x;
    if (kind == NormKind::frozen && x.requires_grad() && at::GradMode::is_enabled()) {
      // As the official frozen norms: two numbers a channel in float32, applied in the type of x. Nothing is kept for
      // the way back but x and those.
      const auto scale = weight * (running_var + eps).rsqrt();
      const auto shift = bias - running_mean * scale;
      const auto across = [&](const at::Tensor& each) { return each.to(x.scalar_type()).view({1, -1, 1, 1}); };
      return x * across(scale) + across(shift);
    }
    const bool learns = kind == NormKind::live && is_training();
    if (learns) num_batches_tracked.add_(1);
    return at::batch_norm(x, weight, bias, running_mean, running_var, learns, /*momentum=*/0.1, eps, /*cudnn=*/true);
  }

  std::string refuses_weights() const override {
    return folded ? "its norms are folded into its convolutions, which files do not have so" : "";
  }

  static constexpr double eps = 1e-5;
  const NormKind kind;
  at::Tensor weight, bias, running_mean, running_var;
  at::Tensor num_batches_tracked;  // live norms only
  bool folded = false;             ///< the convolution before it does its work
};
TORCH_MODULE(Norm2d);

}  // namespace vos
