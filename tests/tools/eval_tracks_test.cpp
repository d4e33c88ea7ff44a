#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>
#include <vos/io/mots_text.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/io/zip.hpp>
#include <vos/wire/rle_encode.hpp>

#include "eval/run.hpp"
#include "eval/scores.hpp"

#include "../refusal.hpp"
#include "../test.hpp"

using namespace vos;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t height = 24, width = 40;

/// A box in a frame: left, and how wide; 10 rows high from row 2 * id on.
struct Strip {
  ObjectId id = 0;
  std::int64_t x = 0, wide = 8;
};
using Frames = std::vector<std::vector<Strip>>;

std::vector<ObjectId> drawn(const std::vector<Strip>& strips) {
  std::vector<ObjectId> ids(static_cast<std::size_t>(height * width));
  for (const auto& strip : strips)
    for (std::int64_t y = 4; y < 14; ++y)
      for (auto x = strip.x; x < strip.x + strip.wide; ++x) ids[static_cast<std::size_t>(y * width + x)] = strip.id;
  return ids;
}

void write_text(const std::filesystem::path& path, const std::string& text) { write_file(path, text); }

std::string stem(std::size_t frame) {
  const auto digits = std::to_string(frame);
  return std::string(5 - digits.size(), '0') + digits;
}

void write_maps(const std::filesystem::path& folder, const Frames& frames) {
  make_folder(folder);
  for (std::size_t t = 0; t < frames.size(); ++t)
    write_file(folder / (stem(t) + ".png"), png_from_labels(drawn(frames[t]), height, width, "test"));
}

/// The masks of one id, as a YouTube-VIS file has them.
Json masks_of(const Frames& frames, ObjectId id) {
  auto list = Json::array();
  for (const auto& frame : frames) {
    const auto rle = rle_from_labels(drawn(frame), height, width, id);
    list.push_back(area(rle) == 0 ? Json{} : Json{{"size", {height, width}}, {"counts", rle_string(rle)}});
  }
  return list;
}

Json truth_of(const Frames& frames, const std::vector<ObjectId>& ids) {
  auto names = Json::array();
  for (std::size_t t = 0; t < frames.size(); ++t) names.push_back("clip/" + stem(t) + ".jpg");
  Json json{
      {"videos", {{{"id", 3}, {"height", height}, {"width", width}, {"length", frames.size()}, {"file_names", names}}}},
      {"categories", {{{"id", 1}, {"name", "cat"}}, {{"id", 2}, {"name", "dog"}}}},
      {"annotations", Json::array()}};
  for (const auto id : ids)
    json["annotations"].push_back({{"id", id},
                                   {"video_id", 3},
                                   {"category_id", id == 3 ? 2 : 1},
                                   {"iscrowd", 0},
                                   {"segmentations", masks_of(frames, id)}});
  return json;
}

Json results_of(const Frames& frames, const std::vector<ObjectId>& ids) {
  auto json = Json::array();
  for (const auto id : ids)
    json.push_back({{"video_id", 3},
                    {"category_id", id == 3 ? 2 : 1},
                    {"score", 1.0 / id},
                    {"segmentations", masks_of(frames, id)}});
  return json;
}

/// Runs vos-eval; gives its report, and what it printed to `printed`.
Json report_of(std::vector<std::string> words, std::string* warnings = nullptr) {
  words.push_back("--json");
  std::ostringstream out, err;
  CHECK(eval::run(eval::parse(words), out, err) == 0);
  if (warnings != nullptr) *warnings = err.str();
  return Json::parse(out.str());
}

std::string printed(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  CHECK(eval::run(eval::parse(words), out, err) == 0);
  return out.str();
}

Error::Parts refusal(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  return test::refused([&] { eval::run(eval::parse(words), out, err); }).parts();
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Two boxes for six frames that exchange their ids in frame 3, and the truth without that.
const Frames truth_frames(6, {{1, 2}, {2, 20}});
Frames swapped_frames() {
  auto frames = truth_frames;
  for (std::size_t t = 3; t < frames.size(); ++t) frames[t] = {{2, 2}, {1, 20}};
  return frames;
}

}  // namespace

