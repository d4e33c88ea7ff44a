#include <ATen/ATen.h>

#include <vos/criterion/class_loss.hpp>
#include <vos/criterion/contrastive.hpp>
#include <vos/criterion/mask_losses.hpp>
#include <vos/criterion/matching_loss.hpp>
#include <vos/criterion/negative_bank.hpp>
#include <vos/criterion/similarity_loss.hpp>

#include "../test.hpp"
#include "gradient.hpp"

using namespace vos;
using test::slope;
using test::slope_error;
using test::slope_tolerance;

namespace {

at::Tensor rows(std::initializer_list<std::initializer_list<double>> values) {
  std::vector<at::Tensor> lines;
  for (const auto& line : values) lines.push_back(at::tensor(at::ArrayRef<double>{line.begin(), line.size()}));
  return at::stack(lines).to(at::kDouble);
}

at::Tensor whole(std::initializer_list<std::int64_t> values) {
  return at::tensor(at::IntArrayRef{values.begin(), values.size()}, at::kLong);
}

at::Tensor random(at::IntArrayRef sizes, std::uint64_t seed) {
  return at::randn(sizes, at::detail::createCPUGenerator(seed), at::TensorOptions{at::kDouble});
}

bool close(const at::Tensor& a, const at::Tensor& b, double by) { return a.sub(b).abs().max().item<double>() <= by; }

constexpr double six_digits = 1e-6;  // as the expected figures are written

}  // namespace

TEST_SUITE("mask losses") {
  TEST_CASE("cross-entropy and dice are what four points by hand give") {
    const auto logits = rows({{2, -1, .5, -3}, {-2, 1, 0, 1}}), labels = rows({{1, 0, 1, 0}, {0, 1, 0, 1}});
    CHECK(close(mask_cross_entropy(logits, labels), at::tensor({.240714, .361650}, at::kDouble), six_digits));
    CHECK(close(mask_dice(logits, labels), at::tensor({.168708, .227714}, at::kDouble), six_digits));
    CHECK(close(mask_dice(at::full({1, 4}, -40.0), at::zeros({1, 4})), at::zeros({1}), six_digits));
  }

  TEST_CASE("focal without focus and weights is cross-entropy; with them easy points hardly count") {
    const auto logits = random({3, 20}, 1), labels = random({3, 20}, 2).sigmoid();
    CHECK(close(mask_focal(logits, labels, {.alpha = -1, .gamma = 0}), mask_cross_entropy(logits, labels), 1e-12));
    // One point, p = 0.9 and right: 0.25 · 0.1² · -ln 0.9; outside the mask 0.75 · 0.1² · -ln 0.9.
    const auto sure = at::full({1, 1}, std::log(9.0), at::kDouble);
    CHECK(mask_focal(sure, at::ones({1, 1}, at::kDouble)).item<double>() == doctest::Approx(.25 * .01 * .1053605));
    CHECK(mask_focal(-sure, at::zeros({1, 1}, at::kDouble)).item<double>() == doctest::Approx(.75 * .01 * .1053605));
  }

  TEST_CASE("their slopes are those of central differences") {
    const auto labels = random({2, 7}, 3).sigmoid();  // soft, as at a mask's rim
    const auto hard = labels.gt(0.5).to(at::kDouble);
    const auto x = random({2, 7}, 4) * 2;
    for (const auto& y : {labels, hard}) {
      CHECK(slope_error([&](const at::Tensor& v) { return mask_cross_entropy(v, y).sum(); }, x) < slope_tolerance);
      CHECK(slope_error([&](const at::Tensor& v) { return mask_focal(v, y).sum(); }, x) < slope_tolerance);
      CHECK(slope_error([&](const at::Tensor& v) { return mask_dice(v, y).sum(); }, x) < slope_tolerance);
    }
  }

  TEST_CASE("no masks are no loss, and 16-bit logits of any size give finite losses and slopes") {
    const auto none = at::zeros({0, 5});
    CHECK(mask_cross_entropy(none, none).sizes() == at::IntArrayRef{0});
    const auto huge = at::tensor({6e4, -6e4, INFINITY, -INFINITY, 30.0, 0.0}).to(at::kHalf).view({1, 6});
    const auto labels = at::tensor({0.0f, 1.0f, 0.0f, 1.0f, 0.0f, 1.0f}).view({1, 6});
    const auto check = [&](auto loss) {
      const auto value = loss(huge, labels);
      CHECK((value.scalar_type() == at::kFloat));
      CHECK(value.isfinite().all().template item<bool>());
      const auto back = slope([&](const at::Tensor& v) { return loss(v, labels).sum(); }, huge);
      CHECK(back.isfinite().all().template item<bool>());
      return back;
    };
    const auto back = check([](const auto& x, const auto& y) { return mask_cross_entropy(x, y); });
    CHECK(back[0][0].item<float>() > 0.1);  // however wrong, there is a way back
    check([](const auto& x, const auto& y) { return mask_dice(x, y); });
    check([](const auto& x, const auto& y) { return mask_focal(x, y); });
  }
}

