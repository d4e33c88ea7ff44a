#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>

#include <vos/train/named_state.hpp>
#include <vos/weights/module_state.hpp>

namespace vos {

/// A slow copy of a module's weights: after each step it moves by `1 - decay` towards them. Buffers are taken over.
class MovingAverage {
 public:
  MovingAverage(const torch::nn::Module& module, double decay) : decay_(decay) {
    TensorTies first_place;
    std::size_t place = 0;
    for (auto& entry : state_of(module))  // what stands in two places is averaged once
      if (first_place(entry.value) == place++) {
        average_.push_back(entry.value.detach().clone());
        live_.push_back(std::move(entry));
      }
  }

  void step() {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> slow, fast;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (!live_[i].parameter || !average_[i].is_floating_point()) average_[i].copy_(live_[i].value);
      else slow.push_back(average_[i]), fast.push_back(live_[i].value.detach());
    }
    if (!slow.empty()) at::_foreach_lerp_(slow, fast, 1 - decay_);
  }

  NamedState state() const {
    NamedState state;
    for (std::size_t i = 0; i < live_.size(); ++i) state.push_back({live_[i].name, average_[i]});
    return state;
  }

  void restore(const NamedState& state) {
    const at::NoGradGuard no_grad;
    const StateReader reader{state, "the moving average"};
    for (std::size_t i = 0; i < live_.size(); ++i) reader.copy(live_[i].name, average_[i]);
  }

  /// Puts the average in the module's place, or, called again, the module's own weights back.
  void swap() {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const auto held = live_[i].value.detach().clone();
      live_[i].value.copy_(average_[i]);
      average_[i].copy_(held);
    }
  }

 private:
  double decay_;
  std::vector<StateEntry> live_;  // the module's own tensors
  std::vector<at::Tensor> average_;
};

}  // namespace vos
