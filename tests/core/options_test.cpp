#include <vos/core/options.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

struct Knobs {
  double band = 2.5;
  int rounds = 3;
  bool fast = true;
  std::string kernel = "area";
  void visit(auto&& field) {
    field("band", band, "width");
    field("rounds", rounds, "how often");
    field("fast", fast, "take the short way");
    field("kernel", kernel, "resampling");
  }
};

}  // namespace

TEST_SUITE("options") {
  TEST_CASE("options list themselves with their values") {
    const auto list = describe_options(Knobs{});
    REQUIRE(list.size() == 4);
    CHECK(list[0].key == "band");
    CHECK(list[0].value == "2.5");
    CHECK(list[2].value == "true");
    CHECK(list[3].meaning == "resampling");
  }

  TEST_CASE("what is listed can be set from the same text") {
    Knobs knobs;
    set_option(knobs, "band", "0.125");
    set_option(knobs, "rounds", "-4");
    set_option(knobs, "fast", "Off");
    set_option(knobs, "kernel", "cubic");
    CHECK(knobs.band == 0.125);
    CHECK(knobs.rounds == -4);
    CHECK(!knobs.fast);
    CHECK(knobs.kernel == "cubic");
  }

  TEST_CASE("a wrong value names what it should be, and changes nothing") {
    Knobs knobs;
    CHECK_THROWS_WITH_AS(set_option(knobs, "rounds", "2.5"), doctest::Contains("'2.5' is not a whole number"), Error);
    CHECK_THROWS_WITH_AS(set_option(knobs, "fast", "maybe"), doctest::Contains("true or false"), Error);
    CHECK_THROWS_WITH_AS(set_option(knobs, "bnad", "1"), doctest::Contains("did you mean 'band'?"), Error);
    CHECK_THROWS_AS(set_option(knobs, "band", "nan"), Error);
    CHECK_THROWS_AS(set_option(knobs, "band", "inf"), Error);
    CHECK(knobs.band == 2.5);
    CHECK(knobs.rounds == 3);
    CHECK(knobs.fast);
  }
}
