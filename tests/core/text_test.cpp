#include <vos/core/text.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("text") {
  TEST_CASE("a swapped pair of letters is one edit") {
    CHECK(edit_distance("folw", "flow") == 1);
    CHECK(edit_distance("", "flow") == 4);
    CHECK(edit_distance("flow", "flow") == 0);
  }

  TEST_CASE("a name is suggested when it is near, or begins as the text does") {
    const std::vector<std::string> known{"flow", "vita-tcovis", "r50-deaotl"};
    CHECK(nearest_name("folw", known) == "flow");
    CHECK(nearest_name("vita", known) == "vita-tcovis");
    CHECK(nearest_name("mobilevos", known).empty());
    CHECK(did_you_mean("flwo", known) == "; did you mean 'flow'?");
  }

  TEST_CASE("a short name is near only where most of its letters stand") {
    const std::vector<std::string> known{"rle", "mp4"};
    CHECK(nearest_name("mp5", known) == "mp4");
    for (const auto* text : {"", "x", "ro", "mx", "png", "mask"}) CHECK(nearest_name(text, known).empty());
  }

  TEST_CASE("splitting gives every piece, empty ones too") {
    CHECK(split("", ',') == std::vector<std::string>{""});
    CHECK(split("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
    CHECK(join(split("a,b,c", ','), ", ") == "a, b, c");
    CHECK(join(split(",,a", ','), ",") == ",,a");
  }

  TEST_CASE("of a long list the first are told, and how many more there are") {
    const std::vector<std::string> all{"a", "b", "c"};
    CHECK(join_first(all, 3, ", ") == "a, b, c");
    CHECK(join_first(all, 1, ", ") == "a, ... and 2 more");
    CHECK(join_first(all, 0, ", ") == "... and 3 more");
    CHECK(join_first(std::vector<int>{}, 0, ", ", [](int) { return "x"; }).empty());
    CHECK(join_first(std::vector{1, 2, 3}, 2, "; ", [](int i) { return std::to_string(i * i); }) ==
          "1; 4; ... and 1 more");
  }

  TEST_CASE("a number is the whole text or nothing") {
    CHECK(number_from<int>("-12") == -12);
    CHECK(number_from<double>("1e-3") == doctest::Approx(1e-3));
    CHECK(!number_from<int>("12px"));
    CHECK(!number_from<int>(""));
    CHECK(!number_from<std::uint8_t>("256"));
  }

  TEST_CASE("what a file says is shown on one line, as valid UTF-8 that moves nothing, and is cut between letters") {
    CHECK(printable("a\x1b[31m\nb\t") == "a\\x1b[31m\\nb\\t");
    CHECK(printable("caf\xc3\xa9 \xff") == "caf\xc3\xa9 \\xff");
    CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // turns the text around
    CHECK(printable("\xc2\x85") == "\\xc2\\x85");
    CHECK(printable("\xc3\xa9\xc3\xa9", 3) == "\xc3\xa9...");
    CHECK(printable("\xc3\xa9\xc3\xa9", 4) == "\xc3\xa9\xc3\xa9");
    CHECK(printable("").empty());
  }
}
