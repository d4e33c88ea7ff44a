#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/nn/clip_decoder/query_memory.hpp>
#include <vos/nn/clip_decoder/windows.hpp>
#include <vos/nn/layer_norm.hpp>
#include <vos/nn/mlp.hpp>
#include <vos/nn/query_layers.hpp>
#include <vos/nn/recompute.hpp>
#include <vos/nn/token_decoder.hpp>
#include <vos/nn/transformer_blocks.hpp>

namespace vos {

struct ClipDecoderOptions {
  std::int64_t channels = 256, heads = 8, hidden = 2048;
  std::int64_t encoder_layers = 6, decoder_layers = 3;
  std::int64_t window = 6;          ///< frames whose tokens look at one another in the encoder; 0: the whole clip
  std::int64_t frame_tokens = 100;  ///< of each frame, from a TokenDecoder
  std::int64_t queries = 100;       ///< each is one object in the whole clip
  std::int64_t classes = 40;
  bool memory = false;  ///< GenVIS' four projections: queries that travel from clip to clip ask a QueryMemory
};

struct ClipDecoding {
  std::vector<TokenPrediction> layers = {};  ///< N is B, Q the queries; every layer in training, else the last one only
  at::Tensor state = {};                     ///< [B,Q,C] not normed: the queries that the next clip begins with
};

/// VITA's clip decoder with its checkpoints' names: the tokens of T frames look at one another, then queries look at them.
/// No code says which frame is which. With `memory`, and clips of one frame, GenVIS' online form of it.
struct ClipDecoderImpl : torch::nn::Module, Recomputable {
  explicit ClipDecoderImpl(ClipDecoderOptions o = {})
      : options(o),
        layers(*this, {.layers = o.decoder_layers, .channels = o.channels, .heads = o.heads, .hidden = o.hidden}) {
    if (o.frame_tokens < 1 || o.queries < 1 || o.classes < 1 || o.decoder_layers < 1 || o.encoder_layers < 0 ||
        o.window < 0)
      throw Error({.what = std::to_string(o.queries) + " queries, " + std::to_string(o.frame_tokens) +
                           " tokens of a frame, " + std::to_string(o.classes) + " classes, " +
                           std::to_string(o.encoder_layers) + " and " + std::to_string(o.decoder_layers) +
                           " layers, a window of " + std::to_string(o.window),
                   .where = "options of ClipDecoder",
                   .mend = "at least one query, token, class and decoder layer, and nothing below 0",
                   .exit_code = exit_code::usage});
    const auto c = o.channels;
    for (std::int64_t i = 0; i < o.encoder_layers; ++i) {
      enc_self_attn->push_back(SelfAttentionLayer(AttentionOptions{.channels = c, .heads = o.heads}));
      enc_ffn->push_back(Ffn(FfnOptions{.channels = c, .hidden = o.hidden}));
    }
    register_module("enc_self_attn", enc_self_attn);
    register_module("enc_ffn", enc_ffn);
    vita_mask_features = register_module("vita_mask_features", torch::nn::Conv2d(torch::nn::Conv2dOptions(c, c, 1)));
    torch::nn::init::kaiming_uniform_(vita_mask_features->weight, 1);
    torch::nn::init::zeros_(vita_mask_features->bias);
    decoder_norm = register_module("decoder_norm", make_layer_norm(c));
    query_feat = register_module("query_feat", torch::nn::Embedding(o.queries, c));
    query_embed = register_module("query_embed", torch::nn::Embedding(o.queries, c));
    fq_pos = register_module("fq_pos", torch::nn::Embedding(o.frame_tokens, c));
    const auto linear = [&](const std::string& name, std::int64_t out) {
      return register_module(name, torch::nn::Linear(c, out));
    };
    input_proj_dec = linear("input_proj_dec", c);
    class_embed = linear("class_embed", o.classes + 1);
    mask_embed = register_module("mask_embed", Mlp(MlpOptions{c, c, c}));
    sim_embed_frame = linear("sim_embed_frame", c);
    sim_embed_clip = linear("sim_embed_clip", c);
    if (!o.memory) return;
    pre_memory_embed_k = linear("pre_memory_embed_k", c), pre_memory_embed_v = linear("pre_memory_embed_v", c);
    pre_query_embed_k = linear("pre_query_embed_k", c), pre_query_embed_v = linear("pre_query_embed_v", c);
  }

