// Deformable sampling and attention, against the published models' figures, a formula and numeric gradients.
#include <vos/nn/deformable/encoder.hpp>
#include <vos/nn/to_dtype.hpp>
#include <vos/weights/fill_module.hpp>

#include <array>
#include <limits>

#include <torch/csrc/autograd/autograd.h>

#include "figures.hpp"

using namespace vos;

namespace {

using test::largest, test::named, test::sum_of;

struct Inputs {
  std::vector<GridSize> levels;
  at::Tensor values, locations, weights;
};

/// Points in and around the picture; numbers by name.
Inputs inputs(std::vector<GridSize> levels, std::int64_t n, std::int64_t queries, std::int64_t heads,
              std::int64_t width, std::int64_t points) {
  const auto l = static_cast<std::int64_t>(levels.size());
  auto values = named("values", {n, tokens_of(levels), heads, width}).to(at::kDouble);
  auto locations = (0.5 + 0.8 * named("locations", {n, queries, heads, l, points, 2})).to(at::kDouble);
  auto weights = named("weights", {n, queries, heads, l, points}).to(at::kDouble);
  return {std::move(levels), values, locations, weights};
}

/// The definition, a number at a time.
at::Tensor by_hand(const Inputs& in) {
  const auto n = in.values.size(0), heads = in.values.size(2), width = in.values.size(3),
             queries = in.locations.size(1), points = in.locations.size(4);
  auto out = at::zeros({n, queries, heads * width}, at::kDouble);
  const auto values = in.values.accessor<double, 4>();
  const auto locations = in.locations.accessor<double, 6>();
  const auto weights = in.weights.accessor<double, 5>();
  auto sums = out.accessor<double, 3>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t q = 0; q < queries; ++q)
      for (std::int64_t m = 0; m < heads; ++m) {
        std::int64_t first = 0;
        for (std::size_t l = 0; l < in.levels.size(); ++l) {
          const auto [h, w] = in.levels[l];
          const auto level = static_cast<std::int64_t>(l);
          for (std::int64_t p = 0; p < points; ++p)
            for (std::int64_t y = 0; y < h; ++y)
              for (std::int64_t x = 0; x < w; ++x) {
                const auto from = [](double place, std::int64_t size, std::int64_t pixel) {
                  const auto distance = std::abs(place * static_cast<double>(size) - 0.5 - static_cast<double>(pixel));
                  return std::max(0.0, 1 - distance);
                };
                const auto share = weights[i][q][m][level][p] * from(locations[i][q][m][level][p][0], w, x) *
                                   from(locations[i][q][m][level][p][1], h, y);
                for (std::int64_t d = 0; d < width; ++d)
                  sums[i][q][m * width + d] += share * values[i][first + y * w + x][m][d];
              }
          first += h * w;
        }
      }
  return out;
}

at::Tensor sampled(const Inputs& in) { return deformable_sampling(in.values, in.levels, in.locations, in.weights); }
at::Tensor oracle(const Inputs& in) { return deformable_sampling_aten(in.values, in.levels, in.locations, in.weights); }

/// Largest difference between backward's gradient and central differences of sum(run() * direction).
template <class Run>
double gradient_error(at::Tensor x, const Run& run) {
  const auto out = run();
  const auto direction = named("direction", out.sizes()).to(at::kDouble);
  const auto loss = [&] { return sum_of(run() * direction); };
  const at::Tensor analytic = torch::autograd::grad({(out * direction).sum()}, {x})[0].flatten();
  const at::NoGradGuard no_grad;
  constexpr double step = 1e-6;
  double worst = 0;
  const at::Tensor flat = x.view({-1});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto at_i = flat[i].item<double>();
    flat[i] = at_i + step;
    const auto above = loss();
    flat[i] = at_i - step;
    const auto below = loss();
    flat[i] = at_i;
    worst = std::max(worst, std::abs((above - below) / (2 * step) - analytic[i].item<double>()));
  }
  return worst;
}

