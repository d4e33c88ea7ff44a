#pragma once

#include <cstdint>

#include <ATen/ops/empty.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>

namespace vos {

struct ConvShape {
  std::int64_t kernel = 3, stride = 1, dilation = 1, groups = 1;
};

/// A convolution without bias, padded so that stride 1 keeps the size and stride s gives ceil(size / s). It begins as
/// torchvision's do: He's normal distribution over the fan out.
inline torch::nn::Conv2d make_conv(std::int64_t in, std::int64_t out, ConvShape shape = {}) {
  // LibTorch's own beginning, which would be thrown away, takes as long as this one: give it nothing to do.
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(1, 1, 1)
                             .stride(shape.stride)
                             .padding((shape.kernel - 1) / 2 * shape.dilation)
                             .dilation(shape.dilation)
                             .bias(false));
  conv->options.in_channels(in).out_channels(out).kernel_size(shape.kernel).groups(shape.groups);
  conv->weight.set_data(at::empty({out, in / shape.groups, shape.kernel, shape.kernel}));
  torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut, torch::kReLU);
  return conv;
}

}  // namespace vos
