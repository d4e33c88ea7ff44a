#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

#include <vos/core/shape.hpp>

namespace vos {

/// The size of one level of features, whose rows stand one after the other among the tokens of all levels.
struct GridSize {
  std::int64_t height = 0, width = 0;
  bool operator==(const GridSize&) const = default;
};

/// How many tokens the levels have: S.
inline std::int64_t tokens_of(std::span<const GridSize> levels) {
  std::int64_t tokens = 0;
  for (const auto& level : levels) tokens += level.height * level.width;
  return tokens;
}

namespace detail {

/// The shapes that every form of deformable sampling takes.
inline void expect_sampling(const at::Tensor& values, std::span<const GridSize> levels, const at::Tensor& locations,
                            const at::Tensor& weights) {
  expect_shape(values, {any_size, tokens_of(levels), any_size, any_size}, "values [N,S,M,D]");
  const auto n = values.size(0), heads = values.size(2), l = static_cast<std::int64_t>(levels.size());
  expect_shape(locations, {n, any_size, heads, l, any_size, 2}, "locations [N,Q,M,L,P,2]");
  expect_shape(weights, {n, locations.size(1), heads, l, locations.size(4)}, "weights [N,Q,M,L,P]");
}

}  // namespace detail

}  // namespace vos
