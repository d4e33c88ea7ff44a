#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>

#include <vos/nn/deformable/encoder.hpp>
#include <vos/nn/pixel_decoder/merge.hpp>
#include <vos/nn/pixel_decoder/pixel_decoder.hpp>
#include <vos/nn/sine_cache.hpp>

namespace vos {

struct DeformablePixelDecoderOptions {
  std::int64_t channels = 256, heads = 8, hidden = 1024, points = 4;
  std::int64_t layers = 6;  ///< of the encoder
  std::int64_t levels =
      3;  ///< the coarsest of the backbone's, which the encoder sees; finer ones are merged in after it
  std::int64_t stride = 4;  ///< of the masks
};

namespace detail {

/// What Mask2Former calls the pixel decoder's transformer: the encoder, and a code for each level.
struct LevelEncoderImpl : torch::nn::Module {
  explicit LevelEncoderImpl(const DeformableEncoderOptions& o) : sine_({.features = o.channels / 2}) {
    level_embed = register_parameter("level_embed", at::randn({o.levels, o.channels}));
    encoder = register_module("encoder", DeformableEncoder(o));
  }

  /// [N,C,h_l,w_l] each -> the same
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& maps) {
    const auto rows = [](const at::Tensor& map) { return map.flatten(2).transpose(1, 2); };  // [N,C,h,w] -> [N,h*w,C]
    std::vector<GridSize> grid;
    std::vector<at::Tensor> tokens, positions;
    for (std::size_t l = 0; l < maps.size(); ++l) {
      grid.push_back({maps[l].size(2), maps[l].size(3)});
      tokens.push_back(rows(maps[l]));
      positions.push_back(sine_(grid[l].height, grid[l].width, tokens[l]) + level_embed[static_cast<std::int64_t>(l)]);
    }
    const auto seen = encoder(at::cat(tokens, 1), at::cat(positions, 1), token_centres(grid, maps[0].device()), grid);
    std::vector<at::Tensor> out;
    std::int64_t first = 0;
    for (const auto& [height, width] : grid) {
      out.push_back(seen.narrow(1, first, height * width).transpose(1, 2).unflatten(2, {height, width}));
      first += height * width;
    }
    return out;
  }

  at::Tensor level_embed;
  DeformableEncoder encoder{nullptr};

 private:
  SineCache sine_;
};
TORCH_MODULE(LevelEncoder);

}  // namespace detail

/// Mask2Former's: the coarse levels look at each other through deformable attention, then finer ones are merged in.
struct DeformablePixelDecoderImpl : torch::nn::Module {
  explicit DeformablePixelDecoderImpl(const std::vector<FeatureLevel>& levels, DeformablePixelDecoderOptions o = {})
      : options(o), finest_(detail::level_at(levels, o.stride, "DeformablePixelDecoder")) {
    const auto count = static_cast<std::int64_t>(levels.size() - finest_);
    if (o.levels < 1 || o.levels > count)
      throw Error({.what = "an encoder of " + std::to_string(o.levels) + " levels, and the backbone has " +
                           std::to_string(count) + " from stride " + std::to_string(o.stride) + " on",
                   .where = "options of DeformablePixelDecoder",
                   .mend = "pick 1 to " + std::to_string(count) + " levels",
                   .exit_code = exit_code::usage});
    for (auto i = levels.size(); i-- > levels.size() - static_cast<std::size_t>(o.levels);) {
      const auto project = detail::make_projection(levels[i].channels, o.channels);
      torch::nn::init::xavier_uniform_(project->weight);
      input_proj->push_back(torch::nn::Sequential(project, detail::make_group_norm(o.channels)));
    }
    transformer = register_module("transformer", detail::LevelEncoder(DeformableEncoderOptions{.channels = o.channels,
                                                                                               .heads = o.heads,
                                                                                               .hidden = o.hidden,
                                                                                               .layers = o.layers,
                                                                                               .levels = o.levels,
                                                                                               .points = o.points}));
    mask_features = register_module("mask_features", detail::make_projection(o.channels, o.channels));
    for (std::int64_t i = 0; i < count - o.levels; ++i) {
      const auto number = static_cast<std::size_t>(i);
      merges_.emplace_back(*this, number + 1, levels[finest_ + number].channels, o.channels);
    }
  }

  PixelFeatures forward(const std::vector<FeatureMap>& maps) {
    std::vector<at::Tensor> projected;
    for (std::size_t i = 0; i < input_proj->size(); ++i)
      projected.push_back(input_proj->at<torch::nn::SequentialImpl>(i).forward(maps.at(maps.size() - 1 - i).values));
    PixelFeatures features{.levels = transformer(projected), .stride = options.stride};
    features.finest = features.levels.back();
    for (auto i = merges_.size(); i-- > 0;) features.finest = merges_[i](maps[finest_ + i].values, features.finest);
    features.masks = mask_features(features.finest);
    return features;
  }

  const DeformablePixelDecoderOptions options;
  torch::nn::ModuleList input_proj{register_module("input_proj", torch::nn::ModuleList())};
  detail::LevelEncoder transformer{nullptr};
  torch::nn::Conv2d mask_features{nullptr};

 private:
  std::size_t finest_;
  std::vector<detail::Merge> merges_;  // adapter_1, layer_1, ...: finest first
};
TORCH_MODULE(DeformablePixelDecoder);
static_assert(PixelDecoder<DeformablePixelDecoder>);

}  // namespace vos
