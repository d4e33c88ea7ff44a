#include <vos/core/compute.hpp>
#include <vos/core/shape.hpp>

#include <ATen/ATen.h>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("compute") {
  TEST_CASE("auto is fp32 on the CPU where there is no GPU") {
    const auto here = place({});
    if (at::hasCUDA()) {
      CHECK(here.device.is_cuda());
      CHECK((here.dtype == c10::kBFloat16));
    } else {
      CHECK(here.device.is_cpu());
      CHECK((here.dtype == c10::kFloat));
    }
    CHECK((place({.device = "cpu", .precision = Precision::bf16}).dtype == c10::kBFloat16));
  }

  TEST_CASE("what cannot be had is refused with the way out") {
    CHECK_THROWS_WITH_AS(place({.device = "cdua"}), doctest::Contains("did you mean 'cuda'?"), Error);
    CHECK_THROWS_AS(place({.device = "cuda:x"}), Error);
    CHECK_THROWS_AS(place({.device = "cpu", .precision = Precision::fp16}), Error);
    CHECK_THROWS_AS(place({.threads = -1}), Error);
    CHECK_THROWS_WITH_AS(precision_from("fp8"), doctest::Contains("fp32, bf16 or fp16"), Error);
    if (!at::hasCUDA()) CHECK_THROWS_WITH_AS(place({.device = "cuda:1"}), doctest::Contains("sees no CUDA GPU"), Error);
  }

  TEST_CASE("a wrong shape names the argument, what it has and what was expected") {
    expect_shape(at::zeros({2, 3}), {any_size, 3}, "masks [Q,3]");
    CHECK_THROWS_WITH_AS(expect_shape(at::zeros({2, 4}), {any_size, 3}, "masks [Q,3]"),
                         doctest::Contains("expected [*,3]"), Error);
    CHECK_THROWS_WITH_AS(expect_shape({}, {1}, "masks [1]"), doctest::Contains("no tensor"), Error);
  }
}
