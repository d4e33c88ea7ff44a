#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/normalization.h>

#include <vos/core/shape.hpp>
#include <vos/nn/backbone/conv.hpp>
#include <vos/nn/backbone/holder.hpp>
#include <vos/nn/group_norm.hpp>
#include <vos/nn/packed_conv.hpp>
#include <vos/nn/recompute.hpp>

namespace vos {

struct TinyOptions {
  std::vector<std::int64_t> channels{24, 48, 96, 128};  ///< a level each, at strides 4, 8, 16, 32
};

namespace detail {

/// 3x3 convolution and group norm: small batches have no statistics worth keeping.
struct TinyConvImpl : torch::nn::Module {
  TinyConvImpl(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv(register_module("conv", make_conv(in, out, {.stride = stride}))),
        norm(register_module("norm", torch::nn::GroupNorm(torch::nn::GroupNormOptions(out % 8 == 0 ? 8 : 1, out)))) {}

  at::Tensor forward(const at::Tensor& x) { return group_norm(*norm, packed_(*conv, x), After::relu); }

  torch::nn::Conv2d conv;
  torch::nn::GroupNorm norm;

 private:
  PackedConv packed_;
};
TORCH_MODULE(TinyConv);

struct TinyStageImpl : torch::nn::Module {
  TinyStageImpl(std::int64_t in, std::int64_t out)
      : halve(register_module("halve", TinyConv(in, out, 2))), look(register_module("look", TinyConv(out, out, 1))) {}

  at::Tensor forward(const at::Tensor& x) {
    const auto half = halve(x);
    return half + look(half);
  }

  TinyConv halve, look;
};
TORCH_MODULE(TinyStage);

}  // namespace detail

/// A small convolutional pyramid that trains from nothing on a CPU: for tests and the tiny presets.
struct TinyBackboneImpl : torch::nn::Module, Recomputable {
  explicit TinyBackboneImpl(TinyOptions o = {}) : options(std::move(o)) {
    stem = register_module("stem", detail::TinyConv(3, options.channels.front(), 2));
    auto in = options.channels.front();
    for (const auto out : options.channels) {
      stages_.push_back(register_module("stage" + std::to_string(stages_.size() + 1), detail::TinyStage(in, out)));
      in = out;
    }
  }

  /// images [N,3,H,W]
  std::vector<FeatureMap> forward(const at::Tensor& images) {
    expect_shape(images, {any_size, 3, any_size, any_size}, "images [N,3,H,W]");
    auto x = recomputed(recompute_, *stem, images);
    std::vector<FeatureMap> maps;
    for (auto& stage : stages_) {
      x = recomputed(recompute_, *stage, x);
      maps.push_back({x, std::int64_t{4} << maps.size()});
    }
    return maps;
  }

  std::vector<FeatureLevel> levels() const {
    std::vector<FeatureLevel> levels;
    for (const auto channels : options.channels)
      levels.push_back({.channels = channels, .stride = std::int64_t{4} << levels.size()});
    return levels;
  }

  void recompute(bool on) override { recompute_ = on; }

  const TinyOptions options;
  detail::TinyConv stem{nullptr};

 private:
  std::vector<detail::TinyStage> stages_;
  bool recompute_ = false;
};
using TinyBackbone = BackboneHolder<TinyBackboneImpl>;
static_assert(Backbone<TinyBackbone>);

}  // namespace vos
