#pragma once

#include <concepts>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace vos {

/// The objects of one clip as training sees them.
struct ClipTargets {
  at::Tensor categories = {};  ///< [G] int64
  at::Tensor masks = {};       ///< [G,T,H,W] bool
  at::Tensor visible = {};     ///< [G,T] bool: the object has a pixel in that frame
  at::Tensor ids = {};         ///< [G] int64: the dataset's ids
};

/// Scalars by name, each already weighted; their sum is what is minimised.
using Losses = std::map<std::string, at::Tensor>;

/// Says how wrong a prediction is.
///
///   prediction  what the model under training gives
///   targets     one ClipTargets a clip, on the prediction's device
///   result      scalars by name; differentiable; each weight applied once; finite for empty frames and no objects
///
/// Consumers: tasks of the trainer.
template <class C, class Prediction>
concept Criterion = requires(C& criterion, const Prediction& prediction, const std::vector<ClipTargets>& targets) {
  { criterion(prediction, targets) } -> std::same_as<Losses>;
};

}  // namespace vos
