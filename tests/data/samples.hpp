#pragma once

/// What tests of datasets share.

#include <ATen/ATen.h>

#include <vos/data/dataset.hpp>
#include <vos/data/transforms.hpp>

namespace vos::test {

inline bool same_tensor(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || at::equal(a, b));
}

/// Bit for bit.
inline bool same_sample(const Sample& a, const Sample& b) {
  return a.name == b.name && same_tensor(a.frames, b.frames) && same_tensor(a.labels, b.labels) &&
         same_tensor(a.masks, b.masks) && a.ids == b.ids && a.categories == b.categories && a.labelled == b.labelled;
}

/// Every transform there is, most of them by chance; what comes out is 48x72.
inline Transforms every_transform() {
  Transforms moved;
  moved.then(ResizeEdge{{.edges = {100, 120}, .longest = 0}})
      .then(RandomCrop{{.least = 70, .most = 90, .moving = true}});
  Transforms all;
  all.then(Sometimes{.probability = 0.5, .what = moved})
      .then(RandomScale{{.low = 0.8, .high = 1.2, .edge = 80}})
      .then(BalancedCrop{{.height = 64, .width = 64, .least_area = 10}})
      .then(Affine{{.filter = WarpFilter::cubic}})
      .then(SlowTurn{})
      .then(Flip{})
      .then(ResizedCrop{{.height = 56, .width = 60}})
      .then(Pad{{.height = 64, .width = 64}})
      .then(ColourJitter{{.probability = 0.8, .per_frame = true}})
      .then(Greyscale{})
      .then(Blur{{.per_frame = true}})
      .then(Resize{{.height = 48, .width = 72}});
  return all;
}

}  // namespace vos::test
