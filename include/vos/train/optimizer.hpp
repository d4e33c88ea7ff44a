#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <vos/core/choice.hpp>
#include <vos/train/named_state.hpp>
#include <vos/train/parameter_groups.hpp>

namespace vos {

struct OptimizerOptions {
  std::string kind = "adamw";
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double momentum = 0.9;
  bool nesterov = false;

  void visit(auto&& field) {
    field("kind", kind, "how weights follow their gradients: adamw or sgd");
    field("beta1", beta1, "adamw: memory of the gradient");
    field("beta2", beta2, "adamw: memory of its square");
    field("eps", eps, "adamw: keeps the division finite");
    field("momentum", momentum, "sgd: memory of the step before");
    field("nesterov", nesterov, "sgd: look ahead by the momentum first");
  }
};

/// AdamW or SGD over groups of parameters: one fused call for all tensors of a group, where LibTorch's own optimisers take a
/// dozen for each tensor. What it remembers goes by the parameters' names, so that it can be kept and given back.
class Optimizer {
 public:
  explicit Optimizer(std::vector<ParameterGroup> groups, const OptimizerOptions& options = {})
      : options_(options), adamw_(choice("kind", options.kind, {"adamw", "sgd"}) == 0) {
    expect_within("beta1", options.beta1, 0, 1);
    expect_within("beta2", options.beta2, 0, 1);
    expect_within("momentum", options.momentum, 0, 1);
    for (auto& group : groups) {
      Slots slots;
      for (const auto& parameter : group.parameters) {
        slots.first.push_back(at::zeros_like(parameter));
        if (adamw_) slots.second.push_back(at::zeros_like(parameter));
        slots.steps.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
      }
      groups_.push_back(std::move(group));
      slots_.push_back(std::move(slots));
    }
  }

  const std::vector<ParameterGroup>& groups() const { return groups_; }

  /// A step against the gradients, with each group's learning rate times `factor`. Parameters without a gradient stay as they
  /// are.
  void step(double factor) {
    const at::NoGradGuard no_grad;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const auto& group = groups_[g];
      auto& slots = slots_[g];
      std::vector<at::Tensor> parameters, gradients, first, second, steps;
      for (std::size_t i = 0; i < group.parameters.size(); ++i) {
        if (!group.parameters[i].grad().defined()) continue;
        parameters.push_back(group.parameters[i]);
        gradients.push_back(group.parameters[i].grad());
        first.push_back(slots.first[i]);
        if (adamw_) second.push_back(slots.second[i]);
        steps.push_back(slots.steps[i]);
      }
      if (parameters.empty()) continue;
      const auto lr = group.lr * factor;
      at::_foreach_add_(steps, 1);
      if (adamw_) {
        at::_fused_adamw_(parameters, gradients, first, second, {}, steps, lr, options_.beta1, options_.beta2,
                          group.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
      } else {
        at::_fused_sgd_(parameters, gradients, first, group.weight_decay, options_.momentum, lr, /*dampening=*/0,
                        options_.nesterov, /*maximize=*/false, /*is_first_step=*/false);
      }
      // The fused calls do not count as writes, by which others tell that a weight has changed (PackedConv).
      for (const auto& parameter : parameters) parameter.unsafeGetTensorImpl()->bump_version();
    }
  }

  void zero_gradients() {
    for (auto& group : groups_)
      for (auto& parameter : group.parameters) parameter.mutable_grad().reset();
  }

  /// What it remembers, under names like "first.backbone.conv1.weight".
  NamedState state() const {
    NamedState state;
    for_each_slot([&](const std::string& name, const at::Tensor& value) { state.push_back({name, value}); });
    return state;
  }

  /// Goes on with what `state()` gave. An Error names what is missing or has another shape.
  void restore(const NamedState& state) {
    const at::NoGradGuard no_grad;
    StateReader reader{state, "the optimiser"};
    for_each_slot([&](const std::string& name, at::Tensor value) { reader.copy(name, value); });
  }

 private:
  struct Slots {
    std::vector<at::Tensor> first, second, steps;  // in step with the group's parameters
  };

  void for_each_slot(const auto& visit) const {
    for (std::size_t g = 0; g < groups_.size(); ++g)
      for (std::size_t i = 0; i < groups_[g].names.size(); ++i) {
        const auto& name = groups_[g].names[i];
        visit("first." + name, slots_[g].first[i]);
        if (adamw_) visit("second." + name, slots_[g].second[i]);
        visit("steps." + name, slots_[g].steps[i]);
      }
  }

  OptimizerOptions options_;
  bool adamw_;
  std::vector<ParameterGroup> groups_;
  std::vector<Slots> slots_;
};

}  // namespace vos
