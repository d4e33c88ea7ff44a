#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/grid_sampler.h>

#include <vos/core/choice.hpp>
#include <vos/core/random.hpp>

namespace vos {

/// Whose points are drawn: the same clip in the same training step draws the same ones, whatever else is in the batch and
/// however objects are assigned, so that runs can be compared.
struct ClipKey {
  std::uint64_t video = 0, iteration = 0;
};

namespace detail {

inline constexpr std::uint64_t point_stride = 0xD1342543DE82EF95;

/// Numbers 0.. of the key, uniform in [0,1): 24 bits each, which a float holds exactly.
inline void uniform_on_host(std::uint64_t key, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(scramble(key + point_stride * static_cast<std::uint64_t>(i)) >> 40) * 0x1.0p-24f;
}

/// The same numbers, made where they are used: whole tensors of int64 wrap as uint64 does.
inline at::Tensor uniform_on_device(std::uint64_t key, std::int64_t count, at::Device device) {
  const auto word = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  // The sign comes along in a shift of int64; the mask takes it off.
  const auto shifted = [](const at::Tensor& x, int by) {
    return x.__rshift__(by).bitwise_and_((std::int64_t{1} << (64 - by)) - 1);
  };
  auto x = at::arange(count, at::TensorOptions{at::kLong}.device(device));
  x.mul_(word(point_stride)).add_(word(key + 0x9E3779B97F4A7C15));
  x = shifted(x, 30).bitwise_xor_(x).mul_(word(0xBF58476D1CE4E5B9));
  x = shifted(x, 27).bitwise_xor_(x).mul_(word(0x94D049BB133111EB));
  x = shifted(x, 31).bitwise_xor_(x);
  return shifted(x, 40).to(at::kFloat).mul_(0x1.0p-24);
}

}  // namespace detail

/// float [count], uniform in [0,1): a function of the random numbers' key, the same on every device.
inline at::Tensor uniform_numbers(CounterRandom random, std::int64_t count, at::Device device) {
  const auto key = random.bits();
  if (!device.is_cpu()) return detail::uniform_on_device(key, count, device);
  auto numbers = at::empty({count}, at::kFloat);
  detail::uniform_on_host(key, numbers.mutable_data_ptr<float>(), count);
  return numbers;
}

/// Rows whose points hang on one key.
struct PointRows {
  CounterRandom random;
  std::int64_t rows = 0;
};

/// [rows,count,2], block after block: (x,y), uniform over the picture, which is [0,1) both ways.
inline at::Tensor uniform_points(std::span<const PointRows> blocks, std::int64_t count, at::Device device) {
  std::int64_t rows = 0;
  for (const auto& block : blocks) rows += block.rows;
  auto points = at::empty({rows, count, 2}, at::TensorOptions{at::kFloat}.device(device));
  std::int64_t row = 0;
  for (const auto& block : blocks) {
    auto own = points.narrow(0, row, block.rows);
    auto random = block.random;
    if (device.is_cpu()) detail::uniform_on_host(random.bits(), own.mutable_data_ptr<float>(), own.numel());
    else own.copy_(detail::uniform_on_device(random.bits(), own.numel(), device).view(own.sizes()));
    row += block.rows;
  }
  return points;
}

/// masks [B,C,h,w] at points [B,P,2]: [B,C,P], bilinear between the centres of cells, 0 beyond the rim (PointRend: a point
/// is a place in the picture, whatever the resolution of the mask). Differentiable in the masks.
inline at::Tensor sample_points(const at::Tensor& masks, const at::Tensor& points) {
  const auto grid = points.to(masks.scalar_type()).mul(2).sub_(1).unsqueeze(1);  // [B,1,P,2] in -1..1
  return at::grid_sampler(masks, grid, /*bilinear*/ 0, /*zeros*/ 0, /*align_corners=*/false).squeeze(2);
}

/// Labels at points: bool masks [R,H,W], points [R,P,2] -> [R,P] of `type`; between 0 and 1 at a mask's rim. A few rows at a
/// time: masks are large, and bilinear sampling needs them as floats.
inline at::Tensor sample_labels(const at::Tensor& masks, const at::Tensor& points, at::ScalarType type) {
  constexpr std::int64_t at_once = 16;
  auto labels = at::empty({points.size(0), points.size(1)}, points.options().dtype(type));
  for (std::int64_t row = 0; row < masks.size(0); row += at_once) {
    const auto rows = std::min(at_once, masks.size(0) - row);
    labels.narrow(0, row, rows)
        .copy_(sample_points(masks.narrow(0, row, rows).unsqueeze(1).to(type), points.narrow(0, row, rows)).squeeze(1));
  }
  return labels;
}

/// Which points of a mask a loss looks at.
struct LossPointOptions {
  std::int64_t points = 12544;  ///< of each mask; 0: every cell of the predicted mask
  double oversample = 3;        ///< times as many are drawn to choose from
  double importance = 0.75;     ///< this share are the most uncertain of those drawn; the others are anywhere
  void visit(auto&& field) {
    field("points", points, "points of each mask that its loss looks at; 0: every cell");
    field("oversample", oversample, "times as many points drawn, to choose the most uncertain from");
    field("importance", importance, "share of the points that are the most uncertain ones");
  }
};

inline constexpr double most_points = 1 << 24;  ///< of a mask, as many as one of 4096x4096 has pixels

/// Throws unless the options can be used.
inline void expect_usable(const LossPointOptions& options) {
  expect_within("points", static_cast<double>(options.points), 0, most_points);
  expect_within("oversample", options.oversample, 0, 1000);
  expect_within("importance", options.importance, 0, 1);
}

namespace detail {

/// The `count` of `points` (x,y) whose numbers are nearest to zero, in their order. Floats without a sign are ordered as
/// their bits are: the upper ones, counted, say in which bin the last one taken lies, and only that bin is looked into.
inline void nearest_to_zero(std::span<const float> numbers, const float* points, std::int64_t count, float* taken) {
  constexpr int shift = 20;
  constexpr auto bits_of = [](float number) { return std::bit_cast<std::uint32_t>(number) & 0x7FFFFFFF; };
  if (count == 0) return;
  std::array<std::int32_t, std::size_t{1} << (31 - shift)> bins{};
  for (const auto number : numbers) ++bins[bits_of(number) >> shift];
  std::uint32_t bin = 0;
  auto left = static_cast<std::int32_t>(count);  // to be taken of this bin and later ones
  while (left > bins[bin]) left -= bins[bin++];
  std::vector<std::uint32_t> inside;
  for (const auto number : numbers)
    if (bits_of(number) >> shift == bin) inside.push_back(bits_of(number));
  std::nth_element(inside.begin(), inside.begin() + (left - 1), inside.end());
  const auto last = inside[static_cast<std::size_t>(left - 1)];
  auto ties = left - std::count_if(inside.begin(), inside.end(), [&](std::uint32_t each) { return each < last; });
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto bits = bits_of(numbers[i]);
    if (bits > last || (bits == last && ties-- <= 0)) continue;
    *taken++ = points[2 * i], *taken++ = points[2 * i + 1];
  }
}

}  // namespace detail

