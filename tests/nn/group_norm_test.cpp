#include <cstdint>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <vos/nn/group_norm.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

at::Tensor random(at::IntArrayRef sizes, std::uint64_t seed) {
  return at::randn(sizes, at::detail::createCPUGenerator(seed), at::TensorOptions{at::kFloat});
}

torch::nn::GroupNorm norm_of(std::int64_t groups, std::int64_t channels) {
  torch::nn::GroupNorm norm(torch::nn::GroupNormOptions(groups, channels));
  const at::NoGradGuard no_grad;
  norm->weight.copy_(random({channels}, 1)), norm->bias.copy_(random({channels}, 2));
  return norm;
}

struct Outcome {
  at::Tensor y, x, weight, bias;  // what it gave, and slopes
};

Outcome outcome(torch::nn::GroupNorm norm, const at::Tensor& input, After after, const at::Tensor& slope, bool plain) {
  norm->zero_grad();
  const auto x = input.detach().requires_grad_();
  at::Tensor y;
  if (plain) {
    y = norm->forward(x);
    if (after == After::relu) y = y.relu();
  } else {
    y = group_norm(*norm, x, after);
  }
  y.backward(slope);
  return {y.detach(), x.grad(), norm->weight.grad().clone(), norm->bias.grad().clone()};
}

}  // namespace

TEST_SUITE("group norm") {
  TEST_CASE("channels-last it gives what LibTorch's gives, and the same slopes") {
    struct Shape {
      std::int64_t groups, channels, height, width;
    };
    for (const auto& [groups, channels, height, width] :
         {Shape{8, 24, 9, 7}, {32, 64, 5, 8}, {1, 4, 1, 3}, {2, 40, 33, 2}})
      for (const auto after : {After::nothing, After::relu}) {
        CAPTURE(channels);
        // Far from zero, as what a convolution gives may be: squares must not drown what differs.
        const auto x = (random({3, channels, height, width}, 3) + 100).contiguous(at::MemoryFormat::ChannelsLast);
        const auto slope = random({3, channels, height, width}, 4);
        auto norm = norm_of(groups, channels);
        const auto ours = outcome(norm, x, after, slope, false),
                   plain = outcome(norm, x.contiguous(), after, slope, true);
        CHECK(ours.y.is_contiguous(at::MemoryFormat::ChannelsLast));
        // fp32 at 100 has steps of 8e-6, which deviations of 1 keep; sums of hundreds of them follow.
        CHECK(at::allclose(ours.y, plain.y, 1e-4, 2e-4));
        CHECK(at::allclose(ours.x, plain.x, 1e-3, 1e-3));
        CHECK(at::allclose(ours.weight, plain.weight, 1e-3, 5e-3));
        CHECK(at::allclose(ours.bias, plain.bias, 1e-4, 1e-3));
      }
  }

  TEST_CASE("without gradients, in other layouts and types it is the same") {
    auto norm = norm_of(4, 8);
    const auto x = random({2, 8, 6, 5}, 5);
    const auto expected = norm->forward(x).relu();
    const at::NoGradGuard no_grad;
    for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast})
      CHECK(at::allclose(group_norm(*norm, x.contiguous(format), After::relu), expected, 1e-5, 1e-5));
    auto wide = norm_of(4, 8);
    wide->to(at::kDouble);
    CHECK(at::allclose(group_norm(*wide, x.to(at::kDouble), After::relu).to(at::kFloat), expected, 1e-5, 1e-5));
  }

  TEST_CASE("what is not a number is seen, and not taken for nothing") {
    auto norm = norm_of(1, 4);
    auto x = random({1, 4, 2, 2}, 6).contiguous(at::MemoryFormat::ChannelsLast);
    x[0][1][1][0].fill_(std::numeric_limits<float>::quiet_NaN());
    CHECK(group_norm(*norm, x, After::relu).isnan().all().item<bool>());
  }
}
