#pragma once

#include <span>

#include <ATen/core/Tensor.h>

#include <vos/nn/deformable/cuda.hpp>
#include <vos/nn/deformable/grid.hpp>
#include <vos/nn/deformable/sampling_aten.hpp>
#include <vos/nn/deformable/sampling_cpu.hpp>
#include <vos/nn/kernel/stream.hpp>

namespace vos {

/// What deformable attention sees: each query looks at a few points of each level, and sums what is there by weights.
///
///   values     [N,S,M,D]      of M heads; the levels' rows one after the other, S tokens in all
///   locations  [N,Q,M,L,P,2]  x and y, 0 to 1 from a level's first edge to its last; zeros are seen outside
///   weights    [N,Q,M,L,P]
///   result     [N,Q,M*D]      in the type of `values`; half precision is summed in float
inline at::Tensor deformable_sampling(const at::Tensor& values, std::span<const GridSize> levels,
                                      const at::Tensor& locations, const at::Tensor& weights) {
  if (values.is_cuda() && can_launch_kernels()) return deformable_sampling_cuda(values, levels, locations, weights);
  if (values.is_cpu()) return deformable_sampling_cpu(values, levels, locations, weights);
  return deformable_sampling_aten(values, levels, locations, weights);
}

}  // namespace vos
