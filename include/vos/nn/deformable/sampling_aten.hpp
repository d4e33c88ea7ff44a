#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ATen/ATen.h>

#include <vos/nn/deformable/grid.hpp>

namespace vos {

/// deformable_sampling as a few operators: every device and type, differentiable as often as one likes, and what the faster
/// forms are held to.
inline at::Tensor deformable_sampling_aten(const at::Tensor& values, std::span<const GridSize> levels,
                                           const at::Tensor& locations, const at::Tensor& weights) {
  detail::expect_sampling(values, levels, locations, weights);
  const auto n = values.size(0), heads = values.size(2), queries = locations.size(1), points = locations.size(4);
  const auto precise = values.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  // grid_sample counts from -1 to 1 over the same corners.
  const auto grids = (2 * locations.to(precise) - 1).permute({0, 2, 3, 1, 4, 5}).flatten(0, 1);  // [N*M,L,Q,P,2]
  const auto shares = weights.to(precise).permute({0, 2, 3, 1, 4}).flatten(0, 1).unsqueeze(1);   // [N*M,1,L,Q,P]
  auto sum = at::zeros({n * heads, values.size(3), queries}, values.options().dtype(precise));   // [N*M,D,Q]
  if (queries == 0 || points == 0)
    return sum.view({n, heads * values.size(3), queries}).transpose(1, 2).to(values.scalar_type());
  std::int64_t first = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const auto [height, width] = levels[l];
    const auto level = static_cast<std::int64_t>(l);
    const auto map =
        values.narrow(1, first, height * width).to(precise).permute({0, 2, 3, 1}).flatten(0, 1);  // [N*M,D,h*w]
    const auto samples = at::grid_sampler(map.unflatten(2, {height, width}), grids.select(1, level), /*bilinear*/ 0,
                                          /*zeros outside*/ 0, /*align_corners=*/false);  // [N*M,D,Q,P]
    sum = sum + (samples * shares.select(2, level)).sum(-1);
    first += height * width;
  }
  return sum.view({n, heads * values.size(3), queries}).transpose(1, 2).to(values.scalar_type());  // [N,Q,M*D]
}

}  // namespace vos
