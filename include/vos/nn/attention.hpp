#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>

namespace vos {

struct AttentionOptions {
  std::int64_t channels = 256, heads = 8;
  double dropout = 0;  ///< in training: of attention weights, and of the result in a layer
};

/// Attention of many heads with the names of torch.nn.MultiheadAttention (in_proj_weight, in_proj_bias, out_proj), batch first,
/// over one fused call.
struct AttentionImpl : torch::nn::Module {
  explicit AttentionImpl(AttentionOptions o = {}) : options(o) {
    if (o.heads < 1 || o.channels % o.heads != 0)
      throw Error({.what = std::to_string(o.channels) + " channels do not make " + std::to_string(o.heads) + " heads",
                   .where = "options of Attention",
                   .mend = "pick a number of channels that the heads divide",
                   .exit_code = exit_code::usage});
    in_proj_weight = register_parameter("in_proj_weight", at::empty({3 * o.channels, o.channels}));
    in_proj_bias = register_parameter("in_proj_bias", at::zeros({3 * o.channels}));
    out_proj = register_module("out_proj", torch::nn::Linear(o.channels, o.channels));
    for (auto& weight : {in_proj_weight, out_proj->weight}) torch::nn::init::xavier_uniform_(weight);
    torch::nn::init::zeros_(out_proj->bias);
  }

  /// query [N,Q,C], key and value [N,K,C] -> [N,Q,C]. `mask` broadcasts to [N,heads,Q,K]: bool, true where a query may look
  /// (torch.nn.MultiheadAttention has it the other way round), or numbers that are added. A query that may look nowhere gets
  /// NaN: who masks sees to that.
  at::Tensor forward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const std::optional<at::Tensor>& mask = {}) {
    expect_shape(query, {any_size, any_size, options.channels}, "query [N,Q,C]");
    const auto n = query.size(0);
    expect_shape(key, {n, any_size, options.channels}, "key [N,K,C]");
    expect_shape(value, {n, key.size(1), options.channels}, "value [N,K,C]");
    const auto c = options.channels;
    // Inputs that are one tensor are projected by one product. The packed matrix is taken apart in one go: its slope is then
    // put together in one, where parts taken one by one would each fill a matrix with zeros around their own.
    std::vector<at::Tensor> weights, biases;
    const auto take_apart = [&](at::IntArrayRef rows) {
      weights = in_proj_weight.split_with_sizes(rows), biases = in_proj_bias.split_with_sizes(rows);
    };
    const auto project = [&](const at::Tensor& x, std::size_t part) {
      return at::linear(x, weights[part], biases[part]);
    };
    const auto heads = [&](const at::Tensor& x) {
      return x.unflatten(2, {options.heads, c / options.heads}).transpose(1, 2);  // [N,heads,*,d]
    };
    at::Tensor q, k, v;
    if (query.is_same(key) && key.is_same(value)) {
      const auto all = at::linear(query, in_proj_weight, in_proj_bias).chunk(3, 2);
      q = all[0], k = all[1], v = all[2];
    } else if (query.is_same(key)) {
      take_apart({2 * c, c});
      const auto two = project(query, 0).chunk(2, 2);
      q = two[0], k = two[1], v = project(value, 1);
    } else {
      take_apart({c, c, c});
      q = project(query, 0), k = project(key, 1), v = project(value, 2);
    }
    const auto seen = at::scaled_dot_product_attention(heads(q), heads(k), heads(v), mask,
                                                       is_training() ? options.dropout : 0.0);  // [N,heads,Q,d]
    return out_proj(seen.transpose(1, 2).flatten(2));
  }

  /// What a layer around this one does with the result before it adds it.
  at::Tensor dropped(const at::Tensor& seen) const { return at::dropout(seen, options.dropout, is_training()); }

  const AttentionOptions options;
  at::Tensor in_proj_weight, in_proj_bias;
  torch::nn::Linear out_proj{nullptr};
};
TORCH_MODULE(Attention);

}  // namespace vos
