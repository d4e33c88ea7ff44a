#include <cmath>

#include <vos/train/schedule.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("train") {
  TEST_CASE("the learning rate rises in a line and then falls as its schedule says") {
    const auto at = [](const ScheduleOptions& options, std::int64_t step, std::int64_t total = 100) {
      return Schedule{options}(step, total);
    };
    CHECK(at({.schedule = "constant"}, 99) == 1);
    CHECK(at({.schedule = "constant", .warmup = 10, .warmup_from = 0.2}, 0) == doctest::Approx(0.2));
    CHECK(at({.schedule = "constant", .warmup = 10, .warmup_from = 0.2}, 5) == doctest::Approx(0.6));
    CHECK(at({.schedule = "constant", .warmup = 10, .warmup_from = 0.2}, 10) == 1);
    CHECK(at({.schedule = "cosine"}, 50) == doctest::Approx(0.5));
    CHECK(at({.schedule = "cosine", .last = 0.2}, 100) == doctest::Approx(0.2));
    CHECK(at({.schedule = "cosine", .warmup = 20}, 60) == doctest::Approx(0.5));  // the middle of what is left
    CHECK(at({.schedule = "poly", .power = 0.9}, 75) == doctest::Approx(std::pow(0.25, 0.9)));
    CHECK(at({.schedule = "step", .every = 30, .gamma = 0.5}, 29) == 1);
    CHECK(at({.schedule = "step", .every = 30, .gamma = 0.5}, 60) == doctest::Approx(0.25));
    const ScheduleOptions twice{.schedule = "multistep", .milestones = "6,12"};
    CHECK(at(twice, 5) == 1);
    CHECK(at(twice, 6) == doctest::Approx(0.1));
    CHECK(at(twice, 12) == doctest::Approx(0.01));
    CHECK(at({.schedule = "cosine"}, 5000) == doctest::Approx(0));  // beyond the end it does not rise again
  }

  TEST_CASE("only schedules with an end depend on the length of the run") {
    CHECK(Schedule{{.schedule = "cosine"}}.depends_on_total());
    CHECK(Schedule{{.schedule = "poly"}}.depends_on_total());
    CHECK(!Schedule{{.schedule = "constant"}}.depends_on_total());
    const Schedule steps{{.schedule = "step", .warmup = 5, .every = 7}};
    CHECK(!steps.depends_on_total());
    for (std::int64_t step = 0; step < 50; ++step) CHECK(steps(step, 50) == steps(step, 500));
  }

  TEST_CASE("a schedule that cannot be is refused with what would be right") {
    CHECK_THROWS_WITH_AS((Schedule{{.schedule = "cosin"}}), doctest::Contains("cosine"), Error);
    CHECK_THROWS_WITH_AS((Schedule{{.schedule = "multistep"}}), doctest::Contains("6000,12000"), Error);
    CHECK_THROWS_WITH_AS((Schedule{{.schedule = "multistep", .milestones = "9,3"}}), doctest::Contains("rising"),
                         Error);
    CHECK_THROWS_WITH_AS((Schedule{{.schedule = "step"}}), doctest::Contains("every"), Error);
    CHECK_THROWS_WITH_AS((Schedule{{.gamma = -1}}), doctest::Contains("gamma"), Error);
  }
}
