#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/match/mask_points.hpp>

namespace vos {

/// One decoder layer's word on every frame of B clips.
struct ClipLayer {
  at::Tensor logits = {};  ///< [B,T,Q,K+1] class scores before softmax; the last column is ∅
  at::Tensor masks = {};   ///< [B,T,Q,h,w] logits
};

/// What a model that keeps one query for one object says of B clips of T frames, as training needs it.
struct ClipPrediction {
  std::vector<ClipLayer> layers = {};  ///< the last one is the model's answer, those before it are supervised as well
  at::Tensor embeddings = {};          ///< [B,T,Q,E] for association; undefined where the model has none
  std::vector<ClipKey> keys = {};      ///< [B] each clip's video and the training step: randomness hangs on them
};

}  // namespace vos