/// [R,important+F,2]: those `important` of the candidates [R,M,2] where the logits [R,h,w] are nearest to zero, so that the
/// loss looks at outlines, and behind them the `fresh` ones [R,F,2] as they are.
inline at::Tensor uncertain_points(const at::Tensor& logits, const at::Tensor& candidates, std::int64_t important,
                                   const at::Tensor& fresh) {
  const at::NoGradGuard no_grad;
  const auto values = sample_points(logits.unsqueeze(1), candidates).squeeze(1);  // [R,M]
  if (!values.is_cpu() || values.scalar_type() != at::kFloat) {
    const auto chosen = std::get<1>(values.abs().topk(important, 1, /*largest=*/false, /*sorted=*/false));
    return at::cat({candidates.gather(1, chosen.unsqueeze(-1).expand({-1, -1, 2})), fresh}, 1);
  }
  const auto rows = candidates.size(0), drawn = candidates.size(1), others = fresh.size(1);
  auto points = at::empty({rows, important + others, 2}, candidates.options());
  const auto *number = values.const_data_ptr<float>(), *from = candidates.const_data_ptr<float>(),
             *rest = fresh.const_data_ptr<float>();
  auto* to = points.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = begin; row < end; ++row) {
      auto* own = to + row * (important + others) * 2;
      detail::nearest_to_zero({number + row * drawn, static_cast<std::size_t>(drawn)}, from + row * drawn * 2,
                              important, own);
      std::copy_n(rest + row * others * 2, others * 2, own + important * 2);
    }
  });
  return points;
}

/// [R,points,2] for masks' logits [R,h,w], drawn for each row by itself: block after block by its own key.
inline at::Tensor loss_points(const at::Tensor& logits, std::span<const PointRows> blocks,
                              const LossPointOptions& options) {
  const auto drawn = static_cast<std::int64_t>(static_cast<double>(options.points) * options.oversample);
  const auto important = static_cast<std::int64_t>(static_cast<double>(options.points) * options.importance);
  std::vector<PointRows> candidates(blocks.begin(), blocks.end()), fresh;
  for (auto& block : candidates) fresh.push_back({CounterRandom{block.random.bits()}, block.rows});
  return uncertain_points(logits, uniform_points(candidates, std::max(drawn, important), logits.device()), important,
                          uniform_points(fresh, options.points - important, logits.device()));
}

}  // namespace vos