TEST_SUITE("class loss") {
  TEST_CASE("each query weighs by its class, and the weights' sum divides") {
    const auto logits = rows({{2, 0, -1}, {0, 1, .5}, {1, 1, 1}});
    const auto log = logits.log_softmax(1);
    const auto one = [&](std::int64_t q, std::int64_t c) { return -log[q][c].item<double>(); };
    CHECK(class_loss(logits, whole({0, 2, 2}), 0.1).item<double>() ==
          doctest::Approx((one(0, 0) + .1 * one(1, 2) + .1 * one(2, 2)) / 1.2));
    CHECK(class_loss(logits, whole({2, 2, 2}), 0).item<double>() == 0);
    CHECK(class_loss(logits.to(at::kHalf) * 1e6, whole({1, 1, 0}), 0.1).isfinite().item<bool>());
  }

  TEST_CASE("its slope is that of central differences") {
    const auto f = [](const at::Tensor& v) { return class_loss(v, whole({0, 2, 1, 2}), 0.1); };
    CHECK(slope_error(f, random({4, 3}, 5)) < slope_tolerance);
  }
}

TEST_SUITE("contrastive") {
  const auto anchor = rows({{1, 0, 1}}), items = rows({{.9, .1, .8}, {.2, 1, 0}, {-1, 0, .5}, {.5, .5, .5}});

  TEST_CASE("one anchor against four items gives the published losses") {
    const auto dots = at::matmul(anchor, items.t()), cosines = at::matmul(unit_rows(anchor), unit_rows(items).t());
    CHECK(close(dots, rows({{1.7, .2, -.5, 1.0}}), 1e-12));
    CHECK(close(cosines, rows({{.994850, .138675, -.316228, .816497}}), six_digits));
    const auto one = whole({1, 0, 0, 0}).gt(0).unsqueeze(0), two = whole({1, 1, 0, 0}).gt(0).unsqueeze(0);
    CHECK(contrast(dots, one, one.logical_not()).item<double>() == doctest::Approx(.604599).epsilon(six_digits));
    CHECK(contrast_cosine(cosines, one, one.logical_not()).item<double>() == doctest::Approx(.196481).epsilon(1e-5));
    CHECK(contrast(dots, two, two.logical_not()).item<double>() == doctest::Approx(1.465456).epsilon(six_digits));
    CHECK(contrast_cosine(cosines, two, two.logical_not()).item<double>() == doctest::Approx(.377143).epsilon(1e-5));
  }

  TEST_CASE("slopes are those of central differences, also where an anchor has nothing to compare with") {
    const auto positive = whole({1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1}).gt(0).view({3, 4});
    const auto negative = whole({0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0}).gt(0).view({3, 4});
    const auto x = random({3, 4}, 6);
    const auto embed = [&](const at::Tensor& v) { return contrast(v, positive, negative).sum(); };
    CHECK(slope_error(embed, x) < slope_tolerance);
    CHECK(contrast(x, positive, negative)[1].item<double>() == 0);  // negatives alone
    CHECK(contrast(x, positive, negative)[2].item<double>() == 0);  // positives alone
    CHECK(slope_error([&](const at::Tensor& v) { return contrast_cosine(v, positive, negative).sum(); }, x) <
          slope_tolerance);
    CHECK(slope_error([&](const at::Tensor& v) { return unit_rows(v).pow(3).sum(); }, x) < slope_tolerance);
    CHECK(
        slope([](const at::Tensor& v) { return unit_rows(v).sum(); }, at::zeros({1, 3})).isfinite().all().item<bool>());
    // Dot products of 16-bit embeddings reach thousands.
    const auto large = (x * 1e5).to(at::kHalf);
    CHECK(slope(embed, large).isfinite().all().item<bool>());
  }

  TEST_CASE("about as many negatives remain as were asked for, and none that was not one") {
    const auto positive = at::zeros({50, 1000}, at::kBool), negative = at::ones({50, 1000}, at::kBool);
    positive.narrow(1, 0, 3).fill_(true);
    negative.narrow(1, 0, 500).fill_(false);
    const auto draws = at::rand({50, 1000}, at::detail::createCPUGenerator(1));
    const auto fewer = fewer_negatives(positive, negative, draws, 10);
    CHECK_FALSE(fewer.logical_and(negative.logical_not()).any().item<bool>());
    // 50 rows of 30 expected: 1500, with a standard deviation of 38; five of them.
    CHECK(std::abs(fewer.sum().item<double>() - 1500) < 190);
  }

  TEST_CASE("the bank keeps the newest, in bounds, and copies are their own") {
    NegativeBank bank(5);
    CHECK(bank.size() == 0);
    bank.push(at::full({3, 2}, 1.0).requires_grad_(), whole({1, 1, 1}));
    const auto before = bank;
    bank.push(at::full({4, 2}, 2.0), whole({2, 2, 2, 2}));
    CHECK(bank.videos().equal(whole({2, 2, 2, 2, 1})));
    CHECK(bank.embeddings().select(1, 0).equal(at::tensor({2.0f, 2.0f, 2.0f, 2.0f, 1.0f})));
    CHECK_FALSE(bank.embeddings().requires_grad());
    CHECK(before.size() == 3);
    bank.push(at::full({9, 2}, 3.0), whole({3, 3, 3, 3, 3, 3, 3, 3, 3}));
    CHECK(bank.size() == 5);
    CHECK_THROWS_WITH_AS(NegativeBank{-1}, doctest::Contains("use 0 or more"), Error);
  }

  TEST_CASE("an embedding that is not of numbers stays in the bank as nobody's") {
    NegativeBank bank(8);
    const auto embeddings = rows({{1, 2}, {NAN, 0}, {0, -INFINITY}, {3, 1e30}, {4, 5}});
    bank.push(embeddings, whole({7, 7, 7, 7, 7}));
    CHECK(bank.embeddings().equal(rows({{1, 2}, {0, 0}, {0, 0}, {0, 0}, {4, 5}})));
    const auto foreign = bank.foreign_to(whole({7, 8}).unsqueeze(1));
    CHECK(foreign.to(at::kLong).equal(whole({0, 0, 0, 0, 0, 1, 0, 0, 0, 1}).view({2, 5})));
  }
}