  /// Normed tokens of B clips' frames [B,T,frame_tokens,C] -> [B,T,frame_tokens,C].
  at::Tensor encode(const at::Tensor& frame_tokens) {
    expect_shape(frame_tokens, {any_size, any_size, options.frame_tokens, options.channels}, "frame tokens [B,T,Q,C]");
    auto x = input_proj_dec(frame_tokens);
    for (std::size_t i = 0; i < enc_self_attn->size(); ++i) {
      // Every other layer's windows lie across the others' ends, but in training: clips are short there.
      const bool shifted = i % 2 == 1 && !is_training();
      x = attend_in_windows(x, options.window, shifted ? options.window / 2 : 0, [&](const at::Tensor& tokens) {
        return enc_self_attn->at<SelfAttentionLayerImpl>(i).forward(tokens, {});
      });
      x = enc_ffn->at<FfnImpl>(i).forward(x);
    }
    return x;
  }

  /// Queries [B,Q,C] look at what encode() gave.
  ClipDecoding decode(const at::Tensor& encoded, const at::Tensor& queries) {
    expect_shape(encoded, {any_size, any_size, options.frame_tokens, options.channels}, "encoded tokens [B,T,Q,C]");
    expect_shape(queries, {encoded.size(0), options.queries, options.channels}, "queries [B,Q,C]");
    const auto values = encoded.flatten(1, 2), keys = (encoded + fq_pos->weight).flatten(1, 2);  // [B,T*frame_tokens,C]
    ClipDecoding decoding{.state = queries};
    for (std::size_t i = 0; i < layers.size(); ++i) {
      decoding.state = layers(i, decoding.state, query_embed->weight, keys, values);
      if (is_training() || i + 1 == layers.size()) {
        const auto tokens = decoder_norm(decoding.state);
        decoding.layers.push_back({tokens, class_embed(tokens), mask_embed(tokens)});
      }
    }
    return decoding;
  }

  /// The learned queries that a video begins with: [Q,C].
  at::Tensor begin() const { return query_feat->weight; }

  /// A state [B,Q,C] in which these slots begin anew. Their memory is the QueryMemory's to forget.
  at::Tensor begin_anew(const at::Tensor& state, std::span<const std::int64_t> slots) const {
    if (slots.empty()) return state;
    const auto places = at::tensor(at::IntArrayRef(slots.data(), slots.size()), at::kLong).to(state.device());
    const auto begun = begin().index_select(0, places).to(state.scalar_type());
    return state.index_copy(1, places, begun.expand({state.size(0), -1, -1}));
  }

  /// Queries [B,Q,C], begun or of the clip before, with what they remember: what decode() takes where queries travel.
  at::Tensor recall(const at::Tensor& queries, const QueryMemory& memory) {
    const auto now = queries + pre_query_embed_v(queries);
    return memory.empty() ? now : now + memory.read(pre_query_embed_k(queries));
  }

  /// Writes a frame's normed tokens [B,Q,C], decode()'s last, into the memory. `alive` as QueryMemory has it.
  void memorize(const at::Tensor& tokens, std::int64_t frame, QueryMemory& memory, const at::Tensor& alive = {}) {
    memory.add(pre_memory_embed_k(tokens), pre_memory_embed_v(tokens), frame, alive);
  }

  /// The map that mask embeddings are multiplied with: of PixelFeatures::finest, [N,C,h,w] -> [N,C,h,w].
  at::Tensor mask_features(const at::Tensor& finest) { return vita_mask_features(finest); }

  void recompute(bool on) override { layers.recompute(on); }

  const ClipDecoderOptions options;
  QueryLayers layers;
  torch::nn::ModuleList enc_self_attn, enc_ffn;
  torch::nn::Conv2d vita_mask_features{nullptr};
  torch::nn::LayerNorm decoder_norm{nullptr};
  torch::nn::Embedding query_feat{nullptr}, query_embed{nullptr}, fq_pos{nullptr};
  torch::nn::Linear input_proj_dec{nullptr}, class_embed{nullptr};
  Mlp mask_embed{nullptr};
  torch::nn::Linear sim_embed_frame{nullptr}, sim_embed_clip{nullptr};  ///< for the similarity loss
  torch::nn::Linear pre_memory_embed_k{nullptr}, pre_memory_embed_v{nullptr};
  torch::nn::Linear pre_query_embed_k{nullptr}, pre_query_embed_v{nullptr};
};
TORCH_MODULE(ClipDecoder);

}  // namespace vos
