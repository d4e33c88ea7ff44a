// VITA-TCOVIS so small that it also runs under the sanitizers: every path once, forwards and back.
#include <ATen/ATen.h>

#include <vos/criterion/clip_criterion.hpp>
#include <vos/model/vita_tcovis/network.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

VitaTcovisNetworkOptions smallest() {
  return {.backbone = "tiny-backbone",
          .encoder_layers = 1,
          .encoder_hidden = 16,
          .classes = 2,
          .tokens = 3,
          .channels = 16,
          .heads = 2,
          .hidden = 16,
          .layers = 1,
          .embedding = 8,
          .slots = 2,
          .clip_encoder_layers = 1,
          .clip_layers = 1,
          .memory = 2};
}

/// Two clips of two frames; one has an object in both frames, the other none.
std::vector<ClipTargets> targets_of_two(std::int64_t height, std::int64_t width) {
  auto mask = at::zeros({1, 2, height, width}, at::kBool);
  mask.narrow(2, 4, 20).narrow(3, 8, 20).fill_(true);
  return {{at::tensor({1}, at::kLong), mask, at::ones({1, 2}, at::kBool), at::tensor({7}, at::kLong)},
          {at::empty({0}, at::kLong), at::empty({0, 2, height, width}, at::kBool), at::empty({0, 2}, at::kBool),
           at::empty({0}, at::kLong)}};
}

}  // namespace

TEST_SUITE("vita-tcovis, small") {
  TEST_CASE("learns from clips of odd sizes, by each pixel decoder, propagating and not") {
    at::manual_seed(1);
    for (const auto* pixel_decoder : {"bilinear", "msdeform"})
      for (const bool propagate : {false, true}) {
        CAPTURE(pixel_decoder);
        CAPTURE(propagate);
        auto options = smallest();
        options.pixel_decoder = pixel_decoder;
        options.masked = propagate;
        options.propagate = propagate;
        options.ste = "pool+corr";
        VitaTcovis network(options);
        auto prediction = network->predict(at::randn({2, 2, 3, 33, 47}));
        prediction.keys = {{1, 0}, {2, 0}};
        ClipCriterion criterion({.points = {.points = 0}, .assign = {.cost = {.points = 0}}});
        auto loss = at::zeros({});
        for (const auto& [name, each] : criterion(prediction, targets_of_two(33, 47))) loss = loss + each;
        loss.backward();
        CHECK(std::isfinite(loss.item<double>()));
        CHECK(network->sem_seg_head->predictor->query_feat->weight.grad().defined());
      }
  }

  TEST_CASE("answers frame by frame, also when slots begin anew and more frames come than it remembers") {
    at::manual_seed(1);
    auto options = smallest();
    options.propagate = true;
    options.ste = "pool";
    VitaTcovis network(options);
    network->eval();
    const at::NoGradGuard no_grad;
    VitaTcovisImpl::State state;
    for (int frame = 0; frame < 5; ++frame) {
      const auto said = network->step(at::randn({1, 3, 40, 33}), state);
      CHECK(said.masks.sizes() == at::IntArrayRef{1, 2, 5, 5});
      CHECK(at::isfinite(said.logits).all().item<bool>());
      network->reset_slots(state, std::vector<std::int64_t>{frame % 2});
    }
    CHECK(state.frame == 5);
    CHECK(network->detect(at::randn({2, 3, 1, 70})).masks.sizes() == at::IntArrayRef{2, 3, 1, 9});
  }
}
