#include <ATen/ATen.h>

#include <vos/match/greedy.hpp>
#include <vos/match/hungarian.hpp>

#include "../test.hpp"

namespace vos {

std::ostream& operator<<(std::ostream& out, const Match& match) { return out << match.query << "->" << match.target; }

}  // namespace vos

using namespace vos;

// A test's lambda is a matcher as well: the seam is a call.
static_assert(Matcher<decltype([](const at::Tensor&) { return std::vector<Match>{}; })>);
static_assert(!Matcher<decltype([](const at::Tensor&) { return 0; })>);

TEST_SUITE("match") {
  TEST_CASE("a cheaper total wins over a nearer pair") {
    const auto cost = at::tensor({1.0, 2.0, 1.0, 10.0}).view({2, 2});
    CHECK(HungarianMatcher{}(cost) == std::vector<Match>{{1, 0}, {0, 1}});
    CHECK(GreedyMatcher{}(cost) == std::vector<Match>{{0, 0}, {1, 1}});
  }

  TEST_CASE("more queries than targets leaves queries over, and the other way round") {
    const auto cost = at::tensor({3.0, 1.0, 2.0}).view({3, 1});
    CHECK(HungarianMatcher{}(cost) == std::vector<Match>{{1, 0}});
    CHECK(HungarianMatcher{}(cost.t()) == std::vector<Match>{{0, 1}});
    CHECK(GreedyMatcher{}(cost) == std::vector<Match>{{1, 0}});
  }

  TEST_CASE("no targets, no matches") {
    CHECK(HungarianMatcher{}(at::empty({5, 0})).empty());
    CHECK(GreedyMatcher{}(at::empty({0, 3})).empty());
  }

  TEST_CASE("any floating type and layout is read; anything else than a matrix is refused") {
    const auto cost = at::tensor({1.0, 2.0, 1.0, 10.0}).view({2, 2}).t().to(at::kHalf);
    CHECK(HungarianMatcher{}(cost) == std::vector<Match>{{1, 0}, {0, 1}});
    CHECK_THROWS_AS(HungarianMatcher{}(at::tensor({1.0})), Error);
    CHECK_THROWS_AS(HungarianMatcher{}(at::zeros({2, 2, 2})), Error);
    CHECK_THROWS_AS(HungarianMatcher{}(at::Tensor{}), Error);
    const auto broken = at::tensor({0.0, std::nan(""), 0.0, 0.0}).view({2, 2});
    CHECK_THROWS_WITH_AS(HungarianMatcher{}(broken), doctest::Contains("query 0, target 1"), Error);
    CHECK_THROWS_WITH_AS(GreedyMatcher{}(broken), doctest::Contains("query 0, target 1"), Error);
  }

  TEST_CASE("greedy leaves pairs that cost too much") {
    CHECK(GreedyMatcher{{.most = 1.5}}(at::tensor({1.0, 2.0, 9.0, 1.6}).view({2, 2})) == std::vector<Match>{{0, 0}});
  }
}
