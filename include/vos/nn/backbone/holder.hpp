#pragma once

#include <vector>

#include <torch/nn/pimpl.h>

#include <vos/nn/backbone/backbone.hpp>

namespace vos {

/// The holder of a backbone's module: LibTorch's, and `levels()` beside the call.
template <class Impl>
struct BackboneHolder : torch::nn::ModuleHolder<Impl> {
  using torch::nn::ModuleHolder<Impl>::ModuleHolder;
  std::vector<FeatureLevel> levels() const { return this->get()->levels(); }
};

}  // namespace vos
