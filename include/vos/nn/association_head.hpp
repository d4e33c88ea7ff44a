#pragma once

#include <cstdint>

#include <vos/nn/layer_norm.hpp>
#include <vos/nn/mlp.hpp>

namespace vos {

struct AssociationHeadOptions {
  std::int64_t channels = 256;
  std::int64_t embedding = 128;
};

/// Tokens as trackers compare them: [*,C] -> [*,E], linear, ReLU, linear, layer norm. The norm gives all of them about one length,
/// so that a dot product says how alike two are.
struct AssociationHeadImpl : MlpImpl {
  explicit AssociationHeadImpl(AssociationHeadOptions o = {})
      : MlpImpl({.in = o.channels, .hidden = o.channels, .out = o.embedding, .depth = 2}),
        norm(register_module("norm", make_layer_norm(o.embedding))) {}

  at::Tensor forward(const at::Tensor& tokens) { return norm(MlpImpl::forward(tokens)); }

  torch::nn::LayerNorm norm;
};
TORCH_MODULE(AssociationHead);

}  // namespace vos
