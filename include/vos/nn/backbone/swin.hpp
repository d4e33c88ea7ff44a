#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/nn/backbone/drop_path.hpp>
#include <vos/nn/backbone/holder.hpp>
#include <vos/nn/backbone/linear.hpp>
#include <vos/nn/backbone/stages.hpp>
#include <vos/nn/backbone/window_attention.hpp>
#include <vos/nn/layer_norm.hpp>
#include <vos/nn/recompute.hpp>
#include <vos/weights/rules.hpp>

namespace vos {

/// Swin-T; `swin_options` has the others.
struct SwinOptions {
  std::int64_t embed = 96;
  std::array<std::int64_t, 4> depths{2, 2, 6, 2};
  std::array<std::int64_t, 4> heads{3, 6, 12, 24};
  std::int64_t window = 7;
  std::int64_t mlp_ratio = 4;
  double drop_path = 0.2;        ///< of the last of all blocks, also of those not built; the first has 0
  std::int64_t stages = 4;       ///< layers.0 to layers.{stages-1} are built
  std::int64_t first_level = 1;  ///< the levels are the maps of stage `first_level` and later
};

/// The sizes of the paper: 'T', 'S', 'B' or 'L'. The ImageNet files of B and L come with windows of 7 and of 12.
inline SwinOptions swin_options(char size, std::int64_t window = 7) {
  switch (size) {
    case 'T': return {.window = window};
    case 'S': return {.depths = {2, 2, 18, 2}, .window = window, .drop_path = 0.3};
    case 'B':
      return {.embed = 128, .depths = {2, 2, 18, 2}, .heads = {4, 8, 16, 32}, .window = window, .drop_path = 0.3};
    case 'L':
      return {.embed = 192, .depths = {2, 2, 18, 2}, .heads = {6, 12, 24, 48}, .window = window, .drop_path = 0.3};
  }
  throw Error({.what = "there is no Swin-" + std::string(1, size),
               .where = "options of Swin",
               .mend = "sizes: T, S, B, L",
               .exit_code = exit_code::usage});
}

namespace detail {

struct SwinMlpImpl : torch::nn::Module {
  SwinMlpImpl(std::int64_t channels, std::int64_t hidden)
      : fc1(register_module("fc1", make_linear(channels, hidden))),
        fc2(register_module("fc2", make_linear(hidden, channels))) {}

  at::Tensor forward(const at::Tensor& x) { return fc2(at::gelu(fc1(x))); }  // the exact GELU, by erf

  torch::nn::Linear fc1, fc2;
};
TORCH_MODULE(SwinMlp);

/// [B,H,W,C] with zeros to the right and below, up to multiples of `multiple`.
inline at::Tensor pad_grid(const at::Tensor& x, std::int64_t multiple) {
  const auto missing = [&](std::int64_t size) { return (multiple - size % multiple) % multiple; };
  const auto down = missing(x.size(1)), right = missing(x.size(2));
  return down == 0 && right == 0 ? x : at::constant_pad_nd(x, {0, 0, 0, right, 0, down});
}

struct SwinBlockImpl : torch::nn::Module {
  SwinBlockImpl(std::int64_t channels, std::int64_t heads, const SwinOptions& o, std::int64_t shifted, double drop)
      : window(o.window), shift(shifted), drop_rate(drop) {
    norm1 = register_module("norm1", make_layer_norm(channels));
    attn = register_module("attn", WindowAttention(channels, heads, window));
    norm2 = register_module("norm2", make_layer_norm(channels));
    mlp = register_module("mlp", SwinMlp(channels, o.mlp_ratio * channels));
  }

  /// x [B,H,W,C]. Padded after the norm: what is padded is zero there, and takes part.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& apart) {
    auto y = pad_grid(norm1(x), window);
    if (shift > 0) y = at::roll(y, {-shift, -shift}, {1, 2});
    y = attn(y, shift > 0 ? apart : at::Tensor{});
    if (shift > 0) y = at::roll(y, {shift, shift}, {1, 2});
    y = y.slice(1, 0, x.size(1)).slice(2, 0, x.size(2));
    const auto seen = x + dropped(y);
    return seen + dropped(mlp(norm2(seen)));
  }

