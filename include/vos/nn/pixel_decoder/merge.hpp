#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/nn/backbone/backbone.hpp>
#include <vos/nn/group_norm.hpp>
#include <vos/nn/packed_conv.hpp>

namespace vos::detail {

/// 32 groups, as every pixel decoder has, or as many as a smaller number of channels allows.
inline torch::nn::GroupNorm make_group_norm(std::int64_t channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(std::gcd(channels, std::int64_t{32}), channels));
}

/// A convolution without bias and the group norm after it, with detectron2's names: weight, norm.weight, norm.bias.
struct NormedConvImpl : torch::nn::Module {
  NormedConvImpl(std::int64_t in, std::int64_t out, std::int64_t kernel)
      : weight(register_parameter("weight", at::empty({out, in, kernel, kernel}))),
        norm(register_module("norm", make_group_norm(out))) {
    torch::nn::init::kaiming_uniform_(weight, /*a=*/1);
  }

  at::Tensor forward(const at::Tensor& x, After after = After::nothing) {
    return group_norm(*norm, packed_(weight, x), after);
  }

  at::Tensor weight;
  torch::nn::GroupNorm norm;

 private:
  PackedConv packed_;
};
TORCH_MODULE(NormedConv);

/// A 1x1 convolution whose bias starts at zero.
inline torch::nn::Conv2d make_projection(std::int64_t in, std::int64_t out) {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(in, out, 1));
  torch::nn::init::kaiming_uniform_(conv->weight, /*a=*/1);
  torch::nn::init::zeros_(conv->bias);
  return conv;
}

/// One step of a feature pyramid, downwards: a level of the backbone, projected, and the level above it, enlarged, mixed by a
/// 3x3 convolution. Its parts are modules of the decoder: adapter_{number} and layer_{number}, 1 the finest.
class Merge {
 public:
  Merge(torch::nn::Module& decoder, std::size_t number, std::int64_t in, std::int64_t channels)
      : adapter_(decoder.register_module("adapter_" + std::to_string(number), NormedConv(in, channels, 1))),
        layer_(decoder.register_module("layer_" + std::to_string(number), NormedConv(channels, channels, 3))) {}

  /// map [N,in,h,w], above [N,C,*,*] or no tensor -> [N,C,h,w]
  at::Tensor operator()(const at::Tensor& map, const at::Tensor& above) {
    auto merged = adapter_(map);
    if (above.defined()) merged.add_(at::upsample_bilinear2d(above, map.sizes().slice(2), false));
    return layer_(merged, After::relu);
  }

 private:
  NormedConv adapter_, layer_;
};

/// The place of the level with this stride among a backbone's.
inline std::size_t level_at(const std::vector<FeatureLevel>& levels, std::int64_t stride, const std::string& who) {
  std::string known;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].stride == stride) return i;
    known += (i > 0 ? ", " : "") + std::to_string(levels[i].stride);
  }
  throw Error({.what = "the backbone has no level at stride " + std::to_string(stride),
               .where = "options of " + who,
               .mend = "its strides: " + known,
               .exit_code = exit_code::usage});
}

}  // namespace vos::detail
