#include <vos/metric/statistics.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "../test.hpp"

namespace {

std::vector<double> ramp(int frames) {
  std::vector<double> values;
  for (int i = 0; i < frames; ++i) values.push_back(1 - static_cast<double>(i) / frames);
  return values;
}

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("the bins of the decay share their edge frames") {
    using Edges = std::array<std::int64_t, 5>;
    CHECK(vos::decay_edges(10) == Edges{0, 2, 5, 7, 9});
    CHECK(vos::decay_edges(38) == Edges{0, 9, 19, 28, 37});
    CHECK(vos::decay_edges(48) == Edges{0, 12, 24, 35, 47});
    CHECK(vos::decay_edges(67) == Edges{0, 17, 33, 50, 66});
    CHECK(vos::decay_edges(68) == Edges{0, 17, 34, 50, 67});
    CHECK(vos::decay_edges(80) == Edges{0, 20, 40, 59, 79});
    CHECK(vos::decay_edges(102) == Edges{0, 25, 51, 76, 101});
  }

  TEST_CASE("edges wrap at 256 frames only where the reference is asked for") {
    CHECK(vos::decay_edges(257)[4] == 256);
    CHECK(vos::decay_edges(257, true)[4] == 0);
    CHECK(vos::decay_edges(300, true)[4] == 43);
    CHECK(vos::statistics_of(ramp(300)).decay == doctest::Approx(0.75).epsilon(0.01));
    CHECK(std::isnan(vos::statistics_of(ramp(300), true).decay));
  }

  TEST_CASE("mean, recall and decay of ramps are the reference's") {
    const auto check = [](int frames, double mean, double recall, double decay) {
      const auto found = vos::statistics_of(ramp(frames));
      CHECK(found.mean == doctest::Approx(mean).epsilon(2e-6));
      CHECK(found.recall == doctest::Approx(recall).epsilon(2e-6));
      CHECK(found.decay == doctest::Approx(decay).epsilon(2e-6));
    };
    check(10, 0.55, 0.5, 0.7);
    check(38, 0.513158, 0.5, 0.736842);
    check(67, 0.507463, 0.507463, 0.738806);
    check(102, 0.504902, 0.5, 0.745098);
  }

  TEST_CASE("NaN leaves the means and stays in the recall") {
    const auto nan = std::numeric_limits<double>::quiet_NaN();
    const auto found = vos::statistics_of(std::vector<double>{.9, .8, nan, .5, .5001, .4, .3, .2, .1, 0});
    CHECK(found.mean == doctest::Approx(0.4111222).epsilon(1e-6));
    CHECK(found.recall == doctest::Approx(0.3));
    CHECK(found.decay == doctest::Approx(0.75));
  }

  TEST_CASE("no frames have no statistics, one frame has no decay") {
    CHECK(std::isnan(vos::statistics_of({}).mean));
    const auto one = vos::statistics_of(std::vector<double>{0.7});
    CHECK(one.mean == 0.7);
    CHECK(one.recall == 1.0);
    CHECK(one.decay == 0.0);
  }
}
