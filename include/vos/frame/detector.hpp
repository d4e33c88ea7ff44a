#pragma once

#include <concepts>

#include <ATen/core/Tensor.h>

namespace vos {

/// What a detector says of N frames: Q candidates in each, of which most are nothing.
struct FrameDetections {
  at::Tensor logits = {};      ///< [N,Q,K+1] class scores before softmax; the last column is ∅
  at::Tensor masks = {};       ///< [N,Q,h,w] logits
  at::Tensor tokens = {};      ///< [N,Q,C] object tokens; undefined where the detector has none
  at::Tensor embeddings = {};  ///< [N,Q,E] for association, comparable between frames; undefined where it has none
};

/// Finds objects in frames, each by itself.
///
///   frames  [N,3,H,W]  floating point, normalised as the model was trained
///   result             frames are independent; no state, so any order and any batch give the same
///
/// Consumers: trackers, VITA-like segmenters.
template <class D>
concept FrameDetector = requires(D& detect, const at::Tensor& frames) {
  { detect(frames) } -> std::same_as<FrameDetections>;
};

}  // namespace vos
