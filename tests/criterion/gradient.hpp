#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros_like.h>

namespace vos::test {

/// The slope of a scalar function at `x`, by backward().
template <class Function>
at::Tensor slope(const Function& f, const at::Tensor& x) {
  auto leaf = x.detach().clone().requires_grad_();
  f(leaf).backward();
  return leaf.grad().defined() ? leaf.grad() : at::zeros_like(x);
}

/// The largest difference between that slope and central differences, beside its size: in each coordinate, or along
/// `directions` random ones, which is quicker and leaves no coordinate out either. In double.
template <class Function>
double slope_error(const Function& f, const at::Tensor& x, std::int64_t directions = 0) {
  constexpr double step = 1e-5;
  const auto computed = slope(f, x);
  if (!computed.isfinite().all().template item<bool>()) return INFINITY;
  const at::NoGradGuard no_grad;
  double worst = 0, size = 1e-3;
  for (std::int64_t i = 0; i < (directions > 0 ? directions : x.numel()); ++i) {
    auto way = directions > 0 ? at::randn_like(x) : at::zeros_like(x);
    if (directions == 0) way.view({-1})[i].fill_(1);
    const double measured = (f(x + way * step) - f(x - way * step)).template item<double>() / (2 * step);
    worst = std::max(worst, std::abs(measured - (computed * way).sum().template item<double>()));
    size = std::max(size, std::abs(measured));
  }
  return worst / size;
}

/// Of the largest slope. The third derivative and rounding leave errors of about 1e-10; measured: below 1e-8.
inline constexpr double slope_tolerance = 1e-7;

}  // namespace vos::test