  const std::int64_t window, shift;
  const double drop_rate;
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  WindowAttention attn{nullptr};
  SwinMlp mlp{nullptr};

 private:
  at::Tensor dropped(const at::Tensor& branch) const { return is_training() ? drop_path(branch, drop_rate) : branch; }
};
TORCH_MODULE(SwinBlock);

/// Four neighbours become one token of twice the channels: [B,H,W,C] -> [B,ceil(H/2),ceil(W/2),2C].
struct PatchMergingImpl : torch::nn::Module {
  explicit PatchMergingImpl(std::int64_t channels)
      : reduction(register_module("reduction", make_linear(4 * channels, 2 * channels, /*bias=*/false))),
        norm(register_module("norm", make_layer_norm(4 * channels))) {}

  at::Tensor forward(const at::Tensor& x) {
    const auto grid = pad_grid(x, 2);
    const auto height = grid.size(1) / 2, width = grid.size(2) / 2;
    // Channel order: upper left, lower left, upper right, lower right.
    const auto four = grid.reshape({grid.size(0), height, 2, width, 2, grid.size(3)}).permute({0, 1, 3, 4, 2, 5});
    return reduction(norm(four.flatten(3)));
  }

  torch::nn::Linear reduction;
  torch::nn::LayerNorm norm;
};
TORCH_MODULE(PatchMerging);

struct PatchEmbedImpl : torch::nn::Module {
  PatchEmbedImpl(std::int64_t in, std::int64_t channels)
      : proj(register_module("proj", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, channels, 4).stride(4)))),
        norm(register_module("norm", make_layer_norm(channels))) {}

  /// images [N,3,H,W] -> [N,ceil(H/4),ceil(W/4),C]
  at::Tensor forward(const at::Tensor& images) {
    return norm(proj(pad_grid(images.permute({0, 2, 3, 1}), 4).permute({0, 3, 1, 2})).permute({0, 2, 3, 1}));
  }

  torch::nn::Conv2d proj;
  torch::nn::LayerNorm norm;
};
TORCH_MODULE(PatchEmbed);

inline void expect_heads(const SwinOptions& o) {
  const auto refuse = [](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = "options of Swin", .mend = mend, .exit_code = exit_code::usage});
  };
  if (o.window < 1) refuse("the window is " + std::to_string(o.window), "pick 1 or more");
  for (std::size_t i = 0; i < o.heads.size(); ++i)
    if (o.embed < 1 || o.heads[i] < 1 || (o.embed << i) % o.heads[i] != 0)
      refuse(std::to_string(o.embed << i) + " channels do not make " + std::to_string(o.heads[i]) + " heads",
             "pick channels that the heads of each stage divide; a stage has twice those of the one before");
}

struct SwinStageImpl : torch::nn::Module {
  torch::nn::ModuleList blocks{register_module("blocks", torch::nn::ModuleList())};
  PatchMerging downsample{nullptr};  // none after the last stage
};
TORCH_MODULE(SwinStage);

}  // namespace detail

/// Swin Transformer with the official names: patch_embed, layers.0 to layers.3, and norm0 to norm3 on what goes out.
struct SwinImpl : torch::nn::Module, Recomputable {
  explicit SwinImpl(SwinOptions o = {}) : options(o) {
    expect_stages("Swin", o.first_level, o.stages, 32);
    detail::expect_heads(o);
    const auto last = std::max<std::int64_t>(std::accumulate(o.depths.begin(), o.depths.end(), std::int64_t{0}) - 1, 1);
    std::int64_t block = 0;
    patch_embed = register_module("patch_embed", detail::PatchEmbed(3, o.embed));
    layers = register_module("layers", torch::nn::ModuleList());
    for (std::int64_t i = 0; i < o.stages; ++i) {
      const auto channels = o.embed << i;
      detail::SwinStage stage;
      for (std::int64_t j = 0; j < o.depths[static_cast<std::size_t>(i)]; ++j, ++block)
        stage->blocks->push_back(
            detail::SwinBlock(channels, o.heads[static_cast<std::size_t>(i)], o, j % 2 == 0 ? 0 : o.window / 2,
                              o.drop_path * static_cast<double>(block) / static_cast<double>(last)));
      if (i + 1 < o.stages) stage->downsample = stage->register_module("downsample", detail::PatchMerging(channels));
      layers->push_back(stage);
    }
    for (auto i = o.first_level - 1; i < o.stages; ++i)
      norms_.push_back(register_module("norm" + std::to_string(i), make_layer_norm(o.embed << i)));
  }

