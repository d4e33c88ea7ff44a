#pragma once

#include <cstdint>
#include <optional>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/linear.h>

#include <vos/nn/attention.hpp>
#include <vos/nn/layer_norm.hpp>

namespace vos {

struct FfnOptions {
  std::int64_t channels = 256, hidden = 2048;
  double dropout = 0;
};

// The three layers of Mask2Former's decoder, with its checkpoints' names; the norm comes last, as in DETR.

/// norm(x + linear2(relu(linear1(x)))): [*,C] -> [*,C].
struct FfnImpl : torch::nn::Module {
  explicit FfnImpl(FfnOptions o = {}) : options(o) {
    linear1 = register_module("linear1", torch::nn::Linear(o.channels, o.hidden));
    linear2 = register_module("linear2", torch::nn::Linear(o.hidden, o.channels));
    norm = register_module("norm", make_layer_norm(o.channels));
    for (const auto& linear : {linear1, linear2}) torch::nn::init::xavier_uniform_(linear->weight);
  }

  at::Tensor forward(const at::Tensor& x) {
    const auto dropped = [this](const at::Tensor& y) { return at::dropout(y, options.dropout, is_training()); };
    return norm(x + dropped(linear2(dropped(linear1(x).relu()))));
  }

  const FfnOptions options;
  torch::nn::Linear linear1{nullptr}, linear2{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(Ffn);

/// norm(x + attention among themselves): x, position [N,Q,C] -> [N,Q,C]. Positions are added to what asks and to what is
/// asked, not to what is answered; an undefined one is none.
struct SelfAttentionLayerImpl : torch::nn::Module {
  explicit SelfAttentionLayerImpl(AttentionOptions o = {})
      : self_attn(register_module("self_attn", Attention(o))),
        norm(register_module("norm", make_layer_norm(o.channels))) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& position, const std::optional<at::Tensor>& mask = {}) {
    const auto placed = position.defined() ? x + position : x;
    return norm(x + self_attn->dropped(self_attn(placed, placed, x, mask)));
  }

  Attention self_attn;
  torch::nn::LayerNorm norm;
};
TORCH_MODULE(SelfAttentionLayer);

/// norm(x + attention over a memory): x, position [N,Q,C], memory and its position [N,K,C] -> [N,Q,C].
struct CrossAttentionLayerImpl : torch::nn::Module {
  explicit CrossAttentionLayerImpl(AttentionOptions o = {})
      : multihead_attn(register_module("multihead_attn", Attention(o))),
        norm(register_module("norm", make_layer_norm(o.channels))) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& position, const at::Tensor& memory,
                     const at::Tensor& memory_position, const std::optional<at::Tensor>& mask = {}) {
    return look(x, position, memory + memory_position, memory, mask);
  }

  /// The same where the keys, a memory with its position, are at hand: layers that look at one memory add the two once.
  at::Tensor look(const at::Tensor& x, const at::Tensor& position, const at::Tensor& keys, const at::Tensor& values,
                  const std::optional<at::Tensor>& mask = {}) {
    return norm(x + multihead_attn->dropped(multihead_attn(x + position, keys, values, mask)));
  }

  Attention multihead_attn;
  torch::nn::LayerNorm norm;
};
TORCH_MODULE(CrossAttentionLayer);

}  // namespace vos
