#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vos/nn/deformable/grid.hpp>

namespace vos {

namespace detail::sampling {

/// A few numbers at once, as wide as every x86-64 and ARMv8 has them.
template <class Real>
struct Pack {
  static constexpr std::int64_t lanes = 16 / sizeof(Real);
  typedef Real Type __attribute__((vector_size(16)));
};

template <class Real>
typename Pack<Real>::Type load(const Real* from) {
  typename Pack<Real>::Type pack;
  std::memcpy(&pack, from, sizeof pack);
  return pack;
}

/// The four pixels around a place, and how much of it each is; a share outside of the level is zero.
template <class Real>
struct Corners {
  // Whether the place touches the level at all: not where it is NaN, either.
  bool find(Real x, Real y, const GridSize& level) {
    const auto width = static_cast<Real>(level.width), height = static_cast<Real>(level.height);
    const auto u = x * width - Real{0.5}, v = y * height - Real{0.5};
    if (!(u > -1 && u < width && v > -1 && v < height)) return false;
    // Cut off at zero is rounded down where nothing is negative, and no call of floor().
    const auto left = static_cast<std::int64_t>(u + 1) - 1, top = static_cast<std::int64_t>(v + 1) - 1;
    right = u - static_cast<Real>(left), bottom = v - static_cast<Real>(top);
    const bool in_left = left >= 0, in_top = top >= 0, in_right = left + 1 < level.width,
               in_bottom = top + 1 < level.height;
    inside = {in_left && in_top, in_right && in_top, in_left && in_bottom, in_right && in_bottom};
    const auto corner = top * level.width + left;
    pixel = {corner, corner + 1, corner + level.width, corner + level.width + 1};
    share = {(1 - right) * (1 - bottom), right * (1 - bottom), (1 - right) * bottom, right * bottom};
    return true;
  }

  Real right, bottom;  // how far the place is from the first pixel towards the last
  std::array<bool, 4> inside;
  std::array<std::int64_t, 4> pixel;
  std::array<Real, 4> share;
};

/// A row of numbers and its weight in a sum.
template <class Real>
struct Term {
  const Real* row;
  Real weight;
};

/// Numbers [first, first + packs * lanes) of the sum, which stays in registers.
template <std::int64_t packs, class Real>
void sum_packs(std::span<const Term<Real>> terms, std::int64_t first, Real* out) {
  typename Pack<Real>::Type sums[packs] = {};
  for (const auto& [row, weight] : terms)
    for (std::int64_t i = 0; i < packs; ++i) sums[i] += weight * load(row + first + i * Pack<Real>::lanes);
  std::memcpy(out + first, sums, sizeof sums);
}

/// The sum of the rows, each `width` long.
template <class Real>
void sum_rows(std::span<const Term<Real>> terms, std::int64_t width, Real* out) {
  constexpr auto lanes = Pack<Real>::lanes;
  std::int64_t i = 0;
  for (; i + 8 * lanes <= width; i += 8 * lanes) sum_packs<8>(terms, i, out);
  for (; i + lanes <= width; i += lanes) sum_packs<1>(terms, i, out);
  for (; i < width; ++i) {
    out[i] = 0;
    for (const auto& [row, weight] : terms) out[i] += weight * row[i];
  }
}

template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t width) {
  constexpr auto lanes = Pack<Real>::lanes;
  typename Pack<Real>::Type sums = {};
  std::int64_t i = 0;
  for (; i + lanes <= width; i += lanes) sums += load(a + i) * load(b + i);
  Real sum = 0;
  for (std::int64_t lane = 0; lane < lanes; ++lane) sum += sums[lane];
  for (; i < width; ++i) sum += a[i] * b[i];
  return sum;
}

/// Sizes and data of one call; all contiguous.
template <class Real>
struct Problem {
  Problem(const at::Tensor& values_, std::span<const GridSize> levels_, const at::Tensor& locations_,
          const at::Tensor& weights_)
      : levels(levels_),
        tokens(values_.size(1)),
        queries(locations_.size(1)),
        heads(values_.size(2)),
        width(values_.size(3)),
        points(locations_.size(4)),
        values(values_.const_data_ptr<Real>()),
        locations(locations_.const_data_ptr<Real>()),
        weights(weights_.const_data_ptr<Real>()) {}

