#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace vos {

/// One level of features.
struct FeatureMap {
  at::Tensor values = {};   ///< [N,C,h,w]
  std::int64_t stride = 0;  ///< image pixels a feature pixel: h = ceil(H / stride)
};

/// What a level will look like, known without running: what heads are built from.
struct FeatureLevel {
  std::int64_t channels = 0, stride = 0;
  bool operator==(const FeatureLevel&) const = default;
};

/// An image in, features out, finest level first.
///
///   images  [N,3,H,W]  normalised with ImageNet's mean and deviation, any H and W
///   result             one FeatureMap a level, as `levels()` announces them
///
/// Consumers: every family's model.
template <class B>
concept Backbone = requires(B& encode, const B& built, const at::Tensor& images) {
  { encode(images) } -> std::same_as<std::vector<FeatureMap>>;
  { built.levels() } -> std::same_as<std::vector<FeatureLevel>>;
};

}  // namespace vos
