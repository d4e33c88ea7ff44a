#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <torch/nn/module.h>

#include <vos/weights/fill.hpp>
#include <vos/weights/keys.hpp>
#include <vos/weights/module_state.hpp>
#include <vos/weights/tensors.hpp>

namespace vos {

/// Fills a module's tensors in place, in the order of its state. What the rule leaves alone keeps its value: integer buffers,
/// and the second name of a tied tensor. `start` is where the module begins within the model that the rule numbers.
inline void fill_module(torch::nn::Module& module, FillRule rule, FillStart start = {}) {
  const at::NoGradGuard no_grad;
  FillWalk walk(rule, std::move(start));
  TensorTies first_of;
  std::size_t place = 0;
  std::vector<FillTarget> targets;
  std::vector<std::pair<at::Tensor, at::Tensor>> filled;  // where to, from
  for (const auto& [name, value, parameter] : state_of(module)) {
    const bool alias = first_of(value) != place++;
    const auto fill = walk.next(name, value.sizes(), dtype_of(value.scalar_type()), alias);
    if (!fill) continue;
    const bool in_place = value.is_cpu() && value.scalar_type() == at::kFloat && value.is_contiguous();
    auto values = in_place ? value : at::empty(value.sizes(), at::kFloat);
    targets.push_back({*fill, {values.mutable_data_ptr<float>(), static_cast<std::size_t>(values.numel())}});
    filled.emplace_back(value, std::move(values));
  }
  fill_all(targets);
  for (const auto& [to, from] : filled) {
    if (!to.is_same(from)) to.copy_(from);
    else if (!to.is_inference()) to.unsafeGetTensorImpl()->bump_version();  // it was written to by its address
  }
}

/// A filled key list as weights that load into a module, through whatever rules its files need.
inline Weights filled_weights(std::span<const KeyRow> rows, FillRule rule, FillStart start = {}) {
  const auto filled = std::make_shared<FilledKeys>(fill_keys(rows, rule, std::move(start)));
  Weights weights{"filled weights", {}, {}};
  std::unordered_map<const void*, at::Tensor> made;  // an alias is the tensor itself
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto* bytes = const_cast<std::uint8_t*>(filled->bytes[i].data());
    auto& tensor = made[bytes];
    if (!tensor.defined() || bytes == nullptr)
      tensor = at::from_blob(
          bytes, rows[i].shape, [filled](void*) {}, at::TensorOptions().dtype(scalar_type(rows[i].dtype)));
    weights.entries.push_back({rows[i].key, tensor});
  }
  return weights;
}

}  // namespace vos
