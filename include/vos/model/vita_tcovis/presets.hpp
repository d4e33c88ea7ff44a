#pragma once

#include <string>
#include <vector>

#include <vos/model/vita_tcovis/options.hpp>

namespace vos {

struct VitaTcovisPreset {
  std::string name = {}, summary = {};
  VitaTcovisOptions options = {};
};

/// The family's presets: data, no types.
inline const std::vector<VitaTcovisPreset>& vita_tcovis_presets() {
  static const std::vector<VitaTcovisPreset> presets{
      {"vita-tcovis", "finds objects and keeps their ids: ResNet-50, a light decoder, a tracker", {}},
      {"vita-tcovis-full",
       "the same with VITA's whole detector, and queries that travel from frame to frame",
       {.network = {.pixel_decoder = "msdeform",
                    .mask_stride = 4,
                    .tokens = 100,
                    .layers = 9,
                    .levels = 3,
                    .masked = true,
                    .propagate = true}}},
      // Whatever is an object is of one kind: what it is called does not take minutes to learn. Pictures are as small as those
      // that it learns from: two clips of five frames of 96x160 are a step of training, 0.13 s on one core.
      {"vita-tcovis-tiny",
       "the same, small: a step of training takes a fifth of a second on one CPU core",
       {.network = {.backbone = "tiny-backbone",
                    .mask_stride = 4,
                    .classes = 1,
                    .tokens = 16,
                    .channels = 64,
                    .heads = 4,
                    .hidden = 256,
                    .levels = 3,
                    .masked = true,
                    .embedding = 64},
        .size = 128}},
  };
  return presets;
}

}  // namespace vos
