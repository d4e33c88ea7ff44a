#include <set>

#include <vos/core/random.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("random") {
  TEST_CASE("the numbers are a function of the key, and of the order of its parts") {
    CounterRandom a{1, 2, 3}, b{1, 2, 3}, c{3, 2, 1};
    const auto first = a.bits();
    CHECK(first == b.bits());
    CHECK(first != c.bits());
    CHECK(first == 3895144709723734364ULL);  // for ever: data orders of old runs depend on it
  }

  TEST_CASE("near keys draw unrelated numbers, spread evenly") {
    std::set<std::uint64_t> seen;
    double sum = 0;
    int low = 0;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
      CounterRandom random{seed, 7};
      seen.insert(random.bits());
      sum += random.uniform();
      low += random.below(10) < 3;
    }
    CHECK(seen.size() == 4000);
    CHECK(sum / 4000 == doctest::Approx(0.5).epsilon(0.03));
    CHECK(low / 4000.0 == doctest::Approx(0.3).epsilon(0.08));
  }
}
