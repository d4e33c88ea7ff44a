#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/nn/layer_norm.hpp>
#include <vos/nn/mlp.hpp>
#include <vos/nn/pixel_decoder/pixel_decoder.hpp>
#include <vos/nn/query_layers.hpp>
#include <vos/nn/recompute.hpp>
#include <vos/nn/sine_cache.hpp>

namespace vos {

struct TokenDecoderOptions {
  std::int64_t channels = 256, heads = 8, hidden = 2048;
  std::int64_t layers = 9;
  std::int64_t tokens = 100;
  std::int64_t levels = 3;  ///< layer i looks at level i mod `levels`, the coarsest first
  std::int64_t classes = 40;
  bool masked = true;  ///< a token looks only where the mask that it had before the layer is
  double dropout = 0;
};

/// What tokens say of their objects.
struct TokenPrediction {
  at::Tensor tokens = {};           ///< [N,Q,C] normed
  at::Tensor logits = {};           ///< [N,Q,K+1] class scores before softmax; the last column is ∅
  at::Tensor mask_embeddings = {};  ///< [N,Q,C] times the pixel features they are masks
};

/// Mask logits: embeddings [N,Q,C] and features [N,C,h,w] -> [N,Q,h,w].
inline at::Tensor masks_of(const at::Tensor& mask_embeddings, const at::Tensor& features) {
  expect_shape(features, {any_size, any_size, any_size, any_size}, "features [N,C,h,w]");
  expect_shape(mask_embeddings, {features.size(0), any_size, features.size(1)}, "mask embeddings [N,Q,C]");
  return mask_embeddings.bmm(features.flatten(2)).unflatten(2, {features.size(2), features.size(3)});
}

namespace detail {

inline TokenDecoderOptions checked(TokenDecoderOptions o) {
  const auto refuse = [](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = "options of TokenDecoder", .mend = mend, .exit_code = exit_code::usage});
  };
  if (o.tokens < 1 || o.levels < 1 || o.layers < 0 || o.classes < 1)
    refuse(std::to_string(o.tokens) + " tokens, " + std::to_string(o.levels) + " levels, " + std::to_string(o.layers) +
               " layers, " + std::to_string(o.classes) + " classes",
           "at least one token, level and class, and no fewer than 0 layers");
  if (o.channels % 4 != 0)
    refuse(std::to_string(o.channels) + " channels have no position code", "pick a multiple of 4");
  return o;
}

}  // namespace detail

/// Mask2Former's decoder with its checkpoints' names: learned tokens look at the levels of a frame in turn, each where its
/// own mask is, and say of which class and where their object is.
struct TokenDecoderImpl : torch::nn::Module, Recomputable {
  explicit TokenDecoderImpl(TokenDecoderOptions o = {})
      : options(detail::checked(o)),
        layers(
            *this,
            {.layers = o.layers, .channels = o.channels, .heads = o.heads, .hidden = o.hidden, .dropout = o.dropout}),
        codes_({.features = o.channels / 2}) {
    decoder_norm = register_module("decoder_norm", make_layer_norm(o.channels));
    query_feat = register_module("query_feat", torch::nn::Embedding(o.tokens, o.channels));
    query_embed = register_module("query_embed", torch::nn::Embedding(o.tokens, o.channels));
    level_embed = register_module("level_embed", torch::nn::Embedding(o.levels, o.channels));
    class_embed = register_module("class_embed", torch::nn::Linear(o.channels, o.classes + 1));
    mask_embed = register_module("mask_embed", Mlp(MlpOptions{o.channels, o.channels, o.channels}));
  }

  /// Every prediction, the first one of the tokens before any layer: training supervises each.
  std::vector<TokenPrediction> forward(const PixelFeatures& features) { return decode(features, true); }

  /// The last prediction, and no more than it needs.
  TokenPrediction last(const PixelFeatures& features) { return decode(features, false).back(); }

  void recompute(bool on) override { layers.recompute(on); }

  const TokenDecoderOptions options;
  QueryLayers layers;
  torch::nn::LayerNorm decoder_norm{nullptr};
  torch::nn::Embedding query_feat{nullptr}, query_embed{nullptr}, level_embed{nullptr};
  torch::nn::Linear class_embed{nullptr};
  Mlp mask_embed{nullptr};

 private:
  struct Level {
    at::Tensor keys, values;   // [N,h*w,C]
    at::Tensor mask_features;  // [N,C,h*w] what masks of this size are products with; masked only
  };

  std::vector<TokenPrediction> decode(const PixelFeatures& features, bool every) {
    std::vector<Level> levels;
    for (std::int64_t l = 0; l < options.levels; ++l) levels.push_back(level_of(features, l));
    auto x = query_feat->weight.expand({features.masks.size(0), -1, -1});  // [N,Q,C]
    std::vector<TokenPrediction> predictions;
    for (std::size_t i = 0;; ++i) {
      const bool end = i == layers.size();
      TokenPrediction said{.tokens = decoder_norm(x)};
      if (every || end) said.logits = class_embed(said.tokens);
      if (every || end || options.masked) said.mask_embeddings = mask_embed(said.tokens);
      if (every || end) predictions.push_back(said);
      if (end) return predictions;
      const auto& level = levels[i % levels.size()];
      x = layers(i, x, query_embed->weight, level.keys, level.values,
                 options.masked ? std::optional{open_places(said.mask_embeddings, level)} : std::nullopt);
    }
  }

  Level level_of(const PixelFeatures& features, std::int64_t l) {
    if (static_cast<std::int64_t>(features.levels.size()) <= l)
      throw Error({.what = "the pixel decoder gives " + std::to_string(features.levels.size()) +
                           " levels, the token decoder looks at " + std::to_string(options.levels),
                   .where = "TokenDecoder",
                   .mend = "build both with the same number of levels",
                   .exit_code = exit_code::usage});
    const auto& map = features.levels[static_cast<std::size_t>(l)];
    expect_shape(map, {features.masks.size(0), options.channels, any_size, any_size}, "levels [N,C,h,w]");
    const auto height = map.size(2), width = map.size(3);
    Level level;
    level.values = map.flatten(2).transpose(1, 2) + level_embed->weight[l];
    level.keys = level.values + codes_(height, width, map);
    if (!options.masked) return level;
    // A mask at this level is the whole mask made smaller. Both are linear, so the features are made smaller instead, once
    // for every layer and token. Where sizes divide, a place is the mean of the 2x2 in the middle of what it covers.
    const at::NoGradGuard no_grad;
    const auto& whole = features.masks;
    const bool fits = whole.size(2) == height && whole.size(3) == width;
    level.mask_features = (fits ? whole : at::upsample_bilinear2d(whole, {height, width}, false)).flatten(2);
    return level;
  }

  /// Where tokens may look, [N,1,Q,h*w]: in their masks, and everywhere where there is none.
  static at::Tensor open_places(const at::Tensor& mask_embeddings, const Level& level) {
    const at::NoGradGuard no_grad;
    // The official code asks for sigmoid >= 0.5, which rounding also makes of some numbers right below 0.
    const auto inside = mask_embeddings.bmm(level.mask_features).ge(0);
    return inside.logical_or(inside.any(2, true).logical_not()).unsqueeze(1);
  }

  SineCache codes_;
};
TORCH_MODULE(TokenDecoder);

}  // namespace vos