  /// Calls with each point of a head of a query: its place among locations, its level, the level's first token.
  template <class Visit>
  void for_points(std::int64_t n, std::int64_t query, std::int64_t head, const Visit& visit) const {
    auto place = ((n * queries + query) * heads + head) * static_cast<std::int64_t>(levels.size()) * points;
    std::int64_t first = 0;
    for (const auto& level : levels) {
      for (std::int64_t p = 0; p < points; ++p) visit(place++, level, first);
      first += level.height * level.width;
    }
  }

  /// Where a token's numbers for a head begin.
  std::int64_t row(std::int64_t n, std::int64_t token, std::int64_t head) const {
    return ((n * tokens + token) * heads + head) * width;
  }

  std::span<const GridSize> levels;
  std::int64_t tokens, queries, heads, width, points;
  const Real *values, *locations, *weights;
};

template <class Real>
void forward(const Problem<Real>& in, std::int64_t begin, std::int64_t end, Real* out) {
  std::vector<Term<Real>> terms(4 * in.levels.size() * static_cast<std::size_t>(in.points));
  Corners<Real> around;
  for (auto i = begin; i < end; ++i) {  // a query of a picture
    const auto n = i / in.queries, query = i % in.queries;
    for (std::int64_t head = 0; head < in.heads; ++head) {
      std::size_t count = 0;
      in.for_points(n, query, head, [&](std::int64_t place, const GridSize& level, std::int64_t first) {
        if (!around.find(in.locations[2 * place], in.locations[2 * place + 1], level)) return;
        for (std::size_t c = 0; c < 4; ++c)
          if (around.inside[c])
            terms[count++] = {in.values + in.row(n, first + around.pixel[c], head),
                              in.weights[place] * around.share[c]};
      });
      sum_rows(std::span<const Term<Real>>(terms.data(), count), in.width, out + (i * in.heads + head) * in.width);
    }
  }
}

/// One head of one picture: what no other writes to.
template <class Real>
void backward(const Problem<Real>& in, std::int64_t n, std::int64_t head, const Real* grad, Real* grad_values,
              Real* grad_locations, Real* grad_weights) {
  Corners<Real> around;
  for (std::int64_t query = 0; query < in.queries; ++query) {
    const auto* g = grad + ((n * in.queries + query) * in.heads + head) * in.width;
    in.for_points(n, query, head, [&](std::int64_t place, const GridSize& level, std::int64_t first) {
      grad_locations[2 * place] = grad_locations[2 * place + 1] = grad_weights[place] = 0;
      if (!around.find(in.locations[2 * place], in.locations[2 * place + 1], level)) return;
      const auto weight = in.weights[place];
      std::array<Real, 4> seen{};  // what each pixel would add to the loss
      for (std::size_t c = 0; c < 4; ++c) {
        if (!around.inside[c]) continue;
        const auto row = in.row(n, first + around.pixel[c], head);
        seen[c] = dot(g, in.values + row, in.width);
        const auto share = weight * around.share[c];
        for (std::int64_t d = 0; d < in.width; ++d) grad_values[row + d] += share * g[d];
        grad_weights[place] += around.share[c] * seen[c];
      }
      const auto [a, b, c, d] = seen;
      const auto right = around.right, bottom = around.bottom;
      grad_locations[2 * place] = weight * static_cast<Real>(level.width) * ((1 - bottom) * (b - a) + bottom * (d - c));
      grad_locations[2 * place + 1] =
          weight * static_cast<Real>(level.height) * ((1 - right) * (c - a) + right * (d - b));
    });
  }
}

template <class Real>
at::Tensor run_forward(const at::Tensor& values, std::span<const GridSize> levels, const at::Tensor& locations,
                       const at::Tensor& weights) {
  const Problem<Real> in(values, levels, locations, weights);
  const auto n = values.size(0);
  at::Tensor out = at::empty({n, in.queries, in.heads * in.width}, values.options());
  auto* to = out.mutable_data_ptr<Real>();
  constexpr std::int64_t grain = 64;  // queries that are worth a thread
  at::parallel_for(0, n * in.queries, grain,
                   [&](std::int64_t begin, std::int64_t end) { forward(in, begin, end, to); });
  return out;
}

template <class Real>
std::array<at::Tensor, 3> run_backward(const at::Tensor& values, std::span<const GridSize> levels,
                                       const at::Tensor& locations, const at::Tensor& weights, const at::Tensor& grad) {
  const Problem<Real> in(values, levels, locations, weights);
  const std::array<at::Tensor, 3> grads{at::zeros_like(values), at::empty_like(locations), at::empty_like(weights)};
  const auto to = [&](std::size_t i) { return grads[i].mutable_data_ptr<Real>(); };
  auto *to_values = to(0), *to_locations = to(1), *to_weights = to(2);
  const auto* from = grad.const_data_ptr<Real>();
  at::parallel_for(0, values.size(0) * in.heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i)
      backward(in, i / in.heads, i % in.heads, from, to_values, to_locations, to_weights);
  });
  return grads;
}

