#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <vos/train/parameter_groups.hpp>

namespace vos {

/// The gradients that there are, over all groups.
inline std::vector<at::Tensor> gradients_of(const std::vector<ParameterGroup>& groups) {
  std::vector<at::Tensor> gradients;
  for (const auto& group : groups)
    for (const auto& parameter : group.parameters)
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  return gradients;
}

/// The length of all gradients together, a scalar; NaN or infinite if one of them is. Nothing waits for the device.
inline at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients) {
  if (gradients.empty()) return at::zeros({});
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients)));
}

/// Shortens the gradients to `most` where together they are longer.
inline void clip_gradients(const std::vector<at::Tensor>& gradients, const at::Tensor& norm, double most) {
  if (gradients.empty()) return;
  const at::NoGradGuard no_grad;
  at::_foreach_mul_(gradients, (most / (norm + 1e-6)).clamp_max(1));
}

/// The names of parameters whose gradients are not finite, group by group.
inline std::vector<std::string> broken_gradients(const std::vector<ParameterGroup>& groups) {
  std::vector<std::string> names;
  for (const auto& group : groups)
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      const auto& gradient = group.parameters[i].grad();
      if (gradient.defined() && !gradient.isfinite().all().item<bool>()) names.push_back(group.names[i]);
    }
  return names;
}

}  // namespace vos
