#pragma once

#include <vos/model/vita_tcovis/network.hpp>
#include <vos/nn/backbone/any.hpp>
#include <vos/weights/load.hpp>
#include <vos/weights/rules.hpp>

namespace vos {

/// Files of such a network: ours, and with `pixel_decoder=msdeform` the official VITA's and GenVIS', and of the detector alone
/// Mask2Former's. What these lack keeps its initial value: reid_embed and ste are ours, and only GenVIS has the projections for
/// a memory.
inline LoadRules vita_tcovis_rules(const VitaTcovisNetworkOptions& options = {}) {
  LoadRules own{.keys = {{"sem_seg_head.predictor.static_query.**", "sem_seg_head.predictor.query_feat.**"}},
                .unneeded = {"**criterion.empty_weight", "pixel_mean", "pixel_std"},
                .optional = {"reid_embed.**", "ste.**", "vita_module.pre_*_embed_*.**"}};
  if (!options.propagate) own.unneeded.push_back("vita_module.**");
  return under("backbone.", backbone_kind(options.backbone).rules) + own;
}

/// Weights to begin training with: what fits is taken, be the classes others or the file Mask2Former's, and the report tells
/// the rest.
inline LoadRules vita_tcovis_start_rules(const VitaTcovisNetworkOptions& options = {}) {
  auto rules = vita_tcovis_rules(options);
  rules.lenient = true;
  return rules;
}

/// A backbone's own file, as of ImageNet, to begin training with.
inline LoadReport load_backbone(VitaTcovisImpl& network, const Weights& weights) {
  return load_weights(*network.backbone.module(), weights, backbone_kind(network.options.backbone).rules);
}

}  // namespace vos
