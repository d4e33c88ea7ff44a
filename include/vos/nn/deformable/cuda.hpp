#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vos/error.hpp>
#include <vos/nn/deformable/grid.hpp>
#include <vos/nn/deformable/kernel_source.hpp>
#include <vos/nn/kernel/kernel.hpp>
#include <vos/nn/kernel/stream.hpp>

namespace vos {

namespace detail {

/// What the kernels are told, as their source declares it; only as many levels as there are get copied.
struct DeformableJob {
  static constexpr std::size_t most_levels = 128;  // 4 KB is the most that a launch can carry everywhere

  struct Level {
    std::int64_t first = 0;
    std::int32_t height = 0, width = 0;
  };

  const void *values = nullptr, *locations = nullptr, *weights = nullptr;
  void* output = nullptr;
  const void* grad_output = nullptr;
  void *grad_values = nullptr, *grad_locations = nullptr, *grad_weights = nullptr;
  std::int64_t batch = 0, tokens = 0, queries = 0;
  Level levels[most_levels] = {};
};

/// A launch, ready to go.
struct DeformableLaunch {
  Kernel kernel = {};
  Extent grid = {}, block = {};
  DeformableJob job = {};
};

/// The type that is computed with, and that locations, weights and gradients have.
inline at::ScalarType real_of(at::ScalarType values) { return values == at::kDouble ? at::kDouble : at::kFloat; }

inline std::string kernel_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat: return "float";
    case at::kDouble: return "double";
    case at::kHalf: return "float16";
    case at::kBFloat16: return "bfloat16";
    default:
      throw Error({.what = std::string{"deformable attention has no kernel for "} + at::toString(type),
                   .where = "values [N,S,M,D]",
                   .mend = "use float, double, half or bfloat16"});
  }
}

/// What both kernels share. `threads` are those of one query and head.
inline DeformableLaunch deformable_launch(const std::string& name, const at::Tensor& values,
                                          std::span<const GridSize> levels, const at::Tensor& locations,
                                          const at::Tensor& weights, std::int64_t threads, const std::string& option) {
  if (levels.size() > DeformableJob::most_levels)
    throw Error({.what = "deformable attention over " + std::to_string(levels.size()) + " levels",
                 .where = "",
                 .mend = "use at most " + std::to_string(DeformableJob::most_levels)});
  DeformableLaunch launch;
  auto& job = launch.job;
  job.values = values.const_data_ptr();
  job.locations = locations.const_data_ptr();
  job.weights = weights.const_data_ptr();
  job.batch = values.size(0), job.tokens = values.size(1), job.queries = locations.size(1);
  std::int64_t first = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const auto [height, width] = levels[l];
    job.levels[l] = {first, static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
    first += height * width;
  }
  const auto define = [](const char* what, auto value) { return std::string{" -D"} + what + "=" + value; };
  const auto number = [&](const char* what, std::size_t value) { return define(what, std::to_string(value)); };
  launch.kernel = {
      .name = name,
      .source = deformable_source,
      .options = option + define("VALUE", kernel_type(values.scalar_type())) +
                 define("REAL", kernel_type(real_of(values.scalar_type()))) +
                 number("HEADS", static_cast<std::size_t>(values.size(2))) +
                 number("CHANNELS", static_cast<std::size_t>(values.size(3))) + number("LEVELS", levels.size()) +
                 number("POINTS", static_cast<std::size_t>(locations.size(4))) +
                 number("JOB_BYTES", offsetof(DeformableJob, levels) + levels.size() * sizeof(DeformableJob::Level))};
  constexpr std::int64_t block = 256, most_rows = 65535;  // of a grid; the kernels go on where batches are larger
  launch.block.x = block;
  launch.grid.x = static_cast<std::uint32_t>((job.queries * values.size(2) * threads + block - 1) / block);
  launch.grid.y = static_cast<std::uint32_t>(std::min(job.batch, most_rows));
  return launch;
}

/// `output` [N,Q,M*D] in the type of values, `locations` and `weights` in real_of it; all contiguous.
inline DeformableLaunch deformable_forward(const at::Tensor& values, std::span<const GridSize> levels,
                                           const at::Tensor& locations, const at::Tensor& weights, at::Tensor& output) {
  // 16 bytes are the most that a thread reads at once, and must lie at a multiple of 16.
  const std::size_t channels = static_cast<std::size_t>(values.size(3)), size = values.element_size();
  const auto address = reinterpret_cast<std::uintptr_t>(values.const_data_ptr());
  auto pack = 16 / size;
  while (channels % pack != 0 || address % (pack * size) != 0) pack /= 2;
  auto launch = deformable_launch("deformable_forward", values, levels, locations, weights,
                                  static_cast<std::int64_t>(channels / pack), "-DPACK=" + std::to_string(pack));
  launch.job.output = output.mutable_data_ptr();
  return launch;
}

