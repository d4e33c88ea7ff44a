#pragma once

#include <concepts>

#include <ATen/core/Tensor.h>

namespace vos {

/// Carries given masks through a video.
///
///   add_reference(frame, labels)  frame [1,3,H,W] normalised, labels [H,W] ids: from now on these objects are known; may
///                                 be called again for later frames and further objects
///   step(frame)                   probabilities [1+objects,H,W] of nothing and of each object, ids rising
///   reset()                       forgets objects and memory
///
/// The frame is encoded once however many objects there are, and memory is bounded in time.
/// Consumers: the streaming segmenters of AOT-like families.
template <class P>
concept Propagator = requires(P& propagate, const at::Tensor& frame, const at::Tensor& labels) {
  { propagate.add_reference(frame, labels) } -> std::same_as<void>;
  { propagate.step(frame) } -> std::same_as<at::Tensor>;
  { propagate.reset() } -> std::same_as<void>;
};

}  // namespace vos
