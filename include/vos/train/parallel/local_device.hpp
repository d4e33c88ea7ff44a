#pragma once

#include <cstdint>
#include <string>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <vos/core/text.hpp>
#include <vos/train/parallel/launch.hpp>

namespace vos {

/// The device of one of several processes: with "auto" and "cuda" each takes a GPU of its own, by its rank on its machine. What
/// names one GPU is left as it is. A process that sees fewer GPUs than there are, as batch queues have it, counts from the
/// beginning again.
inline std::string local_device(const std::string& device, const Ranks& ranks) {
  const auto name = lower_case(device);
  if (ranks.world == 1 || (name != "auto" && name != "cuda") || !at::hasCUDA()) return device;
  const auto gpus = std::int64_t{at::detail::getCUDAHooks().getNumGPUs()};
  return gpus < 1 ? device : "cuda:" + std::to_string(ranks.local_rank % gpus);
}

}  // namespace vos
