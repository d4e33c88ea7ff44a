#include <algorithm>
#include <sstream>
#include <stop_token>

#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>
#include <vos/io/images.hpp>
#include <vos/io/labels.hpp>
#include <vos/train/training.hpp>

#include "train/config.hpp"
#include "train/hours.hpp"
#include "train/options.hpp"
#include "train/run.hpp"
#include "train/trials.hpp"

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
    const auto figures = nlohmann::json::parse(read_text(whole / "eval.json"))["metrics"];
    for (const auto* name : {"J&F", "IDSW", "IDF1", "HOTA", "AP", "AP50", "AP75"}) CHECK(figures.contains(name));
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

  TEST_CASE("how long a run may take is said in days, hours, minutes, or as a number of hours") {
    for (const auto& [text, hours] :
         {std::pair{"2h", 2.0}, {"90m", 1.5}, {"1d12h", 36.0}, {"45", 45.0}, {"0.5", 0.5}, {"1h30m36s", 1.51}}) {
      CAPTURE(text);
      CHECK(train::hours_from(text).value_or(-1) == doctest::Approx(hours));
    }
    for (const auto* text : {"", "h", "2x", "2h3", "-1", "-1h", "1..2h", "inf", "nan", "two hours"}) {
      CAPTURE(text);
      CHECK(!train::hours_from(text));
    }
    const auto options = train::parse({"--model", "vita-tcovis-tiny", "--run_dir", "x", "--max-time", "90m"});
    CHECK(options.settings.at("max_hours") == "1.5");
    CHECK_THROWS_WITH_AS(train::parse({"--model", "vita-tcovis-tiny", "--run_dir", "x", "--max-time", "soon"}),
                         doctest::Contains("'soon' is no duration"), Error);
  }

  TEST_CASE("every flag of the mission is there and is the setting that it says") {
    const auto options = train::parse({"--model",
                                       "vita-tcovis-tiny",
                                       "--run_dir",
                                       "x",
                                       "--dataset",
                                       "ytvos",
                                       "--dataset_root",
                                       "d",
                                       "--epochs",
                                       "20",
                                       "--batch_size",
                                       "8",
                                       "--num_tokens",
                                       "50",
                                       "--w_dice",
                                       "5.0",
                                       "--w_match",
                                       "2.0",
                                       "--w_mask",
                                       "3",
                                       "--w_contrastive",
                                       "1.5",
                                       "--beta",
                                       "0.1",
                                       "--lr",
                                       "1e-4",
                                       "--lr_backbone",
                                       "1e-5"});
    for (const auto& entry : list_trainings()) {
      if (entry.name != options.model) continue;
      for (const auto& [key, value] : options.settings) {
        CAPTURE(key);
        CHECK(std::any_of(entry.options.begin(), entry.options.end(),
                          [&](const auto& option) { return option.key == key; }));
      }
    }
    CHECK(options.settings.size() == 12);
  }

  TEST_CASE("a run that is told to stop gives the exit code that a queue asked for") {
    const test::Folder folder;
    std::stop_source stop;
    stop.request_stop();
    std::ostringstream out, err;
    CHECK(train::run(train::parse(small_run(folder / "a", {"--requeue-exit", "85"})), out, err, stop.get_token()) ==
          85);
    CHECK(train::run(train::parse(small_run(folder / "b")), out, err, stop.get_token()) == exit_code::interrupted);
    CHECK_THROWS_AS(train::parse(small_run(folder / "c", {"--requeue-exit", "256"})), Error);
  }

  TEST_CASE("faults of the data end a run before it begins, in the linter's words, unless they are known") {
    const test::Folder folder;
    const auto root = folder / "clips";
    for (int v = 0; v < 3; ++v)
      for (int t = 0; t < 4; ++t) {
        const auto stem = "v" + std::to_string(v) + "/0000" + std::to_string(t);
        const auto labels = at::zeros({32, 48}, at::kInt);
        labels.slice(0, 4, 20).slice(1, 4 + t, 24 + t).fill_(1);
        make_folder((root / "frames" / stem).parent_path());
        make_folder((root / "masks" / stem).parent_path());
        write_image(root / "frames" / (stem + ".png"), at::randint(255, {32, 48, 3}).to(at::kByte));
        write_labels(root / "masks" / (stem + ".png"), labels);
      }
    std::vector<std::string> words{"--model",         "vita-tcovis-tiny", "--dataset_root", root.string(),
                                   "--dry-run",       "model.classes=1",  "data.frames=2",  "model.channels=32",
                                   "model.hidden=32", "model.tokens=4",   "--threads",      "1"};
    const auto well = run(words);
    CHECK(well.code == exit_code::done);
    CHECK(well.out.find("the data were looked at, 9 frames of 3 videos: no fault") != std::string::npos);
    for (int t = 0; t < 4; ++t) {
      const auto file = root / "frames" / "v1" / ("0000" + std::to_string(t) + ".png");
      const auto bytes = read_file(file);
      write_file(file, std::string(bytes.begin(), bytes.begin() + 200));
    }
    CHECK_THROWS_WITH_AS(run(words), doctest::Contains("frames/v1/00002.png"), Error);
    CHECK_THROWS_WITH_AS(run(words), doctest::Contains("cut-image (3): an image file is cut short"), Error);
    words.push_back("--no-lint");
    words.push_back("data.flip=0");
    CHECK_THROWS_WITH_AS(run(words), doctest::Contains("sample"), Error);  // the loader then finds it
  }

  TEST_CASE("a dry run tells shapes, parts and memory, draws the first batch, and leaves its folder to the run") {
    const test::Folder folder;
    const auto before = small_run(folder / "run", {"--dry-run", "data.batch_size=3"});
    const auto text = run(before).out;
    for (const auto* part :
         {"3 x 2 x 32 x 48 x 3", "3 x 2 x 4 x", "sem_seg_head.predictor", "backbone", "gradients", "optimiser",
          "measured in a step with 2 clips, the rest on a straight line", "first losses"})
      CHECK_MESSAGE(text.find(part) != std::string::npos, part);
    CHECK(std::filesystem::exists(folder / "run" / "first_batch.png"));
    auto words = before;
    words.push_back("--json");
    const auto json = nlohmann::json::parse(run(words).out);
    std::int64_t learning = 0;
    for (const auto& part : json["parts"]) learning += part["learning"].get<std::int64_t>();
    CHECK(json["memory"]["gradients"] == 4 * learning);
    CHECK(json["memory"]["passes"] > 0);
    CHECK(run(small_run(folder / "run", {"epochs=1"})).code == exit_code::done);
    CHECK(std::filesystem::exists(folder / "run" / "first_batch.png"));
  }

  TEST_CASE("rates and batch sizes are tried, and nothing is written") {
    const test::Folder folder;
    auto words = small_run(folder / "none", {"--find-lr"});
    const auto rates = run(words);
    CHECK(rates.code == exit_code::done);
    CHECK(rates.out.find("loss, smoothed, over the learning rate") != std::string::npos);
    words.back() = "--find-batch-size";
    words.push_back("data.samples=5");
    const auto sizes = run(words).out;
    CHECK(sizes.find("ended: the data have no more than 5 clips") != std::string::npos);
    CHECK(sizes.find("suggested: --batch_size") != std::string::npos);
    CHECK(!std::filesystem::exists(folder / "none"));
    CHECK_THROWS_AS(train::parse(small_run(folder / "none", {"--find-lr", "--dry-run"})), Error);
    CHECK(train::guessed_bytes({{.clips = 1, .bytes = 10}, {.clips = 2, .bytes = 14}}) == 22);
    const auto drawn =
        train::plot({{.lr = 1e-4, .smooth = 3}, {.lr = 1e-3, .smooth = 1}, {.lr = 1e-2, .smooth = 2}}, 21, 5);
    CHECK(drawn ==
          "       3 |*\n         |\n         |                    *\n         |\n       1 |          *\n"
          "         +---------------------\n          1e-04           1e-02\n");
  }

  TEST_CASE("two clips are learnt by heart, again and again") {
    const test::Folder folder;
    CHECK(run(small_run(folder / "run", {"--overfit", "2", "data.batch_size=4", "epochs=1"})).code == exit_code::done);
    const auto settings = train::read_config(folder / "run" / "config.toml");
    CHECK(settings.at("data.batch_size") == "2");
    CHECK(settings.at("data.validation_clips") == "2");
  }

  TEST_CASE("memory that is given up is time, and no other weights") {
    const test::Folder folder;
    CHECK(run(small_run(folder / "kept")).code == exit_code::done);
    CHECK(run(small_run(folder / "again", {"optim.recompute=true"})).code == exit_code::done);
    CHECK(last_weights(folder / "again") == last_weights(folder / "kept"));
  }

  TEST_CASE("a first look at everything takes two steps and a resume") {
    const test::Folder folder;
    const auto ended = run(small_run(folder / "run", {"--fast-dev-run"}));
    CHECK(ended.code == exit_code::done);
    CHECK(ended.out.find("finished after step 4") != std::string::npos);
  }
}
