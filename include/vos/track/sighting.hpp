#pragma once

#include <cstdint>
#include <vector>

#include <vos/track/coarse_mask.hpp>

namespace vos {

/// What a tracker reads of one detection. Nothing here is a tensor: any detector can be told in these words.
struct Sighting {
  std::int64_t query = -1;            ///< its place among the frame's detections; -1: seen by somebody else
  float score = 0;                    ///< 0..1
  std::vector<float> classes = {};    ///< probabilities, without ∅; may be empty
  std::vector<float> embedding = {};  ///< comparable between frames, finite; may be empty
  CoarseMask mask = {};
};

}  // namespace vos
