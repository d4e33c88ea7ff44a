#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <vos/core/compute.hpp>
#include <vos/nn/backbone/fold_norms.hpp>
#include <vos/nn/to_dtype.hpp>

namespace vos {

/// Makes a network with weights as fast as it gets at `place`: norms folded into convolutions, numbers of the place's type,
/// filters laid out as [N,H,W,C]. Afterwards it answers and nothing else: see fold_norms.
inline void prepare_for_inference(torch::nn::Module& network, Place place) {
  const at::NoGradGuard no_grad;
  network.eval();
  fold_norms(network);  // in full precision still
  network.to(place.device);
  to_dtype(network, place.dtype);
  for (const auto& parameter : network.parameters()) {
    parameter.set_requires_grad(false);
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace vos
