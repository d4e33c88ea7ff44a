#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <vos/core/options.hpp>
#include <vos/criterion/clip_criterion.hpp>

#include "../test.hpp"
#include "gradient.hpp"

using namespace vos;
using test::slope_error;
using test::slope_tolerance;

namespace {

at::Tensor random(at::IntArrayRef sizes, std::uint64_t seed) {
  return at::randn(sizes, at::detail::createCPUGenerator(seed), at::TensorOptions{at::kDouble});
}

/// Object g: a 3x3 square that moves to the right from frame `first` on, for `frames` frames.
struct Square {
  std::int64_t first, frames, category;
};

ClipTargets targets_of(std::initializer_list<Square> squares, std::int64_t length = 3) {
  const auto objects = static_cast<std::int64_t>(squares.size());
  ClipTargets clip{.categories = at::empty({objects}, at::kLong),
                   .masks = at::zeros({objects, length, 8, 10}, at::kBool)};
  std::int64_t g = 0;
  for (const auto& square : squares) {
    for (auto t = square.first; t < square.first + square.frames; ++t)
      clip.masks[g][t].narrow(0, 2 * (g % 3), 3).narrow(1, t + g, 3).fill_(true);
    clip.categories[g++].fill_(square.category);
  }
  clip.visible = clip.masks.flatten(2).any(2);
  clip.ids = at::arange(objects);
  return clip;
}

/// Two clips: in the first, one object throughout and one from the second frame on; in the second, one that leaves.
std::vector<ClipTargets> two_clips() { return {targets_of({{0, 3, 1}, {1, 2, 0}}), targets_of({{0, 2, 1}})}; }

ClipPrediction random_prediction(std::uint64_t seed, std::size_t layers = 2, std::int64_t queries = 4) {
  ClipPrediction prediction;
  for (std::size_t i = 0; i < layers; ++i)
    prediction.layers.push_back({.logits = random({2, 3, queries, 3}, seed + 10 * i),
                                 .masks = random({2, 3, queries, 4, 5}, seed + 10 * i + 1)});
  prediction.embeddings = random({2, 3, queries, 6}, seed + 2);
  prediction.keys = {{.video = 0}, {.video = 1}};
  return prediction;
}

double value(const Losses& losses, const std::string& name) {
  REQUIRE(losses.contains(name));
  return losses.at(name).item<double>();
}

at::Tensor sum(const Losses& losses) {
  at::Tensor all;
  for (const auto& [name, loss] : losses) all = all.defined() ? all + loss : loss;
  return all;
}

ClipCriterionOptions whole_masks() {
  ClipCriterionOptions options;
  options.points.points = options.assign.cost.points = 0;
  return options;
}

}  // namespace