TEST_SUITE("eval") {
  TEST_CASE("vis reports AP of a results file, of a zip and of a folder alike") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    auto results = results_of(truth_frames, {1, 2});
    results[1]["segmentations"] = masks_of(swapped_frames(), 2);  // an IoU of 1/3
    results.push_back(results[0]);
    results.back()["category_id"] = 9;
    write_text(folder / "results.json", results.dump());
    ZipWriter zip{folder / "r.zip"};
    zip.add("results.json", read_file(folder / "results.json"));
    zip.finish();
    std::string warnings;
    for (const auto& pred : {folder / "results.json", folder / "r.zip", folder.path()}) {
      const auto report = report_of({"vis", "--gt", folder / "gt.json", "--pred", pred}, &warnings);
      CHECK(report.at("global").at("AR100") == .5);  // one of two objects, at every threshold
      CHECK(report.at("global").at("AP50").get<double>() == doctest::Approx(51.0 / 101));
      CHECK(report.at("global").at("APl").is_null());
      CHECK(report.at("categories").at(0).at("name") == "cat");
      CHECK(report.at("categories").at(0).at("AP") == report.at("global").at("AP"));
      CHECK(report.at("categories").at(1).at("AP").is_null());  // no dog
      CHECK(says(warnings, "1 results have a category that the truth does not list, and count nowhere: 9"));
    }
    const auto text =
        printed({"vis", "--gt", folder / "gt.json", "--pred", folder / "r.zip", "--csv", folder / "ap.csv"});
    CHECK(says(text, "AP50"));
    CHECK(says(text, "\ncat "));
    CHECK(says(text, "\ndog "));
    const auto table = read_file(folder / "ap-per-category.csv");
    CHECK(says({table.begin(), table.end()}, "Category,AP,AP50,AP75,AR1,AR10"));
    CHECK(says({table.begin(), table.end()}, "\ncat,0.504950"));
  }

  TEST_CASE("vis with --bootstrap draws videos, the same ones each time") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    write_text(folder / "r.json", results_of(truth_frames, {1}).dump());
    const auto words =
        std::vector<std::string>{"vis", "--gt", folder / "gt.json", "--pred", folder / "r.json", "--bootstrap"};
    const auto report = report_of(words);
    CHECK(report.at("bootstrap").at("samples") == 2000);
    CHECK(report.at("bootstrap").at("AR100") == Json{.5, .5});  // there is one video to draw
    CHECK(report_of(words) == report);
  }

  TEST_CASE("vis names the mask that does not fit its video, unless it is told to be lenient") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1}).dump());
    auto results = results_of(truth_frames, {1});
    results[0]["segmentations"][4] = {{"size", {1, 9}}, {"counts", "09"}};
    write_text(folder / "r.json", results.dump());
    const auto words = std::vector<std::string>{"vis", "--gt", folder / "gt.json", "--pred", folder / "r.json"};
    const auto error = refusal(words);
    CHECK(error.exit_code == exit_code::sizes_differ);
    CHECK(says(error.where, "r.json, record 1, video 3, frame 4"));
    CHECK(report_of({"vis", "--gt", folder / "gt.json", "--pred", folder / "r.json", "--lenient"})
              .at("global")
              .at("AR1") == 1);
    CHECK(refusal({"vis", "--gt", folder.path(), "--pred", folder / "r.json"}).what == "the truth is a folder");
  }

  TEST_CASE("identity says when two objects exchange their ids, from label maps and from annotation files alike") {
    const test::Folder folder;
    write_maps(folder / "gt/clip", truth_frames);
    write_maps(folder / "pred/clip", swapped_frames());
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    write_text(folder / "r.json", results_of(swapped_frames(), {1, 2}).dump());
    const auto maps = report_of({"identity", "--gt", folder / "gt", "--pred", folder / "pred"});
    const auto tracks = report_of({"identity", "--gt", folder / "gt.json", "--pred", folder / "r.json"});
    CHECK(maps.at("global") == tracks.at("global"));
    CHECK(maps.at("switches") == tracks.at("switches"));
    const auto& global = maps.at("global");
    CHECK(global.at("IDSW") == 2);
    CHECK(global.at("IDSW/1k").get<double>() == doctest::Approx(2000.0 / 12));
    CHECK(global.at("IDF1") == .5);
    CHECK(global.at("AssA").get<double>() == doctest::Approx(1.0 / 3));
    CHECK(global.at("MOTA").get<double>() == doctest::Approx(10.0 / 12));
    CHECK(global.at("J&F") == .5);
    CHECK(global.at("recovery").is_null());  // nothing left and came back
    REQUIRE(maps.at("switches").size() == 2);
    CHECK(maps.at("switches")[0] ==
          Json{{"sequence", "clip"}, {"frame", "00003"}, {"object", 1}, {"from", 1}, {"to", 2}, {"kind", "swap"}});
    CHECK(maps.at("sequences").at(0).at("IDSW") == 2);
    CHECK(says(maps.at("settings").at("averaging").get<std::string>(), "micro"));
    CHECK(says(printed({"identity", "--gt", folder / "gt", "--pred", folder / "pred"}), "IDSW/1k"));
  }

  TEST_CASE("identity with --task vos goes by the given ids") {
    const test::Folder folder;
    write_maps(folder / "gt/clip", truth_frames);
    write_maps(folder / "pred/clip", swapped_frames());
    auto global =
        report_of({"identity", "--gt", folder / "gt", "--pred", folder / "pred", "--task", "vos"}).at("global");
    CHECK(global.at("IDSW_vos") == 2);
    CHECK(global.at("IDC") == .5);
    CHECK(global.at("J&F") == .5);
    const Frames other_ids(6, {{5, 2}, {6, 20}});
    write_maps(folder / "other/clip", other_ids);
    CHECK(report_of({"identity", "--gt", folder / "gt", "--pred", folder / "other"}).at("global").at("J&F") == 1);
    global = report_of({"identity", "--gt", folder / "gt", "--pred", folder / "other", "--task", "vos"}).at("global");
    CHECK(global.at("J&F") == 0);
    CHECK(global.at("IDC") == 1);
  }

  TEST_CASE("identity of KITTI-MOTS goes by class, without the ignored region, and knows frames that one side lacks") {
    const test::Folder folder;
    const auto text_of = [](const std::vector<std::pair<std::size_t, Strip>>& masks) {
      std::string text;
      for (const auto& [frame, strip] : masks)
        text += mots_line(static_cast<std::int64_t>(frame),
                          {strip.id, rle_from_labels(drawn({strip}), height, width, strip.id)});
      return text;
    };
    make_folder(folder / "gt"), make_folder(folder / "pred");
    write_text(folder / "gt/0001.txt", text_of({{0, {1001, 2}}, {0, {2001, 20}}, {0, {10000, 30}}, {1, {1001, 2}}}));
    // The second is inside the ignored region; the third lies in a frame that the truth does not list.
    write_text(folder / "pred/0001.txt", text_of({{0, {1005, 2}}, {0, {1006, 32, 5}}, {3, {1005, 2}}}));
    const auto report = report_of({"identity", "--gt", folder / "gt", "--pred", folder / "pred"});
    CHECK(report.at("global").at("TP") == 1);
    CHECK(report.at("global").at("FP") == 1);
    CHECK(report.at("global").at("FN") == 2);
    REQUIRE(report.at("categories").size() == 2);
    CHECK(report.at("categories")[0].at("id") == 1);
    CHECK(report.at("categories")[0].at("FN") == 1);
    CHECK(report.at("categories")[1].at("FN") == 1);
    CHECK(report.at("category_mean").at("IDF1").get<double>() ==
          doctest::Approx(report.at("categories")[0].at("IDF1").get<double>() / 2));
  }

  TEST_CASE("KITTI-MOTS in 16-bit PNGs is told by --mots, and gives what its text gives") {
    const test::Folder folder;
    const Frames truth{{{1001, 2}, {10000, 30}}, {{1001, 2}, {2001, 20}}};
    const Frames guess{{{1005, 2}, {1006, 31, 6}}, {{1005, 2}}};
    write_maps(folder / "gt/0001", truth), write_maps(folder / "pred/0001", guess);
    for (const auto& [name, frames] : {std::pair{"gt.txt", truth}, std::pair{"pred.txt", guess}}) {
      std::string text;
      for (std::size_t t = 0; t < frames.size(); ++t)
        for (const auto& strip : frames[t])
          text += mots_line(static_cast<std::int64_t>(t),
                            {strip.id, rle_from_labels(drawn(frames[t]), height, width, strip.id)});
      write_text(folder / name, text);
    }
    const auto maps = report_of({"identity", "--gt", folder / "gt", "--pred", folder / "pred", "--mots"});
    const auto text = report_of({"identity", "--gt", folder / "gt.txt", "--pred", folder / "pred.txt"});
    CHECK(maps.at("global") == text.at("global"));
    CHECK(maps.at("global").at("FP") == 0);
    CHECK(maps.at("global").at("FN") == 1);
  }

  TEST_CASE("identity leaves out results below --min-score, and lists missing frames") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    write_text(folder / "r.json", results_of(truth_frames, {1, 2}).dump());  // scores 1 and .5
    const auto found = [&](const std::string& least) {
      return report_of({"identity", "--gt", folder / "gt.json", "--pred", folder / "r.json", "--min-score", least})
          .at("global")
          .at("TP");
    };
    CHECK(found("0.5") == 12);
    CHECK(found("0.6") == 6);
    write_maps(folder / "gt/clip", truth_frames);
    write_maps(folder / "pred/clip", Frames(5, {{1, 2}}));
    const auto error = refusal({"identity", "--gt", folder / "gt", "--pred", folder / "pred"});
    CHECK(error.exit_code == exit_code::frames_missing);
    CHECK(says(error.where, "00005"));
  }

  TEST_CASE("identity keeps results of negative scores, and says how many --min-score leaves out") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    auto results = results_of(truth_frames, {1, 2});
    results[0]["score"] = -3.5;
    write_text(folder / "r.json", results.dump());
    std::vector<std::string> words{"identity", "--gt", folder / "gt.json", "--pred", folder / "r.json"};
    const auto all = report_of(words);
    CHECK(all.at("global").at("TP") == 12);
    CHECK(all.at("warnings").empty());
    words.insert(words.end(), {"--min-score", "0"});
    const auto some = report_of(words);
    CHECK(some.at("global").at("TP") == 6);
    CHECK(says(some.at("warnings").dump(), "--min-score leaves out 1 of 2 results"));
  }

  TEST_CASE("identity refuses --task vos where results have no ids, and --min-score where they have no scores") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    write_text(folder / "r.json", results_of(truth_frames, {1, 2}).dump());
    write_maps(folder / "gt/clip", truth_frames);
    CHECK(refusal({"identity", "--gt", folder / "gt.json", "--pred", folder / "r.json", "--task", "vos"}).exit_code ==
          exit_code::usage);
    CHECK(refusal({"identity", "--gt", folder / "gt", "--pred", folder / "gt", "--min-score", "1"}).exit_code ==
          exit_code::usage);
  }

  TEST_CASE("identity refuses a label map that has an id for each pixel") {
    const test::Folder folder;
    std::vector<ObjectId> ids(100 * 100);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<ObjectId>(i + 1);
    make_folder(folder / "gt/clip");
    for (const char* name : {"00000.png", "00001.png"})
      write_file(folder / "gt/clip" / name, png_from_labels(ids, 100, 100, "test"));
    const auto error = refusal({"identity", "--gt", folder / "gt", "--pred", folder / "gt"});
    CHECK(error.exit_code == exit_code::too_many_ids);
    CHECK(says(error.what, "10000 ids"));
    CHECK(says(error.where, "clip"));
  }

  TEST_CASE("identity tells boundaries that are close from masks that are far apart, though neither share pixels") {
    const test::Folder folder;
    write_maps(folder / "gt/clip", Frames(3, {{1, 2, 8}}));
    const auto quality = [&](std::int64_t x) {
      write_maps(folder / "pred/clip", Frames(3, {{1, x, 8}}));
      const auto report = report_of({"identity", "--gt", folder / "gt", "--pred", folder / "pred", "--task", "vos"});
      return report.at("global").at("J&F").get<double>();
    };
    CHECK(quality(2) == 1);
    CHECK(quality(10) > 0);  // side by side
    CHECK(quality(10) < .5);
    CHECK(quality(28) == 0);
  }

  TEST_CASE("more frames in the results of --mots are not asked of the truth") {
    const test::Folder folder;
    write_maps(folder / "gt/0001", Frames(2, {{1001, 2}}));
    write_maps(folder / "pred/0001", Frames(4, {{1001, 2}}));
    const auto report = report_of({"identity", "--gt", folder / "gt", "--pred", folder / "pred", "--mots"});
    CHECK(report.at("global").at("TP") == 2);
    CHECK(report.at("global").at("FP") == 0);
  }

  TEST_CASE("a stop ends --bootstrap and --pack as interrupted") {
    const test::Folder folder;
    write_text(folder / "gt.json", truth_of(truth_frames, {1, 2}).dump());
    write_text(folder / "r.json", results_of(truth_frames, {1, 2}).dump());
    std::stop_source stop;
    stop.request_stop();
    std::ostringstream out, err;
    eval::Options options;
    options.command = "vis";
    CHECK_THROWS_AS(eval::bootstrap(options, 3, stop.get_token(), [](auto) { return eval::Numbers{{"AP", 1}}; }),
                    Cancelled);
    const auto pack = eval::parse(
        {"--pack", "vis", "--gt", folder / "gt.json", "--pred", folder / "r.json", "--output", folder / "r.zip"});
    CHECK_THROWS_AS(eval::run(pack, out, err, stop.get_token()), Cancelled);
    CHECK(!std::filesystem::exists(folder / "r.zip"));
  }
}
