#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/modules/container/sequential.h>

#include <vos/core/shape.hpp>
#include <vos/nn/backbone/conv.hpp>
#include <vos/nn/backbone/conv_norm.hpp>
#include <vos/nn/backbone/holder.hpp>
#include <vos/nn/backbone/norm2d.hpp>
#include <vos/nn/backbone/stages.hpp>
#include <vos/nn/recompute.hpp>
#include <vos/weights/rules.hpp>

namespace vos {

struct ResNetOptions {
  std::int64_t depth = 50;          ///< 18, 34, 50 or 101
  std::int64_t stages = 4;          ///< layer1 to layer{stages} are built
  std::int64_t first_level = 1;     ///< the levels are the maps of layer{first_level} and later
  std::int64_t output_stride = 32;  ///< from here on, dilation in place of stride
  std::int64_t in_channels = 3;     ///< more where masks come in beside the image
  NormKind norm = NormKind::frozen;
};

/// A residual block: two 3x3 convolutions, or 1x1, 3x3 and 1x1 around a narrow middle; the stride is the first 3x3's.
struct ResNetBlockImpl : torch::nn::Module {
  ResNetBlockImpl(std::int64_t in, std::int64_t width, bool bottleneck, std::int64_t stride, std::int64_t dilation,
                  NormKind norm)
      : out(bottleneck ? 4 * width : width) {
    const auto add = [&](std::int64_t from, std::int64_t to, ConvShape shape) {
      const auto number = std::to_string(convs_.size() + 1);
      const auto conv = register_module("conv" + number, make_conv(from, to, shape));
      convs_.emplace_back(conv, register_module("bn" + number, Norm2d(to, norm)));
    };
    const ConvShape spatial{.stride = stride, .dilation = dilation};
    if (bottleneck) {
      add(in, width, {.kernel = 1});
      add(width, width, spatial);
      add(width, out, {.kernel = 1});
    } else {
      add(in, width, spatial);
      add(width, out, {.dilation = dilation});
    }
    if (stride == 1 && in == out) return;
    const auto conv = make_conv(in, out, {.kernel = 1, .stride = stride});
    const Norm2d last(out, norm);
    register_module("downsample", torch::nn::Sequential(conv, last));
    downsample_.emplace(conv, last);
  }

  /// `x` is the caller's no longer: where norms are folded and nothing is downsampled, the result may lie in its memory.
  at::Tensor forward(const at::Tensor& x) {
    auto y = x;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) y = convs_[i](y, After::relu);
    return convs_.back().add_relu(y, downsample_ ? (*downsample_)(x) : x);
  }

  const std::int64_t out;

 private:
  std::vector<ConvNorm> convs_;  // conv1 and bn1, ...
  std::optional<ConvNorm> downsample_;
};
TORCH_MODULE(ResNetBlock);

/// ResNet without pooling and classifier, as torchvision names it: conv1, bn1, layer1 to layer4.
struct ResNetImpl : torch::nn::Module, Recomputable {
  explicit ResNetImpl(ResNetOptions o = {}) : options(o) {
    const auto blocks = blocks_of(o.depth);
    expect_stages("ResNet-" + std::to_string(o.depth), o.first_level, o.stages, o.output_stride);
    conv1 = register_module("conv1", make_conv(o.in_channels, 64, {.kernel = 7, .stride = 2}));
    stem_.emplace(conv1, register_module("bn1", Norm2d(64, o.norm)));
    const bool bottleneck = o.depth >= 50;
    std::int64_t channels = 64;
    for (std::int64_t stage = 1; stage <= o.stages; ++stage) {
      const auto plan = stage_plan(stage, o.output_stride);
      torch::nn::Sequential layer;
      for (std::int64_t i = 0; i < blocks[static_cast<std::size_t>(stage - 1)]; ++i) {
        const ResNetBlock block(channels, std::int64_t{32} << stage, bottleneck, i == 0 ? plan.step : 1,
                                i == 0 ? plan.first_dilation : plan.dilation, o.norm);
        channels = block->out;
        layer->push_back(block);
      }
      layers.push_back(register_module("layer" + std::to_string(stage), layer));
      levels_.push_back({.channels = channels, .stride = plan.stride});
    }
    levels_.erase(levels_.begin(), levels_.begin() + (o.first_level - 1));
  }

  /// images [N,in_channels,H,W]
  std::vector<FeatureMap> forward(const at::Tensor& images) {
    expect_shape(images, {any_size, options.in_channels, any_size, any_size}, "images [N,C,H,W]");
    auto x = at::max_pool2d((*stem_)(images, After::relu), {3, 3}, {2, 2}, {1, 1});
    std::vector<FeatureMap> maps;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      for (auto& block : *layers[i]) x = recomputed(recompute_, *block.ptr<ResNetBlockImpl>(), x);
      if (static_cast<std::int64_t>(i) + 1 >= options.first_level) maps.push_back({x, levels_[maps.size()].stride});
    }
    return maps;
  }

  std::vector<FeatureLevel> levels() const { return levels_; }
  LoadRules rules() const;  ///< for its ImageNet files
  void recompute(bool on) override { recompute_ = on; }

  const ResNetOptions options;
  torch::nn::Conv2d conv1{nullptr};
  std::vector<torch::nn::Sequential> layers;  // layer1, layer2, ...

 private:
  static std::vector<std::int64_t> blocks_of(std::int64_t depth) {
    switch (depth) {
      case 18: return {2, 2, 2, 2};
      case 34:
      case 50: return {3, 4, 6, 3};
      case 101: return {3, 4, 23, 3};
    }
    throw Error({.what = "there is no ResNet-" + std::to_string(depth),
                 .where = "options of ResNet",
                 .mend = "depths: 18, 34, 50, 101",
                 .exit_code = exit_code::usage});
  }

  std::optional<ConvNorm> stem_;  // conv1 and bn1
  bool recompute_ = false;
  std::vector<FeatureLevel> levels_;
};
using ResNet = BackboneHolder<ResNetImpl>;
static_assert(Backbone<ResNet>);

/// ImageNet files of torchvision and timm, whose names these are, and torchvision's as detectron2 converts them (stem, res2 to
/// res5, shortcut).
inline LoadRules resnet_rules(const ResNetOptions& options = {}) {
  LoadRules rules{.keys = {{"stem.conv1.norm.**", "bn1.**"},
                           {"stem.conv1.**", "conv1.**"},
                           {"res2.**", "layer1.**"},
                           {"res3.**", "layer2.**"},
                           {"res4.**", "layer3.**"},
                           {"res5.**", "layer4.**"},
                           {"layer*.*.shortcut.norm.**", "layer*.*.downsample.1.**"},
                           {"layer*.*.shortcut.**", "layer*.*.downsample.0.**"},
                           {"layer*.*.conv*.norm.**", "layer*.*.bn*.**"}},
                  .unneeded = {"fc.**", "stem.fc.**", batch_counters},
                  .optional = {batch_counters}};
  for (auto stage = options.stages + 1; stage <= 4; ++stage)
    rules.unneeded.push_back("layer" + std::to_string(stage) + ".**");
  return rules;
}

inline LoadRules ResNetImpl::rules() const { return resnet_rules(options); }

}  // namespace vos
