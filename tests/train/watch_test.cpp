#include <cmath>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/train/explosion.hpp>
#include <vos/train/rate_sweep.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("train") {
  TEST_CASE("an explosion is told once, and one long step or a slow rise is none") {
    ExplosionWatch watch{20};
    CounterRandom random{3};
    int told = 0;
    for (int i = 0; i < 300; ++i)
      told += watch.step(random.uniform(0.5, 2) * (1 + 0.05 * i)) > 0;  // 16 times in 300 steps
    CHECK(told == 0);
    CHECK(watch.step(1e6) == 0);
    CHECK(watch.step(std::nan("")) == 0);  // is refused elsewhere
    CHECK(watch.step(10) == 0);
    std::vector<double> times;
    for (int i = 0; i < 30; ++i) times.push_back(watch.step(1000));
    for (int i = 0; i < 30; ++i) CHECK((times[static_cast<std::size_t>(i)] > 0) == (i == 4));
    CHECK(times[4] > 20);
    CHECK(explosion_text(7, 1234.5, 43.21).find("step 7: gradients explode: their length, 1.23e+03, is 43.2 times") ==
          0);
  }

  TEST_CASE("the first steps, which have no usual yet, and a watch that is off say nothing") {
    ExplosionWatch watch{2}, off{0};
    for (int i = 0; i < 19; ++i) CHECK(watch.step(std::pow(3.0, i)) == 0);
    for (int i = 0; i < 200; ++i) CHECK(off.step(i < 100 ? 1 : 1e9) == 0);
  }

  TEST_CASE("the rate that is suggested is a tenth of the one with the lowest loss") {
    // Falls by a share that grows with the rate, up to 0.01, and rises from there.
    double loss = 4;
    std::int64_t steps = 0;
    const auto points = sweep_rates({.from = 1e-6, .to = 1, .steps = 121}, {}, [&](double lr) {
      ++steps;
      return loss *= lr < 0.01 ? 1 - std::min(0.2, 20 * lr) : 1 + 10 * lr;
    });
    REQUIRE(points.size() > 60);
    CHECK(points.front().lr == doctest::Approx(1e-6));
    CHECK(points[20].lr == doctest::Approx(1e-5));  // the same factor each step
    CHECK(points.front().smooth == doctest::Approx(points.front().loss));
    CHECK(steps < 121);  // it ends where it diverges
    const auto rate = suggested_rate(points);
    REQUIRE(rate);
    CHECK(*rate > 0.0005);  // smoothing moves the lowest a few steps up
    CHECK(*rate < 0.005);
  }

  TEST_CASE("a loss that never falls suggests nothing, and one that is no number ends the sweep") {
    CHECK(!suggested_rate({}));
    CHECK(!suggested_rate(sweep_rates({}, {}, [](double lr) { return 1 + lr; })));
    int calls = 0;
    const auto points = sweep_rates({}, {}, [&](double) { return ++calls < 10 ? 1.0 / calls : std::nan(""); });
    CHECK(points.size() == 9);
    CHECK(suggested_rate(points));
  }
}
