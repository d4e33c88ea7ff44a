#include <cmath>
#include <limits>
#include <span>

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <vos/core/options.hpp>
#include <vos/match/clip_assigner.hpp>
#include <vos/match/hungarian.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

using Slots = std::vector<std::int64_t>;

at::Tensor rows(std::initializer_list<std::initializer_list<double>> values) {
  std::vector<at::Tensor> lines;
  for (const auto& line : values) lines.push_back(at::tensor(at::ArrayRef<double>{line.begin(), line.size()}));
  return at::stack(lines);
}

bool close(const at::Tensor& a, const at::Tensor& b, double by) { return a.sub(b).abs().max().item<double>() <= by; }

ClipTargets targets_of(const at::Tensor& masks, const at::Tensor& categories) {
  return {
      .categories = categories, .masks = masks, .visible = masks.flatten(2).any(2), .ids = at::arange(masks.size(0))};
}

/// Points of rows that hang on one key.
at::Tensor points_of(CounterRandom random, std::int64_t rows, std::int64_t count, at::Device device = at::kCPU) {
  const PointRows block{random, rows};
  return uniform_points(std::span{&block, 1}, count, device);
}

/// The same for a loss of masks.
at::Tensor points_for(const at::Tensor& logits, CounterRandom random, const LossPointOptions& options) {
  const PointRows block{random, logits.size(0)};
  return loss_points(logits, std::span{&block, 1}, options);
}

/// Rectangles that move, and a model that has learned a little: query 2g+1 sees object g, with noise.
struct Scene {
  std::int64_t queries, objects, frames;
  ClipTargets targets;
  FrameDetections seen;

  explicit Scene(std::uint64_t seed, std::int64_t q = 7, std::int64_t g = 3, std::int64_t t = 4, double noise = 1)
      : queries(q), objects(g), frames(t) {
    auto generator = at::detail::createCPUGenerator(seed);
    auto masks = at::zeros({g, t, 16, 24}, at::kBool);
    for (std::int64_t i = 0; i < g; ++i)
      for (std::int64_t f = 0; f < t; ++f)
        if ((i + f + static_cast<std::int64_t>(seed)) % 4 != 0)
          masks[i][f].narrow(0, 2 + i * 3, 4).narrow(1, 2 + i * 4 + f, 5).fill_(true);
    targets = targets_of(masks, at::arange(g).remainder(3));
    seen.logits = at::randn({t, q, 4}, generator) * noise;
    seen.masks = at::randn({t, q, 16, 24}, generator) * noise - 1;
    for (std::int64_t i = 0; i < g && 2 * i + 1 < q; ++i) {
      seen.masks.select(1, 2 * i + 1).add_(masks[i].to(at::kFloat), 3);
      seen.logits.select(1, 2 * i + 1).select(1, i % 3).add_(1);
    }
  }
  Slots assign(ClipAssignerOptions options = {}) const {
    return ClipAssigner{options}(std::span{&seen, 1}, targets)[0].in_frame;
  }
};

}  // namespace

