#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/modules/container/sequential.h>

#include <vos/core/shape.hpp>
#include <vos/nn/backbone/conv.hpp>
#include <vos/nn/backbone/holder.hpp>
#include <vos/nn/backbone/norm2d.hpp>
#include <vos/nn/backbone/stages.hpp>
#include <vos/nn/recompute.hpp>
#include <vos/weights/rules.hpp>

namespace vos {

/// Stages are what ends at strides 4, 8, 16 and 32: features 0-3, 4-6, 7-13 and 14-18.
struct MobileNetV2Options {
  std::int64_t stages = 4;
  std::int64_t first_level = 1;
  std::int64_t output_stride = 32;  ///< 16 is AOT's form: the last stage dilates
  std::int64_t in_channels = 3;
  NormKind norm = NormKind::frozen;
};

/// Convolution, norm, ReLU6; named by number, as torchvision does.
struct ConvNormReLU6Impl : torch::nn::Module {
  ConvNormReLU6Impl(std::int64_t in, std::int64_t out, ConvShape shape, NormKind kind)
      : conv(register_module("0", make_conv(in, out, shape))), norm(register_module("1", Norm2d(out, kind))) {}

  at::Tensor forward(const at::Tensor& x) {
    auto y = norm(conv(x));
    return at::relu6_(y);
  }

  torch::nn::Conv2d conv;
  Norm2d norm;
};
TORCH_MODULE(ConvNormReLU6);

/// Widen by `expand`, filter each channel, narrow again; the input is added where the shapes allow.
struct InvertedResidualImpl : torch::nn::Module {
  InvertedResidualImpl(std::int64_t in, std::int64_t out, std::int64_t expand, std::int64_t stride,
                       std::int64_t dilation, NormKind norm)
      : adds(stride == 1 && in == out) {
    const auto wide = in * expand;
    if (expand != 1) conv->push_back(ConvNormReLU6(in, wide, ConvShape{.kernel = 1}, norm));
    conv->push_back(ConvNormReLU6(wide, wide, ConvShape{.stride = stride, .dilation = dilation, .groups = wide}, norm));
    conv->push_back(make_conv(wide, out, {.kernel = 1}));
    conv->push_back(Norm2d(out, norm));
  }

  at::Tensor forward(const at::Tensor& x) { return adds ? x + conv->forward(x) : conv->forward(x); }

  const bool adds;
  torch::nn::Sequential conv{register_module("conv", torch::nn::Sequential())};
};
TORCH_MODULE(InvertedResidual);

/// MobileNetV2 without classifier, as torchvision names it: features.0 to features.18.
struct MobileNetV2Impl : torch::nn::Module, Recomputable {
  explicit MobileNetV2Impl(MobileNetV2Options o = {}) : options(o) {
    expect_stages("MobileNetV2", o.first_level, o.stages, o.output_stride);
    features->push_back(ConvNormReLU6(o.in_channels, 32, ConvShape{.stride = 2}, o.norm));
    std::int64_t channels = 32;
    for (const auto& group : groups) {
      if (group.stage > o.stages) break;
      const auto plan = stage_plan(group.stage, o.output_stride);
      for (std::int64_t i = 0; i < group.blocks; ++i) {
        const bool first = group.halves && i == 0;
        // What comes in has stride 2, so that the first stage halves too.
        const auto step = !first ? 1 : group.stage == 1 ? 2 : plan.step;
        features->push_back(InvertedResidual(channels, group.channels, group.expand, step,
                                             first ? plan.first_dilation : plan.dilation, o.norm));
        channels = group.channels;
      }
      if (group.stage == 4 && group.channels == 320) {
        features->push_back(ConvNormReLU6(channels, 1280, ConvShape{.kernel = 1}, o.norm));
        channels = 1280;
      }
      if (group.ends_stage) {
        ends_.push_back(features->size());
        levels_.push_back({.channels = channels, .stride = plan.stride});
      }
    }
    levels_.erase(levels_.begin(), levels_.begin() + (o.first_level - 1));
  }

