#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vos/core/choice.hpp>
#include <vos/nn/backbone/backbone.hpp>
#include <vos/nn/pixel_decoder/bilinear.hpp>
#include <vos/nn/pixel_decoder/deformable.hpp>
#include <vos/nn/token_decoder.hpp>

namespace vos {

struct FrameHeadOptions {
  std::string pixel_decoder = "msdeform";  ///< or bilinear
  std::int64_t encoder_layers = 6;         ///< msdeform
  std::int64_t encoder_hidden = 1024;      ///< msdeform
  std::int64_t mask_stride = 4;
  TokenDecoderOptions tokens = {};
};

/// What makes a frame's tokens out of a backbone's levels, by the names of Mask2Former's checkpoints: pixel_decoder and
/// predictor, which families register as sem_seg_head.
struct FrameHeadImpl : torch::nn::Module {
  FrameHeadImpl(const std::vector<FeatureLevel>& levels, const FrameHeadOptions& o) {
    if (choice("pixel_decoder", o.pixel_decoder, {"bilinear", "msdeform"}) == 0)
      bilinear_ = register_module(
          "pixel_decoder", BilinearPixelDecoder(levels, BilinearPixelDecoderOptions{.channels = o.tokens.channels,
                                                                                    .stride = o.mask_stride}));
    else
      deformable_ = register_module(
          "pixel_decoder", DeformablePixelDecoder(levels, DeformablePixelDecoderOptions{.channels = o.tokens.channels,
                                                                                        .heads = o.tokens.heads,
                                                                                        .hidden = o.encoder_hidden,
                                                                                        .layers = o.encoder_layers,
                                                                                        .stride = o.mask_stride}));
    predictor = register_module("predictor", TokenDecoder(o.tokens));
  }

  /// In mixed precision it computes as all else does, where the official code keeps it in float32 for its operator's sake: places
  /// are float32 anyway, but the offsets that are added to them come out of a product in half precision.
  PixelFeatures pixels(const std::vector<FeatureMap>& maps) {
    return deformable_ ? deformable_(maps) : bilinear_(maps);
  }

  TokenDecoder predictor{nullptr};

 private:
  BilinearPixelDecoder bilinear_{nullptr};  // one of the two
  DeformablePixelDecoder deformable_{nullptr};
};
TORCH_MODULE(FrameHead);

}  // namespace vos
