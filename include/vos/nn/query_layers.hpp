#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>

#include <vos/nn/recompute.hpp>
#include <vos/nn/transformer_blocks.hpp>

namespace vos {

struct QueryLayersOptions {
  std::int64_t layers = 9, channels = 256, heads = 8, hidden = 2048;
  double dropout = 0;
};

/// A decoder's layers, in which queries look at a memory, then at one another. They are children of the module that owns
/// them, with Mask2Former's names: transformer_{self_attention,cross_attention,ffn}_layers.
class QueryLayers {
 public:
  QueryLayers(torch::nn::Module& owner, const QueryLayersOptions& o) {
    const AttentionOptions attention{.channels = o.channels, .heads = o.heads, .dropout = o.dropout};
    for (std::int64_t i = 0; i < o.layers; ++i) {
      self_->push_back(SelfAttentionLayer(attention));
      cross_->push_back(CrossAttentionLayer(attention));
      ffn_->push_back(Ffn(FfnOptions{.channels = o.channels, .hidden = o.hidden, .dropout = o.dropout}));
    }
    owner.register_module("transformer_self_attention_layers", self_);
    owner.register_module("transformer_cross_attention_layers", cross_);
    owner.register_module("transformer_ffn_layers", ffn_);
  }

  std::size_t size() const { return ffn_->size(); }

  /// Layer i: queries x [N,Q,C] with their position [Q,C], keys and values [N,K,C] -> [N,Q,C]. `mask` as in Attention.
  at::Tensor operator()(std::size_t i, const at::Tensor& x, const at::Tensor& position, const at::Tensor& keys,
                        const at::Tensor& values, const std::optional<at::Tensor>& mask = {}) {
    auto& cross = cross_->at<CrossAttentionLayerImpl>(i);
    auto& self = self_->at<SelfAttentionLayerImpl>(i);
    auto& ffn = ffn_->at<FfnImpl>(i);
    const auto layer = [&, mask](const Tensors& in) {
      const auto seen = cross.look(in[0], in[1], in[2], in[3], mask);
      return Tensors{ffn.forward(self.forward(seen, in[1]))};
    };
    return recomputed(recompute_, {&cross, &self, &ffn}, {x, position, keys, values}, layer).at(0);
  }

  void recompute(bool on) { recompute_ = on; }

 private:
  torch::nn::ModuleList self_, cross_, ffn_;
  bool recompute_ = false;
};

}  // namespace vos