  /// images [N,3,H,W]. The maps lie channels-last in memory.
  std::vector<FeatureMap> forward(const at::Tensor& images) {
    expect_shape(images, {any_size, 3, any_size, any_size}, "images [N,3,H,W]");
    auto x = patch_embed(images);  // [N,h,w,C], here and below
    const auto apart = shift_masks(options.window, options.window / 2, x.options());
    std::vector<FeatureMap> maps;
    for (std::int64_t i = 0; i < options.stages; ++i) {
      auto& stage = layers->at<detail::SwinStageImpl>(static_cast<std::size_t>(i));
      for (const auto& child : *stage.blocks) {
        auto& block = *child->as<detail::SwinBlockImpl>();
        const auto run = [&block](const Tensors& in) { return Tensors{block.forward(in[0], in[1])}; };
        x = recomputed(recompute_, {&block}, {x, apart}, run).at(0);
      }
      if (i + 1 >= options.first_level)
        maps.push_back({norms_[maps.size()](x).permute({0, 3, 1, 2}), std::int64_t{4} << i});
      if (stage.downsample) x = stage.downsample(x);
    }
    return maps;
  }

  std::vector<FeatureLevel> levels() const {
    std::vector<FeatureLevel> levels;
    for (auto i = options.first_level - 1; i < options.stages; ++i)
      levels.push_back({.channels = options.embed << i, .stride = std::int64_t{4} << i});
    return levels;
  }

  LoadRules rules() const;  ///< for its ImageNet files
  void recompute(bool on) override { recompute_ = on; }

  const SwinOptions options;
  detail::PatchEmbed patch_embed{nullptr};
  torch::nn::ModuleList layers{nullptr};

 private:
  bool recompute_ = false;
  std::vector<torch::nn::LayerNorm> norms_;  // norm{first_level-1}, ...
};
using Swin = BackboneHolder<SwinImpl>;
static_assert(Backbone<Swin>);

/// The official ImageNet files (also inside detectron2's .pkl), whose names these are, timm's and torchvision's. From 0.9 on
/// timm counts a merging to the stage after it; such a file is known by the one it has in layers.3. torchvision numbers stages
/// and mergings in turn. Files of another window are resized.
inline LoadRules swin_rules(const SwinOptions& options = {}) {
  LoadRules rules{.unneeded = {"norm.**", "head.**", "**.attn_mask"},
                  .optional = {"norm*.*"},
                  .untouched = {"**.relative_position_index"},  // a table of ours: no file can make it wrong
                  .fits = {{"**.relative_position_bias_table", Fit::window_table}}};
  rules.keys = {{"features.0.0.**", "patch_embed.proj.**"}, {"features.0.2.**", "patch_embed.norm.**"}};
  for (const auto stage : {0, 1, 2, 3}) {
    const auto layer = "layers." + std::to_string(stage);
    rules.keys.push_back({"features." + std::to_string(2 * stage + 1) + ".**", layer + ".blocks.**"});
    rules.keys.push_back({"features." + std::to_string(2 * stage + 2) + ".**", layer + ".downsample.**"});
  }
  rules.keys.push_back({"layers.*.blocks.*.mlp.0.*", "layers.*.blocks.*.mlp.fc1.*"});
  rules.keys.push_back({"layers.*.blocks.*.mlp.3.*", "layers.*.blocks.*.mlp.fc2.*"});
  for (const auto stage : {1, 2, 3})
    rules.keys.push_back({.from = "layers." + std::to_string(stage) + ".downsample.**",
                          .to = "layers." + std::to_string(stage - 1) + ".downsample.**",
                          .if_file_has = "layers.3.downsample.**"});
  if (options.stages < 4) rules.unneeded.push_back("layers." + std::to_string(options.stages - 1) + ".downsample.**");
  for (auto stage = options.stages; stage < 4; ++stage)
    rules.unneeded.push_back("layers." + std::to_string(stage) + ".**");
  return rules;
}

inline LoadRules SwinImpl::rules() const { return swin_rules(options); }

}  // namespace vos