TEST_SUITE("clip criterion") {
  TEST_CASE("losses are what a loop over frames, queries and cells gives") {
    const auto prediction = random_prediction(1, 1);
    const auto targets = two_clips();
    const auto options = whole_masks();
    const auto losses = ClipCriterion{options}(prediction, targets);

    double classes = 0, weights = 0, masks = 0, dices = 0, count = 0;
    for (std::int64_t b = 0; b < 2; ++b) {
      const FrameDetections frames{.logits = prediction.layers[0].logits[b], .masks = prediction.layers[0].masks[b]};
      const auto& clip = targets[static_cast<std::size_t>(b)];
      const auto slots = ClipAssigner{options.assign}(std::span{&frames, 1}, clip)[0];
      for (std::int64_t t = 0; t < 3; ++t)
        for (std::int64_t q = 0; q < 4; ++q) {
          std::int64_t category = 2;
          for (std::int64_t g = 0; g < slots.objects(); ++g)
            if (slots.slot(g, t) == q) {
              category = clip.categories[g].item<std::int64_t>();
              const auto p = frames.masks[t][q].sigmoid();
              // Each cell of 4x5 has 2x2 pixels.
              const auto y = clip.masks[g][t].to(at::kDouble).view({4, 2, 5, 2}).mean({{1, 3}});
              masks -= (y * p.log() + (1 - y) * (1 - p).log()).mean().item<double>();
              dices += 1 - ((2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)).item<double>();
              ++count;
            }
          const double weight = category == 2 ? 0.1 : 1;
          classes -= weight * frames.logits[t][q].log_softmax(0)[category].item<double>();
          weights += weight;
        }
    }
    CHECK(count == 7);
    CHECK(value(losses, "loss_class") == doctest::Approx(2 * classes / weights));
    CHECK(value(losses, "loss_mask") == doctest::Approx(5 * masks / count));
    CHECK(value(losses, "loss_dice") == doctest::Approx(5 * dices / count));
  }

  TEST_CASE("embeddings' losses are what a loop over pairs gives") {
    const auto prediction = random_prediction(3, 1);
    const auto targets = two_clips();
    auto options = whole_masks();
    options.embedding.cosine_negatives = 0;
    const auto losses = ClipCriterion{options}(prediction, targets);

    struct Item {
      std::int64_t clip, frame, query, object;  // object -1: none
      at::Tensor e;
    };
    std::vector<Item> items;
    for (std::int64_t b = 0; b < 2; ++b) {
      const FrameDetections frames{.logits = prediction.layers[0].logits[b], .masks = prediction.layers[0].masks[b]};
      const auto slots = ClipAssigner{options.assign}(std::span{&frames, 1}, targets[static_cast<std::size_t>(b)])[0];
      for (std::int64_t t = 0; t < 3; ++t)
        for (std::int64_t q = 0; q < 4; ++q) {
          items.push_back({b, t, q, -1, prediction.embeddings[b][t][q]});
          for (std::int64_t g = 0; g < slots.objects(); ++g)
            if (slots.slot(g, t) == q) items.back().object = 10 * b + g;
        }
    }
    const auto dot = [](const at::Tensor& a, const at::Tensor& b) { return a.dot(b).item<double>(); };
    const auto cosine = [&](const at::Tensor& a, const at::Tensor& b) {
      return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
    };
    double match = 0, pairs = 0, contrasted = 0, cosines = 0, anchors = 0;
    for (const auto& a : items) {
      if (a.object < 0) continue;
      double above = 0, below = 0, squares = 0, compared = 0;
      for (const auto& k : items) {
        if (&a == &k) continue;
        const bool same = a.object == k.object;
        (same ? below : above) += std::exp((same ? -1 : 1) * dot(a.e, k.e));
        squares += std::pow(cosine(a.e, k.e) - same, 2);
        ++compared;
        if (!same) continue;
        double others = 0;
        for (const auto& other : items)
          if (other.clip == k.clip && other.frame == k.frame) others += std::exp(10 * cosine(a.e, other.e));
        match -= std::log(std::exp(10 * cosine(a.e, k.e)) / others);
        ++pairs;
      }
      contrasted += std::log1p(above * below), cosines += squares / compared, ++anchors;
    }
    CHECK(pairs == 3 * 2 + 2 + 2);
    CHECK(value(losses, "loss_match") == doctest::Approx(match / pairs));
    CHECK(value(losses, "loss_contrast") == doctest::Approx(2 * contrasted / anchors));
    CHECK(value(losses, "loss_cosine") == doctest::Approx(3 * cosines / anchors));

    options.embedding.match_gap = 1;  // the object in three frames loses its pair of first and last
    CHECK(value(ClipCriterion{options}(prediction, targets), "loss_match") != doctest::Approx(match / pairs));
  }

  TEST_CASE("every layer is supervised, each name once, each weight once, and a weight of 0 leaves its loss out") {
    const auto prediction = random_prediction(5, 3);
    const auto targets = two_clips();
    auto options = whole_masks();
    const auto losses = ClipCriterion{options}(prediction, targets);
    std::vector<std::string> names,
        expected{"loss_class", "loss_contrast", "loss_cosine", "loss_dice", "loss_mask", "loss_match"};
    for (const auto* name : {"loss_class", "loss_mask", "loss_dice"})
      for (const auto* suffix : {"_0", "_1"}) expected.push_back(std::string{name} + suffix);
    std::sort(expected.begin(), expected.end());
    for (const auto& [name, loss] : losses) names.push_back(name);
    CHECK(names == expected);

    auto first = prediction;  // an auxiliary layer pays what it would pay as the last one
    first.layers.resize(1);
    const auto alone = ClipCriterion{options}(first, targets);
    for (const auto* name : {"loss_class", "loss_mask", "loss_dice"})
      CHECK(value(losses, std::string{name} + "_0") == doctest::Approx(value(alone, name)));

    const auto check = [&](double& weight, const std::string& name) {
      const double before = weight;
      weight = 3 * before;
      CHECK(value(ClipCriterion{options}(prediction, targets), name) == doctest::Approx(3 * value(losses, name)));
      weight = 0;
      CHECK_FALSE(ClipCriterion{options}(prediction, targets).contains(name));
      weight = before;
    };
    check(options.class_weight, "loss_class");
    check(options.mask_weight, "loss_mask");
    check(options.dice_weight, "loss_dice");
    check(options.embedding.match_weight, "loss_match");
    check(options.embedding.contrast_weight, "loss_contrast");
    check(options.embedding.cosine_weight, "loss_cosine");
    auto blind = prediction;
    blind.embeddings = at::Tensor{};
    CHECK(ClipCriterion{options}(blind, targets).size() == 9);
  }

  TEST_CASE("every term's slope is that of central differences, with whole masks and with points") {
    const auto targets = two_clips();
    const auto prediction = random_prediction(7);
    for (const std::int64_t points : {0, 40})
      for (const auto* mask_loss : {"bce", "focal"}) {
        ClipCriterionOptions options;
        options.points.points = options.assign.cost.points = points;
        options.mask_loss = mask_loss;
        const auto check = [&](const std::string& name, const at::Tensor& x, auto place) {
          CAPTURE(name);
          CAPTURE(points);
          const auto loss = [&](const at::Tensor& v) {
            auto moved = prediction;
            place(moved) = v;
            return ClipCriterion{options}(moved, targets).at(name);
          };
          CHECK(slope_error(loss, x, 2) < slope_tolerance);
        };
        for (std::size_t layer = 0; layer < 2; ++layer) {
          const auto suffix = layer == 0 ? "_0" : "";
          const auto masks = [&](ClipPrediction& p) -> at::Tensor& { return p.layers[layer].masks; };
          const auto logits = [&](ClipPrediction& p) -> at::Tensor& { return p.layers[layer].logits; };
          check("loss_mask" + std::string{suffix}, prediction.layers[layer].masks, masks);
          check("loss_dice" + std::string{suffix}, prediction.layers[layer].masks, masks);
          check("loss_class" + std::string{suffix}, prediction.layers[layer].logits, logits);
        }
        const auto embeddings = [](ClipPrediction& p) -> at::Tensor& { return p.embeddings; };
        for (const auto* name : {"loss_match", "loss_contrast", "loss_cosine"})
          check(name, prediction.embeddings, embeddings);
      }
  }

  TEST_CASE("clips without objects, empty frames and more objects than queries give finite losses and slopes") {
    const auto none = targets_of({}), unseen = targets_of({{0, 0, 1}, {2, 1, 0}});
    const auto crowd = targets_of({{0, 3, 0}, {0, 3, 1}, {0, 2, 1}, {1, 2, 0}, {2, 1, 0}, {0, 1, 1}});
    for (const auto* assign : {"global", "first_appearance", "per_frame"})
      for (const auto* negatives : {"in_batch", "memory_bank"})
        for (const auto& targets : {std::vector{none, none}, {none, unseen}, {crowd, none}, {unseen, crowd}})
          for (const std::int64_t points : {0, 30}) {
            ClipCriterionOptions options;
            options.assign.assign = assign, options.negatives = negatives;
            options.points.points = options.assign.cost.points = points;
            auto prediction = random_prediction(9);
            std::vector<at::Tensor> leaves{prediction.embeddings};
            for (auto& layer : prediction.layers) leaves.push_back(layer.logits), leaves.push_back(layer.masks);
            for (auto& leaf : leaves) leaf.requires_grad_();
            ClipCriterion criterion{options};
            criterion(prediction, targets);
            const auto losses = criterion(prediction, targets);
            CHECK(losses.size() == 9);
            for (const auto& [name, loss] : losses) CHECK(loss.isfinite().item<bool>());
            sum(losses).backward();
            for (const auto& leaf : leaves) {  // all take part, so that distributed training waits for none
              REQUIRE(leaf.grad().defined());
              CHECK(leaf.grad().isfinite().all().item<bool>());
            }
          }
  }

  TEST_CASE("16-bit predictions of any size give finite losses and slopes, and mixed precision changes nothing") {
    const auto targets = two_clips();
    for (const double size : {1.0, 1e3, 1e6}) {  // the last overflows to infinity
      auto prediction = random_prediction(11);
      std::vector<at::Tensor> leaves;
      const auto half = [&](at::Tensor& t) { leaves.push_back(t = (t * size).to(at::kHalf).requires_grad_()); };
      for (auto& layer : prediction.layers) half(layer.logits), half(layer.masks);
      half(prediction.embeddings);
      const auto losses = ClipCriterion{}(prediction, targets);
      for (const auto& [name, loss] : losses) {
        CHECK((loss.scalar_type() == at::kFloat));
        CHECK(loss.isfinite().item<bool>());
      }
      // The slope of dot products is as large as embeddings are, and those of several anchors add up to more than fp16
      // holds: what mixed precision scales losses for.
      CAPTURE(size);
      (sum(losses) / 16).backward();
      for (const auto& leaf : leaves) CHECK(leaf.grad().isfinite().all().item<bool>());
    }
    auto prediction = random_prediction(12);
    for (auto& layer : prediction.layers) layer = {layer.logits.to(at::kFloat), layer.masks.to(at::kFloat)};
    prediction.embeddings = prediction.embeddings.to(at::kFloat);
    const auto exact = sum(ClipCriterion{}(prediction, targets));
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const auto mixed = sum(ClipCriterion{}(prediction, targets));
    at::autocast::set_autocast_enabled(at::kCPU, false);
    CHECK(mixed.equal(exact));
  }

  TEST_CASE("a slot must be silent before its object comes and after it has gone") {
    const std::vector<ClipTargets> targets{targets_of({{1, 1, 0}}), targets_of({})};
    auto prediction = random_prediction(13, 1);
    auto& layer = prediction.layers[0];
    layer.logits.zero_();
    layer.logits.select(3, 2).fill_(9);                   // all say ∅,
    layer.logits[0][1][2] = at::tensor({9.0, 0.0, 0.0});  // but query 2 where the object is
    layer.masks.fill_(-9);
    layer.masks[0][1][2] = targets[0].masks[0][1].to(at::kDouble).view({4, 2, 5, 2}).mean({{1, 3}}) * 18 - 9;
    const auto loss = [&] { return value(ClipCriterion{whole_masks()}(prediction, targets), "loss_class"); };
    CHECK(loss() < 0.001);
    layer.logits[0][2][2] = at::tensor({9.0, 0.0, 0.0});  // it goes on talking
    CHECK(loss() > 0.5);
  }

  TEST_CASE("the memory bank brings negatives of earlier batches, but for those of the same video") {
    const auto targets = two_clips();
    auto options = whole_masks();
    options.negatives = "memory_bank", options.bank = 8;
    auto prediction = random_prediction(15);
    prediction.keys = {{.video = 5}, {.video = 6}};
    const auto in_batch = value(ClipCriterion{whole_masks()}(prediction, targets), "loss_contrast");
    ClipCriterion criterion{options};
    const auto contrast = [&](ClipCriterion& with, const ClipPrediction& p) {
      return value(with(p, targets), "loss_contrast");
    };
    CHECK(contrast(criterion, prediction) == doctest::Approx(in_batch));
    auto copy = criterion;
    auto other = prediction;
    other.keys = {{.video = 7}, {.video = 8}};
    const auto more = contrast(criterion, other);
    CHECK(more > in_batch);
    CHECK(contrast(copy, other) == more);  // the copy's bank is its own

    auto alike = prediction;
    alike.keys = {{.video = 5}, {.video = 5}};  // what the bank holds is of no use, nor is one clip to the other
    ClipCriterion fresh{options};
    const auto alone = contrast(fresh, alike);
    CHECK(alone < in_batch);
    CHECK(contrast(fresh, alike) == doctest::Approx(alone));
  }

  TEST_CASE("the memory bank outlives a batch of NaN, and a call without gradients leaves it alone") {
    const auto targets = two_clips();
    auto options = whole_masks();
    options.negatives = "memory_bank", options.bank = 64;
    const auto batch = [](std::uint64_t seed) {
      auto prediction = random_prediction(seed);
      prediction.keys = {{.video = seed}, {.video = seed + 1}};
      return prediction;
    };
    ClipCriterion criterion{options}, untouched{options};
    for (auto* each : {&criterion, &untouched}) (*each)(batch(31), targets);
    auto bad = batch(41);
    bad.embeddings.fill_(std::nan(""));
    CHECK_FALSE(std::isfinite(value(criterion(bad, targets), "loss_contrast")));  // seen where it happens,
    {
      const at::NoGradGuard validation;
      criterion(batch(51), targets);
    }
    const auto after = criterion(batch(61), targets), expected = untouched(batch(61), targets);  // and forgotten
    CHECK(value(after, "loss_contrast") == doctest::Approx(value(expected, "loss_contrast")));
    CHECK(value(after, "loss_cosine") > 0);  // its negatives are drawn among more
  }

  TEST_CASE("summed frames are their means added up; counts can be shared between processes") {
    const auto prediction = random_prediction(17, 1);
    const std::vector<ClipTargets> full{targets_of({{0, 3, 1}, {0, 3, 0}}), targets_of({{0, 3, 1}})};
    auto options = whole_masks();
    const auto mean = ClipCriterion{options}(prediction, full);
    options.frames = "sum";
    ClipCriterion summing{options};
    const auto sums = summing(prediction, full);
    // As many objects in each of the 3 frames, so that the sum is 3 means.
    for (const auto* name : {"loss_class", "loss_mask", "loss_dice"})
      CHECK(value(sums, name) == doctest::Approx(3 * value(mean, name)));
    int calls = 0;
    summing.average_over_ranks = [&](std::span<double> counts) {
      ++calls;
      CHECK(counts.size() ==
            3 + 3 + 2);  // masks and weights of classes, frame by frame; what embeddings are divided by
      for (auto& count : counts) count *= 2;  // the other process has three times as many
    };
    for (const auto& [name, loss] : summing(prediction, full)) {
      CAPTURE(name);
      CHECK(loss.item<double>() == doctest::Approx(value(sums, name.c_str()) / 2));
    }
    calls = 0;
    summing(random_prediction(17, 3), full);
    CHECK(calls == 1);  // whatever the number of layers: processes wait for each other in it
  }

  TEST_CASE("the mean of what two processes lose is what one loses on the whole batch") {
    auto prediction = random_prediction(25, 2);
    const auto part = [](const auto& whole, std::int64_t b) {
      auto clip = whole;
      for (auto& layer : clip.layers) layer = {layer.logits.narrow(0, b, 1), layer.masks.narrow(0, b, 1)};
      clip.embeddings = whole.embeddings.narrow(0, b, 1);
      clip.keys = {whole.keys[static_cast<std::size_t>(b)]};
      return clip;
    };
    auto targets = two_clips();  // 5 and 2 masks
    for (const bool empty : {false, true}) {
      if (empty) targets[1] = targets_of({});  // one of them sees nothing
      for (const auto* frames : {"mean", "sum"}) {
        auto options = whole_masks();
        options.frames = frames;
        const auto whole = ClipCriterion{options}(prediction, targets);
        // Each gives its counts first, and gets the means then.
        std::vector<std::vector<double>> given(2);
        Losses losses[2];
        for (const bool asks : {true, false})
          for (std::size_t b = 0; b < 2; ++b) {
            ClipCriterion criterion{options};
            criterion.average_over_ranks = [&](std::span<double> counts) {
              if (asks) given[b].assign(counts.begin(), counts.end());
              else
                for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = (given[0][i] + given[1][i]) / 2;
            };
            losses[b] = criterion(part(prediction, static_cast<std::int64_t>(b)), {targets[b]});
          }
        for (const auto* name : {"loss_class_0", "loss_class", "loss_mask_0", "loss_mask", "loss_dice", "loss_match"}) {
          CAPTURE(name);
          CAPTURE(frames);
          const double mean = (value(losses[0], name) + value(losses[1], name)) / 2;
          CHECK(mean == doctest::Approx(value(whole, name)).epsilon(1e-12));  // doubles, added in another order
        }
      }
    }
  }

  TEST_CASE("points are drawn by video and step, whatever else is in the batch") {
    const auto targets = two_clips();
    auto prediction = random_prediction(19, 1);
    prediction.keys = {{.video = 1, .iteration = 7}, {.video = 2, .iteration = 7}};
    const auto dice = [](const ClipPrediction& p, const std::vector<ClipTargets>& t) {
      ClipCriterionOptions options;
      options.points.points = 100;
      return value(ClipCriterion{options}(p, t), "loss_dice");
    };
    const double both = dice(prediction, targets);
    CHECK(dice(prediction, targets) == both);
    const auto alone = [&](std::int64_t b) {
      ClipPrediction clip{
          .layers = {{prediction.layers[0].logits.narrow(0, b, 1), prediction.layers[0].masks.narrow(0, b, 1)}},
          .keys = {prediction.keys[static_cast<std::size_t>(b)]}};
      return dice(clip, {targets[static_cast<std::size_t>(b)]});
    };
    CHECK(both == doctest::Approx((5 * alone(0) + 2 * alone(1)) / 7));  // 5 and 2 masks
    prediction.keys[0].iteration = 8;
    CHECK(dice(prediction, targets) != both);
  }

  TEST_CASE("following the slope leads to masks, classes and embeddings that tell objects apart") {
    const auto targets = two_clips();
    auto prediction = random_prediction(21, 1);
    std::vector<at::Tensor> leaves{prediction.layers[0].logits, prediction.layers[0].masks, prediction.embeddings};
    for (auto& leaf : leaves) leaf.requires_grad_();
    ClipCriterion criterion{whole_masks()};
    const double before = sum(criterion(prediction, targets)).item<double>();
    for (int i = 0; i < 200; ++i) {
      // [step]
      at::Tensor total;
      for (const auto& [name, loss] : criterion(prediction, targets)) total = total.defined() ? total + loss : loss;
      total.backward();
      // [step]
      const at::NoGradGuard no_grad;
      for (auto& leaf : leaves) leaf.sub_(leaf.grad(), 2), leaf.mutable_grad().zero_();
    }
    const auto losses = criterion(prediction, targets);
    CHECK(sum(losses).item<double>() < before / 8);
    CHECK(value(losses, "loss_class") < 0.2);
    CHECK(value(losses, "loss_match") < 0.1);
  }

  TEST_CASE("what does not fit is refused, and options are set by name") {
    const auto targets = two_clips();
    CHECK_THROWS_WITH_AS(ClipCriterion{}({}, targets), doctest::Contains("without layers"), Error);
    auto wrong = random_prediction(23);
    wrong.layers[0].masks = wrong.layers[0].masks.narrow(1, 0, 2);
    CHECK_THROWS_WITH_AS(ClipCriterion{}(wrong, targets), doctest::Contains("masks [B,T,Q,h,w]"), Error);
    CHECK_THROWS_WITH_AS(ClipCriterion{{.mask_loss = "focla"}}, doctest::Contains("did you mean 'focal'"), Error);
    CHECK_THROWS_AS(ClipCriterion{{.negatives = "none"}}, Error);
    auto nameless = random_prediction(23);
    nameless.keys.pop_back();
    CHECK_THROWS_WITH_AS(ClipCriterion{}(nameless, targets), doctest::Contains("1 keys for 2 clips"), Error);
    nameless.keys.clear();
    CHECK_THROWS_AS(ClipCriterion{whole_masks()}(nameless, targets), Error);
    const ClipPrediction nothing{.layers = {{.logits = at::zeros({0, 3, 4, 3}), .masks = at::zeros({0, 3, 4, 4, 5})}}};
    CHECK_THROWS_WITH_AS(ClipCriterion{}(nothing, {}), doctest::Contains("0 clips of 3 frames"), Error);
    ClipCriterionOptions options;
    const auto refuses = [](const std::string& key, const std::string& number) {
      CAPTURE(key);
      ClipCriterionOptions wrong_number;
      set_option(wrong_number, key, number);
      CHECK_THROWS_WITH_AS(ClipCriterion{wrong_number}, doctest::Contains(("option '" + key + "'").c_str()), Error);
    };
    for (const auto* key :
         {"class_weight", "mask_weight", "dice_weight", "no_object_weight", "points", "oversample", "importance",
          "match_weight", "contrast_weight", "cosine_weight", "match_scale", "match_gap", "cosine_negatives", "bank",
          "assign.class_weight", "assign.mask_weight", "assign.dice_weight", "assign.absent_weight", "assign.points"})
      refuses(key, "-1");
    refuses("importance", "1.5");
    refuses("focal_alpha", "1.5");
    refuses("focal_gamma", "0.5");
    refuses("points", "999999999999");
    for (const auto* setting : {"assign.assign_", "mask_losses"})
      CHECK_THROWS_AS(set_option(options, setting, "1"), Error);
    set_option(options, "assign", "per_frame");
    set_option(options, "assign.weights", "area");
    set_option(options, "match_weight", "0.5");
    set_option(options, "points", "100");
    CHECK(options.assign.assign == "per_frame");
    CHECK(options.embedding.match_weight == 0.5);
    CHECK(options.points.points == 100);
  }
}
