// Blocks that families share, against torch.nn's and the families' own figures.
#include <vos/nn/mlp.hpp>
#include <vos/nn/sine_position.hpp>
#include <vos/nn/to_dtype.hpp>
#include <vos/nn/transformer_blocks.hpp>
#include <vos/weights/fill_module.hpp>

#include "figures.hpp"

using namespace vos;

namespace {

using Inputs = std::vector<std::pair<std::string, at::Tensor>>;

/// Value and gradients of `run` over a module that is filled by its own names, in double on both sides: 1e-10 is rounding.
template <class Holder, class Run>
void check_block(const std::string& name, Holder module, const Inputs& inputs, const Run& run) {
  CAPTURE(name);
  static const test::Goldens goldens("nn/golden/blocks.tsv");
  constexpr double tolerance = 1e-10;
  fill_module(*module, FillRule::vita);
  to_dtype(*module, at::kDouble);
  const auto out = run(module);
  test::check_figures(out, goldens(name, "out"), tolerance);
  (out * test::named("out", out.sizes()).to(at::kDouble)).sum().backward();
  const auto check = [&](const std::string& key, const at::Tensor& value) {
    CAPTURE(key);
    test::check_figures(value.grad(), goldens(name, "grad:" + key), tolerance);
  };
  for (const auto& [key, value] : inputs) check(key, value);
  for (const auto& item : module->named_parameters()) check(item.key(), item.value());
}

at::Tensor given(const std::string& name, at::IntArrayRef sizes) {
  return test::named(name, sizes, 2).to(at::kDouble).requires_grad_();
}

}  // namespace

TEST_SUITE("blocks") {
  const AttentionOptions small{.channels = 32, .heads = 4};

  TEST_CASE("attention agrees with torch.nn.MultiheadAttention in value and gradient") {
    const auto query = given("query", {2, 5, 32}), key = given("key", {2, 7, 32}), value = given("value", {2, 7, 32});
    check_block("attention", Attention(small), {{"query", query}, {"key", key}, {"value", value}},
                [&](auto& attend) { return attend(query, key, value); });

    const auto allowed = test::named("blocked", {5, 5}).le(0).logical_or(at::eye(5).to(at::kBool));
    const auto again = given("query", {2, 5, 32});
    check_block("self-attention, masked", Attention(small), {{"query", again}},
                [&](auto& attend) { return attend(again, again, again, allowed); });
  }

  TEST_CASE("attention layers and FFN agree with their formulas in value and gradient") {
    const auto x = [] { return given("x", {2, 5, 32}); };
    const auto position = [] { return given("position", {2, 5, 32}); };
    const auto a = x(), b = x(), c = x(), d = x(), at_a = position(), at_b = position();
    check_block("self-attention layer", SelfAttentionLayer(small), {{"x", a}, {"position", at_a}},
                [&](auto& layer) { return layer(a, at_a); });
    const auto memory = given("memory", {2, 7, 32}), places = given("places", {2, 7, 32});
    check_block("cross-attention layer", CrossAttentionLayer(small),
                {{"x", b}, {"position", at_b}, {"memory", memory}, {"places", places}},
                [&](auto& layer) { return layer(b, at_b, memory, places); });
    check_block("ffn", Ffn(FfnOptions{.channels = 32, .hidden = 48}), {{"x", c}}, [&](auto& ffn) { return ffn(c); });
    check_block("mlp", Mlp(MlpOptions{.in = 32, .hidden = 24, .out = 8}), {{"x", d}},
                [&](auto& mlp) { return mlp(d); });
  }

  TEST_CASE("heads must divide the channels, and shapes must fit") {
    CHECK_THROWS_WITH_AS(Attention(AttentionOptions{.channels = 30}), doctest::Contains("30 channels"), Error);
    Attention attend(small);
    CHECK_THROWS_WITH_AS(attend(at::zeros({2, 5, 32}), at::zeros({1, 7, 32}), at::zeros({1, 7, 32})),
                         doctest::Contains("key [N,K,C]"), Error);
  }

  TEST_CASE("position codes are AOT's, counted from zero") {
    const auto code = sine_position(31, 54, SineOrigin::zero, at::kCPU);
    CHECK(code.sizes() == at::IntArrayRef{1, 256, 31, 54});
    const auto at = [&](std::int64_t c, std::int64_t y, std::int64_t x) { return code[0][c][y][x].item<double>(); };
    const auto near = [](double value, double expected) { return std::abs(value - expected) < 1e-6; };  // float32
    CHECK(near(at(0, 1, 0), 0.2079117));
    CHECK(near(at(1, 1, 0), 0.9781476));
    CHECK(near(at(2, 1, 0), 0.1803745));
    CHECK(near(at(0, 30, 0), -3.0199e-07));
    CHECK(near(at(128, 0, 1), 0.1182732));
    CHECK(near(at(129, 0, 1), 0.9929811));
    CHECK(near(at(126, 30, 0), 7.255708e-04));
    CHECK(near(at(130, 15, 27), 0.3613870));
    // The digits on record, over 428,544 numbers of float32.
    CHECK(test::sum_of(code) == doctest::Approx(211923.546).epsilon(1e-7));
    CHECK(test::sum_of(code.abs()) == doctest::Approx(235797.174).epsilon(1e-7));
  }

  TEST_CASE("position codes count from one, and not what padding takes") {
    auto valid = at::ones({1, 3, 4}, at::kBool);
    valid.select(2, 3).fill_(false);
    const auto code = sine_position(valid);
    const auto check = [&](std::int64_t y, std::int64_t x, std::int64_t first, std::vector<double> expected) {
      for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(std::abs(code[0][first + static_cast<std::int64_t>(i)][y][x].item<double>() - expected[i]) <
              2e-6);  // float32
    };
    check(0, 0, 0, {0.866026, -0.499999, 0.970651, -0.240494});
    check(1, 2, 0, {-0.866025, -0.500001, -0.466871, -0.884325});
    check(1, 2, 126, {0.000484, 1.0, -1.7325e-6, 1, -0.746091, 0.665844});
    check(1, 2, 254, {0.000726, 1.0});
    // Right of the picture x stays where it was; the sines of a vector's end may differ in the last bit.
    const auto x_half = code.narrow(1, 128, 128);
    CHECK(at::allclose(x_half.select(3, 3), x_half.select(3, 2), 0, 1e-6));
    CHECK(at::allclose(sine_position(at::ones({2, 3, 5}, at::kBool)).narrow(0, 1, 1),
                       sine_position(3, 5, SineOrigin::one, at::kCPU), 0, 1e-6));  // float32
  }
}
