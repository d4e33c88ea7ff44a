// The network of VITA-TCOVIS: its switches, its two ways through a video, official files, and that it learns.
#include <ATen/ATen.h>
#include <torch/optim/adamw.h>

#include <vos/criterion/clip_criterion.hpp>
#include <vos/data/sampling.hpp>
#include <vos/model/vita_tcovis/entry.hpp>
#include <vos/weights/fill_module.hpp>

#include <cmath>
#include <map>
#include <set>

#include "../nn/figures.hpp"

using namespace vos;

namespace {

VitaTcovisNetworkOptions small() {
  return {.backbone = "tiny-backbone",
          .encoder_layers = 1,
          .encoder_hidden = 32,
          .mask_stride = 4,
          .classes = 2,
          .tokens = 4,
          .channels = 32,
          .heads = 4,
          .hidden = 32,
          .layers = 2,
          .embedding = 16,
          .slots = 3,
          .clip_encoder_layers = 1,
          .clip_layers = 2};
}

VitaTcovis made(const VitaTcovisNetworkOptions& options, bool training = false) {
  at::manual_seed(3);  // the same parameters, whatever was made before
  VitaTcovis network(options);
  network->train(training);
  return network;
}

/// A video of B clips: squares that move.
std::vector<ClipTargets> squares(std::int64_t clips, std::int64_t frames, std::int64_t size) {
  std::vector<ClipTargets> targets;
  for (std::int64_t b = 0; b < clips; ++b) {
    auto masks = at::zeros({2, frames, size, size}, at::kBool);
    for (std::int64_t t = 0; t < frames; ++t) {
      masks[0][t].narrow(0, 4 + 3 * t, 16).narrow(1, 4, 16).fill_(true);
      if (t > 0) masks[1][t].narrow(0, 30, 20).narrow(1, 30 - 2 * b, 20).fill_(true);  // comes late
    }
    targets.push_back({at::tensor({0, 1}, at::kLong), masks, masks.flatten(2).any(2), at::tensor({1, 2}, at::kLong)});
  }
  return targets;
}

at::Tensor clips_of(std::int64_t clips, std::int64_t frames, std::int64_t size) {
  return test::named("clips", {clips, frames, 3, size, size}, 1.5);
}

/// Masks at every cell and no draw of points: a function that derivatives can be taken of.
ClipCriterionOptions every_cell() {
  ClipCriterionOptions options;
  options.points.points = 0;
  options.assign.cost.points = 0;
  return options;
}

at::Tensor total(const Losses& losses) {
  at::Tensor sum;
  for (const auto& [name, loss] : losses) sum = sum.defined() ? sum + loss : loss;
  return sum;
}

/// Of clips of videos that no other step has.
at::Tensor loss_of(VitaTcovis& network, ClipCriterion& criterion, const at::Tensor& clips,
                   const std::vector<ClipTargets>& targets, std::uint64_t step = 0) {
  auto prediction = network->predict(clips);
  for (std::size_t b = 0; b < targets.size(); ++b) prediction.keys.push_back({100 * step + b, step});
  return total(criterion(prediction, targets));
}

bool same(const at::Tensor& a, const at::Tensor& b) { return at::equal(a, b); }

bool close(const at::Tensor& a, const at::Tensor& b, double tolerance) {
  return a.sizes() == b.sizes() && test::largest(a - b) <= tolerance;
}

/// float32 through some ten layers, sums in another order: what batches and padding may change.
constexpr double rounding = 2e-4;

/// The derivative along the gradient is the gradient's length: central differences in double.
void check_gradient(VitaTcovis& network, const ClipCriterionOptions& options) {
  to_dtype(*network, at::kDouble);
  {
    // They begin with places right between cells, where what is sampled bends.
    const at::NoGradGuard no_grad;
    for (const auto& item : network->named_parameters())
      if (item.key().find("sampling_offsets.bias") != std::string::npos)
        item.value().add_(test::named(item.key(), item.value().sizes(), 0.3).to(at::kDouble));
  }
  const auto clips = clips_of(1, 2, 64).to(at::kDouble);
  const auto targets = squares(1, 2, 64);
  const auto loss = [&] {
    ClipCriterion criterion(options);  // anew: a bank would remember the step before
    return loss_of(network, criterion, clips, targets);
  };
  loss().backward();
  const at::NoGradGuard no_grad;
  std::vector<std::pair<at::Tensor, at::Tensor>> moved;  // parameter, direction
  double square = 0;
  for (const auto& item : network->named_parameters()) {
    CAPTURE(item.key());
    if (!item.value().grad().defined()) continue;
    CHECK(at::isfinite(item.value().grad()).all().item<bool>());
    moved.emplace_back(item.value(), item.value().grad().clone());
    square += moved.back().second.square().sum().item<double>();
  }
  const double length = std::sqrt(square), step = 1e-9;
  REQUIRE(length > 0);
  const auto shift = [&](double by) {
    for (auto& [parameter, direction] : moved) parameter.add_(direction, by / length);
  };
  shift(step);
  const auto above = loss().item<double>();
  shift(-2 * step);
  const auto below = loss().item<double>();
  // So small a step because the coarsest map, 2x2 cells, is normed by itself: with random weights that bends within 1e-6 already.
  // Rounding is 1e-14 of a loss of 30, which is 1e-5 of the slope.
  CHECK((above - below) / (2 * step) == doctest::Approx(length).epsilon(1e-3));
}

}  // namespace

