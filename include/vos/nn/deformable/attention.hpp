#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/nn/deformable/sampling.hpp>

namespace vos {

/// The middles of all tokens, x and y in 0 to 1 of their own level: float32 [1,S,1,2]. Where each looks from, in every level.
inline at::Tensor token_centres(std::span<const GridSize> levels, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  const auto middles = [&](std::int64_t size) { return (at::arange(size, options) + 0.5) / static_cast<double>(size); };
  std::vector<at::Tensor> centres;
  for (const auto& [height, width] : levels) {
    const auto x = middles(width).unsqueeze(0).expand({height, width});
    const auto y = middles(height).unsqueeze(1).expand({height, width});
    centres.push_back(at::stack({x, y}, -1).flatten(0, 1));  // [h*w,2]
  }
  return at::cat(centres).view({1, -1, 1, 2});
}

namespace detail {

/// Where the points of each head begin, in pixels: head m looks in its own direction, point k at k + 1 steps of the square
/// around the reference; the same in all levels. [M,L,P,2]
inline at::Tensor offset_rays(std::int64_t heads, std::int64_t levels, std::int64_t points) {
  const auto angles = at::arange(heads, at::kFloat) * (2 * std::numbers::pi / static_cast<double>(heads));
  const auto circle = at::stack({angles.cos(), angles.sin()}, -1);                   // [M,2]
  const auto square = circle / std::get<0>(circle.abs().max(-1, /*keepdim=*/true));  // [M,2]
  return (square.view({heads, 1, 1, 2}) * at::arange(1, points + 1, at::kFloat).view({1, 1, points, 1}))
      .expand({heads, levels, points, 2});
}

}  // namespace detail

struct DeformableAttentionOptions {
  std::int64_t channels = 256, heads = 8, levels = 4, points = 4;
};

/// Multi-scale deformable attention, as Deformable DETR has it and under its names: a query decides from what it is, not from
/// what is there, at which few points of each level it looks.
struct DeformableAttentionImpl : torch::nn::Module {
  explicit DeformableAttentionImpl(DeformableAttentionOptions o = {}) : options(o) {
    if (o.heads < 1 || o.channels % o.heads != 0)
      throw Error({.what = std::to_string(o.channels) + " channels do not make " + std::to_string(o.heads) + " heads",
                   .where = "options of DeformableAttention",
                   .mend = "pick a number of channels that the heads divide",
                   .exit_code = exit_code::usage});
    const auto seen = o.heads * o.levels * o.points;
    sampling_offsets = register_module("sampling_offsets", torch::nn::Linear(o.channels, seen * 2));
    attention_weights = register_module("attention_weights", torch::nn::Linear(o.channels, seen));
    value_proj = register_module("value_proj", torch::nn::Linear(o.channels, o.channels));
    output_proj = register_module("output_proj", torch::nn::Linear(o.channels, o.channels));
    const at::NoGradGuard no_grad;
    for (const auto& linear : {sampling_offsets, attention_weights}) linear->weight.zero_();
    for (const auto& linear : {attention_weights, value_proj, output_proj}) linear->bias.zero_();
    for (const auto& linear : {value_proj, output_proj}) torch::nn::init::xavier_uniform_(linear->weight);
    sampling_offsets->bias.copy_(detail::offset_rays(o.heads, o.levels, o.points).flatten());
  }

  ///   query       [N,Q,C]
  ///   references  [N,Q,L,2]  where each query looks from, x and y in 0 to 1, or [N,Q,L,4] with a width and a height that the
  ///                          offsets are then counted in; axes of size 1 are the same for all
  ///   source      [N,S,C]    what is looked at
  ///   valid       [N,S]      bool, true where the picture is: what is padding counts as zeros
  ///   result      [N,Q,C]
  at::Tensor forward(const at::Tensor& query, const at::Tensor& references, const at::Tensor& source,
                     std::span<const GridSize> levels, const std::optional<at::Tensor>& valid = {}) {
    const auto& o = options;
    expect_shape(query, {any_size, any_size, o.channels}, "query [N,Q,C]");
    const auto n = query.size(0), q = query.size(1), tokens = tokens_of(levels);
    expect_shape(source, {n, tokens, o.channels}, "source [N,S,C]");
    auto values = value_proj(source);
    if (valid) {
      expect_shape(*valid, {n, tokens}, "valid [N,S]");
      values = values.masked_fill(valid->logical_not().unsqueeze(-1), 0);
    }
    const auto offsets = sampling_offsets(query).view({n, q, o.heads, o.levels, o.points, 2});
    const auto weights = attention_weights(query).view({n, q, o.heads, o.levels * o.points}).softmax(-1);
    const auto seen =
        deformable_sampling(values.unflatten(-1, {o.heads, -1}), levels, locations(references, offsets, levels),
                            weights.view({n, q, o.heads, o.levels, o.points}));
    return output_proj(seen);
  }

  const DeformableAttentionOptions options;
  torch::nn::Linear sampling_offsets{nullptr}, attention_weights{nullptr}, value_proj{nullptr}, output_proj{nullptr};

 private:
  /// [N,Q,M,L,P,2], at least float32: half precision has too few digits for a place in a picture.
  static at::Tensor locations(const at::Tensor& references, const at::Tensor& offsets,
                              std::span<const GridSize> levels) {
    const auto from = references.unsqueeze(2).unsqueeze(4);  // [N,Q,1,L,1,2|4]
    const auto xy = from.narrow(-1, 0, 2);
    if (references.size(-1) == 4)
      return xy + offsets * (from.narrow(-1, 2, 2) * (0.5 / static_cast<double>(offsets.size(4))));
    std::vector<at::Tensor> steps;  // filled where they are used: a list from the host would make a GPU wait
    for (const auto& [height, width] : levels)
      for (const auto size : {width, height})
        steps.push_back(at::full({}, 1.0 / static_cast<double>(size), references.options()));
    const auto pixel = at::stack(steps).view({1, -1, 1, 2}).expand(offsets.sizes().slice(2));
    // By whole rows of numbers: a product that goes over x and y in pairs takes three times as long.
    return xy + (offsets.flatten(2) * pixel.flatten()).view_as(offsets);
  }
};
TORCH_MODULE(DeformableAttention);

}  // namespace vos
