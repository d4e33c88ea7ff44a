#include <vos/project/project.hpp>

#include <array>

#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/wire/mask_scan.hpp>

#include "clips.hpp"

#include "../test.hpp"

using namespace vos;
using test::Folder;
namespace fs = std::filesystem;

namespace {

MaskFrame truth_of(const std::string& input) {
  const auto labels = open_source({.input = input, .ahead = 0})->truth(0);
  return masks_from_labels({labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(labels.numel())},
                           labels.size(0), labels.size(1));
}

const ProjectFrame& made(Project& project, std::int64_t index) {
  while (project.step(index, {}).state == ProjectStep::State::working) {
  }
  REQUIRE(project.result(index) != nullptr);
  return *project.result(index);
}

std::string usage_error(std::vector<std::string> words) {
  const auto error = test::error_of(words);
  CHECK(error.parts().exit_code == exit_code::usage);
  return error.what();
}

}  // namespace

TEST_SUITE("infer") {
  TEST_CASE("a session is run again to the same masks") {
    const Folder folder;
    const auto project = open_project({.input = test::clip, .model = "flow"});
    project->prompt(0, truth_of(test::clip));
    made(*project, 11);
    project->prompt(6, truth_of(test::clip));
    project->split(1, 3);
    project->remove(2);
    project->propagate_back(6, 2, {1});
    write_file(folder / "s.json", project->save());
    const auto ran = test::infer({"--session", folder / "s.json", "-o", folder / "out"});
    CHECK(ran.code == 0);
    CHECK(test::says(ran.out, "12 frames of 96x64"));
    for (const auto* name : {"results.json", "overlay.mp4", "contact.png", "frames.jsonl", "timing.json"})
      CHECK_MESSAGE(fs::file_size(folder / "out" / name) > 0, name);
    for (std::int64_t t = 0; t < 12; ++t) {
      const auto path = folder / "out" / ((t < 10 ? "0000" : "000") + std::to_string(t) + ".png");
      const auto labels = labels_from_png(read_file(path), path.string());
      const auto& expected = made(*project, t).masks;
      CHECK(masks_from_labels(labels.ids, 64, 96, expected.ids) == expected);
    }
    CHECK(test::error_of({"--session", folder / "s.json", "-o", folder / "out"}).parts().what.find("not empty") !=
          std::string::npos);
    CHECK(test::infer({"--session", folder / "s.json", "-o", folder / "out", "--overwrite", "--format", "png"}).code ==
          0);
  }

  TEST_CASE("a session's video lies beside its file, or where --input says") {
    const Folder folder;
    VideoWriter writer{folder / "clip.mp4"};
    for (const auto& frame : VideoReader{std::string{test::clip}}) writer.write(frame.rgb);
    writer.close();
    const auto project = open_project({.input = folder / "clip.mp4", .name = "clip", .model = "hold"});
    project->prompt(0, truth_of(test::clip));
    const auto saved = project->save();
    write_file(folder / "s.json", saved);
    CHECK(test::infer({"--session", folder / "s.json", "-o", folder / "a", "--format", "png"}).code == 0);
    fs::create_directory(folder / "other");
    fs::rename(folder / "clip.mp4", folder / "other/moved.mp4");
    const auto lost = test::error_of({"--session", folder / "s.json", "-o", folder / "b"});
    CHECK(lost.parts().what.find("'clip.mp4' is not there") != std::string::npos);
    CHECK(lost.parts().mend.find("--input") != std::string::npos);
    CHECK(!fs::exists(folder / "b"));
    CHECK(test::infer({"--session", folder / "s.json", "--input", folder / "other/moved.mp4", "-o", folder / "b",
                       "--format", "png"})
              .code == 0);
    CHECK(test::names_in(folder / "a") == test::names_in(folder / "b"));
    // Another video is not taken for it.
    const auto other = test::error_of(
        {"--session", folder / "s.json", "--input", "synthetic:crossing,frames=50,size=96x64", "-o", folder / "c"});
    CHECK(other.parts().what.find("50 frames") != std::string::npos);
  }

  TEST_CASE("options that a session decides are refused beside it") {
    const std::vector<std::string> base{"--session", "s.json", "-o", "out"};
    for (const auto& more : std::vector<std::vector<std::string>>{{"--model", "hold"},
                                                                  {"--masks", "m.png"},
                                                                  {"--set", "a=b"},
                                                                  {"--frames", "1:5"},
                                                                  {"--max-size", "100"},
                                                                  {"--continue"},
                                                                  {"--dataset", "davis", "--dataset_root", "d"},
                                                                  {"--device", "cpu"},
                                                                  {"--precision", "fp32"}}) {
      auto words = base;
      words.insert(words.end(), more.begin(), more.end());
      CHECK_MESSAGE(usage_error(words).find("--session") != std::string::npos, more.front());
    }
    CHECK(usage_error({"--session", "s.json", "-o", "out", "-i", "a.mp4", "b.mp4"}).find("one video") !=
          std::string::npos);
    CHECK(usage_error({"--session", "s.json"}).find("--output") != std::string::npos);
  }
}