/// Calls with the type that tensors hold: float or double.
template <class Run>
auto with_real(const at::Tensor& tensor, const Run& run) {
  return tensor.scalar_type() == at::kDouble ? run(double{}) : run(float{});
}

inline at::Tensor any_forward(const at::Tensor& values, std::span<const GridSize> levels, const at::Tensor& locations,
                              const at::Tensor& weights) {
  return with_real(values, [&](auto real) { return run_forward<decltype(real)>(values, levels, locations, weights); });
}

struct Differentiable : torch::autograd::Function<Differentiable> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& values,
                            const std::vector<GridSize>& levels, const at::Tensor& locations,
                            const at::Tensor& weights) {
    context->save_for_backward({values, locations, weights});
    std::vector<std::int64_t> sizes;
    for (const auto& level : levels) sizes.insert(sizes.end(), {level.height, level.width});
    context->saved_data["levels"] = sizes;
    return any_forward(values, levels, locations, weights);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "deformable_sampling has first derivatives only; deformable_sampling_aten has all");
    const auto sizes = context->saved_data["levels"].toIntVector();
    std::vector<GridSize> levels;
    for (std::size_t i = 0; i < sizes.size(); i += 2) levels.push_back({sizes[i], sizes[i + 1]});
    const auto saved = context->get_saved_variables();
    const auto grad = grads[0].contiguous();
    auto [values, locations, weights] = with_real(
        grad, [&](auto real) { return run_backward<decltype(real)>(saved[0], levels, saved[1], saved[2], grad); });
    return {values, at::Tensor{}, locations, weights};
  }
};

}  // namespace detail::sampling

/// deformable_sampling in a loop of its own over threads: nothing is stored between the samples and their sum, and a head's
/// numbers, which lie side by side, are summed side by side. Differentiable once.
inline at::Tensor deformable_sampling_cpu(const at::Tensor& values, std::span<const GridSize> levels,
                                          const at::Tensor& locations, const at::Tensor& weights) {
  detail::expect_sampling(values, levels, locations, weights);
  const auto real = values.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const auto plain = [real](const at::Tensor& x) { return x.to(real).contiguous(); };
  const auto v = plain(values), l = plain(locations), w = plain(weights);
  const bool learns = at::GradMode::is_enabled() && (v.requires_grad() || l.requires_grad() || w.requires_grad());
  const auto out = learns ? detail::sampling::Differentiable::apply(v, std::vector(levels.begin(), levels.end()), l, w)
                          : detail::sampling::any_forward(v, levels, l, w);
  return out.to(values.scalar_type());
}

}  // namespace vos
