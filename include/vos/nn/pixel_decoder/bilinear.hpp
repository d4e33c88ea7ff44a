#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>

#include <vos/nn/pixel_decoder/merge.hpp>
#include <vos/nn/pixel_decoder/pixel_decoder.hpp>

namespace vos {

struct BilinearPixelDecoderOptions {
  std::int64_t channels = 256;
  std::int64_t stride = 8;  ///< of the finest level that counts: 4 for sharper masks at four times the work
};

/// A feature pyramid: from the coarsest level down, each is projected to the common channels, the one above, enlarged, is added,
/// and a 3x3 convolution mixes the two. Every level is the result of its mixing.
struct BilinearPixelDecoderImpl : torch::nn::Module {
  explicit BilinearPixelDecoderImpl(const std::vector<FeatureLevel>& levels, BilinearPixelDecoderOptions o = {})
      : options(o), finest_(detail::level_at(levels, o.stride, "BilinearPixelDecoder")) {
    mask_features = register_module("mask_features", detail::make_projection(o.channels, o.channels));
    for (auto i = finest_; i < levels.size(); ++i)
      merges_.emplace_back(*this, i - finest_ + 1, levels[i].channels, o.channels);
  }

  PixelFeatures forward(const std::vector<FeatureMap>& maps) {
    PixelFeatures features{.stride = options.stride};
    for (auto i = merges_.size(); i-- > 0;) {
      const auto& map = maps.at(finest_ + i).values;
      features.levels.push_back(merges_[i](map, features.levels.empty() ? at::Tensor{} : features.levels.back()));
    }
    features.finest = features.levels.back();
    features.masks = mask_features(features.finest);
    return features;
  }

  const BilinearPixelDecoderOptions options;
  torch::nn::Conv2d mask_features{nullptr};

 private:
  std::size_t finest_;
  std::vector<detail::Merge> merges_;  // adapter_1, layer_1, ...: finest first
};
TORCH_MODULE(BilinearPixelDecoder);
static_assert(PixelDecoder<BilinearPixelDecoder>);

}  // namespace vos