TEST_SUITE("vita-tcovis") {
  TEST_CASE("presets are of the sizes that they announce") {
    std::map<std::string, std::int64_t> parameters;
    for (const auto& preset : vita_tcovis_presets()) {
      VitaTcovis network(preset.options.network);
      for (const auto& each : network->parameters()) parameters[preset.name] += each.numel();
    }
    CHECK(parameters["vita-tcovis-tiny"] > 300'000);
    CHECK(parameters["vita-tcovis-tiny"] < 2'000'000);
    // The official VITA's (vita.md's table: 57 135 058 that train), GenVIS' four projections of 65 792, and the association
    // head: 256*256+256 + 128*256+128 + 2*128.
    CHECK(parameters["vita-tcovis-full"] == 57'135'058 + 4 * 65'792 + 98'944);
  }

  TEST_CASE("an image is seen alone: batches, order and padding change nothing") {
    for (const bool full : {false, true}) {
      auto options = small();
      options.pixel_decoder = full ? "msdeform" : "bilinear";
      options.masked = full;
      auto network = made(options);
      network->to(
          at::kDouble);  // a picture of a pixel is nearly all padding, and norms make much of its float32 rounding
      const at::NoGradGuard no_grad;
      for (const auto& [height, width] : {std::pair{64, 64}, {33, 47}, {1, 1}, {70, 31}}) {
        CAPTURE(height);
        const auto images = test::named("images", {2, 3, height, width}).to(at::kDouble);
        const auto both = network->detect(images);
        CHECK(both.logits.sizes() == at::IntArrayRef{2, 4, 3});
        CHECK(both.masks.sizes() == at::IntArrayRef{2, 4, (height + 3) / 4, (width + 3) / 4});
        CHECK(both.tokens.sizes() == at::IntArrayRef{2, 4, 32});
        CHECK(both.embeddings.sizes() == at::IntArrayRef{2, 4, 16});
        for (std::int64_t n = 0; n < 2; ++n) {
          const auto alone = network->detect(images.narrow(0, n, 1));
          CHECK(close(alone.logits[0], both.logits[n], 1e-9));
          CHECK(close(alone.masks[0], both.masks[n], 1e-9));
          CHECK(close(alone.embeddings[0], both.embeddings[n], 1e-9));
        }
        const auto wider = at::constant_pad_nd(images, {0, (32 - width % 32) % 32, 0, (32 - height % 32) % 32});
        CHECK(same(network->detect(wider).logits, both.logits));
        CHECK(same(network->detect(images).masks, both.masks));
      }
    }
  }

  TEST_CASE("a frame can have 1 to 100 tokens") {
    for (const std::int64_t tokens : {1, 7, 100}) {
      auto options = small();
      options.tokens = tokens;
      const at::NoGradGuard no_grad;
      CHECK(made(options)->detect(at::zeros({1, 3, 40, 40})).masks.sizes() == at::IntArrayRef{1, tokens, 10, 10});
    }
  }

  TEST_CASE("the network answers as its last layer in training does") {
    for (const bool propagate : {false, true}) {
      auto options = small();
      options.propagate = propagate;
      auto network = made(options, true);
      const auto clips = clips_of(2, 3, 64);
      const auto learned = network->predict(clips);
      CHECK(learned.layers.size() == (propagate ? 2 : 3));  // without slots the first one is of tokens before any layer
      CHECK(learned.layers[0].masks.sizes() == at::IntArrayRef{2, 3, propagate ? 3 : 4, 16, 16});
      network->eval();
      const at::NoGradGuard no_grad;
      for (std::int64_t b = 0; b < 2; ++b) {
        VitaTcovisImpl::State state;
        for (std::int64_t t = 0; t < 3; ++t) {
          const auto image = clips[b].narrow(0, t, 1);
          const auto said = propagate ? network->step(image, state) : network->detect(image);
          CHECK(close(said.logits[0], learned.layers.back().logits[b][t], rounding));
          CHECK(close(said.masks[0], learned.layers.back().masks[b][t], rounding * 10));
          CHECK(close(said.embeddings[0], learned.embeddings[b][t], rounding));
        }
      }
    }
  }

  TEST_CASE("one pass tells what frames say by themselves and what slots say") {
    auto options = small();
    options.propagate = true;
    auto network = made(options, true);
    const auto clips = clips_of(1, 2, 64);
    const auto said = network->predict_all(clips);
    CHECK(same(said.slots.layers.back().logits, network->predict(clips).layers.back().logits));
    network->eval();
    CHECK(close(said.frames.layers.back().logits[0], network->detect(clips[0]).logits, rounding));
  }

  TEST_CASE("a copied state goes on where it was, and a slot that begins anew forgets, alone") {
    auto options = small();
    options.propagate = true;
    options.ste = "pool";
    auto network = made(options);
    const at::NoGradGuard no_grad;
    const auto frames = test::named("frames", {4, 3, 64, 64}, 1.5);
    const auto frame = [&](std::int64_t t) { return frames.narrow(0, t, 1); };
    VitaTcovisImpl::State state;
    const auto first = network->step(frame(0), state);
    network->step(frame(1), state);
    auto branch = state;
    const auto straight = network->step(frame(2), state);
    network->step(frame(3), state);
    CHECK(same(network->step(frame(2), branch).masks, straight.masks));

    // With every slot new, a state is one at the beginning.
    network->reset_slots(branch, std::vector<std::int64_t>{0, 1, 2});
    CHECK(close(network->step(frame(0), branch).logits, first.logits, rounding));
    network->reset_slots(state, std::vector<std::int64_t>{1});
    CHECK(same(state.queries[0][1], network->vita_module->query_feat->weight[1]));
    CHECK_FALSE(same(state.queries[0][0], network->vita_module->query_feat->weight[0]));
    CHECK_THROWS_WITH_AS(made(small())->step(frame(0), state), doctest::Contains("do not propagate"), Error);
  }

  TEST_CASE("the enhancement by masks begins as nothing, bit for bit, and then learns") {
    auto options = small();
    options.propagate = true;
    auto plain = made(options, true);
    const auto clips = clips_of(1, 3, 64);
    for (const auto* ste : {"pool", "pool+corr"}) {
      CAPTURE(ste);
      options.ste = ste;
      auto network = made(options, true);
      const auto without = plain->predict(clips).layers.back(), with = network->predict(clips).layers.back();
      CHECK(same(with.logits, without.logits));
      CHECK(same(with.masks, without.masks));
      ClipCriterion criterion(every_cell());
      loss_of(network, criterion, clips, squares(1, 3, 64)).backward();
      CHECK(test::largest(network->ste->fuse->layers->at<torch::nn::LinearImpl>(1).weight.grad()) > 0);
    }
  }

  TEST_CASE("gradients are those of central differences, whatever is switched on") {
    const auto check = [](const std::string& what, const auto& change) {
      CAPTURE(what);
      auto options = small();
      auto losses = every_cell();
      change(options, losses);
      auto network = made(options, true);
      check_gradient(network, losses);
    };
    check("nothing", [](auto&, auto&) {});
    check("msdeform", [](auto& o, auto&) { o.pixel_decoder = "msdeform"; });
    check("mobilenet", [](auto& o, auto&) { o.backbone = "mobilenet-v2"; });
    check("focal", [](auto&, auto& losses) { losses.mask_loss = "focal"; });
    check("bank", [](auto&, auto& losses) { losses.negatives = "memory_bank"; });
    check("propagating", [](auto& o, auto&) { o.propagate = true, o.ste = "pool+corr"; });
    check("all", [](auto& o, auto& losses) {
      o.pixel_decoder = "msdeform", o.backbone = "mobilenet-v2", o.propagate = true;
      losses.mask_loss = "focal", losses.negatives = "memory_bank";
    });
  }

  TEST_CASE("all five switches go together, and each changes the loss") {
    // Which of three videos a batch shows is the fifth switch's say: the third one alone has objects of category 1.
    const std::vector<std::vector<std::int32_t>> categories{{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0, 1}};
    std::set<double> values;
    for (int bits = 0; bits < 32; ++bits) {
      CAPTURE(bits);
      const auto on = [&](int bit) { return (bits >> bit & 1) != 0; };
      auto options = small();
      options.pixel_decoder = on(0) ? "msdeform" : "bilinear";
      options.backbone = on(1) ? "mobilenet-v2" : "tiny-backbone";
      auto losses = every_cell();
      losses.mask_loss = on(2) ? "focal" : "bce";
      losses.negatives = on(3) ? "memory_bank" : "in_batch";
      const auto videos =
          sampled_videos(categories, 8, {.sampling = on(4) ? "class_balanced" : "frequency", .rare = 1});
      auto network = made(options, true);
      ClipCriterion criterion(losses);
      double sum = 0;
      for (std::uint64_t step = 0; step < 2; ++step) {  // the bank of the first is the second's
        std::vector<ClipTargets> targets;
        double shown = 0;
        for (std::int64_t i = 0; i < 8; ++i) shown += videos(5, 0, i) == 7;
        targets = squares(1, 2, 64);
        if (shown < 2) targets[0].categories.fill_(0);
        const auto loss = loss_of(network, criterion, clips_of(1, 2, 64), targets, step);
        loss.backward();
        sum += loss.item<double>();
      }
      for (const auto& item : network->named_parameters()) {
        CAPTURE(item.key());
        if (item.value().grad().defined()) CHECK(at::isfinite(item.value().grad()).all().item<bool>());
      }
      values.insert(sum);
    }
    CHECK(values.size() == 32);
  }

  TEST_CASE("every parameter learns") {
    for (const bool propagate : {false, true}) {
      auto options = small();
      options.pixel_decoder = "msdeform";
      options.levels = 2;
      options.propagate = propagate;
      auto network = made(options, true);
      ClipCriterion criterion(every_cell());
      loss_of(network, criterion, clips_of(1, 3, 64), squares(1, 3, 64)).backward();
      std::vector<std::string> idle;
      for (const auto& item : network->named_parameters())
        if (!item.value().grad().defined()) idle.push_back(item.key());
      // What the slots do not use: the frames' own heads, taught by predict_all, and the heads of another loss.
      for (const auto& name : idle)
        CHECK((propagate && (name.find("predictor.class_embed") != std::string::npos ||
                             name.find("predictor.mask_embed") != std::string::npos ||
                             name.find("pixel_decoder.mask_features") != std::string::npos ||
                             name.find("vita_module.sim_embed") != std::string::npos)));
    }
  }

  TEST_CASE("an official file of VITA has everything but what is ours and GenVIS'") {
    auto network = made(vita_tcovis_presets()[1].options.network);
    const auto weights = filled_weights(read_keys(test::file("golden/keys/vita_r50.tsv")), FillRule::vita);
    const auto report = load_weights(*network, weights, vita_tcovis_rules(network->options));
    CHECK(report.complete());
    std::set<std::string> absent;
    for (const auto& key : report.absent) absent.insert(key.name);
    std::set<std::string> expected;
    for (const auto* name :
         {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "norm.weight", "norm.bias"})
      expected.insert(std::string{"reid_embed."} + name);
    for (const auto* name : {"pre_memory_embed_k", "pre_memory_embed_v", "pre_query_embed_k", "pre_query_embed_v"})
      for (const auto* part : {".weight", ".bias"}) expected.insert(std::string{"vita_module."} + name + part);
    CHECK(absent == expected);

    // And the file's network is the official one: its figures for eight frames of noise.
    const at::NoGradGuard no_grad;
    const auto frames = test::noise_frames(8);
    const auto said = network->detect(frames);
    test::check_moments(
        said.logits,
        {{8, 100, 41}, -0.2227947, 0.9966821, 0.8643489, {1.311230, 0.186631, 0.119694, 1.321358, 0.648370}});
    test::check_moments(
        said.tokens.unsqueeze(0),
        {{1, 8, 100, 256}, -0.0104042, 0.9867907, 0.7875019, {0.217384, 1.707835, 0.996933, 0.332742, -0.780053}});
  }

  TEST_CASE("a backbone's file is a beginning, and so is one with other classes") {
    auto network = made(small());
    auto other = small();
    other.classes = 5;
    auto donor = made(other);
    const auto weights_of = [](const torch::nn::Module& module) {
      Weights weights{.where = "a file"};
      for (const auto& [name, value, parameter] : state_of(module)) weights.entries.push_back({name, value.clone()});
      return weights;
    };
    fill_module(*donor, FillRule::vita);
    CHECK(load_backbone(*network, weights_of(*donor->backbone.module())).complete());
    CHECK(same(network->backbone.module()->parameters()[0], donor->backbone.module()->parameters()[0]));
    CHECK_THROWS_AS((void)load_weights(*network, weights_of(*donor), vita_tcovis_rules(small())), Error);
    const auto report = load_weights(*network, weights_of(*donor), vita_tcovis_start_rules(small()));
    CHECK(report.misshapen.size() == 2);
    CHECK(same(network->reid_embed->norm->weight, donor->reid_embed->norm->weight));
  }

  TEST_CASE("a file says with which options its network was made, and the caller may change those that are no shapes") {
    const test::Folder folder;
    const auto path = folder / "weights.safetensors";
    const auto entry = configured(vita_tcovis_module_entries()[2], {{"tokens", "7"}, {"masked", "false"}});
    const auto module = entry.make();
    std::vector<NamedTensor> weights;
    for (const auto& [name, value, parameter] : state_of(*module)) weights.push_back({name, value});
    const auto write = [&](const std::map<std::string, std::string>& metadata) {
      write_weights(path, weights, metadata);
    };
    const auto make = [&](std::map<std::string, std::string> options) {
      return vita_tcovis_entries()[2].make(
          {.model = "vita-tcovis-tiny", .weights = path, .options = std::move(options)});
    };
    write(metadata_of(entry));
    CHECK(network_facts(read_weights(path).metadata, "").settings.at("tokens") == "7");
    CHECK(network_facts(read_weights(path).metadata, "").size == 0);
    CHECK_NOTHROW((void)make({}));
    CHECK_NOTHROW((void)make({{"masked", "true"}, {"birth", "0.6"}}));
    // Pictures are shown at the size that was learnt at, unless the caller wants another.
    auto sized = metadata_of(entry);
    sized[size_key] = "224";
    write(sized);
    CHECK(network_facts(read_weights(path).metadata, "").size == 224);
    write(metadata_of(entry));
    CHECK_THROWS_WITH_AS((void)make({{"tokens", "9"}}),
                         doctest::Contains("tokens=9 is set, the file was made with tokens=7"), Error);
    write({});
    CHECK_THROWS_WITH_AS((void)make({}), doctest::Contains("does not fit"), Error);
    CHECK_NOTHROW((void)make({{"tokens", "7"}}));
    write({{"vos.model", "deaott"}});
    CHECK_THROWS_WITH_AS((void)make({{"tokens", "7"}}), doctest::Contains("weights of model 'deaott'"), Error);
    write({{"vos.options", "[7]"}});
    CHECK_THROWS_WITH_AS((void)make({}), doctest::Contains("no JSON object"), Error);
    CHECK_THROWS_WITH_AS((void)vita_tcovis_entries()[0].make({}), doctest::Contains("needs weights"), Error);
  }

  TEST_CASE("options that make no network are refused by name") {
    const auto refuses = [](const auto& change, const char* what) {
      auto options = small();
      change(options);
      CHECK_THROWS_WITH_AS(VitaTcovis{options}, doctest::Contains(what), Error);
    };
    refuses([](auto& o) { o.backbone = "resnet51"; }, "did you mean 'resnet50'");
    refuses([](auto& o) { o.pixel_decoder = "nearest"; }, "'nearest' is no value of 'pixel_decoder'");
    refuses([](auto& o) { o.mask_stride = 16; }, "masks of stride 16");
    refuses([](auto& o) { o.heads = 5; }, "heads");
    refuses([](auto& o) { o.tokens = 0; }, "'tokens' cannot be 0");
    refuses([](auto& o) { o.ste = "on"; }, "'on' is no value of 'ste'");
    CHECK_THROWS_WITH_AS((void)configured({.name = "resnet50"}, {{"tokens", "3"}}), doctest::Contains("has no options"),
                         Error);
  }

  TEST_CASE("the tiny preset learns one clip by heart, and keeps a token for each object") {
    at::manual_seed(5);
    auto options = vita_tcovis_presets()[2].options.network;
    VitaTcovis network(options);
    const auto targets = squares(1, 3, 64);
    auto clip = at::full({1, 3, 3, 64, 64}, -0.5);
    for (std::int64_t t = 0; t < 3; ++t) {
      clip[0][t][0].masked_fill_(targets[0].masks[0][t], 1.5);
      clip[0][t][2].masked_fill_(targets[0].masks[1][t], 1.5);
    }
    auto one_class = targets;
    one_class[0].categories.zero_();
    ClipCriterion criterion(every_cell());
    torch::optim::AdamW optimiser(network->parameters(), torch::optim::AdamWOptions(1e-3));
    for (int step = 0; step < 60; ++step) {
      const auto loss = loss_of(network, criterion, clip, one_class);
      optimiser.zero_grad();
      loss.backward();
      optimiser.step();
    }
    network->eval();
    const at::NoGradGuard no_grad;
    const auto said = network->detect(clip[0]);
    const auto inside = at::upsample_bilinear2d(said.masks, {64, 64}, false).gt(0);  // [T,Q,H,W]
    for (std::int64_t g = 0; g < 2; ++g) {
      std::set<std::int64_t> tokens;
      for (std::int64_t t = 0; t < 3; ++t) {
        if (!targets[0].visible[g][t].item<bool>()) continue;
        const auto& mask = targets[0].masks[g][t];
        const auto both = inside[t].logical_and(mask).sum({1, 2}).to(at::kDouble);
        const auto either = inside[t].logical_or(mask).sum({1, 2}).to(at::kDouble);
        const auto present = said.logits[t].softmax(-1).select(-1, 0).gt(0.5);
        const auto overlap = both / either * present;
        tokens.insert(overlap.argmax().item<std::int64_t>());
        CHECK(overlap.max().item<double>() > 0.7);  // edges of a mask with a cell of four pixels
      }
      CHECK(tokens.size() == 1);
    }
  }
}
