#pragma once

#include <cstdint>

#include <torch/nn/modules/normalization.h>

namespace vos {

/// Over the last axis, of `channels`.
inline torch::nn::LayerNorm make_layer_norm(std::int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}));
}

}  // namespace vos