  /// images [N,in_channels,H,W]
  std::vector<FeatureMap> forward(const at::Tensor& images) {
    expect_shape(images, {any_size, options.in_channels, any_size, any_size}, "images [N,C,H,W]");
    auto x = images;
    std::vector<FeatureMap> maps;
    std::size_t next = 0;
    for (std::size_t stage = 0; stage < ends_.size(); ++stage) {
      for (; next < ends_[stage]; ++next) x = part(next, x);
      if (static_cast<std::int64_t>(stage) + 1 >= options.first_level) maps.push_back({x, levels_[maps.size()].stride});
    }
    return maps;
  }

  std::vector<FeatureLevel> levels() const { return levels_; }
  LoadRules rules() const;  ///< for its ImageNet files
  void recompute(bool on) override { recompute_ = on; }

  const MobileNetV2Options options;
  torch::nn::Sequential features{register_module("features", torch::nn::Sequential())};

 private:
  struct Group {
    std::int64_t stage, expand, channels, blocks;
    bool halves, ends_stage;
  };
  static constexpr std::array<Group, 7> groups{{
      {1, 1, 16, 1, false, false},
      {1, 6, 24, 2, true, true},
      {2, 6, 32, 3, true, true},
      {3, 6, 64, 4, true, false},
      {3, 6, 96, 3, false, true},
      {4, 6, 160, 3, true, false},
      {4, 6, 320, 1, false, true},
  }};

  at::Tensor part(std::size_t i, const at::Tensor& x) {
    auto& any = *(features->begin() + static_cast<std::ptrdiff_t>(i));
    const auto run = [&any](const Tensors& in) { return Tensors{any.forward(in[0])}; };
    return recomputed(recompute_, {any.ptr().get()}, {x}, run).at(0);
  }

  bool recompute_ = false;
  std::vector<std::size_t> ends_;  // the count of features at the end of each stage
  std::vector<FeatureLevel> levels_;
};
using MobileNetV2 = BackboneHolder<MobileNetV2Impl>;
static_assert(Backbone<MobileNetV2>);

/// torchvision's ImageNet file, whose names these are, and timm's (mobilenetv2_100).
inline LoadRules mobilenet_v2_rules(const MobileNetV2Options& options = {}) {
  LoadRules rules{.unneeded = {"classifier.**", batch_counters}, .optional = {batch_counters}};
  rules.keys = {{"conv_stem.*", "features.0.0.*"},
                {"bn1.*", "features.0.1.*"},
                {"conv_head.*", "features.18.0.*"},
                {"bn2.*", "features.18.1.*"},
                {"blocks.0.0.conv_dw.*", "features.1.conv.0.0.*"},  // the one block that does not widen
                {"blocks.0.0.bn1.*", "features.1.conv.0.1.*"},
                {"blocks.0.0.conv_pw.*", "features.1.conv.1.*"},
                {"blocks.0.0.bn2.*", "features.1.conv.2.*"}};
  int feature = 2;
  for (const auto& [stage, blocks] : {std::pair{1, 2}, {2, 3}, {3, 4}, {4, 3}, {5, 3}, {6, 1}})
    for (int block = 0; block < blocks; ++block, ++feature) {
      const auto from = "blocks." + std::to_string(stage) + "." + std::to_string(block) + ".";
      const auto to = "features." + std::to_string(feature) + ".conv.";
      for (const auto& [theirs, ours] : {std::pair{"conv_pw.*", "0.0.*"},
                                         {"bn1.*", "0.1.*"},
                                         {"conv_dw.*", "1.0.*"},
                                         {"bn2.*", "1.1.*"},
                                         {"conv_pwl.*", "2.*"},
                                         {"bn3.*", "3.*"}})
        rules.keys.push_back({from + theirs, to + ours});
    }
  constexpr std::array ends{4, 7, 14, 19};
  for (auto i = ends[static_cast<std::size_t>(options.stages - 1)]; i < ends.back(); ++i)
    rules.unneeded.push_back("features." + std::to_string(i) + ".**");
  return rules;
}

inline LoadRules MobileNetV2Impl::rules() const { return mobilenet_v2_rules(options); }

}  // namespace vos