TEST_SUITE("mask points") {
  TEST_CASE("points are a function of their key, uniform, and the same whoever makes them") {
    const auto points = points_of(CounterRandom{1, 2, 3}, 4, 5000);
    CHECK(points.sizes() == at::IntArrayRef{4, 5000, 2});
    CHECK(points.equal(points_of(CounterRandom{1, 2, 3}, 4, 5000)));
    CHECK_FALSE(points.equal(points_of(CounterRandom{1, 2, 4}, 4, 5000)));
    CHECK(points.min().item<float>() >= 0);
    CHECK(points.max().item<float>() < 1);
    // 20,000 draws a coordinate: the mean's standard error is 0.29 / 141 = 0.002; five of them.
    CHECK(close(points.flatten(0, 1).mean(0), at::full({2}, 0.5), 0.01));
    CHECK(close(points.flatten(0, 1).var(0), at::full({2}, 1.0 / 12), 0.005));
    const auto key = CounterRandom{1, 2, 3}.bits();
    CHECK(points.flatten().equal(vos::detail::uniform_on_device(key, points.numel(), at::kCPU)));
    if (at::hasCUDA()) CHECK(points.equal(points_of(CounterRandom{1, 2, 3}, 4, 5000, at::Device{"cuda"}).cpu()));
    else test::skip("no GPU to draw the same points on");
  }

  TEST_CASE("a point is a place in the picture, whatever the mask's resolution") {
    // A slope in x: value (column + 0.5) / width at each cell's centre, linear between centres.
    const auto slope = [](std::int64_t width) {
      return ((at::arange(width) + 0.5) / width).expand({1, 1, 3, width}).contiguous();
    };
    const auto points = rows({{0.25, 0.5}, {0.5, 0.4}, {0.7, 0.6}}).unsqueeze(0);
    for (const auto width : {8, 20})
      CHECK(close(sample_points(slope(width), points).flatten(), at::tensor({0.25, 0.5, 0.7}), 1e-6));
    // A cell's centre is the cell's value; at the rim half of the weight falls on the zeros beyond.
    const auto cells = at::tensor({1.0, 2.0, 3.0, 4.0}).view({1, 1, 2, 2});
    CHECK(
        close(sample_points(cells, rows({{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.75}, {0, 0.25}}).unsqueeze(0)).flatten(),
              at::tensor({1.0, 2.0, 4.0, 0.5}), 1e-6));
  }

  TEST_CASE("labels of many masks are those of each mask") {
    const auto masks = at::rand({37, 6, 5}).gt(0.5);
    const auto points = points_of(CounterRandom{5}, 37, 11);
    const auto labels = sample_labels(masks, points, at::kFloat);
    CHECK(labels.equal(sample_points(masks.unsqueeze(1).to(at::kFloat), points).squeeze(1)));
    CHECK(sample_labels(masks.narrow(0, 0, 0), points.narrow(0, 0, 0), at::kFloat).numel() == 0);
  }

  TEST_CASE("losses look where a mask is uncertain") {
    // Certain everywhere but in the column x = 0.5.
    const auto logits = (at::arange(32) - 15.5).expand({2, 32, 32}).contiguous();
    const auto points = points_for(logits, CounterRandom{3}, {.points = 400});
    CHECK(points.sizes() == at::IntArrayRef{2, 400, 2});
    const auto off = points.select(2, 0).sub(0.5).abs();
    // 300 of 1200 draws are those within an eighth of the width (a few more at the rim, where logits fade), the other
    // hundred lie anywhere: 1/16 away on average, and 1/4. Five standard errors of the latter are 0.07.
    CHECK(off.narrow(1, 0, 300).mean().item<double>() < 0.08);
    CHECK(off.narrow(1, 300, 100).mean().item<double>() > 0.18);
    CHECK_FALSE(points[0].equal(points[1]));  // each mask has its own
    CHECK(points_for(logits.narrow(0, 0, 0), CounterRandom{3}, {.points = 400}).sizes() == at::IntArrayRef{0, 400, 2});
    CHECK(points_for(logits, CounterRandom{3}, {.points = 10, .oversample = 0, .importance = 0.5}).size(1) == 10);
  }
}