TEST_SUITE("matching and similarity losses") {
  TEST_CASE("finding an object again is a softmax over a frame's queries") {
    const auto cosine = rows({{.9, .1, -.5}, {.2, .3, .4}});
    const auto loss = matching_loss(cosine, whole({0, 1}), 10);
    CHECK(loss[0].item<double>() == doctest::Approx(std::log(1 + std::exp(-8.0) + std::exp(-14.0))));
    CHECK(loss[1].item<double>() == doctest::Approx(std::log(1 + std::exp(-1.0) + std::exp(1.0))));
    CHECK(slope_error([](const at::Tensor& v) { return matching_loss(v, whole({0, 1}), 10).sum(); }, cosine) <
          slope_tolerance);
    CHECK(matching_loss(cosine.narrow(0, 0, 0), whole({}), 10).sum().item<double>() == 0);
  }

  TEST_CASE("similarity looks at pairs of one clip, themselves included, and not at unknown ids") {
    const auto x = rows({{1, 0}, {2, 0}, {0, 3}, {5, 5}, {7, 7}});
    const auto ids = whole({4, 4, 6, 4, -1}), clips = whole({0, 0, 0, 1, 0});
    const auto yes = [](double dot) { return std::log1p(std::exp(-dot)); };
    const auto no = [](double dot) { return std::log1p(std::exp(dot)); };
    // Clip 0: pairs of 0, 1, 2; clip 1: number 3 with itself.
    const double sum = yes(1) + yes(4) + yes(9) + 2 * yes(2) + 4 * no(0) + yes(50);
    CHECK(similarity_loss(x, ids, clips).item<double>() == doctest::Approx(sum / 10).epsilon(1e-6));
    CHECK(similarity_loss(x, whole({-1, -1, -1, -1, -1}), clips).item<double>() == 0);
    CHECK(slope_error([&](const at::Tensor& v) { return similarity_loss(v, ids, clips); }, x / 3) < slope_tolerance);
    CHECK(similarity_loss(x.narrow(0, 0, 0), ids.narrow(0, 0, 0), clips.narrow(0, 0, 0)).item<double>() == 0);
  }
}
