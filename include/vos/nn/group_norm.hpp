#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/modules/normalization.h>

#include <vos/nn/packed_conv.hpp>

namespace vos {

namespace detail::pixel_norm {

/// Four numbers at once, as every x86-64 and ARMv8 has them.
typedef float Four __attribute__((vector_size(16)));
typedef std::int32_t FourBits __attribute__((vector_size(16)));

inline Four load(const float* from) {
  Four four;
  std::memcpy(&four, from, sizeof four);
  return four;
}

inline void store(const Four& four, float* to) { std::memcpy(to, &four, sizeof four); }

/// `value` where `sign` is above zero, 0 elsewhere.
inline Four where_positive(const Four& sign, const Four& value) {
  return std::bit_cast<Four>((sign > 0) & std::bit_cast<FourBits>(value));
}

/// A picture's channels side by side in each pixel: `pixels` rows of `channels` numbers, these a multiple of four.
struct Layout {
  std::int64_t pictures, pixels, channels, groups;
  std::int64_t of_group() const { return channels / groups; }
};

using Sums = std::vector<std::array<double, 2>>;  // of each channel

/// Adds the pixels from `begin` to `end` to the sums of 4·packs channels.
template <std::int64_t packs, class Each>
void sum_channels(const Layout& shape, std::int64_t begin, std::int64_t end, std::int64_t first, const Each& each,
                  Sums& sums) {
  Four one[packs] = {}, other[packs] = {};
  for (auto pixel = begin; pixel < end; ++pixel)
    for (std::int64_t i = 0; i < packs; ++i) {
      const auto channel = first + 4 * i;
      const auto [a, b] = each(pixel * shape.channels + channel, channel);
      one[i] += a, other[i] += b;
    }
  for (std::int64_t i = 0; i < 4 * packs; ++i) {
    auto& sum = sums[static_cast<std::size_t>(first + i)];
    sum[0] += static_cast<double>(one[i / 4][i % 4]), sum[1] += static_cast<double>(other[i / 4][i % 4]);
  }
}

/// Adds a picture up, channel by channel, pairs of numbers that `each(place, channel)` gives for four channels at a time. In
/// float for a few dozen pixels, which stay in the nearest cache, and in double beyond: as exact as need be, at the speed of
/// float.
template <class Each>
Sums sum_picture(const Layout& shape, const Each& each) {
  constexpr std::int64_t at_once = 32;
  Sums sums(static_cast<std::size_t>(shape.channels));
  for (std::int64_t begin = 0; begin < shape.pixels; begin += at_once) {
    const auto end = std::min(begin + at_once, shape.pixels);
    std::int64_t first = 0;
    for (; first + 16 <= shape.channels; first += 16) sum_channels<4>(shape, begin, end, first, each, sums);
    for (; first < shape.channels; first += 4) sum_channels<1>(shape, begin, end, first, each, sums);
  }
  return sums;
}

/// Mean and 1/deviation of each group of a picture, to `mean` and `rate` [groups].
inline void find_moments(const Layout& shape, const float* x, double eps, double* mean, double* rate) {
  // Counted from the first pixel, so that squares stay small however far from zero a channel lies.
  const auto sums = sum_picture(shape, [x](std::int64_t place, std::int64_t channel) {
    const auto off = load(x + place) - load(x + channel);
    return std::pair{off, off * off};
  });
  const auto count = static_cast<double>(shape.pixels), width = static_cast<double>(shape.of_group());
  for (std::int64_t g = 0; g < shape.groups; ++g) {
    const auto begin = g * shape.of_group(), end = begin + shape.of_group();
    const auto off = [&](std::int64_t c) { return sums[static_cast<std::size_t>(c)][0] / count; };
    double middle = 0, variance = 0;
    for (auto c = begin; c < end; ++c) middle += (static_cast<double>(x[c]) + off(c)) / width;
    for (auto c = begin; c < end; ++c) {
      const auto away = static_cast<double>(x[c]) + off(c) - middle;
      variance += (sums[static_cast<std::size_t>(c)][1] / count - off(c) * off(c) + away * away) / width;
    }
    mean[g] = middle, rate[g] = 1 / std::sqrt(std::max(variance, 0.0) + eps);
  }
}

/// x [N,C,h,w] channels-last -> the same layout; and mean and 1/deviation, double [N,2,G].
inline std::tuple<at::Tensor, at::Tensor> run_forward(const at::Tensor& x, const at::Tensor& weight,
                                                      const at::Tensor& bias, std::int64_t groups, double eps,
                                                      bool relu) {
  const Layout shape{x.size(0), x.size(2) * x.size(3), x.size(1), groups};
  auto y = at::empty_like(x);
  auto moments = at::empty({shape.pictures, 2, groups}, at::kDouble);
  const auto *in = x.const_data_ptr<float>(), *w = weight.const_data_ptr<float>(), *b = bias.const_data_ptr<float>();
  auto* out = y.mutable_data_ptr<float>();
  auto* found = moments.mutable_data_ptr<double>();
  std::vector<float> scale(static_cast<std::size_t>(shape.pictures * shape.channels)), shift(scale.size());
  at::parallel_for(0, shape.pictures, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n) {
      auto *mean = found + 2 * n * groups, *rate = mean + groups;
      find_moments(shape, in + n * shape.pixels * shape.channels, eps, mean, rate);
      for (std::int64_t c = 0; c < shape.channels; ++c) {
        const auto g = c / shape.of_group();
        const auto by = static_cast<double>(w[c]) * rate[g];
        const auto at = static_cast<std::size_t>(n * shape.channels + c);
        scale[at] = static_cast<float>(by), shift[at] = static_cast<float>(static_cast<double>(b[c]) - mean[g] * by);
      }
    }
  });
  // A single picture, as in a stream, has all threads too: nothing is summed here.
  at::parallel_for(0, shape.pictures * shape.pixels, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto picture = i / shape.pixels * shape.channels;
      const auto *by = scale.data() + picture, *plus = shift.data() + picture;
      const auto* from = in + i * shape.channels;
      auto* to = out + i * shape.channels;
      for (std::int64_t c = 0; c < shape.channels; c += 4) {
        const auto value = load(from + c) * load(by + c) + load(plus + c);
        // Below zero is none of it; NaN stays.
        store(relu ? std::bit_cast<Four>(~(value <= 0) & std::bit_cast<FourBits>(value)) : value, to + c);
      }
    }
  });
  return {y, moments};
}

