#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/fwd.hpp>

namespace vos {

/// Which sample: all randomness of a sample comes from this key (core/random.hpp), never from a shared stream.
struct SampleKey {
  std::uint64_t seed = 0;
  std::int64_t epoch = 0, index = 0;
  bool operator==(const SampleKey&) const = default;
};

/// A clip of frames with what is known of their objects; an image is a clip of one.
struct Sample {
  std::string name = {};                      ///< for messages: the video or image it is from
  at::Tensor frames = {};                     ///< uint8 [T,H,W,3]
  at::Tensor labels = {};                     ///< int32 [T,H,W] where masks are exclusive, else undefined
  at::Tensor masks = {};                      ///< bool [G,T,H,W] where they may overlap, else undefined
  std::vector<ObjectId> ids = {};             ///< [G], rising
  std::vector<std::int32_t> categories = {};  ///< [G], -1 where unknown
  std::vector<bool> labelled = {};  ///< [T]: of the others nothing is known, though they are empty; none: all are
};

/// Samples by key.
///
///   size()   samples an epoch; fixed
///   (key)    the same key gives the same sample, in any order, from any thread; key.index below size()
///
/// Consumers: the data loader of the trainer, `Task`s.
template <class D>
concept Dataset = requires(const D& dataset, const SampleKey& key) {
  { dataset.size() } -> std::same_as<std::int64_t>;
  { dataset(key) } -> std::same_as<Sample>;
};

}  // namespace vos
