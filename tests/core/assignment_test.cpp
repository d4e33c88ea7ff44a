#include <vos/core/assignment.hpp>
#include <vos/core/greedy_assignment.hpp>
#include <vos/core/random.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

struct Total {
  std::int64_t pairs = 0;
  double cost = 0;
};

Total total_of(const std::vector<double>& cost, std::int64_t columns, const std::vector<std::int64_t>& column_of) {
  Total total;
  std::vector<bool> used(static_cast<std::size_t>(columns));
  for (std::size_t row = 0; row < column_of.size(); ++row) {
    const auto column = column_of[row];
    if (column < 0) continue;
    CHECK(!used[static_cast<std::size_t>(column)]);
    used[static_cast<std::size_t>(column)] = true;
    ++total.pairs;
    total.cost += cost[row * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column)];
  }
  return total;
}

/// The best by trying everything: most pairs first, then least cost.
void try_all(const std::vector<double>& cost, std::int64_t rows, std::int64_t columns, std::int64_t row,
             std::vector<bool>& used, Total now, Total& best) {
  if (row == rows) {
    if (now.pairs > best.pairs || (now.pairs == best.pairs && now.cost < best.cost)) best = now;
    return;
  }
  try_all(cost, rows, columns, row + 1, used, now, best);
  for (std::int64_t column = 0; column < columns; ++column) {
    const double pair = cost[static_cast<std::size_t>(row * columns + column)];
    if (used[static_cast<std::size_t>(column)] || pair == never) continue;
    used[static_cast<std::size_t>(column)] = true;
    try_all(cost, rows, columns, row + 1, used, {now.pairs + 1, now.cost + pair}, best);
    used[static_cast<std::size_t>(column)] = false;
  }
}

}  // namespace

TEST_SUITE("assignment") {
  TEST_CASE("the best total wins over the best first choice") {
    // Row 0 would like column 0 best, but then row 1 would have to take 10.
    CHECK(cheapest_assignment(std::vector<double>{1, 2, 1, 10}, 2, 2) == std::vector<std::int64_t>{1, 0});
  }

  TEST_CASE("as good as trying everything, wide, tall, with ties, negative costs and forbidden pairs") {
    for (std::uint64_t seed = 0; seed < 600; ++seed) {
      CounterRandom random{seed, 0xA5516};
      const auto rows = 1 + random.below(6), columns = 1 + random.below(6);
      const bool ties = random.below(2) == 0;
      const double forbidden = random.below(2) == 0 ? 0.0 : 0.4;
      std::vector<double> cost;
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        const double value = ties ? static_cast<double>(random.below(4)) - 1 : random.uniform(-5, 5);
        cost.push_back(random.uniform() < forbidden ? never : value);
      }
      Total best;
      std::vector<bool> used(static_cast<std::size_t>(columns));
      try_all(cost, rows, columns, 0, used, {}, best);
      const auto total = total_of(cost, columns, cheapest_assignment(cost, rows, columns));
      CAPTURE(seed);
      CHECK(total.pairs == best.pairs);
      CHECK(total.cost == doctest::Approx(best.cost).epsilon(1e-9));
    }
  }

  TEST_CASE("where everything costs the same, the first go to the first") {
    CHECK(cheapest_assignment(std::vector<double>(9, 1.0), 3, 3) == std::vector<std::int64_t>{0, 1, 2});
    CHECK(cheapest_assignment(std::vector<double>(6, 1.0), 2, 3) == std::vector<std::int64_t>{0, 1});
    CHECK(cheapest_assignment(std::vector<double>(6, 1.0), 3, 2) == std::vector<std::int64_t>{0, 1, -1});
  }

  TEST_CASE("a pair that may not be is left out whatever the size of the costs") {
    for (const double v : {1e-300, 1e-18, 1.0, 1e17, 1e200, -1e17, 0.0}) {
      CHECK(cheapest_assignment(std::vector{never, v, v, never}, 2, 2) == std::vector<std::int64_t>{1, 0});
      CHECK(cheapest_assignment(std::vector{v, never, 2 * v, never}, 2, 2) ==
            (v < 0 ? std::vector<std::int64_t>{-1, 0} : std::vector<std::int64_t>{0, -1}));
    }
    // The difference between the two ways to give out the allowed pairs is all that decides.
    CHECK(cheapest_assignment(std::vector{2e-18, 1e-18, never, 1e-18, 2e-18, never, never, never, never}, 3, 3) ==
          std::vector<std::int64_t>{1, 0, -1});
  }

  TEST_CASE("nothing to assign is assigned") {
    CHECK(cheapest_assignment({}, 0, 5).empty());
    CHECK(cheapest_assignment({}, 3, 0) == std::vector<std::int64_t>{-1, -1, -1});
    CHECK(cheapest_assignment(std::vector<double>{never}, 1, 1) == std::vector<std::int64_t>{-1});
  }

  TEST_CASE("what is not a cost is refused with its place") {
    CHECK_THROWS_WITH_AS(cheapest_assignment(std::vector<double>{0, std::nan(""), 0, 0}, 2, 2),
                         doctest::Contains("row 0, column 1"), Error);
    CHECK_THROWS_AS(cheapest_assignment(std::vector<double>{0, -never, 0, 0}, 2, 2), Error);
    CHECK_THROWS_AS(cheapest_assignment(std::vector<double>{0, 1}, 2, 2), Error);
    const double most = std::numeric_limits<double>::max();
    CHECK_THROWS_WITH_AS(cheapest_assignment(std::vector<double>{0, most, never, never, never, never}, 2, 3),
                         doctest::Contains("added up"), Error);
  }

  TEST_CASE("greedy takes the cheapest pair first, whatever the others cost then, and the first of equals") {
    const std::vector<double> cost{1, 2, 2, 9};
    CHECK(greedy_assignment(cost, 2, 2) == std::vector<std::int64_t>{0, 1});
    CHECK(cheapest_assignment(cost, 2, 2) == std::vector<std::int64_t>{1, 0});
    CHECK(greedy_assignment(cost, 2, 2, 9) == std::vector<std::int64_t>{0, -1});
    CHECK(greedy_assignment(std::vector<double>{3, 3, 3, 3}, 2, 2) == std::vector<std::int64_t>{0, 1});
    CHECK(greedy_assignment(std::vector<double>{never, std::nan(""), 5}, 3, 1) == std::vector<std::int64_t>{-1, -1, 0});
    CHECK(greedy_assignment({}, 2, 0) == std::vector<std::int64_t>{-1, -1});
  }
}
