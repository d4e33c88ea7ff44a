#include <sstream>

#include <vos/io/files.hpp>
#include <vos/train/training.hpp>

#include "train/config.hpp"
#include "train/options.hpp"
#include "train/run.hpp"

#include "../test.hpp"

using namespace vos;

namespace {

/// A run that takes seconds: small scenes, two steps an epoch.
std::vector<std::string> small_run(const std::filesystem::path& folder, std::vector<std::string> more = {}) {
  std::vector<std::string> words{"--model",
                                 "vita-tcovis-tiny",
                                 "--dataset",
                                 "synthetic:train",
                                 "epochs=2",
                                 "--run_dir",
                                 folder.string(),
                                 "steps_per_epoch=2",
                                 "data.height=32",
                                 "data.width=48",
                                 "data.frames=2",
                                 "data.validation_clips=1",
                                 "data.validation_frames=3",
                                 "model.channels=32",
                                 "model.hidden=32",
                                 "model.tokens=4",
                                 "data.workers=0",
                                 "optim.warmup=0",
                                 "--threads",
                                 "1",
                                 "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

struct Ended {
  int code;
  std::string out, err;
};

Ended run(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  const int code = train::run(train::parse(words), out, err);
  return {code, out.str(), err.str()};
}

std::vector<std::uint8_t> last_weights(const std::filesystem::path& folder) {
  auto name = read_text(folder / "checkpoints" / "last");
  name.pop_back();
  return read_file(folder / "checkpoints" / name / "model.safetensors");
}

}  // namespace

TEST_SUITE("tools/train") {
  TEST_CASE("every setting that is written is read back as it was") {
    const test::Folder folder;
    for (auto entry : list_trainings()) {
      for (auto& option : entry.options) {
        if (option.key == "seed") option.value = "18446744073709551615";
        if (option.key == "data.split") option.value = "007";
        if (option.key == "data.root") option.value = "a \"quoted\" \\ folder";
      }
      write_file(folder / "config.toml", train::config_text(entry.name, entry.options));
      const auto settings = train::read_config(folder / "config.toml");
      CHECK(settings.at("preset") == entry.name);
      CHECK(settings.size() == entry.options.size() + 1);
      for (const auto& option : entry.options) {
        CAPTURE(option.key);
        REQUIRE(settings.contains(option.key));
        CHECK(settings.at(option.key) == option.value);
      }
    }
  }

  TEST_CASE("files, then words, then flags count") {
    const test::Folder folder;
    write_file(folder / "a=b.toml",
               "preset = \"vita-tcovis-tiny\"\nepochs = 3\n[optim]\nlr = 1e-3\nmilestones = [6, 12]\n");
    const auto options =
        train::parse({(folder / "a=b.toml").string(), "epochs=4", "optim.lr=0.01", "--lr", "0.5", "--dry-run"});
    CHECK(options.model == "vita-tcovis-tiny");
    CHECK(options.settings.at("epochs") == "4");
    CHECK(options.settings.at("optim.lr") == "0.5");
    CHECK(options.settings.at("optim.milestones") == "6,12");
    write_file(folder / "bad.toml", "epochs = \n");
    CHECK_THROWS_WITH_AS(train::parse({(folder / "bad.toml").string()}), doctest::Contains("line 1"), Error);
    CHECK_THROWS_WITH_AS(train::parse({"--model", "vita-tcovis-tny", "--run_dir", "x"}),
                         doctest::Contains("vita-tcovis-tiny"), Error);
    CHECK_THROWS_WITH_AS(
        run({"--model", "vita-tcovis-tiny", "--dry-run", "--dataset", "synthetic:train", "optim.lrr=1"}),
        doctest::Contains("optim.lr"), Error);
  }

  TEST_CASE("a run trains, validates and is resumed to the same weights, and a folder is never lost") {
    const test::Folder folder;
    const auto whole = folder / "whole", parts = folder / "parts";
    CHECK(run(small_run(whole)).code == exit_code::done);
    for (const auto* name :
         {"config.toml", "run.json", "log.jsonl", "steps.csv", "eval.json", "checkpoints/best", "checkpoints/last"})
      CHECK(std::filesystem::exists(whole / name));
    CHECK(run(small_run(parts, {"epochs=1"})).code == exit_code::done);
    CHECK(run({"--resume", parts.string(), "epochs=2", "--threads", "1", "--quiet"}).code == exit_code::done);
    // The schedule depends on the length of the run, so the learning rate of the first steps was another one.
    CHECK(last_weights(parts) != last_weights(whole));
    const auto constant = folder / "constant", constant_parts = folder / "constant_parts";
    CHECK(run(small_run(constant, {"optim.schedule=constant"})).code == exit_code::done);
    CHECK(run(small_run(constant_parts, {"optim.schedule=constant", "epochs=1"})).code == exit_code::done);
    CHECK(run({"--resume", constant_parts.string(), "--epochs", "2", "--threads", "1", "--quiet"}).code ==
          exit_code::done);
    CHECK(last_weights(constant_parts) == last_weights(constant));

    CHECK_THROWS_WITH_AS(run(small_run(whole)), doctest::Contains("not empty"), Error);
  }

  TEST_CASE("a folder that is no run is not deleted") {
    const test::Folder folder;
    write_file(folder / "config.toml", "epochs = 1\n");
    CHECK_THROWS_WITH_AS(run(small_run(folder.path(), {"--overwrite"})), doctest::Contains("no run"), Error);
    CHECK(std::filesystem::exists(folder / "config.toml"));
  }

  TEST_CASE("a first look at everything takes two steps and a resume") {
    const test::Folder folder;
    const auto ended = run(small_run(folder / "run", {"--fast-dev-run"}));
    CHECK(ended.code == exit_code::done);
    CHECK(ended.out.find("finished after step 4") != std::string::npos);
  }
}
