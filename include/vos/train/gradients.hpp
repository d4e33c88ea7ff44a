#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
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

/// What of a step is not finite, as a user reads it: losses by their names, or else gradients.
inline std::string not_finite_text(const std::map<std::string, double>& losses,
                                   const std::vector<ParameterGroup>& groups) {
  std::string names;
  for (const auto& [name, value] : losses)
    if (!std::isfinite(value)) names += (names.empty() ? "" : ", ") + name;
  if (!names.empty()) return "not finite: " + names;
  std::int64_t broken = 0;
  std::string last;
  for (const auto& group : groups)
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      const auto& gradient = group.parameters[i].grad();
      if (gradient.defined() && !gradient.isfinite().all().item<bool>()) ++broken, last = group.names[i];
    }
  if (broken == 0) return "the gradients' length is not finite";  // their squares are too large
  return "gradients are not finite, of " + std::to_string(broken) + " parameters, '" + last + "' among them";
}

}  // namespace vos
