#pragma once

#include <concepts>

#include <ATen/core/Tensor.h>

namespace vos {

/// What a clip model says of B clips of T frames: Q candidates, each one object through all of its clip.
struct VideoPrediction {
  at::Tensor logits = {};      ///< [B,Q,K+1] class scores before softmax; the last column is ∅
  at::Tensor masks = {};       ///< [B,Q,T,h,w] logits
  at::Tensor embeddings = {};  ///< [B,Q,E] comparable between clips; undefined where the model has none
};

/// Segments a clip as a whole.
///
///   clips   [B,T,3,H,W]  floating point, normalised as the model was trained
///   result               query q is one object in all T frames
///
/// Consumers: the streaming segmenters of offline and near-online families.
template <class V>
concept VideoSegmenter = requires(V& segment, const at::Tensor& clips) {
  { segment(clips) } -> std::same_as<VideoPrediction>;
};

}  // namespace vos
