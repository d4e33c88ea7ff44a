#include <vos/nn/packed_conv.hpp>

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <vos/nn/backbone/conv.hpp>
#include <vos/nn/backbone/conv_norm.hpp>
#include <vos/nn/backbone/fold_norms.hpp>
#include <vos/nn/to_dtype.hpp>

#undef CHECK
#include <doctest/doctest.h>

namespace {

using namespace vos;

at::Tensor channels_last(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

// Sums of some hundred products near 1 in other orders; float32 has seven digits.
bool close(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-4, 1e-4); }

TEST_SUITE("nn") {
  TEST_CASE("a packed convolution computes the same, for every size that comes") {
    at::manual_seed(1);
    const at::NoGradGuard no_grad;
    for (const ConvShape shape : {ConvShape{}, ConvShape{.kernel = 1}, ConvShape{.kernel = 7, .stride = 2},
                                  ConvShape{.stride = 2, .dilation = 2}, ConvShape{.groups = 4}}) {
      auto conv = make_conv(8, 12, shape);
      const PackedConv packed;
      for (const bool biased : {false, true}) {
        if (biased) conv->bias = at::randn({12});
        for (const auto& size :
             std::vector<std::vector<std::int64_t>>{{1, 8, 20, 13}, {2, 8, 20, 13}, {1, 8, 1, 1}, {1, 8, 20, 13}})
          for (const auto& x : {at::randn(size), channels_last(at::randn(size))}) {
            const auto plain = conv(x);
            CHECK(close(packed(*conv, x), plain));
            CHECK(close(packed(*conv, x, After::relu), plain.relu()));
            const auto onto = at::randn(plain.sizes());
            CHECK(close(packed.add_relu(*conv, x, onto.clone()), (plain + onto).relu()));
            CHECK(close(packed.add_relu(*conv, x, channels_last(onto.clone())), (plain + onto).relu()));
          }
      }
    }
  }

  TEST_CASE("a packed convolution sees what was written to its filter since") {
    const at::NoGradGuard no_grad;
    auto conv = make_conv(4, 4);
    const PackedConv packed;
    const auto x = at::randn({1, 4, 9, 9});
    CHECK(close(packed(*conv, x), conv(x)));
    conv->weight.mul_(2);  // an optimizer's step
    CHECK(close(packed(*conv, x), conv(x)));
    conv->weight.set_data(at::randn({4, 4, 3, 3}));  // another file
    CHECK(close(packed(*conv, x), conv(x)));
  }

  TEST_CASE("a packed convolution is the plain one where gradients flow, and where LibTorch packs nothing") {
    auto conv = make_conv(4, 6);
    const PackedConv packed;
    const auto x = at::randn({1, 4, 9, 9}).requires_grad_();
    packed(*conv, x, After::relu).sum().backward();
    const auto to_x = x.grad().clone(), to_filter = conv->weight.grad().clone();
    conv->weight.mutable_grad() = at::Tensor{}, x.mutable_grad() = at::Tensor{};
    conv(x).relu().sum().backward();
    CHECK(x.grad().equal(to_x));
    CHECK(conv->weight.grad().equal(to_filter));

    const c10::InferenceMode inference;
    to_dtype(*conv, at::kDouble);
    const auto wide = x.detach().to(at::kDouble);
    CHECK(packed(*conv, wide).equal(conv(wide)));
  }

  TEST_CASE("in bfloat16 a packed convolution is at least as exact as the plain one") {
    at::manual_seed(2);
    const at::NoGradGuard no_grad;
    auto conv = make_conv(32, 16);
    to_dtype(*conv, at::kBFloat16);
    const auto x = at::randn({1, 32, 15, 11}).to(at::kBFloat16);
    const auto exact = at::conv2d(x.to(at::kDouble), conv->weight.to(at::kDouble), {}, 1, 1);
    const auto answer = PackedConv{}(*conv, x);
    CHECK((answer.scalar_type() == at::kBFloat16));
    // One rounding of the result: half of the eighth bit.
    CHECK(((answer.to(at::kDouble) - exact).abs() <= exact.abs() / 256 + 1e-3).all().item<bool>());
  }

  TEST_CASE("a convolution with its norm folded adds and cuts in the pass that writes, and computes the same") {
    at::manual_seed(3);
    const at::NoGradGuard no_grad;
    struct Pair : torch::nn::Module {
      torch::nn::Conv2d conv{register_module("conv", make_conv(6, 10))};
      Norm2d norm{register_module("norm", Norm2d(10, NormKind::frozen))};
    } pair;
    pair.norm->running_mean.copy_(at::randn({10}));
    pair.norm->running_var.copy_(at::rand({10}) + 0.5);
    ConvNorm both(pair.conv, pair.norm);
    const auto x = at::randn({1, 6, 8, 12}), onto = at::randn({1, 10, 8, 12});
    const auto plain = both(x), cut = both(x, After::relu), sum = both.add_relu(x, onto);
    CHECK(cut.equal(plain.relu()));
    CHECK(sum.equal((plain + onto).relu()));
    fold_norms(pair);
    CHECK(close(both(x), plain));
    CHECK(close(both(x, After::relu), cut));
    CHECK(close(both.add_relu(x, channels_last(onto)), sum));
  }
}

}  // namespace
