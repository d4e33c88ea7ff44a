#pragma once

#include <cstdint>

#include <ATen/ops/empty.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/linear.h>

namespace vos {

/// A linear layer as Swin's begin: a normal distribution of deviation 0.02, no bias. As with make_conv, LibTorch's own
/// beginning has nothing to do.
inline torch::nn::Linear make_linear(std::int64_t in, std::int64_t out, bool bias = true) {
  torch::nn::Linear linear(torch::nn::LinearOptions(1, 1).bias(bias));
  linear->options.in_features(in).out_features(out);
  linear->weight.set_data(at::empty({out, in}));
  torch::nn::init::normal_(linear->weight, 0, 0.02);
  if (bias) {
    linear->bias.set_data(at::empty({out}));
    torch::nn::init::zeros_(linear->bias);
  }
  return linear;
}

}  // namespace vos