TEST_SUITE("clip cost") {
  TEST_CASE("the cost of a frame is what four points by hand give") {
    const auto masks = rows({{2, -1, .5, -3}, {-2, 1, 0, 1}}), labels = rows({{1, 0, 1, 0}, {0, 1, 0, 1}});
    const auto logits = rows({{2, 0, -1}, {0, 1, .5}}), categories = at::tensor({0, 1}, at::kLong);
    const auto cost = [&](double classes, double mask, double dice) {
      return frame_cost(logits, masks, categories, labels,
                        {.class_weight = classes, .mask_weight = mask, .dice_weight = dice});
    };
    constexpr double digits = 1e-6;  // the figures are written with six
    CHECK(close(cost(0, 0, 1), rows({{.168708, .661232}, {.559483, .227714}}), digits));
    CHECK(close(cost(0, 1, 0), rows({{.240714, 1.865713}, {1.361650, .361650}}), digits));
    CHECK(close(cost(-1, 0, 0), rows({{.843795, .114195}, {.186324, .506480}}), digits));
    CHECK(close(cost(2, 5, 5), rows({{.359520, 12.406337}, {9.233018, 1.933855}}), 1e-5));
  }

  TEST_CASE("frames weigh by presence, by presence shared out, by size, or the first alone") {
    auto masks = at::zeros({2, 3, 4, 4}, at::kBool);
    masks[0][1].fill_(true);
    masks[0][2].narrow(0, 0, 1).fill_(true);
    const auto targets = targets_of(masks, at::zeros({2}, at::kLong));
    const auto nothing = at::zeros({3});
    const auto expect = [&](FrameWeights kind, double a, double b) {
      const auto weights = frame_weights(targets, kind);
      CHECK(close(weights[0], at::tensor({0.0, a, b}), 1e-6));
      CHECK(weights[1].equal(nothing));  // visible nowhere
    };
    expect(FrameWeights::sum, 1, 1);
    expect(FrameWeights::mean, .5, .5);
    expect(FrameWeights::area, 4.0 / 6, 2.0 / 6);
    expect(FrameWeights::first, 1, 0);
  }

  TEST_CASE("a clip's cost is its frames' costs, weighed and added; every layer by itself") {
    const Scene a{1}, b{2};
    const std::vector<FrameDetections> layers{a.seen, b.seen};
    const ClipCostOptions options{.points = 200};
    const auto weights = frame_weights(a.targets, FrameWeights::mean);
    const auto whole = clip_cost(layers, a.targets, weights, options, {1, 2});
    const auto single = frame_costs(layers, a.targets, options, {1, 2});
    CHECK(single.sizes() == at::IntArrayRef{2, 4, 7, 3});
    CHECK(close(whole, (single * weights.t().unsqueeze(1)).sum(1), 1e-5));  // fp32 sums in another order
    // A product of more rows may add its terms up in another order.
    CHECK(close(whole[1], clip_cost(std::span{&b.seen, 1}, a.targets, weights, options, {1, 2})[0], 1e-5));
  }

  TEST_CASE("whole masks and points agree where there are points enough") {
    const Scene scene{3};
    const auto whole = frame_costs(std::span{&scene.seen, 1}, scene.targets, {.points = 0}, {});
    // Cells of 8x8 pixels, so that bilinear sampling, which blurs over one pixel, sees what the mean over cells sees.
    const auto larger = [](const at::Tensor& masks) { return masks.repeat_interleave(8, -2).repeat_interleave(8, -1); };
    auto targets = scene.targets;
    targets.masks = larger(targets.masks);
    const FrameDetections seen{.logits = scene.seen.logits, .masks = larger(scene.seen.masks)};
    // 50,000 points: the error of a mean is its spread of about 1 over 224, times the weight of 5: 0.022. Four and a half
    // of these, for the largest of 84 pairs and what blur is left; measured: 0.07.
    CHECK(close(frame_costs(std::span{&seen, 1}, targets, {.points = 50000}, {}), whole, 0.1));
    // A mask of higher resolution than the prediction is averaged: here to the same labels.
    auto fine = scene.targets;
    fine.masks = fine.masks.repeat_interleave(3, 2).repeat_interleave(3, 3);
    CHECK(close(frame_costs(std::span{&scene.seen, 1}, fine, {.points = 0}, {}), whole, 1e-5));
  }

  TEST_CASE("claiming a slot that says something where the object is not can cost") {
    const Scene scene{4};
    const auto weights = frame_weights(scene.targets, FrameWeights::mean);
    const auto cost = [&](double absent) {
      return clip_cost(std::span{&scene.seen, 1}, scene.targets, weights, {.absent_weight = absent, .points = 0},
                       {})[0];
    };
    const auto something = 1 - scene.seen.logits.softmax(-1).select(2, 3);  // [T,Q]
    const auto away = scene.targets.visible.logical_not().to(at::kFloat);   // [G,T]
    CHECK(close(cost(0.5) - cost(0), at::matmul(away, something).t() * (0.5 / 4), 1e-5));
  }

  TEST_CASE("mixed precision and 16-bit logits leave costs finite and near") {
    const Scene scene{5};
    const auto exact = frame_costs(std::span{&scene.seen, 1}, scene.targets, {}, {});
    for (const auto type : {at::kHalf, at::kBFloat16}) {
      const FrameDetections rounded{.logits = scene.seen.logits.to(type), .masks = scene.seen.masks.to(type)};
      const auto cost = frame_costs(std::span{&rounded, 1}, scene.targets, {}, {});
      CHECK((cost.scalar_type() == at::kFloat));
      CHECK(close(cost, exact, 0.1));  // bfloat16 keeps 8 bits: logits of 4 are off by 0.016, weighed by 5
    }
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const auto mixed = frame_costs(std::span{&scene.seen, 1}, scene.targets, {}, {});
    at::autocast::set_autocast_enabled(at::kCPU, false);
    CHECK(mixed.equal(exact));
    FrameDetections huge{.logits = scene.seen.logits, .masks = (scene.seen.masks * 1e6).to(at::kHalf)};
    CHECK(huge.masks.isinf().any().item<bool>());
    CHECK(frame_costs(std::span{&huge, 1}, scene.targets, {}, {}).lt(1e6).all().item<bool>());
  }
}