/// The slopes of x, weight and bias, of that of y, which is what came out of the ReLU, where there was one.
template <bool relu>
std::tuple<at::Tensor, at::Tensor, at::Tensor> run_backward(const at::Tensor& slope, const at::Tensor& x,
                                                            const at::Tensor& y, const at::Tensor& weight,
                                                            const at::Tensor& moments) {
  const Layout shape{x.size(0), x.size(2) * x.size(3), x.size(1), moments.size(2)};
  const auto channels = shape.channels, groups = shape.groups;
  auto slope_x = at::empty_like(x);
  auto parts = at::empty({2, shape.pictures, channels}, at::kDouble);  // each picture's, of weight and bias
  const auto *down = slope.const_data_ptr<float>(), *in = x.const_data_ptr<float>(),
             *w = weight.const_data_ptr<float>();
  const auto* made = relu ? y.const_data_ptr<float>() : down;
  const auto* found = moments.const_data_ptr<double>();
  auto* out = slope_x.mutable_data_ptr<float>();
  auto* part = parts.mutable_data_ptr<double>();
  at::parallel_for(0, shape.pictures, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> of_slope(static_cast<std::size_t>(channels)), of_x(of_slope.size()), rest(of_slope.size());
    for (auto n = begin; n < end; ++n) {
      const auto first = n * shape.pixels * channels;
      const auto *d = down + first, *v = in + first, *z = made + first;
      auto* to = out + first;
      // Where the ReLU gave 0 nothing comes back.
      const auto back = [d, z](std::int64_t place) {
        return relu ? where_positive(load(z + place), load(d + place)) : load(d + place);
      };
      const auto *mean = found + 2 * n * groups, *rate = mean + groups;
      const auto sums = sum_picture(shape, [&](std::int64_t place, std::int64_t channel) {
        const auto slopes = back(place);
        return std::pair{slopes, slopes * (load(v + place) - load(v + channel))};
      });
      const auto count = static_cast<double>(shape.pixels * shape.of_group());
      for (std::int64_t g = 0; g < groups; ++g) {
        double sum = 0, with_x = 0;  // of the slopes of the normed numbers, and of these times them
        for (auto c = g * shape.of_group(); c < (g + 1) * shape.of_group(); ++c) {
          const auto [slopes, with_off] = sums[static_cast<std::size_t>(c)];
          const auto normed = (with_off + (static_cast<double>(v[c]) - mean[g]) * slopes) * rate[g];
          part[n * channels + c] = normed, part[(shape.pictures + n) * channels + c] = slopes;
          sum += static_cast<double>(w[c]) * slopes, with_x += static_cast<double>(w[c]) * normed;
        }
        const auto by_x = -rate[g] * rate[g] * with_x / count;
        for (auto c = g * shape.of_group(); c < (g + 1) * shape.of_group(); ++c) {
          const auto i = static_cast<std::size_t>(c);
          of_slope[i] = static_cast<float>(static_cast<double>(w[c]) * rate[g]);
          of_x[i] = static_cast<float>(by_x);
          rest[i] = static_cast<float>(-rate[g] * sum / count - mean[g] * by_x);
        }
      }
      const auto *a = of_slope.data(), *b = of_x.data(), *e = rest.data();
      for (std::int64_t place = 0; place < shape.pixels * channels; place += channels)
        for (std::int64_t c = 0; c < channels; c += 4)
          store(load(a + c) * back(place + c) + load(b + c) * load(v + place + c) + load(e + c), to + place + c);
    }
  });
  const auto both = parts.sum(1).to(at::kFloat);
  return {slope_x, both[0], both[1]};
}

