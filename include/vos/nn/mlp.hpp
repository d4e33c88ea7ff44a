#pragma once

#include <cstddef>
#include <cstdint>

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

namespace vos {

struct MlpOptions {
  std::int64_t in = 256, hidden = 256, out = 256, depth = 3;
};

/// [*,in] -> [*,out]. ReLU between layers, none after the last.
struct MlpImpl : torch::nn::Module {
  explicit MlpImpl(MlpOptions o = {}) : options(o) {
    for (std::int64_t i = 0; i < o.depth; ++i)
      layers->push_back(torch::nn::Linear(i == 0 ? o.in : o.hidden, i + 1 == o.depth ? o.out : o.hidden));
  }

  at::Tensor forward(at::Tensor x) {
    for (std::size_t i = 0; i < layers->size(); ++i) {
      if (i > 0) x = x.relu();
      x = layers->at<torch::nn::LinearImpl>(i).forward(x);
    }
    return x;
  }

  const MlpOptions options;
  // Checkpoint keys layers.{i}.weight, layers.{i}.bias: the member's name is the key.
  torch::nn::ModuleList layers{register_module("layers", torch::nn::ModuleList())};
};
TORCH_MODULE(Mlp);

}  // namespace vos
