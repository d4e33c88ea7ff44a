#include "infer/options.hpp"

#include "../test.hpp"

using namespace vos;
using infer::Options;

namespace {

/// The message with which a command line is refused, with exit code 2.
std::string refusal(const std::vector<std::string>& words) {
  try {
    infer::parse(words);
  } catch (const Error& e) {
    CHECK(e.parts().exit_code == exit_code::usage);
    return e.what();
  }
  return "not refused";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("infer") {
  TEST_CASE("every option arrives where it belongs") {
    const auto options =
        infer::parse({"--input",   "a.mp4",   "b.mp4",       "--masks", "a.png",    "b.png",     "-o",         "out",
                      "--format",  "png,mp4", "--model",     "hold",    "--set",    "score=0.7", "--device",   "cpu",
                      "--threads", "2",       "--precision", "bf16",    "--frames", "3:50:2",    "--max-size", "320",
                      "--weights", "w.pth",   "--overwrite", "--json",  "--quiet"});
    CHECK(options.action == Options::Action::run);
    CHECK(options.inputs == std::vector<std::string>{"a.mp4", "b.mp4"});
    CHECK(options.masks == std::vector<std::string>{"a.png", "b.png"});
    CHECK(options.output == "out");
    CHECK(options.formats == std::vector<std::string>{"png", "mp4"});
    CHECK(options.model.model == "hold");
    CHECK(options.model.options.at("score") == "0.7");
    CHECK(options.model.weights == "w.pth");
    CHECK(options.model.compute.device == "cpu");
    CHECK(options.model.compute.threads == 2);
    CHECK(options.model.compute.precision == Precision::bf16);
    CHECK(options.frames == FrameRange{3, 50, 2});
    CHECK(options.max_size == 320);
    CHECK(options.overwrite);
    CHECK(options.resume.empty());
    CHECK(options.common.json);
    CHECK(options.common.quiet);
  }

  TEST_CASE("without further options everything is written, by flow") {
    const auto options = infer::parse({"--input", "a.mp4", "--output", "out"});
    CHECK(options.formats == std::vector<std::string>{"png", "rle", "mp4", "contact"});
    CHECK(options.model.model == "flow");
    CHECK(options.frames == FrameRange{});
  }

  TEST_CASE("a misspelt option is told its nearest name, even where it leaves another one missing") {
    CHECK(says(refusal({"--input", "a.mp4", "--otuput", "out"}), "no option '--otuput'; did you mean '--output'?"));
    CHECK(says(refusal({"--modle=flow", "--input", "a.mp4", "-o", "out"}),
               "no option '--modle'; did you mean '--model'?"));
    CHECK(says(refusal({"--input", "a.mp4", "-o", "out", "--zzz"}), "no option '--zzz'\n"));
    CHECK(says(refusal({"track", "--input", "a.mp4", "-o", "out"}), "'track' belongs to no option"));
  }

  TEST_CASE("what cannot be right is refused") {
    CHECK(says(refusal({}), "--input is missing"));
    CHECK(says(refusal({"--input", "a"}), "--output is missing"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--format", "png,mp5"}), "did you mean 'mp4'?"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--threads", "many"}), "--threads"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--precision", "fp64"}), "fp64"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--set", "score"}), "KEY=VALUE"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--continue", "--overwrite"}), "give one of them"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--continue", "--format", "mp4"}), "png is not among"));
    CHECK(says(refusal({"--input", "a", "b", "c", "--masks", "x", "y", "-o", "o"}), "3 inputs, but 2 masks"));
    CHECK(says(refusal({"--input", "a", "-o", "o", "--max-size", "-3"}), "--max-size"));
  }

  TEST_CASE("--continue is exact unless told otherwise") {
    CHECK(infer::parse({"--input", "a", "--continue", "-o", "o"}).resume == "exact");
    CHECK(infer::parse({"--input", "a", "-o", "o", "--continue"}).resume == "exact");
    CHECK(infer::parse({"--input", "a", "-o", "o", "--continue", "masks"}).resume == "masks");
    CHECK(says(refusal({"--input", "a", "-o", "o", "--continue", "mask"}), "--continue"));
  }

  TEST_CASE("a range of frames is Python's, without negative numbers") {
    CHECK(infer::range_from("10:50:2") == FrameRange{10, 50, 2});
    CHECK(infer::range_from(":50") == FrameRange{0, 50, 1});
    CHECK(infer::range_from("10:") == FrameRange{.begin = 10});
    CHECK(infer::range_from("::3") == FrameRange{.step = 3});
    for (const auto* wrong : {"5", "a:b", "-1:5", "5:5", "9:3", "1:2:0", "1:2:3:4", "1.5:2"})
      CHECK_THROWS_AS(infer::range_from(wrong), Error);
  }

  TEST_CASE("help, version and the list of models need nothing else") {
    const auto help = infer::parse({"--help"});
    CHECK(help.action == Options::Action::print);
    CHECK(says(help.text, "Usage: vos-infer"));
    CHECK(says(help.text, "Examples:"));
    CHECK(infer::parse({"--version"}).text == std::string{"vos-infer "} + vos::version + "\n");
    CHECK(infer::parse({"--list-models"}).action == Options::Action::list_models);
    CHECK(infer::parse({"--list-models", "--verbose"}).common.verbose);
  }
}