struct Differentiable : torch::autograd::Function<Differentiable> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, std::int64_t groups, double eps, bool relu) {
    auto [y, moments] = run_forward(x, weight, bias, groups, eps, relu);
    context->save_for_backward({x, weight, moments, relu ? y : at::Tensor{}});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "this group norm has first derivatives only; at::group_norm has all");
    const auto saved = context->get_saved_variables();
    const auto slope = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    auto [x, weight, bias] = saved[3].defined() ? run_backward<true>(slope, saved[0], saved[3], saved[1], saved[2])
                                                : run_backward<false>(slope, saved[0], {}, saved[1], saved[2]);
    return {x, weight, bias, at::Tensor{}, at::Tensor{}, at::Tensor{}};
  }
};

}  // namespace detail::pixel_norm

/// norm(x), and then what is said; [N,C,h,w] in the layout of x. LibTorch's own takes channels-last apart, which costs more than
/// the convolutions around it gain there: on the CPU these have a loop of their own, in which the ReLU is one with the norm.
/// Differentiable once there.
inline at::Tensor group_norm(torch::nn::GroupNormImpl& norm, const at::Tensor& x, After after = After::nothing) {
  const auto& o = norm.options;
  const bool relu = after == After::relu;
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || !norm.weight.defined() ||
      norm.weight.scalar_type() != at::kFloat || x.dim() != 4 || x.numel() == 0 || x.size(1) % 4 != 0 ||
      !x.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    auto y = norm.forward(x);
    return relu ? y.relu_() : y;
  }
  const bool learns =
      at::GradMode::is_enabled() && (x.requires_grad() || norm.weight.requires_grad() || norm.bias.requires_grad());
  if (!learns)
    return std::get<0>(detail::pixel_norm::run_forward(x, norm.weight, norm.bias, o.num_groups(), o.eps(), relu));
  return detail::pixel_norm::Differentiable::apply(x, norm.weight, norm.bias, o.num_groups(), o.eps(), relu);
}

}  // namespace vos
