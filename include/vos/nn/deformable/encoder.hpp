#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

#include <vos/nn/deformable/attention.hpp>
#include <vos/nn/layer_norm.hpp>
#include <vos/nn/recompute.hpp>

namespace vos {

struct DeformableEncoderOptions {
  std::int64_t channels = 256, heads = 8, hidden = 1024, layers = 6, levels = 4, points = 4;
  double dropout = 0;
};

/// Tokens of all levels look at each other, then each thinks for itself; a norm after both: [N,S,C] -> [N,S,C].
struct DeformableEncoderLayerImpl : torch::nn::Module {
  explicit DeformableEncoderLayerImpl(DeformableEncoderOptions o = {}) : dropout(o.dropout) {
    self_attn = register_module(
        "self_attn", DeformableAttention(DeformableAttentionOptions{o.channels, o.heads, o.levels, o.points}));
    norm1 = register_module("norm1", make_layer_norm(o.channels));
    linear1 = register_module("linear1", torch::nn::Linear(o.channels, o.hidden));
    linear2 = register_module("linear2", torch::nn::Linear(o.hidden, o.channels));
    norm2 = register_module("norm2", make_layer_norm(o.channels));
    for (const auto& linear : {linear1, linear2}) torch::nn::init::xavier_uniform_(linear->weight);
  }

  at::Tensor forward(const at::Tensor& x, const at::Tensor& position, const at::Tensor& references,
                     std::span<const GridSize> levels, const std::optional<at::Tensor>& valid = {}) {
    const auto dropped = [this](const at::Tensor& y) { return at::dropout(y, dropout, is_training()); };
    const auto seen = norm1(x + dropped(self_attn(x + position, references, x, levels, valid)));
    return norm2(seen + dropped(linear2(dropped(linear1(seen).relu_()))));
  }

  const double dropout;
  DeformableAttention self_attn{nullptr};
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  torch::nn::Linear linear1{nullptr}, linear2{nullptr};
};
TORCH_MODULE(DeformableEncoderLayer);

/// Deformable DETR's encoder: positions are added again before every layer.
struct DeformableEncoderImpl : torch::nn::Module, Recomputable {
  explicit DeformableEncoderImpl(DeformableEncoderOptions o = {}) : options(o) {
    for (std::int64_t i = 0; i < o.layers; ++i) layers->push_back(DeformableEncoderLayer(o));
  }

  ///   tokens      [N,S,C]    of all levels, one after the other
  ///   positions   [N,S,C]    or [1,S,C]
  ///   references  [N,S,L,2]  or what DeformableAttention takes: token_centres() where no picture has padding
  ///   valid       [N,S]      bool, true where the picture is
  at::Tensor forward(at::Tensor tokens, const at::Tensor& positions, const at::Tensor& references,
                     std::span<const GridSize> levels, const std::optional<at::Tensor>& valid = {}) {
    for (const auto& child : *layers) {
      auto& layer = *child->as<DeformableEncoderLayerImpl>();
      const auto run = [&layer, valid, grid = std::vector(levels.begin(), levels.end())](const Tensors& in) {
        return Tensors{layer.forward(in[0], in[1], in[2], grid, valid)};
      };
      tokens = recomputed(recompute_, {&layer}, {tokens, positions, references}, run).at(0);
    }
    return tokens;
  }

  void recompute(bool on) override { recompute_ = on; }

  const DeformableEncoderOptions options;
  torch::nn::ModuleList layers{register_module("layers", torch::nn::ModuleList())};

 private:
  bool recompute_ = false;
};
TORCH_MODULE(DeformableEncoder);

}  // namespace vos
