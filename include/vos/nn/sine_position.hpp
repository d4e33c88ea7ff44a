#pragma once

#include <cstdint>
#include <numbers>

#include <ATen/ATen.h>

#include <vos/core/shape.hpp>

namespace vos {

struct SineOptions {
  std::int64_t features = 128;  ///< of each axis, even: the code has twice as many channels
  double temperature = 10000;
};

/// Sines and cosines of angles, in turn, at frequencies that fall from 1 to 1/temperature: [*] -> [*,features].
inline at::Tensor sine_code(const at::Tensor& angles, const SineOptions& options = {}) {
  const auto pairs = at::arange(options.features / 2, angles.options());
  const auto slow = at::pow(options.temperature, pairs * (2.0 / static_cast<double>(options.features)));
  const auto phase = angles.unsqueeze(-1) / slow;  // [*,features/2]
  return at::stack({phase.sin(), phase.cos()}, -1).flatten(-2);
}

namespace detail {

/// y and x in turns of the grid, [N,h,w] each -> [N,2*features,h,w]: the channels of y first.
inline at::Tensor sine_of_grid(const at::Tensor& y, const at::Tensor& x, const SineOptions& options) {
  return at::cat({sine_code(y * (2 * std::numbers::pi), options), sine_code(x * (2 * std::numbers::pi), options)}, -1)
      .permute({0, 3, 1, 2});
}

inline constexpr double sine_eps = 1e-6;

}  // namespace detail

/// Where the first row and column stand.
enum class SineOrigin : std::uint8_t {
  one,   ///< at 1 of h: DETR's count, (i+1)/h of a turn; what padding takes is not counted
  zero,  ///< at 0, the last at a whole turn: AOT
};

/// The position code of an h x w map, float32: [1,2*features,h,w].
inline at::Tensor sine_position(std::int64_t height, std::int64_t width, SineOrigin origin, at::Device device,
                                const SineOptions& options = {}) {
  const auto places = [&](std::int64_t size) {
    const auto numbers = at::arange(size, at::TensorOptions().dtype(at::kFloat).device(device));
    return origin == SineOrigin::one ? (numbers + 1) / (static_cast<double>(size) + detail::sine_eps)
                                     : numbers / (static_cast<double>(size - 1) + detail::sine_eps);
  };
  return detail::sine_of_grid(places(height).view({1, height, 1}).expand({1, height, width}),
                              places(width).view({1, 1, width}).expand({1, height, width}), options);
}

/// The code of maps with padding: `valid` bool [N,h,w], true where the picture is. Counts valid rows and columns.
inline at::Tensor sine_position(const at::Tensor& valid, const SineOptions& options = {}) {
  expect_shape(valid, {any_size, any_size, any_size}, "valid [N,h,w]");
  const auto counted = [&](std::int64_t axis) {
    const auto count = valid.cumsum(axis, at::kFloat);
    return count / (count.narrow(axis, count.size(axis) - 1, 1) + detail::sine_eps);
  };
  return detail::sine_of_grid(counted(1), counted(2), options);
}

}  // namespace vos
