#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <vos/core/memory_meter.hpp>
#include <vos/nn/backbone/any.hpp>
#include <vos/nn/deformable/encoder.hpp>
#include <vos/nn/recompute.hpp>
#include <vos/nn/token_decoder.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// A layer that draws random numbers and keeps far more than it is given.
struct WideImpl : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) {
    return x + at::dropout(narrow(at::dropout(wide(x).relu(), 0.3, true)), 0.1, true);
  }
  torch::nn::Linear wide{register_module("wide", torch::nn::Linear(16, 256))};
  torch::nn::Linear narrow{register_module("narrow", torch::nn::Linear(256, 16))};
};
TORCH_MODULE(Wide);

/// The same layer twice, and others once.
struct StackImpl : torch::nn::Module, Recomputable {
  StackImpl() {
    for (int i = 0; i < 6; ++i) layers.push_back(register_module("layer" + std::to_string(i), Wide()));
    layers.push_back(layers[2]);
  }
  at::Tensor forward(at::Tensor x) {
    for (auto& layer : layers) x = recomputed(on, *layer, x);
    return x;
  }
  void recompute(bool how) override { on = how; }
  std::vector<Wide> layers;
  bool on = false;
};
TORCH_MODULE(Stack);

struct Outcome {
  std::vector<at::Tensor> tensors;  // what came out, gradients, buffers
  std::int64_t peak;
};

/// A pass there and back. `run()` gives what came out.
Outcome pass(torch::nn::Module& module, const auto& run, const at::Tensor& input = {}) {
  for (auto& parameter : module.parameters()) parameter.mutable_grad().reset();
  if (input.defined()) input.mutable_grad().reset();
  at::manual_seed(5);
  const MemoryMeter meter;
  Outcome outcome;
  at::Tensor sum;
  for (const auto& out : run()) {
    outcome.tensors.push_back(out.detach().clone());
    const auto part = (out.to(at::kFloat) * at::arange(out.numel()).reshape(out.sizes()).remainder(7)).sum();
    sum = sum.defined() ? sum + part : part;
  }
  sum.backward();
  outcome.peak = meter.peak();
  outcome.tensors.push_back(at::rand({4}));  // what the generators come to give next
  for (const auto& parameter : module.parameters())
    outcome.tensors.push_back(parameter.grad().defined() ? parameter.grad().clone() : at::Tensor{});
  for (const auto& buffer : module.buffers()) outcome.tensors.push_back(buffer.clone());
  if (input.defined()) outcome.tensors.push_back(input.grad().clone());
  return outcome;
}

void check_same(const Outcome& one, const Outcome& other) {
  REQUIRE(one.tensors.size() == other.tensors.size());
  std::int64_t unlike = 0, there = 0;
  for (std::size_t i = 0; i < one.tensors.size(); ++i) {
    REQUIRE(one.tensors[i].defined() == other.tensors[i].defined());
    if (one.tensors[i].defined()) unlike += !one.tensors[i].equal(other.tensors[i]), ++there;
  }
  CHECK(unlike == 0);
  CHECK(there > 2);
}

}  // namespace

TEST_SUITE("nn") {
  TEST_CASE("what is computed again gives the same gradients, bit for bit, and needs less memory meanwhile") {
    at::manual_seed(1);
    Stack stack;
    const auto x = at::randn({512, 16}).requires_grad_(true);
    const auto run = [&] { return std::vector{stack(x)}; };
    const auto plain = pass(*stack, run, x);
    CHECK(set_recompute(*stack, true) == 1);
    const auto again = pass(*stack, run, x);
    check_same(plain, again);
    // Seven layers keep their wide middles, against one at a time and seven narrow inputs.
    CHECK(again.peak * 3 < plain.peak);

    const at::NoGradGuard no_grad;
    at::manual_seed(5);
    const auto without = stack(x);
    set_recompute(*stack, false);
    at::manual_seed(5);
    CHECK(without.equal(stack(x)));
  }

  TEST_CASE("in mixed precision too, where weights are converted once for many uses") {
    at::manual_seed(1);
    Stack stack;
    const auto x = at::randn({64, 16});
    const auto run = [&] {
      const Autocast half(at::kCPU, at::kBFloat16);
      return std::vector{stack(x)};
    };
    const auto plain = pass(*stack, run);
    set_recompute(*stack, true);
    const auto again = pass(*stack, run);
    CHECK(again.tensors[0].equal(plain.tensors[0]));
    for (std::size_t i = 2; i < plain.tensors.size(); ++i)
      // Two uses of one converted weight add up their gradients in bf16, uses of two in float32.
      CHECK((again.tensors[i] - plain.tensors[i]).norm().item<double>() <=
            0.01 * plain.tensors[i].norm().item<double>());
  }

  TEST_CASE("backbones can, with norms that learn, and running means move once") {
    for (const auto* name : {"resnet18", "mobilenet-v2", "swin-t", "tiny-backbone"}) {
      CAPTURE(name);
      at::manual_seed(1);
      auto backbone = make_backbone(name, {.norm = NormKind::live});
      const auto images = at::randn({1, 3, 128, 160});
      const auto run = [&] {
        std::vector<at::Tensor> maps;
        for (const auto& map : backbone(images)) maps.push_back(map.values);
        return maps;
      };
      backbone.module()->train();
      std::vector<at::Tensor> before;
      for (const auto& buffer : backbone.module()->buffers()) before.push_back(buffer.clone());
      const auto plain = pass(*backbone.module(), run);
      const at::NoGradGuard no_grad;
      const auto buffers = backbone.module()->buffers();
      for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].variable_data().copy_(before[i]);
      at::AutoGradMode with_gradients(true);
      CHECK(set_recompute(*backbone.module(), true) == 1);
      const auto again = pass(*backbone.module(), run);
      check_same(plain, again);
      CHECK(again.peak < plain.peak);
    }
  }

  TEST_CASE("an encoder and a decoder can, with masks and with dropout") {
    at::manual_seed(1);
    DeformableEncoder encoder(
        DeformableEncoderOptions{.channels = 32, .heads = 4, .hidden = 64, .layers = 3, .levels = 1, .dropout = 0.2});
    const std::vector<GridSize> grid{{6, 8}};
    const auto tokens = at::randn({2, 48, 32}).requires_grad_(true), positions = at::randn({1, 48, 32});
    const auto encode = [&] { return std::vector{encoder(tokens, positions, token_centres(grid, at::kCPU), grid)}; };
    const auto plain = pass(*encoder, encode, tokens);
    CHECK(set_recompute(*encoder, true) == 1);
    const auto again = pass(*encoder, encode, tokens);
    check_same(plain, again);
    CHECK(again.peak < plain.peak);

    TokenDecoder decoder(TokenDecoderOptions{.channels = 32,
                                             .heads = 4,
                                             .hidden = 128,
                                             .layers = 3,
                                             .tokens = 20,
                                             .levels = 1,
                                             .classes = 3,
                                             .masked = true,
                                             .dropout = 0.2});
    const auto map = at::randn({2, 32, 12, 16}).requires_grad_(true);
    const auto decode = [&] {
      std::vector<at::Tensor> said;
      for (const auto& layer : decoder->forward({.masks = map, .finest = map, .levels = {map}, .stride = 4}))
        said.insert(said.end(), {layer.logits, layer.mask_embeddings});
      return said;
    };
    const auto kept = pass(*decoder, decode, map);
    CHECK(set_recompute(*decoder, true) == 1);
    const auto made = pass(*decoder, decode, map);
    check_same(kept, made);
    CHECK(made.peak < kept.peak);
  }
}
