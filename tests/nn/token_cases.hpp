#pragma once

/// What the tests of token and clip decoders share: cases of golden/make_tokens.py. Included after figures.hpp.

#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <vos/nn/backbone/resnet.hpp>
#include <vos/nn/pixel_decoder/deformable.hpp>
#include <vos/nn/to_dtype.hpp>
#include <vos/nn/token_decoder.hpp>
#include <vos/weights/fill_module.hpp>
#include <vos/weights/load.hpp>

#include "figures.hpp"

namespace vos::test {

using Named = std::vector<std::pair<std::string, at::Tensor>>;

/// An input that is a function of its name, in double and with a gradient to come.
inline at::Tensor given(const std::string& name, at::IntArrayRef sizes) {
  return named(name, sizes, 2).to(at::kDouble).requires_grad_();
}

/// Gives a module the weights of its own names, in double.
inline void fill_double(torch::nn::Module& module) {
  fill_module(module, FillRule::vita);
  to_dtype(module, at::kDouble);
}

/// Outputs, and the gradients of inputs and parameters under the sum of the outputs, each times the fill of its name. Both
/// sides are in double: 1e-9 is rounding, through some ten layers.
inline void check_case(const std::string& name, const torch::nn::Module& module, const Named& outputs,
                       const Named& inputs) {
  static const Goldens goldens("nn/golden/tokens.tsv");
  constexpr double tolerance = 1e-9;
  CAPTURE(name);
  auto loss = at::zeros({}, at::kDouble);
  const auto check = [&](const std::string& key, const at::Tensor& value) {
    CAPTURE(key);
    const auto& expected = goldens(name, key);
    if (expected.abs < tolerance) CHECK(largest(value) < tolerance);  // zero but for rounding, on both sides
    else check_figures(value, expected, tolerance);
  };
  for (const auto& [key, value] : outputs) {
    check(key, value);
    loss = loss + (value * named(key, value.sizes()).to(at::kDouble)).sum();
  }
  loss.backward();
  for (const auto& [key, value] : inputs) check("grad:" + key, value.grad());
  for (const auto& item : module.named_parameters())
    if (goldens.has(name, "grad:" + item.key())) check("grad:" + item.key(), item.value().grad());
    else CHECK(!item.value().grad().defined());
}

/// The frames of VITA's figures through ResNet-50 and the pixel decoder, and what the tokens say of them.
struct OfficialFrames {
  PixelFeatures features;
  std::vector<TokenPrediction> said;
};

inline const OfficialFrames& official_frames() {
  static const auto frames = [] {
    const at::NoGradGuard no_grad;
    ResNet encode;
    const auto report =
        load_weights(*encode, filled_weights(keys_below("vita_r50", "backbone.", false), FillRule::vita),
                     from_part("backbone.", resnet_rules()));
    CHECK(report.complete());
    DeformablePixelDecoder pixels(encode.levels());
    TokenDecoder decode;
    fill_module(*pixels, FillRule::vita, {.prefix = "sem_seg_head.pixel_decoder."});
    fill_module(*decode, FillRule::vita, {.prefix = "sem_seg_head.predictor."});
    encode->eval(), pixels->eval(), decode->eval();
    OfficialFrames made{pixels(encode(noise_frames(8))), {}};
    made.said = decode(made.features);
    return made;
  }();
  return frames;
}

}  // namespace vos::test