const std::vector<GridSize> pyramid{{2, 3}, {4, 5}, {1, 1}};

}  // namespace

TEST_SUITE("deformable") {
  TEST_CASE("sampling is its definition, in and around the picture, with levels of one pixel") {
    const auto in = inputs(pyramid, 2, 7, 3, 5, 4);
    const auto expected = by_hand(in);
    // Sums of twelve products in double.
    CHECK(largest(oracle(in) - expected) < 1e-14);
    CHECK(largest(sampled(in) - expected) < 1e-14);
  }

  TEST_CASE("gradients of sampling are those of central differences") {
    auto in = inputs(pyramid, 1, 3, 2, 5, 2);
    for (auto* x : {&in.values, &in.locations, &in.weights}) x->set_requires_grad(true);
    for (const auto& run : {sampled, oracle})
      for (const auto& x : {in.values, in.locations, in.weights})
        CHECK(gradient_error(x, [&] { return run(in); }) < 1e-8);  // rounding over a step of 1e-6
  }

  TEST_CASE("every width of a head, in every type, agrees with the oracle in value and gradient") {
    for (const std::int64_t width : {1, 4, 8, 16, 24, 32, 48})
      for (const auto type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
        CAPTURE(width);
        const std::string name = c10::toString(type);
        CAPTURE(name);
        const auto as = [&](const at::Tensor& x, at::ScalarType t) { return x.to(t).detach().requires_grad_(); };
        const auto in = inputs(pyramid, 2, 11, 2, width, 3);
        const auto precise = type == at::kDouble ? at::kDouble : at::kFloat;
        const auto run = [&](const auto& form) {
          const Inputs leaf{in.levels, as(in.values, type), as(in.locations, precise), as(in.weights, precise)};
          const auto out = form(leaf);
          CHECK((out.scalar_type() == type));
          auto grads = torch::autograd::grad({(out * named("direction", out.sizes()).to(type)).sum()},
                                             {leaf.values, leaf.locations, leaf.weights});
          grads.push_back(out.detach());
          return grads;
        };
        const auto ours = run(sampled), theirs = run(oracle);
        // Rounding of the type; the results are sums of some ten numbers up to 1.
        const auto half = type == at::kBFloat16 || type == at::kHalf;
        const double tolerance = type == at::kDouble ? 1e-13 : half ? 0.04 : 1e-5;
        for (std::size_t i = 0; i < ours.size(); ++i) {
          CHECK((ours[i].scalar_type() == theirs[i].scalar_type()));
          CHECK(largest(ours[i].to(at::kDouble) - theirs[i].to(at::kDouble)) < tolerance);
        }
      }
  }

  TEST_CASE("what lies outside of the picture, or nowhere, is seen as zeros and moves nothing") {
    auto in = inputs({{3, 4}}, 1, 5, 1, 8, 1);
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    const std::array<std::array<double, 2>, 5> places{{{-0.2, 0.5}, {0.5, 1.2}, {1e30, 0.5}, {0.5, -inf}, {nan, 0.5}}};
    for (std::int64_t q = 0; q < 5; ++q)
      for (std::int64_t axis = 0; axis < 2; ++axis)
        in.locations[0][q][0][0][0][axis] = places[static_cast<std::size_t>(q)][static_cast<std::size_t>(axis)];
    for (auto* x : {&in.values, &in.locations, &in.weights}) x->set_requires_grad(true);
    const auto out = sampled(in);
    CHECK(largest(out) == 0);
    for (const auto& grad : torch::autograd::grad({out.sum()}, {in.values, in.locations, in.weights}))
      CHECK(largest(grad) == 0);
  }

  TEST_CASE("no queries see nothing, no points see zeros, and no pictures are none") {
    for (const auto& run : {sampled, oracle}) {
      CHECK(run(inputs(pyramid, 2, 0, 2, 8, 4)).sizes() == at::IntArrayRef{2, 0, 16});
      const auto blind = run(inputs(pyramid, 2, 3, 2, 8, 0));
      CHECK(blind.equal(at::zeros({2, 3, 16}, at::kDouble)));
      CHECK(run(inputs(pyramid, 0, 3, 2, 8, 4)).sizes() == at::IntArrayRef{0, 3, 16});
    }
  }

  TEST_CASE("views are sampled as their copies are, and twice is the same to the bit") {
    const auto in = inputs(pyramid, 2, 9, 2, 8, 4);
    const auto turned = [](const at::Tensor& x) { return x.transpose(0, 1).contiguous().transpose(0, 1); };
    const Inputs views{in.levels, turned(in.values), turned(in.locations), turned(in.weights)};
    CHECK(sampled(views).equal(sampled(in)));
    CHECK(sampled(in).equal(sampled(in)));
  }

  TEST_CASE("shapes that do not fit are named") {
    auto in = inputs(pyramid, 1, 3, 2, 8, 4);
    in.levels.pop_back();
    CHECK_THROWS_WITH_AS(sampled(in), doctest::Contains("values [N,S,M,D]"), Error);
    in = inputs(pyramid, 1, 3, 2, 8, 4);
    in.weights = in.weights.narrow(4, 0, 3);
    CHECK_THROWS_WITH_AS(sampled(in), doctest::Contains("weights [N,Q,M,L,P]"), Error);
  }

  TEST_CASE("attention computes DeVIS' figures, with padding and without") {
    const auto noise = [](std::uint64_t number, at::IntArrayRef sizes) {
      return test::made<FillRule::devis>(number, sizes, 1);
    };
    DeformableAttention attend;
    fill_module(*attend, FillRule::devis, {.number = 100});
    const std::vector<GridSize> levels{{6, 8}, {3, 4}, {2, 2}, {1, 1}};
    const auto query = noise(203, {3, 65, 256}), memory = noise(201, {3, 65, 256});
    auto valid = at::ones({3, 65}, at::kBool);
    const auto check = [&](double sum, double abs, std::array<double, 3> first_middle_last) {
      const auto seen = attend(query, token_centres(levels, at::kCPU), memory, levels, valid);
      // float32 against float32 of another program: 1e-5 of the sum of |x|, and the six digits on record.
      CHECK(std::abs(sum_of(seen) - sum) <= 1e-5 * abs);
      CHECK(std::abs(sum_of(seen.abs()) - abs) <= 1e-5 * abs);
      const auto flat = seen.flatten();
      const auto last = flat.numel() - 1;
      for (const auto& [i, expected] : {std::pair{std::int64_t{0}, first_middle_last[0]},
                                        {flat.numel() / 2, first_middle_last[1]},
                                        {last, first_middle_last[2]}})
        CHECK(std::abs(flat[i].item<double>() - expected) <= 3e-6);
    };
    check(-398.364877, 9302.424312, {-0.074809, 0.229665, -0.507536});
    valid.narrow(1, 5, 4).fill_(false);
    check(-378.245538, 9163.450176, {-0.075031, 0.229665, -0.506126});
  }

  TEST_CASE("attention without queries gives nothing") {
    DeformableAttention attend(DeformableAttentionOptions{.channels = 8, .heads = 2, .levels = 3});
    const auto seen = attend(at::zeros({2, 0, 8}), at::zeros({2, 0, 1, 2}), at::zeros({2, 27, 8}), pyramid);
    CHECK(seen.sizes() == at::IntArrayRef{2, 0, 8});
  }

  TEST_CASE("attention's gradients are those of central differences, for points and for boxes") {
    const std::vector<GridSize> levels{{3, 2}, {1, 1}};
    for (const std::int64_t reference : {2, 4}) {
      DeformableAttention attend(DeformableAttentionOptions{.channels = 8, .heads = 2, .levels = 2, .points = 2});
      fill_module(*attend, FillRule::vita);
      to_dtype(*attend, at::kDouble);
      const auto given = [](const std::string& name, at::IntArrayRef sizes, double factor) {
        return named(name, sizes, factor).to(at::kDouble).requires_grad_();
      };
      const auto query = given("query", {1, 3, 8}, 2), source = given("source", {1, 7, 8}, 2);
      const auto offset = given("references", {1, 3, 2, reference}, 0.3);
      auto valid = at::ones({1, 7}, at::kBool);
      valid[0][4] = false;
      const auto run = [&] { return attend(query, offset + 0.45, source, levels, valid); };
      for (const auto& x : {query, source, offset}) CHECK(gradient_error(x, run) < 1e-8);
      for (const auto& item : attend->named_parameters()) {
        CAPTURE(item.key());
        CHECK(gradient_error(item.value(), run) < 1e-8);
      }
    }
  }

  TEST_CASE("attention begins by looking around, with equal weights") {
    const DeformableAttention attend(DeformableAttentionOptions{.levels = 2});
    const auto rays = attend->sampling_offsets->bias.view({8, 2, 4, 2});
    const double directions[8][2] = {{1, 0}, {1, 1}, {0, 1}, {-1, 1}, {-1, 0}, {-1, -1}, {0, -1}, {1, -1}};
    for (std::int64_t m = 0; m < 8; ++m)
      for (std::int64_t axis = 0; axis < 2; ++axis)
        for (std::int64_t k = 0; k < 4; ++k)
          for (std::int64_t l = 0; l < 2; ++l)  // cosines in float32
            CHECK(std::abs(rays[m][l][k][axis].item<double>() - directions[m][axis] * static_cast<double>(k + 1)) <
                  4e-6);
    for (const auto& zero : {attend->sampling_offsets->weight, attend->attention_weights->weight,
                             attend->attention_weights->bias, attend->value_proj->bias, attend->output_proj->bias})
      CHECK(largest(zero) == 0);
    CHECK_THROWS_WITH_AS(DeformableAttention(DeformableAttentionOptions{.heads = 7}), doctest::Contains("7 heads"),
                         Error);
  }

  TEST_CASE("a token looks from its own middle") {
    const std::vector<GridSize> levels{{1, 2}, {2, 4}};
    const auto centres = token_centres(levels, at::kCPU);
    CHECK(centres.sizes() == at::IntArrayRef{1, 10, 1, 2});
    const auto is = [&](std::int64_t token, double x, double y) {
      CHECK(centres[0][token][0][0].item<double>() == x);
      CHECK(centres[0][token][0][1].item<double>() == y);
    };
    is(0, 0.25, 0.5);
    is(1, 0.75, 0.5);
    is(2, 0.125, 0.25);
    is(7, 0.375, 0.75);
  }

  TEST_CASE("an encoder takes half precision, and its places stay exact") {
    DeformableEncoder encode(
        DeformableEncoderOptions{.channels = 32, .heads = 4, .hidden = 48, .layers = 2, .levels = 3});
    fill_module(*encode, FillRule::vita);
    encode->eval();
    const auto tokens = named("tokens", {2, 27, 32}), positions = named("positions", {1, 27, 32});
    const auto references = token_centres(pyramid, at::kCPU);
    const at::NoGradGuard no_grad;
    const auto precise = encode(tokens, positions, references, pyramid);
    to_dtype(*encode, at::kBFloat16);
    const auto coarse = encode(tokens.to(at::kBFloat16), positions.to(at::kBFloat16), references, pyramid);
    CHECK((coarse.scalar_type() == at::kBFloat16));
    // Two layers of numbers around 1 that are rounded to 8 bits each.
    CHECK(largest(coarse.to(at::kFloat) - precise) < 0.1);
  }
}
