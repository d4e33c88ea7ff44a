#pragma once

#include <algorithm>
#include <utility>

#include <ATen/ops/flip.h>

#include <vos/data/sample_edit.hpp>
#include <vos/data/transform.hpp>

namespace vos {

struct FlipOptions {
  double probability = 0.5;
  bool in_time = false;  ///< the clip backwards, instead of left and right
};

/// Left becomes right for the whole clip, or last becomes first.
struct Flip {
  static constexpr std::string_view name = "flip";
  FlipOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    if (!(random.uniform() < options.probability)) return sample;
    change_maps(sample,
                [&](const at::Tensor& maps) { return at::flip(maps, {maps.dim() - (options.in_time ? 3 : 1)}); });
    sample.frames = at::flip(sample.frames, {options.in_time ? 0 : 2});
    if (options.in_time) std::reverse(sample.labelled.begin(), sample.labelled.end());
    return sample;
  }
};

static_assert(Transform<Flip>);

}  // namespace vos