struct DeformableGradients {
  at::Tensor values, locations, weights;  // as the tensors of that name; real_of
};

/// `grad_output` [N,Q,M*D] in real_of the values' type, `gradients` of zeros.
inline DeformableLaunch deformable_backward(const at::Tensor& values, std::span<const GridSize> levels,
                                            const at::Tensor& locations, const at::Tensor& weights,
                                            const at::Tensor& grad_output, DeformableGradients& gradients) {
  std::int64_t lanes = 1;
  while (lanes < 32 && 2 * lanes <= values.size(3)) lanes *= 2;
  auto launch = deformable_launch("deformable_backward", values, levels, locations, weights, lanes,
                                  "-DLANES=" + std::to_string(lanes));
  launch.job.grad_output = grad_output.const_data_ptr();
  launch.job.grad_values = gradients.values.mutable_data_ptr();
  launch.job.grad_locations = gradients.locations.mutable_data_ptr();
  launch.job.grad_weights = gradients.weights.mutable_data_ptr();
  return launch;
}

inline void go(const DeformableLaunch& launch, const c10::Device& device) {
  KernelLibrary::get().launch(launch.kernel, current_stream(device), launch.grid, launch.block, 0, launch.job);
}

/// The kernels as one operator. Contiguous tensors; locations and weights in real_of the values' type.
struct DeformableSampling : torch::autograd::Function<DeformableSampling> {
  using Context = torch::autograd::AutogradContext;

  static at::Tensor forward(Context* context, const at::Tensor& values, const at::Tensor& locations,
                            const at::Tensor& weights, const std::vector<GridSize>& levels) {
    const c10::DeviceGuard guard{values.device()};
    auto output = at::empty({values.size(0), locations.size(1), values.size(2) * values.size(3)}, values.options());
    go(deformable_forward(values, levels, locations, weights, output), values.device());
    context->save_for_backward({values, locations, weights});
    context->saved_data["sizes"] = flat(levels);
    return output;
  }

  static torch::autograd::variable_list backward(Context* context, const torch::autograd::variable_list& grads) {
    if (at::GradMode::is_enabled())
      throw Error({.what = "the kernels of deformable attention can be differentiated once",
                   .where = "",
                   .mend = "take deformable_sampling_aten for gradients of gradients"});
    const auto saved = context->get_saved_variables();
    const auto &values = saved[0], &locations = saved[1], &weights = saved[2];
    const auto levels = from_flat(context->saved_data["sizes"].toIntVector());
    const c10::DeviceGuard guard{values.device()};
    at::globalContext().alertNotDeterministic(
        "deformable attention's backward");  // adds in whatever order threads come
    DeformableGradients gradients{at::zeros(values.sizes(), locations.options()), at::zeros_like(locations),
                                  at::zeros_like(weights)};
    const auto grad = grads[0].to(locations.scalar_type()).contiguous();
    go(deformable_backward(values, levels, locations, weights, grad, gradients), values.device());
    return {gradients.values.to(values.scalar_type()), gradients.locations, gradients.weights, {}};
  }

 private:
  static std::vector<std::int64_t> flat(const std::vector<GridSize>& levels) {
    std::vector<std::int64_t> sizes;
    for (const auto& [height, width] : levels) sizes.insert(sizes.end(), {height, width});
    return sizes;
  }

  static std::vector<GridSize> from_flat(const std::vector<std::int64_t>& sizes) {
    std::vector<GridSize> levels;
    for (std::size_t i = 0; i < sizes.size(); i += 2) levels.push_back({sizes[i], sizes[i + 1]});
    return levels;
  }
};

}  // namespace detail

/// deformable_sampling by kernels of our own, for tensors on one GPU: in value and in gradient, the latter once. Half
/// precision is only how values and result are kept: locations, weights and sums are float.
inline at::Tensor deformable_sampling_cuda(const at::Tensor& values, std::span<const GridSize> levels,
                                           const at::Tensor& locations, const at::Tensor& weights) {
  detail::expect_sampling(values, levels, locations, weights);
  if (locations.device() != values.device() || weights.device() != values.device())
    throw Error({.what = "values are on " + values.device().str() + ", locations on " + locations.device().str() +
                         ", weights on " + weights.device().str(),
                 .where = "deformable sampling",
                 .mend = "bring them to one device"});
  if (weights.numel() == 0 || values.numel() == 0)  // nothing is seen, and there is nothing to launch
    return at::zeros({values.size(0), locations.size(1), values.size(2) * values.size(3)}, values.options());
  const auto real = detail::real_of(values.scalar_type());
  return detail::DeformableSampling::apply(values.contiguous(), locations.to(real).contiguous(),
                                           weights.to(real).contiguous(),
                                           std::vector<GridSize>(levels.begin(), levels.end()));
}

}  // namespace vos
