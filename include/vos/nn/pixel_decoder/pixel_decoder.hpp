#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/nn/backbone/backbone.hpp>

namespace vos {

/// What a pixel decoder makes of a backbone's levels; one number of channels C in all.
struct PixelFeatures {
  at::Tensor masks = {};   ///< [N,C,h,w] mask embeddings are multiplied with this
  at::Tensor finest = {};  ///< [N,C,h,w] what `masks` is a 1x1 convolution of: a clip's head has one of its own
  std::vector<at::Tensor> levels = {};  ///< [N,C,h_l,w_l], coarsest first: what tokens look at
  std::int64_t stride = 0;              ///< of `masks`
};

/// A backbone's levels in, all of them, features for tokens and masks out. Built from what `levels()` of the backbone says.
///
/// Models: BilinearPixelDecoder, DeformablePixelDecoder. Consumers: models with object tokens.
template <class P>
concept PixelDecoder = requires(P& decode, const std::vector<FeatureMap>& maps) {
  { decode(maps) } -> std::same_as<PixelFeatures>;
};

}  // namespace vos
