#include "infer/run.hpp"

#include <fstream>

#include <nlohmann/json.hpp>

#include "clips.hpp"

#include "../test.hpp"

using namespace vos;
using test::Folder;
namespace fs = std::filesystem;

TEST_SUITE("infer") {
  TEST_CASE("a synthetic clip is tracked into every kind of output") {
    const Folder folder;
    const auto ran = test::infer({"--input", test::clip, "-o", folder / "out", "--model", "hold"});
    CHECK(ran.code == 0);
    for (const auto* name :
         {"00000.png", "00011.png", "results.json", "overlay.mp4", "contact.png", "frames.jsonl", "timing.json"})
      CHECK_MESSAGE(fs::file_size(folder / "out" / name) > 0, name);
    CHECK(!fs::exists(folder / "out" / "00012.png"));
    CHECK(test::says(ran.out, "crossing: 12 frames of 96x64, 2 objects"));
    CHECK(test::says(ran.out, "mean J"));
    CHECK(test::says(ran.out, (folder / "out" / "overlay.mp4").string()));
    CHECK(ran.err.empty());
  }

  TEST_CASE("--json prints one object with the documented keys, and nothing else") {
    const Folder folder;
    const auto ran =
        test::infer({"--input", test::clip, "-o", folder / "out", "--model", "hold", "--format", "png", "--json"});
    const auto json = nlohmann::json::parse(ran.out);
    CHECK(json["frames"] == 12);
    CHECK(json["objects"] == 2);
    CHECK(json["complete"] == true);
    for (const auto* key :
         {"fps", "ms_mean", "ms_p50", "ms_p95", "ms_p99", "rss_peak_mb", "rss_growth_mb", "j_mean", "seconds"})
      CHECK_MESSAGE(json[key].is_number(), key);
    CHECK(json["rss_slope_mb_per_10k_frames"].is_null());
    const auto& sequence = json["sequences"][0];
    CHECK(sequence["name"] == "crossing");
    CHECK(sequence["j"].size() == 2);
    CHECK(sequence["j_mean"] == json["j_mean"]);
    CHECK(json["j_mean"] > 0.2);
    CHECK(json["j_mean"] < 1.0);
    const auto timing = nlohmann::json::parse(test::text_of(folder / "out" / "timing.json"));
    CHECK(timing["frames"] == 12);
    CHECK(timing["settings"]["model"] == "hold");
  }

  TEST_CASE("--quiet says nothing") {
    const Folder folder;
    const auto ran =
        test::infer({"--input", test::clip, "-o", folder / "out", "--model", "hold", "--format", "png", "-q"});
    CHECK(ran.out.empty());
    CHECK(ran.err.empty());
  }

  TEST_CASE("a mask that comes later adds its object and leaves the others alone") {
    const Folder folder;
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "00005.png", {{7, {40, 30, 60, 50}}});
    test::infer({"--input", test::clip, "--masks", folder / "masks", "-o", folder / "out", "--model", "hold",
                 "--format", "png"});
    CHECK(label_extents(read_labels(folder / "out" / "00004.png")).size() == 1);
    const auto later = label_extents(read_labels(folder / "out" / "00005.png"));
    CHECK(later.at(1).area == 256);
    CHECK(later.at(7).area == 400);
    CHECK(later.at(7).box == Box{40, 30, 60, 50});
  }

  TEST_CASE("one label map is for the first frame that is taken, whatever its name") {
    const Folder folder;
    test::write_mask(folder / "anything.png", {{3, {4, 4, 20, 20}}});
    test::infer({"--input", test::clip, "--masks", folder / "anything.png", "-o", folder / "out", "--model", "hold",
                 "--format", "png", "--frames", "2:9:3"});
    CHECK(test::names_in(folder / "out") ==
          std::vector<std::string>{"00002.png", "00005.png", "00008.png", "frames.jsonl", "timing.json"});
    CHECK(label_extents(read_labels(folder / "out" / "00002.png")).contains(3));
  }

  TEST_CASE(
      "a mask of another size is refused with exit code 11, both sizes and both names, and leaves nothing behind") {
    const Folder folder;
    test::write_mask(folder / "first.png", {{1, {4, 4, 20, 20}}}, 64, 95);
    const auto error = test::error_of(
        {"--input", test::clip, "--masks", folder / "first.png", "-o", folder / "out", "--model", "hold"});
    CHECK(error.parts().exit_code == exit_code::sizes_differ);
    for (const auto* part : {"95x64", "96x64", "first.png", "00000", "synthetic:crossing"})
      CHECK_MESSAGE(test::says(error.what(), part), error.what());
    CHECK(!fs::exists(folder / "out"));
  }

  TEST_CASE("a late mask of another size ends the run, and what was written before is complete") {
    const Folder folder;
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "00005.png", {{7, {40, 30, 60, 50}}}, 64, 95);
    const auto error =
        test::error_of({"--input", test::clip, "--masks", folder / "masks", "-o", folder / "out", "--model", "hold"});
    CHECK(error.parts().exit_code == exit_code::sizes_differ);
    CHECK(fs::exists(folder / "out" / "00004.png"));
    CHECK(!fs::exists(folder / "out" / "00005.png"));
    for (const auto* name : {"overlay.mp4", "contact.png"})
      CHECK_MESSAGE(fs::file_size(folder / "out" / name) > 0, name);
    CHECK(nlohmann::json::parse(test::text_of(folder / "out" / "timing.json"))["complete"] == false);
    CHECK(nlohmann::json::parse(test::text_of(folder / "out" / "results.json")).size() > 0);
  }

  TEST_CASE("with --max-size a mask fits the frame as it was, and shrinks with it") {
    const Folder folder;
    test::write_mask(folder / "first.png", {{1, {16, 16, 48, 48}}});
    test::infer({"--input", test::clip, "--masks", folder / "first.png", "-o", folder / "out", "--model", "hold",
                 "--format", "png", "--max-size", "48"});
    const auto labels = read_labels(folder / "out" / "00000.png");
    CHECK(labels.size(0) == 32);
    CHECK(labels.size(1) == 48);
    CHECK(label_extents(labels).at(1).box == Box{8, 8, 24, 24});

    test::write_mask(folder / "odd.png", {{1, {16, 16, 24, 24}}}, 30, 50);
    const auto error = test::error_of({"--input", test::clip, "--masks", folder / "odd.png", "-o", folder / "out2",
                                       "--model", "hold", "--max-size", "48"});
    CHECK(test::says(error.what(), "50x30"));
    CHECK(test::says(error.what(), "96x64"));
  }

  TEST_CASE("masks that name no frame are refused by name") {
    const Folder folder;
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "frame_3.png", {{1, {4, 4, 20, 20}}});
    const auto error =
        test::error_of({"--input", test::clip, "--masks", folder / "masks", "-o", folder / "out", "--model", "hold"});
    CHECK(test::says(error.what(), "1 of 2 masks name no frame"));
    CHECK(test::says(error.what(), "frame_3.png"));
    CHECK(test::says(error.what(), "00000 to 00011"));
  }

  TEST_CASE("masks of frames that --frames leaves out are told, not refused") {
    const Folder folder;
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "00003.png", {{2, {4, 4, 20, 20}}});
    const auto ran = test::infer({"--input", test::clip, "--masks", folder / "masks", "-o", folder / "out", "--model",
                                  "hold", "--format", "png", "--frames", "::2", "--json"});
    CHECK(ran.code == 0);
    CHECK(test::says(ran.err, "warning"));
    CHECK(test::says(ran.err, "00003.png"));
    CHECK(nlohmann::json::parse(ran.out)["sequences"][0]["unused_masks"] == nlohmann::json{"00003.png"});
  }

  TEST_CASE("empty masks are told, since nothing is tracked then") {
    const Folder folder;
    test::write_mask(folder / "first.png", {});
    const auto ran = test::infer({"--input", test::clip, "--masks", folder / "first.png", "-o", folder / "out",
                                  "--model", "hold", "--format", "png"});
    CHECK(test::says(ran.err, "name no object"));
    CHECK(test::says(ran.out, "0 objects"));
  }

  TEST_CASE("an input without masks is refused, saying what to add") {
    const Folder folder;
    test::write_frames(folder / "clip", 3);
    const auto error = test::error_of({"--input", folder / "clip", "-o", folder / "out", "--model", "hold"});
    CHECK(error.parts().exit_code == exit_code::usage);
    CHECK(test::says(error.what(), "add --masks"));
    CHECK(!fs::exists(folder / "out"));
  }

  TEST_CASE("a folder that is not empty is refused; --overwrite replaces an earlier run's files and no others") {
    const Folder folder;
    const auto out = folder / "out";
    test::infer({"--input", test::clip, "-o", out, "--model", "hold", "--format", "png,contact"});
    std::ofstream(out / "notes.txt") << "mine";
    std::ofstream(out / "99999.png") << "mine";
    const auto error = test::error_of({"--input", test::clip, "-o", out, "--model", "hold"});
    CHECK(test::says(error.what(), "not empty"));
    CHECK(test::says(error.what(), "--overwrite"));
    test::infer(
        {"--input", test::clip, "-o", out, "--model", "hold", "--format", "png", "--frames", ":2", "--overwrite"});
    CHECK(test::names_in(out) ==
          std::vector<std::string>{"00000.png", "00001.png", "99999.png", "frames.jsonl", "notes.txt", "timing.json"});
  }

  TEST_CASE("results never go where their source lies") {
    const Folder folder;
    test::write_frames(folder / "clip", 3);
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    for (const auto* place : {"clip", "masks"}) {
      const auto error = test::error_of({"--input", folder / "clip", "--masks", folder / "masks", "-o", folder / place,
                                         "--model", "hold", "--overwrite"});
      CHECK(test::says(error.what(), "where their source lies"));
    }
    // Nor beside a single file that they might replace.
    const auto mask = folder / "masks" / "00000.png";
    const auto error = test::error_of(
        {"--input", folder / "clip", "--masks", mask, "-o", folder / "masks", "--model", "hold", "--overwrite"});
    CHECK(test::says(error.what(), "where their source lies"));
    CHECK(fs::exists(mask));
  }

  TEST_CASE("several inputs go to a folder each, with the masks that are named like them") {
    const Folder folder;
    for (const auto* name : {"one", "two", "three"}) test::write_frames(folder / name, 4);
    test::write_mask(folder / "masks" / "one" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "two.png", {{2, {4, 4, 20, 20}}});
    const auto error = test::error_of({"--input", folder / "one", folder / "two", folder / "three", "--masks",
                                       folder / "masks", "-o", folder / "out", "--model", "hold"});
    CHECK(test::says(error.what(), "no masks for 'three'"));
    CHECK(!fs::exists(folder / "out"));

    const auto ran = test::infer({"--input", folder / "one", folder / "two", "--masks", folder / "masks", "-o",
                                  folder / "out", "--model", "hold", "--format", "png,rle", "--json"});
    const auto json = nlohmann::json::parse(ran.out);
    CHECK(json["frames"] == 8);
    CHECK(json["objects"] == 2);
    CHECK(json["sequences"].size() == 2);
    CHECK(label_extents(read_labels(folder / "out" / "one" / "00003.png")).contains(1));
    CHECK(label_extents(read_labels(folder / "out" / "two" / "00003.png")).contains(2));
    CHECK(nlohmann::json::parse(test::text_of(folder / "out" / "two" / "results.json"))[0]["video_id"] == 2);
  }

  TEST_CASE("two inputs of one name are refused") {
    const Folder folder;
    for (const auto* name : {"a", "b"}) test::write_frames(folder / name / "clip", 2);
    const auto error = test::error_of(
        {"--input", folder / "a" / "clip", folder / "b" / "clip", "-o", folder / "out", "--model", "hold"});
    CHECK(test::says(error.what(), "are called 'clip'"));
  }

  TEST_CASE("a frame that cannot be read ends the run with its name, and what was written before is complete") {
    const Folder folder;
    test::write_frames(folder / "clip", 6);
    fs::resize_file(folder / "clip" / "00004.ppm", 200);
    test::write_mask(folder / "first.png", {{1, {4, 4, 20, 20}}});
    const auto error = test::error_of(
        {"--input", folder / "clip", "--masks", folder / "first.png", "-o", folder / "out", "--model", "hold"});
    CHECK(test::says(error.what(), "00004.ppm"));
    CHECK(fs::exists(folder / "out" / "00003.png"));
    CHECK(fs::file_size(folder / "out" / "overlay.mp4") > 0);

    test::write_frames(folder / "clip", 6);  // mended: the run goes on
    test::infer({"--input", folder / "clip", "--masks", folder / "first.png", "-o", folder / "out", "--model", "hold",
                 "--continue"});
    CHECK(fs::exists(folder / "out" / "00005.png"));
  }

  TEST_CASE("a frame whose label map would lie in the contact sheet's place is refused") {
    const Folder folder;
    test::write_frames(folder / "clip", 1);
    fs::rename(folder / "clip" / "00000.ppm", folder / "clip" / "contact.ppm");
    test::write_mask(folder / "first.png", {{1, {4, 4, 20, 20}}});
    const std::vector<std::string> words{"--input", folder / "clip", "--masks", folder / "first.png",
                                         "--model", "hold"};
    auto all = words, png = words;
    all.insert(all.end(), {"-o", folder / "all"});
    png.insert(png.end(), {"-o", folder / "png", "--format", "png,png"});
    CHECK(test::says(test::error_of(all).what(), "contact sheet"));
    CHECK(test::infer(png).code == 0);
  }

  TEST_CASE("unknown models, options of models and inputs are told their nearest name") {
    const Folder folder;
    CHECK(test::says(test::error_of({"--input", test::clip, "-o", folder / "out", "--model", "hodl"}).what(),
                     "did you mean 'hold'?"));
    CHECK(test::says(
        test::error_of({"--input", test::clip, "-o", folder / "out", "--model", "hold", "--set", "scor=1"}).what(),
        "did you mean 'score'?"));
    CHECK(test::says(test::error_of({"--input", "synthetic:crosing", "-o", folder / "out", "--model", "hold"}).what(),
                     "did you mean 'crossing'?"));
    CHECK(!fs::exists(folder / "out"));
  }

  TEST_CASE("--list-models tells names, and options where asked for more") {
    CHECK(test::says(test::infer({"--list-models"}).out, "hold"));
    CHECK(!test::says(test::infer({"--list-models"}).out, "score=0.5"));
    CHECK(test::says(test::infer({"--list-models", "--verbose"}).out, "score=0.5"));
    const auto json = nlohmann::json::parse(test::infer({"--list-models", "--json"}).out);
    CHECK(json["models"][0]["name"].is_string());
    CHECK(json["models"][0]["options"][0]["key"].is_string());
  }
}