TEST_SUITE("clip assigner") {
  TEST_CASE("objects get the queries that follow them") {
    const Scene scene{6, 9, 3, 4, 0.1};
    const ClipAssigner assign;
    const auto slots = assign(std::span{&scene.seen, 1}, scene.targets)[0];
    CHECK(slots.of_object == Slots{1, 3, 5});
    for (std::int64_t g = 0; g < 3; ++g)
      for (std::int64_t t = 0; t < 4; ++t)
        CHECK(slots.slot(g, t) == (scene.targets.visible[g][t].item<bool>() ? 2 * g + 1 : -1));
    for (const auto* rule : {"first_appearance", "per_frame"}) CHECK(scene.assign({.assign = rule}) == slots.in_frame);
  }

  TEST_CASE("one frame is matched as an image is") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Scene scene{seed * 4 + 1, 7, 3, 1, 3};
      const auto cost = frame_costs(std::span{&scene.seen, 1}, scene.targets, {}, {})[0][0];
      Slots expected{-1, -1, -1};
      const auto seen = scene.targets.visible.select(1, 0).nonzero().flatten();
      for (const auto [query, target] : HungarianMatcher{}(cost.index_select(1, seen)))
        expected[static_cast<std::size_t>(seen[target].item<std::int64_t>())] = query;
      for (const auto* rule : {"global", "first_appearance", "per_frame"})
        CHECK(scene.assign({.assign = rule}) == expected);
    }
  }

  TEST_CASE("layers are assigned by themselves, and permuted queries permute the slots") {
    Scene scene{8};
    const auto order = at::tensor({4, 0, 6, 1, 3, 5, 2}, at::kLong);
    const std::vector<FrameDetections> layers{
        scene.seen,
        {.logits = scene.seen.logits.index_select(1, order), .masks = scene.seen.masks.index_select(1, order)}};
    for (const auto* rule : {"global", "first_appearance", "per_frame"}) {
      const auto slots = ClipAssigner{{.assign = rule}}(layers, scene.targets);
      for (std::size_t i = 0; i < slots[0].in_frame.size(); ++i) {
        const auto there = slots[1].in_frame[i];
        CHECK(slots[0].in_frame[i] == (there < 0 ? -1 : order[there].item<std::int64_t>()));
      }
    }
  }

  TEST_CASE("what a slot says where its object is not counts for the whole clip alone") {
    auto targets = targets_of(at::zeros({1, 2, 4, 4}, at::kBool), at::zeros({1}, at::kLong));
    targets.masks[0][0].fill_(true);
    targets.visible = targets.masks.flatten(2).any(2);
    // Query 0 is a little better where the object is, and talks on when it has gone.
    FrameDetections seen{.logits = at::zeros({2, 2, 2}), .masks = at::full({2, 2, 4, 4}, 4.0)};
    seen.masks[0][0].fill_(4.5);
    seen.logits[1] = rows({{9, 0}, {0, 9}});
    const auto slot = [&](const char* rule, double absent) {
      return ClipAssigner{{.assign = rule, .cost = {.absent_weight = absent, .points = 0}}}(std::span{&seen, 1},
                                                                                            targets)[0]
          .slot(0, 0);
    };
    CHECK(slot("global", 0) == 0);
    CHECK(slot("global", 2) == 1);
    for (const auto* rule : {"first_appearance", "per_frame"}) CHECK(slot(rule, 2) == 0);
  }

  TEST_CASE("a query of NaN is taken last") {
    Scene scene{9};
    scene.seen.masks.select(1, 3).fill_(std::nan(""));
    for (const auto* rule : {"global", "first_appearance", "per_frame"})
      for (const auto slot : scene.assign({.assign = rule})) CHECK(slot != 3);
  }

  TEST_CASE("no objects and more objects than queries are ordinary clips") {
    Scene none{1, 5, 0};
    for (const auto* rule : {"global", "first_appearance", "per_frame"}) CHECK(none.assign({.assign = rule}).empty());
    Scene crowd{1, 2, 3, 4};
    crowd.targets.masks[1][1].fill_(true);  // object 1 is the largest
    crowd.targets.masks[2].zero_();
    crowd.targets.masks[2][0][0][0].fill_(true);
    crowd.targets.visible = crowd.targets.masks.flatten(2).any(2);
    const auto slots = ClipAssigner{}(std::span{&crowd.seen, 1}, crowd.targets)[0];
    CHECK(slots.of_object[0] >= 0);
    CHECK(slots.of_object[1] >= 0);
    CHECK(slots.of_object[2] == -1);
  }

  TEST_CASE("what does not fit is refused, with its reason") {
    Scene scene{2};
    CHECK_THROWS_WITH_AS(ClipAssigner{{.assign = "globl"}}, doctest::Contains("did you mean 'global'"), Error);
    CHECK_THROWS_AS(ClipAssigner{{.weights = "first"}}, Error);
    CHECK_THROWS_WITH_AS(ClipAssigner{{.cost = {.points = -1}}}, doctest::Contains("option 'assign.points'"), Error);
    CHECK_THROWS_AS(ClipAssigner{{.cost = {.absent_weight = std::nan("")}}}, Error);
    auto wrong = scene;
    wrong.targets.categories = at::tensor({0, 3, 1}, at::kLong);
    CHECK_THROWS_WITH_AS(wrong.assign(), doctest::Contains("category 3, but the model knows 3 classes"), Error);
    wrong = scene;
    wrong.seen.masks = scene.seen.masks.narrow(0, 0, 2);
    CHECK_THROWS_AS(wrong.assign(), Error);
    ClipAssignerOptions options;
    set_option(options, "assign.class_weight", "1");
    CHECK(options.cost.class_weight == 1);
  }
}
