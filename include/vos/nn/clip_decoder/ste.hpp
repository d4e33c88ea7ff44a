#pragma once

#include <cstdint>
#include <numbers>
#include <string>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/nn/layer_norm.hpp>
#include <vos/nn/mlp.hpp>
#include <vos/nn/sine_position.hpp>

namespace vos {

struct SteOptions {
  std::int64_t channels = 256;
  bool correlate = false;  ///< beside what the masks covered, what looks most like it in this frame
};

/// Spatio-temporal enhancement: tells queries that travel what their masks covered in the frame before, and where, since
/// two objects that look alike differ in that alone. TCOVIS names this module and its purpose; its inside is not public, so
/// this is a reconstruction of ours. It begins as the identity, bit for bit.
struct SteImpl : torch::nn::Module {
  explicit SteImpl(SteOptions o = {}) : options(o) {
    const auto c = o.channels, parts = std::int64_t{o.correlate ? 2 : 1};
    if (c < 8 || c % 8 != 0)
      throw Error({.what = std::to_string(c) + " channels do not hold the code of a place",
                   .where = "options of Ste",
                   .mend = "pick a multiple of 8",
                   .exit_code = exit_code::usage});
    pos_proj = register_module("pos_proj", torch::nn::Linear(c, c));
    if (o.correlate) {
      corr_q = register_module("corr_q", torch::nn::Linear(c, c));
      // Without a bias: it would move every place's score alike, which a softmax does not see.
      corr_k = register_module("corr_k", torch::nn::Linear(torch::nn::LinearOptions(c, c).bias(false)));
    }
    gate = register_module("gate", torch::nn::Linear((1 + parts) * c, c));
    fuse = register_module("fuse", Mlp(MlpOptions{.in = parts * c, .hidden = c, .out = c, .depth = 2}));
    norm = register_module("norm", make_layer_norm(c));
    const auto& last = fuse->layers->at<torch::nn::LinearImpl>(1);
    torch::nn::init::zeros_(last.weight);
    torch::nn::init::zeros_(last.bias);
  }

  /// queries [B,Q,C]; mask logits [B,Q,h,w] and mask features [B,C,h,w] of the frame before; mask features [B,C,h',w'] of
  /// this one -> queries [B,Q,C].
  at::Tensor forward(const at::Tensor& queries, const at::Tensor& masks, const at::Tensor& before,
                     const at::Tensor& now) {
    const auto b = queries.size(0), c = options.channels;
    expect_shape(queries, {any_size, any_size, c}, "queries [B,Q,C]");
    expect_shape(before, {b, c, any_size, any_size}, "mask features [B,C,h,w]");
    expect_shape(masks, {b, queries.size(1), before.size(2), before.size(3)}, "masks [B,Q,h,w]");
    expect_shape(now, {b, c, any_size, any_size}, "mask features of this frame [B,C,h,w]");
    // The masks are taken as they are: a gradient through them would teach the frame before to please this one.
    const auto soft = masks.detach().to(at::promoteTypes(masks.scalar_type(), at::kFloat)).sigmoid();
    const auto rows = soft.sum(3), columns = soft.sum(2);  // [B,Q,h], [B,Q,w]
    const auto area = rows.sum(2, true);                   // [B,Q,1]
    // Shares of the area, not pixels, are summed: a large mask's sum would be beyond fp16.
    const auto covered =
        (soft.flatten(2) / (area + 1e-6)).to(before.scalar_type()).bmm(before.flatten(2).transpose(1, 2));  // [B,Q,C]
    const auto spatial = covered + pos_proj(place_code(rows, columns, area).to(covered.scalar_type()));
    const auto parts = options.correlate ? at::cat({spatial, most_alike(spatial, now)}, 2) : spatial;
    const auto news = gate(at::cat({queries, parts}, 2)).sigmoid() * fuse(parts);
    // What the news changes in the normed query, rather than the normed query itself: the queries that travel are not
    // normed, and without news they are to stay as they are.
    const auto change = norm(queries + news) - at::layer_norm(queries, {c}, norm->weight, {}, norm->options.eps());
    const auto told = area.ge(1).to(queries.scalar_type());  // a mask of less than a pixel has nothing to tell
    return queries + told * change;
  }

  const SteOptions options;
  torch::nn::Linear pos_proj{nullptr}, corr_q{nullptr}, corr_k{nullptr}, gate{nullptr};
  Mlp fuse{nullptr};
  torch::nn::LayerNorm norm{nullptr};

 private:
  /// A mask's centre, y and x as shares of the map, a quarter of the channels each; the other half is its size: [B,Q,C].
  at::Tensor place_code(const at::Tensor& rows, const at::Tensor& columns, const at::Tensor& area) const {
    const auto centre = [&](const at::Tensor& line) {
      const auto places = (at::arange(line.size(2), line.options()) + 0.5) / static_cast<double>(line.size(2));
      return (line * places).sum(2) / (area.squeeze(2) + 1e-6);  // [B,Q]
    };
    constexpr double turn = 2 * std::numbers::pi;
    const auto c = options.channels;
    const auto share = (area.squeeze(2) / static_cast<double>(rows.size(2) * columns.size(2))).clamp_min(1e-6);
    return at::cat(
        {sine_code(centre(rows) * turn, {.features = c / 4}), sine_code(centre(columns) * turn, {.features = c / 4}),
         sine_code(share.log(), {.features = c / 2})},
        2);
  }

  /// This frame's features where they are most like what each query covered: [B,Q,C]. At twice the stride.
  at::Tensor most_alike(const at::Tensor& spatial, const at::Tensor& now) {
    const auto coarse = at::avg_pool2d(now, 2, 2, 0, /*ceil_mode=*/true, /*count_include_pad=*/false)
                            .flatten(2)
                            .transpose(1, 2);  // [B,places,C]
    return at::scaled_dot_product_attention(corr_q(spatial).unsqueeze(1), corr_k(coarse).unsqueeze(1),
                                            coarse.unsqueeze(1))
        .squeeze(1);
  }
};
TORCH_MODULE(Ste);

}  // namespace vos
