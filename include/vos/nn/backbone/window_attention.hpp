#pragma once

#include <cstddef>
#include <cstdint>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <vos/nn/backbone/linear.hpp>
#include <vos/weights/window_index.hpp>

namespace vos {

/// What keeps opposite edges apart, one [1,N,N] for each kind of window: inside, last column, last row, both. As in the
/// official code -100 and not minus infinity.
inline at::Tensor shift_masks(std::int64_t window, std::int64_t shift, const at::TensorOptions& options) {
  const auto wrapped = at::arange(window, options.dtype(at::kLong)).ge(window - shift);  // [w]
  const auto differ = [](const at::Tensor& of) { return of.unsqueeze(1).ne(of.unsqueeze(0)); };
  const auto rows = differ(wrapped.repeat_interleave(window)), columns = differ(wrapped.repeat({window}));
  return at::stack({at::zeros_like(rows), columns, rows, rows.logical_or(columns)})
      .unsqueeze(1)
      .to(options.dtype())
      .mul_(-100);
}

/// Attention between the tokens of each window. After the cyclic shift the last row and the last column of windows hold
/// tokens from opposite edges of the picture, which must not see each other; there are four kinds of windows then, and
/// each kind shares one bias. So no mask is as large as the picture, and none is kept.
struct WindowAttentionImpl : torch::nn::Module {
  WindowAttentionImpl(std::int64_t channels, std::int64_t head_count, std::int64_t window_size)
      : heads(head_count), window(window_size) {
    const auto span = 2 * window - 1;
    relative_position_bias_table = register_parameter("relative_position_bias_table", at::empty({span * span, heads}));
    const auto tokens = window * window;
    relative_position_index = register_buffer("relative_position_index", at::empty({tokens, tokens}, at::kLong));
    detail::fill_window_index({relative_position_index.mutable_data_ptr<std::int64_t>(),
                               static_cast<std::size_t>(relative_position_index.numel())},
                              tokens);
    qkv = register_module("qkv", make_linear(channels, 3 * channels));
    proj = register_module("proj", make_linear(channels, channels));
    // The official initialisation cuts this normal distribution at +-2, a hundred deviations out: it cuts nothing.
    torch::nn::init::normal_(relative_position_bias_table, 0, 0.02);
  }

  /// x [B,H,W,C], H and W multiples of the window; `apart` [4,1,N,N] as `shift_masks` has it, undefined without shift.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& apart) {
    const auto rows = x.size(1), columns = x.size(2);
    const auto all = qkv(x);
    const auto tokens = window * window;
    const auto bias = relative_position_bias_table.index_select(0, relative_position_index.flatten())
                          .view({1, tokens, tokens, heads})
                          .permute({0, 3, 1, 2})
                          .to(all.scalar_type());  // [1,heads,N,N]
    if (!apart.defined()) return proj(attend(all, bias));
    const auto part = [&](bool last_row, bool last_column) {
      const auto cut = [&](const at::Tensor& of, std::int64_t axis, std::int64_t size, bool last) {
        return last ? of.slice(axis, size - window) : of.slice(axis, 0, size - window);
      };
      return attend(cut(cut(all, 1, rows, last_row), 2, columns, last_column),
                    bias + apart[2 * last_row + last_column].to(bias.scalar_type()));
    };
    const auto strip = [&](bool last_row) {
      return columns == window ? part(last_row, true) : at::cat({part(last_row, false), part(last_row, true)}, 2);
    };
    return proj(rows == window ? strip(true) : at::cat({strip(false), strip(true)}, 1));
  }

  const std::int64_t heads, window;
  at::Tensor relative_position_bias_table, relative_position_index;
  torch::nn::Linear qkv{nullptr}, proj{nullptr};

 private:
  /// all [B,h*w,w*w,3C] -> [B,h*w,w*w,C], window by window.
  at::Tensor attend(const at::Tensor& all, const at::Tensor& bias) const {
    const auto batch = all.size(0), down = all.size(1) / window, across = all.size(2) / window;
    const auto size = all.size(3) / (3 * heads);
    const auto parts = all.reshape({batch, down, window, across, window, 3, heads, size})
                           .permute({5, 0, 1, 3, 6, 2, 4, 7})
                           .reshape({3, batch * down * across, heads, window * window, size});  // [3,windows,heads,N,d]
    const auto seen = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], bias);     // [windows,heads,N,d]
    return seen.reshape({batch, down, across, heads, window, window, size})
        .permute({0, 1, 4, 2, 5, 3, 6})
        .reshape({batch, down * window, across * window, heads * size});
  }
};
TORCH_MODULE(WindowAttention);

}  // namespace vos
