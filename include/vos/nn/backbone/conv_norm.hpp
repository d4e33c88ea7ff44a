#pragma once

#include <utility>

#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>

#include <vos/nn/backbone/norm2d.hpp>
#include <vos/nn/packed_conv.hpp>

namespace vos {

/// A convolution and the norm after it, modules of whoever has them: one pass once the norm is folded.
class ConvNorm {
 public:
  ConvNorm(torch::nn::Conv2d conv, Norm2d norm) : conv_(std::move(conv)), norm_(std::move(norm)) {}

  /// norm(conv(x)), and then what is said.
  at::Tensor operator()(const at::Tensor& x, After after = After::nothing) {
    if (norm_->folded) return packed_(*conv_, x, after);
    auto y = norm_(conv_(x));
    return after == After::relu ? y.relu_() : y;
  }

  /// relu(norm(conv(x)) + onto). `onto` may be overwritten once the norm is folded.
  at::Tensor add_relu(const at::Tensor& x, const at::Tensor& onto) {
    if (norm_->folded) return packed_.add_relu(*conv_, x, onto);
    return (norm_(conv_(x)) + onto).relu_();
  }

 private:
  torch::nn::Conv2d conv_;
  Norm2d norm_;
  PackedConv packed_;
};

}  // namespace vos
