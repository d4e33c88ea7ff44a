#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <vos/criterion/criterion.hpp>
#include <vos/data/batch.hpp>
#include <vos/error.hpp>

namespace vos {

/// A clip's objects as a criterion takes them, on `device`, their masks padded with nothing to height x width. With one class
/// every object is of that class, whatever the data call it; with more, one whose class is unknown is an Error.
inline ClipTargets clip_targets(const Sample& sample, std::int64_t height, std::int64_t width, std::int64_t classes,
                                at::Device device) {
  const auto objects = static_cast<std::int64_t>(sample.ids.size()), frames = length_of(sample);
  std::vector<std::int64_t> categories, ids(sample.ids.begin(), sample.ids.end());
  for (const auto category : sample.categories) {
    if (classes > 1 && (category < 0 || category >= classes))
      throw Error(
          {.what = "an object of class " + std::to_string(category) + " for a model of " + std::to_string(classes),
           .where = sample.name,
           .mend = "train with as many classes as the data have, or with one, which tells objects from nothing"});
    categories.push_back(classes > 1 ? category : 0);
  }
  ClipTargets targets;
  targets.masks = at::zeros({objects, frames, height, width}, at::kBool);
  if (objects > 0) {
    auto own = targets.masks.narrow(2, 0, size_of(sample).height).narrow(3, 0, size_of(sample).width);
    if (sample.masks.defined()) own.copy_(sample.masks);
    else
      for (std::int64_t g = 0; g < objects; ++g) own[g].copy_(sample.labels.eq(ids[static_cast<std::size_t>(g)]));
  }
  targets.visible = targets.masks.flatten(2).any(2);
  targets.categories = at::tensor(categories, at::kLong);
  targets.ids = at::tensor(ids, at::kLong);
  for (auto* each : {&targets.masks, &targets.visible, &targets.categories, &targets.ids})
    *each = each->to(device, /*non_blocking=*/true);
  return targets;
}

/// The same of every clip of a batch.
inline std::vector<ClipTargets> clip_targets(const Batch& batch, std::int64_t classes, at::Device device) {
  std::vector<ClipTargets> targets;
  for (const auto& sample : batch.targets)
    targets.push_back(clip_targets(sample, batch.frames.size(2), batch.frames.size(3), classes, device));
  return targets;
}

}  // namespace vos
