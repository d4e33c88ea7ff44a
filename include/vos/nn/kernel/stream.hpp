#pragma once

#include <c10/core/Device.h>
#if VOS_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

#include <vos/error.hpp>
#include <vos/nn/kernel/driver.hpp>
#include <vos/nn/kernel/kernel.hpp>
#include <vos/nn/kernel/nvrtc.hpp>

namespace vos {

/// Whether this process can compile and launch kernels: built with CUDA's headers, which tell LibTorch's streams, and run
/// where there are a driver and NVRTC. Where there are none, the plain form computes, on the GPU as well.
inline bool can_launch_kernels() {
#if VOS_CUDA
  return CudaDriver::find() != nullptr && Nvrtc::find() != nullptr;
#else
  return false;
#endif
}

/// The stream that LibTorch's own operators of this thread go to.
inline KernelStream current_stream([[maybe_unused]] const c10::Device& device) {
#if VOS_CUDA
  const auto stream = c10::cuda::getCurrentCUDAStream(device.index());
  return {.device = stream.device_index(), .handle = stream.stream()};
#else
  throw Error({.what = "this build of vos cannot launch CUDA kernels",
               .where = "",
               .mend = "build it where CUDA's headers are (./vos doctor)"});
#endif
}

}  // namespace vos
