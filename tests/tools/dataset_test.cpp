#include "infer/run.hpp"

#include <fstream>

#include <nlohmann/json.hpp>

#include "clips.hpp"

#include "../test.hpp"

using namespace vos;
using test::Folder;
namespace fs = std::filesystem;

namespace {

/// Frames as PNG, which every layout's reader takes where it expects pictures: JPEG is lossy and its encoder OpenCV's.
void write_video(const fs::path& folder, const std::vector<std::string>& stems) {
  fs::create_directories(folder);
  test::write_frames(folder / "ppm", static_cast<int>(stems.size()));
  for (std::size_t i = 0; i < stems.size(); ++i)
    fs::rename(folder / "ppm" / ("0000" + std::to_string(i) + ".ppm"), folder / (stems[i] + ".ppm"));
  fs::remove(folder / "ppm");
}

/// Two videos in DAVIS' layout; in `late` an object appears in the second frame.
void write_davis(const fs::path& root) {
  for (const std::string name : {"early", "late"}) {
    write_video(root / "JPEGImages" / "480p" / name, {"00000", "00001", "00002"});
    for (const std::string stem : {"00000", "00001", "00002"}) {
      std::map<ObjectId, Box> objects{{1, {4, 4, 20, 20}}};
      if (name == "late" && stem != "00000") objects[2] = {40, 30, 60, 50};
      test::write_mask(root / "Annotations" / "480p" / name / (stem + ".png"), objects);
    }
  }
  fs::create_directories(root / "ImageSets" / "2017");
  std::ofstream(root / "ImageSets" / "2017" / "val.txt") << "early\nlate\n";
}

/// One video in YouTube-VOS' layout whose second object appears in the second frame, and whose first one is drawn anew
/// there.
void write_ytvos(const fs::path& root) {
  write_video(root / "valid" / "JPEGImages" / "abc", {"00000", "00005", "00010"});
  test::write_mask(root / "valid" / "Annotations" / "abc" / "00000.png", {{1, {4, 4, 20, 20}}});
  test::write_mask(root / "valid" / "Annotations" / "abc" / "00005.png", {{1, {70, 4, 90, 20}}, {2, {40, 30, 60, 50}}});
  std::ofstream(root / "valid" / "meta.json")
      << R"({"videos":{"abc":{"objects":{"1":{"category":"cat","frames":["00000","00005","00010"]},)"
      << R"("2":{"category":"dog","frames":["00005","00010"]}}}}})";
}

}  // namespace

TEST_SUITE("infer") {
  TEST_CASE("a dataset's videos are tracked each into a folder of its own, from its masks") {
    const Folder folder;
    write_davis(folder / "davis");
    const auto ran = test::infer({"--dataset", "davis", "--dataset_root", folder / "davis", "-o", folder / "out",
                                  "--model", "hold", "--format", "png", "--json"});
    CHECK(ran.code == 0);
    CHECK(test::names_in(folder / "out") == std::vector<std::string>{"early", "late"});
    const auto json = nlohmann::json::parse(ran.out);
    CHECK(json["frames"] == 6);
    CHECK(json["sequences"][1]["name"] == "late");
    CHECK(label_extents(read_labels(folder / "out" / "early" / "00002.png")).at(1).box == Box{4, 4, 20, 20});
  }

  TEST_CASE("of a DAVIS video only what the first frame shows is given") {
    const Folder folder;
    write_davis(folder / "davis");
    test::infer({"--dataset_root", folder / "davis", "--sequences", "late", "-o", folder / "out", "--model", "hold",
                 "--format", "png"});
    CHECK(test::names_in(folder / "out") == std::vector<std::string>{"late"});
    CHECK(label_extents(read_labels(folder / "out" / "late" / "00002.png")).size() == 1);
  }

  TEST_CASE("in YouTube-VOS' layout an object joins with its first mask, and is not corrected afterwards") {
    const Folder folder;
    write_ytvos(folder / "ytvos");
    test::infer({"--dataset_root", folder / "ytvos", "-o", folder / "out", "--model", "hold", "--format", "png"});
    CHECK(label_extents(read_labels(folder / "out" / "abc" / "00000.png")).size() == 1);
    const auto later = label_extents(read_labels(folder / "out" / "abc" / "00010.png"));
    CHECK(later.at(1).box == Box{4, 4, 20, 20});
    CHECK(later.at(2).box == Box{40, 30, 60, 50});
  }

  TEST_CASE("a dataset's run goes on like any other") {
    const Folder folder;
    write_davis(folder / "davis");
    const std::vector<std::string> words{"--dataset_root", folder / "davis", "-o",       folder / "out",
                                         "--model",        "hold",           "--format", "png"};
    test::infer(words);
    auto again = words;
    again.push_back("--continue");
    again.push_back("--json");
    CHECK(nlohmann::json::parse(test::infer(again).out)["frames_kept"] == 6);
  }

  TEST_CASE("what does not fit a dataset is wrong usage") {
    const Folder folder;
    write_davis(folder / "davis");
    const auto of = [&](std::vector<std::string> words) {
      words.insert(words.end(), {"-o", folder / "out", "--model", "hold"});
      return test::error_of(words).parts();
    };
    CHECK(of({"--dataset_root", folder / "davis", "--input", "clip.mp4"}).exit_code == exit_code::usage);
    CHECK(of({"--dataset", "davis"}).exit_code == exit_code::usage);
    CHECK(of({"--sequences", "a", "--input", "clip.mp4"}).exit_code == exit_code::usage);
    const auto unknown = of({"--dataset_root", folder / "davis", "--sequences", "lake"});
    CHECK(unknown.exit_code == exit_code::usage);
    CHECK(test::says(unknown.what, "'late'"));
    CHECK(of({"--dataset", "devis", "--dataset_root", folder / "davis"}).exit_code == exit_code::usage);
  }
}
