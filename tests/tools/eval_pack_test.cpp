#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/io/zip.hpp>

#include "eval/run.hpp"

#include "../refusal.hpp"
#include "../test.hpp"

using namespace vos;
using Json = nlohmann::json;

namespace {

void write_text(const std::filesystem::path& path, const std::string& text) {
  make_folder(path.parent_path());
  write_file(path, text);
}

/// A label map of 8x12 with the ids given, a pixel each.
void write_map(const std::filesystem::path& path, const std::vector<ObjectId>& ids, std::int64_t height = 8) {
  make_folder(path.parent_path());
  std::vector<ObjectId> pixels(static_cast<std::size_t>(height * 12));
  std::copy(ids.begin(), ids.end(), pixels.begin());
  write_file(path, png_from_labels(pixels, height, 12, "test"));
}

std::string frame(int number) { return "0000" + std::to_string(number) + ".png"; }

/// A small DAVIS: two sequences of three frames, two objects and one.
void write_davis(const std::filesystem::path& root) {
  write_text(root / "ImageSets/2017/val.txt", "bear\njudo\n");
  for (int t = 0; t < 3; ++t) {
    for (const auto* name : {"bear", "judo"}) write_map(root / "JPEGImages/480p" / name / frame(t), {});
    write_map(root / "Annotations/480p/bear" / frame(t), {1, 2});
    write_map(root / "Annotations/480p/judo" / frame(t), {1});
  }
}

void write_results(const std::filesystem::path& folder) {
  for (int t = 0; t < 3; ++t) write_map(folder / "bear" / frame(t), {1, 2}), write_map(folder / "judo" / frame(t), {1});
}

int pack(const std::vector<std::string>& words, std::string* said = nullptr) {
  std::ostringstream out, err;
  const int code = eval::run(eval::parse(words), out, err);
  if (said != nullptr) *said = out.str();
  return code;
}

Error::Parts refusal(const std::vector<std::string>& words) {
  return test::refused([&] { pack(words); }).parts();
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("eval") {
  TEST_CASE("results of DAVIS are packed with the sequences at the root") {
    const test::Folder folder;
    write_davis(folder / "DAVIS");
    write_results(folder / "out");
    std::string said;
    CHECK(pack({"--pack", "davis", "--gt", folder / "DAVIS", "--pred", folder / "out", "--output", folder / "r.zip"},
               &said) == 0);
    CHECK(says(said, "6 label maps of 2 sequences"));
    const ZipReader zip{folder / "r.zip"};
    CHECK(zip.names() == std::vector<std::string>{"bear/00000.png", "bear/00001.png", "bear/00002.png",
                                                  "judo/00000.png", "judo/00001.png", "judo/00002.png"});
    CHECK(labels_from_png(zip.read("bear/00002.png"), "").ids[1] == 2);
    CHECK(pack({"--pack", "davis", "--pred", folder / "out", "--output", folder / "s.zip"}, &said) == 0);
    CHECK(says(said, "without --gt"));
    CHECK(read_file(folder / "s.zip") == read_file(folder / "r.zip"));
  }

  TEST_CASE("every offence against DAVIS's rules is listed, and nothing is written") {
    const test::Folder folder;
    write_davis(folder / "DAVIS");
    write_results(folder / "out");
    std::filesystem::remove(folder / "out/bear/00001.png");
    write_map(folder / "out/judo/00001.png", {1}, 9);
    write_map(folder / "out/judo/00002.png", {1, 2});
    write_map(folder / "out/bear/00002.png", {1, 255});
    write_map(folder / "out/cow/00000.png", {1});
    const auto error =
        refusal({"--pack", "davis", "--gt", folder / "DAVIS", "--pred", folder / "out", "--output", folder / "r.zip"});
    CHECK(error.what == "the results break the rules of DAVIS (5)");
    CHECK(error.exit_code == exit_code::frames_missing);
    CHECK(says(error.where, "bear/00001.png: missing"));
    CHECK(says(error.where, "00001.png: 12x9, the frame is 12x8"));
    CHECK(says(error.where, "00002.png: id 2, which the sequence does not have"));
    CHECK(says(error.where, "00002.png: id 255, 254 is the largest"));
    CHECK(says(error.where, "cow: not a sequence of the benchmark"));
    CHECK(!std::filesystem::exists(folder / "r.zip"));
    const auto blind = refusal({"--pack", "davis", "--pred", folder / "out", "--output", folder / "r.zip"});
    CHECK(says(blind.where, "bear/00001.png: missing"));  // a gap in the numbering
    CHECK(!says(blind.where, "cow"));
    std::filesystem::remove_all(folder / "out/judo");
    CHECK(says(
        refusal({"--pack", "davis", "--gt", folder / "DAVIS", "--pred", folder / "out", "--output", folder / "r.zip"})
            .where,
        "judo: the whole sequence is missing"));
  }

  TEST_CASE("results of YouTube-VOS are packed below Annotations, the asked frames alone") {
    const test::Folder folder;
    const auto root = folder / "YTVOS/valid";
    for (const auto* name : {"00000.jpg", "00005.jpg", "00010.jpg"}) write_map(root / "JPEGImages/ab" / name, {});
    write_map(root / "Annotations/ab/00000.png", {1});
    write_map(root / "Annotations/ab/00005.png", {0, 4});
    write_text(root / "meta.json", R"({"videos":{"ab":{"objects":{"1":{"category":"cat","frames":["00000","00005"]},)"
                                   R"("4":{"category":"dog","frames":["00005"]}}}}})");
    write_map(folder / "out/ab/00000.png", {1});
    write_map(folder / "out/ab/00003.png", {1});  // of a run at 30 frames per second
    write_map(folder / "out/ab/00005.png", {1, 4});
    const std::vector<std::string> words{"--pack", "ytvos",        "--gt",     folder / "YTVOS",
                                         "--pred", folder / "out", "--output", folder / "r.zip"};
    std::string said;
    CHECK(pack(words, &said) == 0);
    CHECK(says(said, "1 frames that the server does not ask for are left out"));
    CHECK(ZipReader{folder / "r.zip"}.names() ==
          std::vector<std::string>{"Annotations/ab/00000.png", "Annotations/ab/00005.png"});
    write_map(folder / "out/ab/00000.png", {1, 4});
    const auto error = refusal(words);
    CHECK(error.exit_code == exit_code::too_many_ids);
    CHECK(says(error.where, "00000.png: id 4 before its first mask in frame 00005"));
  }

  TEST_CASE("results of YouTube-VIS are packed as one file, once every mask in it is sound") {
    const test::Folder folder;
    const Json truth{{"videos", {{{"id", 7}, {"height", 3}, {"width", 4}, {"length", 2}}}},
                     {"categories", {{{"id", 1}, {"name", "cat"}}}}};
    write_text(folder / "valid.json", truth.dump());
    const auto results = [&](int category, const Json& second) {
      const Json first{{"size", {3, 4}}, {"counts", "<"}};
      write_text(
          folder / "results.json",
          Json{{{"video_id", 7}, {"category_id", category}, {"score", .5}, {"segmentations", {first, second}}}}.dump());
      return std::vector<std::string>{
          "--pack",   "vis",           "--gt", folder / "valid.json", "--pred", folder / "results.json",
          "--output", folder / "r.zip"};
    };
    CHECK(pack(results(1, nullptr)) == 0);
    const ZipReader zip{folder / "r.zip"};
    CHECK(zip.names() == std::vector<std::string>{"results.json"});
    CHECK(zip.read("results.json") == read_file(folder / "results.json"));
    const auto wrong = refusal(results(2, {{"size", {3, 4}}, {"counts", "5"}}));
    CHECK(wrong.what == "the results break the rules of YouTube-VIS (2)");
    CHECK(says(wrong.where, "record 0 (video 7): category 2 is not listed"));
    CHECK(says(wrong.where, "frame 1: the runs cover 5 pixels, the mask has 12"));
    CHECK(says(refusal(results(1, {{"size", {3, 4}}, {"counts", {12}}})).where, "COCO's text form alone"));
    CHECK(refusal(results(1, {{"size", {4, 3}}, {"counts", "<"}})).exit_code == exit_code::sizes_differ);
    CHECK(refusal({"--pack", "vis", "--pred", "r.json", "--output", "r.zip"}).exit_code == exit_code::usage);
  }

  TEST_CASE("the test split of unsupervised DAVIS is packed by the lists of 2019") {
    const test::Folder folder;
    write_davis(folder / "DAVIS");
    write_text(folder / "DAVIS/ImageSets/2017/test-dev.txt", "bear\n");
    write_text(folder / "DAVIS/ImageSets/2019/test-dev.txt", "judo\n");
    write_results(folder / "out");
    const auto missing = [&](const std::vector<std::string>& more) {
      std::vector<std::string> words{"--pack",       "davis",    "--gt",           folder / "DAVIS", "--pred",
                                     folder / "out", "--output", folder / "r.zip", "--split",        "test-dev"};
      words.insert(words.end(), more.begin(), more.end());
      return refusal(words).where;
    };
    CHECK(missing({}) == "judo: not a sequence of the benchmark");
    CHECK(missing({"--protocol", "unsupervised"}) == "bear: not a sequence of the benchmark");
  }
}
