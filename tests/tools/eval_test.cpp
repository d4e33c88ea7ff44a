#include "evaluation.hpp"

#include "common/table.hpp"
#include "eval/charts.hpp"

#include <fstream>
#include <set>

#include <vos/io/open_labels.hpp>

using namespace vos;
using test::evaluate;
using test::mentions;
using test::refusal_of;
using test::report_of;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Values of the tables are rounded to four digits.
bool near(const Json& found, double expected) { return std::abs(found.get<double>() - expected) <= 5.0001e-5; }

bool is(const Json& global, double both, std::vector<double> j, std::vector<double> f) {
  bool all = near(global.at("J&F"), both);
  for (const auto& [name, values] : {std::pair{"J", j}, {"F", f}}) {
    all = all && near(global.at(name).at("mean"), values[0]) && near(global.at(name).at("recall"), values[1]) &&
          near(global.at(name).at("decay"), values[2]);
  }
  return all;
}

/// J and F of each object, in the order of the report.
void check_objects(const Json& report, const std::string& sequence,
                   const std::vector<std::pair<double, double>>& expected) {
  for (const auto& entry : report.at("sequences")) {
    if (entry.at("name") != sequence) continue;
    CAPTURE(sequence);
    REQUIRE(entry.at("objects").size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(near(entry["objects"][i]["J"]["mean"], expected[i].first));
      CHECK(near(entry["objects"][i]["F"]["mean"], expected[i].second));
    }
    return;
  }
  FAIL("the report lacks " << sequence);
}

/// A copy of label maps with each frame changed.
void copy_changed(const fs::path& from, const fs::path& to, const std::set<std::string>& sequences,
                  const std::function<void(LabelImage&, std::size_t frame, std::size_t frames)>& change) {
  const LabelFolder store(from);
  for (const auto& [name, stems] : store.frames()) {
    if (!sequences.empty() && !sequences.contains(name)) continue;
    make_folder(to / name);
    for (std::size_t t = 0; t < stems.size(); ++t) {
      auto image = store.read(name, stems[t]);
      change(image, t, stems.size());
      const auto file = to / name / (stems[t] + ".png");
      write_file(file, png_from_labels(image.ids, image.height, image.width, file.string()));
    }
  }
}

void shift(LabelImage& image, std::int64_t dy, std::int64_t dx) {
  const auto from = image;
  for (std::int64_t y = 0; y < image.height; ++y)
    for (std::int64_t x = 0; x < image.width; ++x)
      image.ids[static_cast<std::size_t>(y * image.width + x)] =
          y >= dy && x >= dx ? from.ids[static_cast<std::size_t>((y - dy) * image.width + x - dx)] : 0;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Two small sequences and a perfect guess of them.
struct Small {
  test::Folder folder;
  fs::path gt = folder / "gt", pred = folder / "pred";
  explicit Small(std::int64_t frames = 6) {
    for (const char* name : {"ant", "bee"}) {
      test::write_sequence(gt / name, frames);
      test::write_sequence(pred / name, frames);
    }
  }
  std::vector<std::string> words(const std::string& command, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{command, "--gt", gt.string(), "--pred", pred.string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

}  // namespace

TEST_SUITE("eval") {
  TEST_CASE("real masks of two methods score as the official evaluator says") {
    const auto data = test::real_data() / "davis_eval";
    if (!fs::is_directory(data)) return test::skip("no davis_eval among the real data");
    const auto osvos = (data / "osvos").string(), rvos = (data / "rvos").string();

    const auto free =
        report_of({"davis", "--gt", osvos, "--pred", rvos, "--protocol", "unsupervised", "--compat-order"});
    CHECK(is(free["global"], .3318, {.2934, .2687, .1193}, {.3702, .3166, .1625}));
    check_objects(free, "blackswan", {{.9268, .9535}});
    check_objects(free, "dog", {{.7112, .6877}});
    check_objects(free, "india", {{.2789, .3084}, {.2305, .2346}, {.009, .1248}});
    check_objects(free, "gold-fish", {{.2832, .427}, {.4012, .4221}, {.2964, .1989}, {.0089, .0908}, {.0117, .2253}});
    check_objects(free, "judo", {{.5859, .6784}, {.0378, .2175}});
    check_objects(free, "soapbox", {{.4247, .5209}, {.0931, .1945}, {.1025, .2692}});

    for (const char* protocol : {"semi", "unsupervised"}) {
      const auto same = report_of({"davis", "--gt", osvos, "--pred", osvos, "--protocol", protocol});
      CHECK(is(same["global"], 1, {1, 1, 0}, {1, 1, 0}));
    }
  }

  TEST_CASE("real masks that are shifted score as the official evaluator says") {
    const auto osvos = test::real_data() / "davis_eval/osvos";
    if (!fs::is_directory(osvos)) return test::skip("no davis_eval among the real data");
    test::Folder folder;
    copy_changed(osvos, folder / "shifted", {}, [](auto& image, auto, auto) { shift(image, 3, 5); });
    std::vector<std::string> words{"davis", "--gt", osvos.string(), "--pred", (folder / "shifted").string()};

    const auto given = report_of(words);
    CHECK(is(given["global"], .8597, {.7354, .8628, .1325}, {.9839, .9896, .0315}));
    check_objects(given, "blackswan", {{.8846, 1}});
    check_objects(given, "dog", {{.8973, .938}});
    check_objects(given, "india", {{.7333, .9352}, {.6833, .8924}, {.8068, .9995}});
    check_objects(given, "gold-fish", {{.6673, 1}, {.6107, 1}, {.6204, 1}, {.7846, 1}, {.8805, .9941}});
    check_objects(given, "judo", {{.8275, 1}, {.6985, 1}});
    check_objects(given, "soapbox", {{.7747, 1}, {.5386, 1}, {.6228, 1}});

    words.insert(words.end(), {"--protocol", "unsupervised"});
    CHECK(is(report_of(words)["global"], .8599, {.7356, .8633, .1324}, {.9842, .9898, .0308}));
  }

  TEST_CASE("identities exchanged half-way cost the affected objects half") {
    const auto osvos = test::real_data() / "davis_eval/osvos";
    if (!fs::is_directory(osvos)) return test::skip("no davis_eval among the real data");
    test::Folder folder;
    const auto copy = [&](const char* name, bool exchange) {
      copy_changed(osvos, folder / name, {"india", "judo"}, [&](LabelImage& image, std::size_t t, std::size_t frames) {
        if (exchange && t >= frames / 2)
          for (auto& id : image.ids) id = id == 1 ? 2 : id == 2 ? 1 : id;
      });
    };
    copy("gt", false);
    copy("pred", true);
    std::vector<std::string> words{"davis", "--gt", (folder / "gt").string(), "--pred", (folder / "pred").string()};
    const auto given = report_of(words);
    CHECK(is(given["global"], .6128, {.6025, .6025, .78}, {.6232, .6025, .7603}));
    check_objects(given, "india", {{.5063, .5218}, {.5063, .5218}, {1, 1}});
    check_objects(given, "judo", {{.5, .5361}, {.5, .5361}});
    words.insert(words.end(), {"--protocol", "unsupervised"});
    CHECK(is(report_of(words)["global"], .6390, {.6025, .6025, -.8}, {.6756, .6025, -.6234}));
  }

  TEST_CASE("the numbers do not depend on the number of threads, to the last bit") {
    Small small(9);
    test::write_sequence(small.pred / "bee", 9, 2);
    for (const char* command : {"davis", "generic", "mosev2"}) {
      auto one = report_of(small.words(command, {"--threads", "1", "--bootstrap"}));
      auto four = report_of(small.words(command, {"--threads", "4", "--bootstrap"}));
      CHECK(one["global"]["J&F"] < 1);
      CHECK(one.dump() == four.dump());
    }
  }

  TEST_CASE("every missing frame is listed, with exit code 10") {
    Small small;
    fs::remove(small.pred / "ant/00002.png");
    fs::remove(small.pred / "ant/00004.png");
    fs::remove_all(small.pred / "bee");
    for (const char* command : {"davis", "generic"}) {
      const auto error = refusal_of(small.words(command));
      CHECK(error.parts().exit_code == 10);
      CHECK(mentions(error.what(), "ant: 2 of 4 frames: 00002, 00004"));
      CHECK(mentions(error.what(), "bee: all 4 frames"));
    }
  }

  TEST_CASE("the first and the last frame need no result where they are not scored") {
    Small small;
    for (const char* name : {"ant", "bee"})
      for (const char* stem : {"00000", "00005"}) fs::remove(small.pred / name / (std::string{stem} + ".png"));
    CHECK(report_of(small.words("davis"))["global"]["J&F"] == 1);
    CHECK(report_of(small.words("generic"))["global"]["J&F"] == 1);
    CHECK(refusal_of(small.words("generic", {"--all-frames"})).parts().exit_code == 10);
    CHECK(refusal_of(small.words("davis", {"--protocol", "unsupervised"})).parts().exit_code == 10);
  }

  TEST_CASE("every label map of another size is listed with both sizes, with exit code 11") {
    Small small;
    test::write_squares(small.pred / "ant/00003.png", {}, 41);
    test::write_squares(small.pred / "bee/00001.png", {}, 40, 61);
    const auto error = refusal_of(small.words("davis", {"--threads", "2"}));
    CHECK(error.parts().exit_code == 11);
    CHECK(mentions(error.what(), "ant/00003.png: 60x41, the truth is 60x40"));
    CHECK(mentions(error.what(), "bee/00001.png: 61x40, the truth is 60x40"));
  }

  TEST_CASE("every sequence with more ids than DAVIS knows is listed, with exit code 12") {
    Small small;
    test::write_squares(small.pred / "ant/00003.png", {{3, 0, 0}});
    test::write_squares(small.pred / "bee/00003.png", {{21, 0, 0}});
    const auto given = refusal_of(small.words("davis"));
    CHECK(given.parts().exit_code == 12);
    CHECK(mentions(given.what(), "ant: id 3, the largest allowed is 2"));
    CHECK(mentions(given.what(), "bee: id 21"));
    const auto proposals = refusal_of(small.words("davis", {"--protocol", "unsupervised"}));
    CHECK(proposals.parts().exit_code == 12);
    CHECK(!mentions(proposals.what(), "ant"));
    CHECK(mentions(proposals.what(), "bee: id 21, the largest allowed is 20"));
  }

  TEST_CASE("a truth with ids that DAVIS cannot have is refused before anything is allocated for them") {
    Small small;
    test::write_squares(small.gt / "ant/00000.png", {{40000, 0, 0}});
    for (const char* protocol : {"semi", "unsupervised"}) {
      const auto error = refusal_of(small.words("davis", {"--protocol", protocol}));
      CHECK(error.parts().exit_code == 12);
      CHECK(mentions(error.what(), "id 40000"));
    }
    CHECK(report_of(small.words("generic"))["global"]["J&F"] == 1);
  }

  TEST_CASE("every unexpected sequence is listed, with exit code 13, or left out on request") {
    Small small;
    for (const char* name : {"cat", "dog"}) test::write_sequence(small.pred / name, 2);
    const auto error = refusal_of(small.words("generic"));
    CHECK(error.parts().exit_code == 13);
    CHECK((mentions(error.what(), "cat") && mentions(error.what(), "dog")));
    const auto lenient = report_of(small.words("generic", {"--lenient"}));
    CHECK(lenient["global"]["J&F"] == 1);
    CHECK(lenient["warnings"].size() == 2);
  }

  TEST_CASE("MOSEv2 scores a missing video 0, with a warning") {
    Small small;
    fs::remove_all(small.pred / "bee");
    const auto report = report_of(small.words("mosev2"));
    CHECK(report["global"]["J&F_dot"] == 0.5);
    CHECK(report["global"]["J"]["mean"] == 0.5);
    CHECK(mentions(report["warnings"].dump(), "bee is missing"));
    fs::remove(small.pred / "ant/00003.png");  // a gap within a video is no such case
    CHECK(refusal_of(small.words("mosev2")).parts().exit_code == 10);
  }

  TEST_CASE("MOSEv2 tells how an object fares that leaves and returns") {
    Small small(8);
    fs::remove_all(small.gt / "bee"), fs::remove_all(small.pred / "bee");
    for (const std::int64_t t : {3, 4})
      test::write_squares(small.gt / "ant" / (test::stem_of(t) + ".png"), {{1, 5, 5}});
    const auto report = report_of(small.words("mosev2"));
    // Object 2 is gone in two of six frames, where the guess still has it: J is 1 of 101, F 0.
    CHECK(report["global"]["J&F_disappear"].get<double>() == doctest::Approx(1.0 / 101 / 2).epsilon(1e-12));
    CHECK(report["global"]["J&F_reappear"] == 1);
    CHECK(report["sequences"][0]["objects"][0]["J&F_disappear"].is_null());
  }

  TEST_CASE("YouTube-VOS counts an object behind its first frame, seen and unseen categories apart") {
    test::Folder folder;
    const auto valid = folder / "valid", pred = folder / "pred";
    for (std::int64_t t = 0; t < 25; t += 5) {
      const auto file = test::stem_of(t) + ".png";
      std::vector<test::Square> truth{{1, 5, 5}}, guess{{1, 5, 5}};
      if (t >= 10) truth.push_back({2, 20, 10});
      if (t >= 15) guess.push_back({2, 20, 15});  // half of it; in the frame that gives the object, nothing
      test::write_squares(valid / "Annotations/zoo" / file, truth);
      test::write_squares(pred / "zoo" / file, guess);
    }
    const auto meta = [](const std::string& second) {
      return R"({"videos":{"zoo":{"objects":{"1":{"category":"cat","frames":["00000"]},"2":{"category":")" + second +
             R"(","frames":["00010"]}}}}})";
    };
    std::ofstream(valid / "meta.json") << meta("yak");
    const std::vector<std::string> words{"ytvos", "--gt", folder.path().string(), "--pred", pred.string()};
    auto with = [&](std::vector<std::string> more) {
      more.insert(more.begin(), words.begin(), words.end());
      return report_of(more);
    };
    const auto check_groups = [](const Json& report) {
      const auto& global = report["global"];
      CHECK(global["J_seen"] == 1);
      CHECK(global["F_seen"] == 1);
      CHECK(global["J_unseen"].get<double>() == doctest::Approx(1.0 / 3));
      CHECK(global["G"].get<double>() == doctest::Approx((2 + 1.0 / 3 + global["F_unseen"].get<double>()) / 4));
    };
    check_groups(with({"--unseen", "yak"}));
    const auto all_seen = with({});
    CHECK(all_seen["global"]["J_unseen"].is_null());
    CHECK(mentions(all_seen["warnings"].dump(), "all count as seen"));
    fs::create_directories(folder / "train");
    std::ofstream(folder / "train/meta.json") << meta("dog");
    check_groups(with({}));
    CHECK(with({})["sequences"][0]["objects"][1]["per_frame"]["J"][2].is_null());
    // What the benchmark gives away of valid is the first frame alone: nothing to measure by.
    for (std::int64_t t = 5; t < 25; t += 5) fs::remove(valid / "Annotations/zoo" / (test::stem_of(t) + ".png"));
    CHECK(mentions(refusal_of(words).what(), "one frame a video"));
  }

  TEST_CASE("LVOS scores each object in every fifth frame of its own range, but for the first and the last") {
    test::Folder folder;
    const auto valid = folder / "valid", pred = folder / "pred";
    for (const std::string name : {"ant", "bee"})
      for (std::int64_t t = 1; t <= 31; t += 5) {
        const auto file = name + "/000" + test::stem_of(t) + ".png";
        test::write_squares(valid / "Annotations" / file, {{1, 5, 5}, {2, 20, 10}});
        // The frames that do not count for object 1 are wrong, as is one of object 2.
        const bool ends = t == 1 || t == 31;
        test::write_squares(pred / file, {{1, ends ? 30 : 5, 5}, {2, 20, name == "bee" && t == 16 ? 40 : 10}});
      }
    const std::string ranges =
        R"({"objects":{"1":{"frame_range":{"start":"00000001","end":"00000032","frame_nums":"7"}},
                                  "2":{"frame_range":{"start":"00000011","end":"00000031","frame_nums":"4"}}}})";
    std::ofstream(valid / "valid_meta.json") << R"({"videos":{"ant":)" << ranges << R"(,"bee":)" << ranges << "}}";
    std::ofstream(folder / "unseen_videos.txt") << "bee\n";
    const auto report = report_of({"lvos", "--gt", folder.path().string(), "--pred", pred.string()});
    const auto &ant = report["sequences"][0], &bee = report["sequences"][1];
    CHECK(ant["frames"] == Json{"00000006", "00000011", "00000016", "00000021", "00000026"});
    CHECK(ant["objects"][1]["per_frame"]["J"] == Json{nullptr, nullptr, 1, 1, nullptr});
    CHECK(bee["objects"][1]["per_frame"]["J"] == Json{nullptr, nullptr, 0, 1, nullptr});
    CHECK(bee["objects"][1]["V"] == 0.5);
    const auto& global = report["global"];
    CHECK(global["J_seen"] == 1);
    CHECK(global["J_unseen"] == 0.75);
    CHECK(global["J&F"] == 0.875);
    CHECK(global["V"] == 0.125);
    fs::remove(valid / "Annotations/ant/00000016.png");
    CHECK(refusal_of({"lvos", "--gt", folder.path().string(), "--pred", pred.string()}).parts().exit_code == 10);
  }

  TEST_CASE("DAVIS lists tell what is scored, in the order of the list") {
    Small small;
    test::Folder root;
    fs::create_directories(root / "Annotations/480p");
    fs::create_directories(root / "ImageSets/2017");
    fs::create_directories(root / "ImageSets/2016");
    fs::copy(small.gt, root / "Annotations/480p", fs::copy_options::recursive);
    const auto write = [&](const char* name, const std::string& text) { std::ofstream(root / name) << text; };
    write("ImageSets/2017/val.txt", "bee\n");
    write("ImageSets/2016/train.txt",
          "/JPEGImages/480p/ant/00000.jpg /Annotations/480p/ant/00000.png\n"
          "/JPEGImages/480p/ant/00001.jpg /Annotations/480p/ant/00001.png\n");
    const auto words = [&](std::vector<std::string> more) {
      std::vector<std::string> all{"davis", "--gt", root.path().string(), "--pred", small.pred.string(), "--lenient"};
      all.insert(all.end(), more.begin(), more.end());
      return all;
    };
    const auto val = report_of(words({}));
    REQUIRE(val["sequences"].size() == 1);
    CHECK(val["sequences"][0]["name"] == "bee");
    CHECK(val["sequences"][0]["frames"] == Json{"00001", "00002", "00003", "00004"});
    const auto train = report_of(words({"--year", "2016", "--split", "train"}));
    CHECK(train["sequences"][0]["name"] == "ant");
    CHECK(train["settings"]["objects"] == 1);
    CHECK(mentions(refusal_of(words({"--split", "vall"})).what(), "no list of the split 'vall'"));
    write("ImageSets/2017/val.txt", "bee\nwasp\nhornet\n");
    const auto unknown = refusal_of(words({}));
    CHECK(unknown.parts().exit_code == 10);
    CHECK((mentions(unknown.what(), "wasp") && mentions(unknown.what(), "hornet")));
    write("ImageSets/2017/val.txt", "../bee\n");
    CHECK(refusal_of(words({})).parts().exit_code == 1);
  }

  TEST_CASE("DAVIS-2016 masks of 0 and 255 are one object, and so are all objects of a result") {
    test::Folder folder;
    for (std::int64_t t = 0; t < 4; ++t) {
      // Grey 0 and 255, as the dataset has it; the guess calls the halves of the object 1 and 2.
      const auto name = "bear/" + test::stem_of(t) + ".png";
      test::write_map(folder / ("gt/" + name), 20, 20, [](auto y, auto x) { return y > 5 && x > 5 ? 255 : 0; });
      test::write_map(folder / ("pred/" + name), 20, 20, [](auto y, auto x) { return y > 5 && x > 5 ? 1 + x % 2 : 0; });
    }
    const auto report =
        report_of({"davis", "--year", "2016", "--gt", (folder / "gt").string(), "--pred", (folder / "pred").string()});
    CHECK(report["global"]["J&F"] == 1);
    CHECK(report["settings"]["objects"] == 1);
  }

  TEST_CASE("an object that joins late is left out by DAVIS with a warning, and scored by the generic rules") {
    Small small;
    for (std::int64_t t = 2; t < 6; ++t)
      for (const auto& root : {small.gt, small.pred})
        test::write_squares(root / "ant" / (test::stem_of(t) + ".png"),
                            {{1, 5, 5}, {2, 20, 10 + t}, {3, 0, root == small.gt ? 40 : 45}});
    fs::remove_all(small.gt / "bee"), fs::remove_all(small.pred / "bee");
    const auto generic = report_of(small.words("generic"));
    REQUIRE(generic["sequences"][0]["objects"].size() == 3);
    const auto& late = generic["sequences"][0]["objects"][2];
    CHECK(late["id"] == 3);
    CHECK(late["J"]["mean"].get<double>() == doctest::Approx(1.0 / 3));
    CHECK(late["per_frame"]["J"][0].is_null());
    // DAVIS takes a third id for a mistake of the result.
    CHECK(refusal_of(small.words("davis")).parts().exit_code == 12);
    for (std::int64_t t = 2; t < 6; ++t)
      test::write_squares(small.pred / "ant" / (test::stem_of(t) + ".png"), {{1, 5, 5}, {2, 20, 10 + t}});
    const auto davis = report_of(small.words("davis"));
    CHECK(davis["global"]["J&F"] == 1);
    CHECK(mentions(davis["warnings"].dump(), "object 3 of ant is not in the first frame"));
  }

  TEST_CASE("means are over objects, not over sequences") {
    test::Folder folder;
    for (std::int64_t t = 0; t < 4; ++t) {
      const auto file = test::stem_of(t) + ".png";
      test::write_squares(folder / ("gt/many/" + file), {{1, 0, 0}, {2, 0, 20}, {3, 0, 40}});
      test::write_squares(folder / ("pred/many/" + file), {{1, 0, 0}, {2, 0, 20}, {3, 0, 40}});
      test::write_squares(folder / ("gt/one/" + file), {{1, 0, 0}});
      test::write_squares(folder / ("pred/one/" + file), {});
    }
    const auto report = report_of({"davis", "--gt", (folder / "gt").string(), "--pred", (folder / "pred").string()});
    CHECK(report["global"]["J"]["mean"] == 0.75);
  }

  TEST_CASE("a changed result is measured anew, whatever was written before") {
    Small small;
    const auto csv = (small.folder / "pred").string();
    CHECK(report_of(small.words("davis", {"--csv", csv}))["global"]["J&F"] == 1);
    CHECK(fs::is_regular_file(small.pred / "global_results-val.csv"));
    test::write_sequence(small.pred / "ant", 6, 3);
    CHECK(report_of(small.words("davis", {"--csv", csv}))["global"]["J&F"] < 1);
  }

  TEST_CASE("the CSV files have the benchmark's form") {
    Small small;
    CHECK(evaluate(small.words("davis", {"--csv", (small.folder / "r.csv").string()})).code == 0);
    CHECK(text_of(small.folder / "r.csv") ==
          "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n1.000,1.000,1.000,0.000,1.000,1.000,0.000\n");
    CHECK(text_of(small.folder / "r-per-sequence.csv") ==
          "Sequence,J-Mean,F-Mean\nant_1,1.000,1.000\nant_2,1.000,1.000\nbee_1,1.000,1.000\nbee_2,1.000,1.000\n");
  }

  TEST_CASE("--json alone is the whole of stdout, --json FILE leaves the table there") {
    Small small;
    const auto file = (small.folder / "r.json").string();
    const auto alone = evaluate(small.words("generic", {"--json"}));
    const auto filed = evaluate(small.words("generic", {"--json", file}));
    CHECK(mentions(filed.out, "J&F"));
    CHECK(Json::parse(text_of(file)) == alone.report());
    CHECK(alone.report()["tool"] == "vos-eval");
  }

  TEST_CASE("the table has the global numbers first, then the sequences, within a hundred columns") {
    Small small(8);
    for (const char* command : {"davis", "generic", "mosev2"}) {
      const auto text = evaluate(small.words(command, {"--verbose", "--bootstrap"})).out;
      CHECK(text.find("J&F") < text.find("ant"));
      std::istringstream lines(text);
      std::size_t longest = 0;
      for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
      CHECK(longest <= 100);
    }
    CHECK(evaluate(small.words("davis", {"--quiet"})).out.empty());
  }

  TEST_CASE("the HTML report is written beside the other forms") {
    Small small;
    const auto page = small.folder / "report.html";
    CHECK(evaluate(small.words("davis", {"--html", page.string()})).code == 0);
    CHECK(mentions(text_of(page), "<html"));
    CHECK(mentions(text_of(page), "bee"));
  }

  TEST_CASE("the report's bounds hold the measured value and are the same each time") {
    Small small;
    for (const char* name : {"cat", "dog", "elk"}) {
      test::write_sequence(small.gt / name, 6);
      test::write_sequence(small.pred / name, 6, 2);
    }
    const auto report = report_of(small.words("davis", {"--bootstrap"}));
    const auto low = report["bootstrap"]["J&F"][0].get<double>(), high = report["bootstrap"]["J&F"][1].get<double>();
    const auto found = report["global"]["J&F"].get<double>();
    CHECK((low < found && found < high));
    CHECK(report["bootstrap"]["samples"] == 2000);
    CHECK(report_of(small.words("davis", {"--bootstrap"}))["bootstrap"] == report["bootstrap"]);
  }

  TEST_CASE("a tracking run's output folder is a result as it is") {
    Small small;
    fs::remove_all(small.gt / "bee"), fs::remove_all(small.pred / "bee");
    test::write_squares(small.pred / "ant/contact.png", {{9, 0, 0}}, 77);
    for (const char* name : {"overlay.mp4", "timing.json", "results.json", "frames.jsonl"})
      std::ofstream(small.pred / "ant" / name) << "\n";
    CHECK(report_of(small.words("generic"))["global"]["J&F"] == 1);
    // Nor does it matter where the folder of one sequence is named itself.
    CHECK(report_of({"generic", "--gt", small.gt.string(), "--pred", (small.pred / "ant").string()})["global"]["J&F"] ==
          1);
  }

  TEST_CASE("a stop ends the run as interrupted") {
    Small small;
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(evaluate(small.words("davis"), stop.get_token()), Cancelled);
  }

  TEST_CASE("DAVIS takes the newest year that has the split, and says which lists there are instead") {
    Small small;
    test::Folder root;
    fs::create_directories(root / "Annotations/480p");
    fs::create_directories(root / "ImageSets/2016");
    fs::copy(small.gt, root / "Annotations/480p", fs::copy_options::recursive);
    std::ofstream(root / "ImageSets/2016/val.txt") << "ant\nbee\n";
    const auto words = [&](std::vector<std::string> more) {
      std::vector<std::string> all{"davis", "--gt", root.path().string(), "--pred", small.pred.string()};
      all.insert(all.end(), more.begin(), more.end());
      return all;
    };
    const auto old = report_of(words({}));
    CHECK(old["settings"]["year"] == "2016");
    CHECK(old["settings"]["objects"] == 2);  // one a sequence
    const auto error = refusal_of(words({"--year", "2017"}));
    CHECK(mentions(error.what(), "no list of the split 'val' of 2017"));
    CHECK(mentions(error.parts().mend, "there are 2016: val"));
    fs::create_directories(root / "ImageSets/2017");
    std::ofstream(root / "ImageSets/2017/val.txt") << "ant\nbee\n";
    CHECK(report_of(words({}))["settings"]["year"] == "2017");
    CHECK(report_of(words({}))["settings"]["objects"] == 4);
    CHECK(report_of(words({"--year", "2016"}))["settings"]["objects"] == 2);
    std::ofstream(root / "ImageSets/2017/val.txt") << "ant\nbee\nant\n";
    const auto twice = refusal_of(words({}));
    CHECK(mentions(twice.what(), "more than once"));
    CHECK(mentions(twice.parts().where, "ant"));
    CHECK(!mentions(twice.parts().where, "bee"));
  }

  TEST_CASE("a truth of first masks alone is refused") {
    Small small(1);
    test::write_sequence(small.pred / "ant", 6), test::write_sequence(small.pred / "bee", 6);
    for (const char* command : {"davis", "generic", "mosev2"}) {
      const auto error = refusal_of(small.words(command));
      CHECK(mentions(error.what(), "one frame a video"));
    }
    CHECK(report_of(small.words("generic", {"--all-frames"}))["global"]["J&F"] == 1);
  }

  TEST_CASE("--unseen that names what the dataset lacks, or a list that is not there, is refused") {
    test::Folder folder;
    test::write_sequence(folder / "valid/Annotations/zoo", 4);
    test::write_sequence(folder / "pred/zoo", 4);
    std::ofstream(folder / "valid/meta.json")
        << R"({"videos":{"zoo":{"objects":{"1":{"category":"cat","frames":["00000"]}}}}})";
    const auto refused = [&](const std::string& unseen) {
      return refusal_of(
          {"ytvos", "--gt", folder.path().string(), "--pred", (folder / "pred").string(), "--unseen", unseen});
    };
    CHECK(refused("cats").parts().exit_code == 2);
    CHECK(mentions(refused("cats").what(), "did you mean 'cat'?"));
    CHECK(mentions(refused((folder / "unseen.txt").string()).what(), "no such list"));
    CHECK(refused("cat").parts().what == "not refused");
  }

  TEST_CASE("LVOS names an object that is said to last beyond the truth, however far, and refuses two meta.json") {
    test::Folder folder;
    const auto valid = folder / "valid";
    for (std::int64_t t = 1; t <= 31; t += 5)
      test::write_squares(valid / "Annotations/ant" / ("000" + test::stem_of(t) + ".png"), {{1, 5, 5}});
    const std::string meta =
        R"({"videos":{"ant":{"objects":{"1":{"frame_range":{"start":"00000001","end":"09999999","frame_nums":"7"}}}}}})";
    std::ofstream(valid / "valid_meta.json") << meta;
    const std::vector<std::string> words{"lvos", "--gt", folder.path().string(), "--pred", valid.string()};
    const auto error = refusal_of(words);
    CHECK(error.parts().exit_code == 10);
    CHECK(mentions(error.parts().where, "object 1 is said to last until frame 09999999, the truth ends at 31"));
    CHECK(error.parts().where.size() < 1000);
    std::ofstream(valid / "all_meta.json") << meta;
    CHECK(mentions(refusal_of(words).what(), "several files"));
  }

  TEST_CASE("a report that cannot be written is told before measuring, and one of odd names is written") {
    Small small;
    fs::remove(small.pred / "ant/00002.png");  // which would be told first, were anything measured
    for (const char* option : {"--json", "--csv", "--html"}) {
      const auto error = refusal_of(small.words("generic", {option, (small.folder / "nowhere/r").string()}));
      CHECK(mentions(error.what(), "no folder to write the report into"));
    }
    Small odd;
    for (const auto& root : {odd.gt, odd.pred}) fs::rename(root / "bee", root / "b\xe9\xe9");
    const auto page = (odd.folder / "r.html").string(), file = (odd.folder / "r.json").string();
    CHECK(evaluate(odd.words("generic", {"--json", file, "--html", page})).code == 0);
    CHECK(Json::parse(text_of(file))["global"]["J&F"] == 1);
  }

  TEST_CASE("options of another command are refused, not passed over") {
    const auto refused = [](std::vector<std::string> words) {
      words.insert(words.end(), {"--gt", "a", "--pred", "b"});
      const auto error = refusal_of(words);
      return error.parts().exit_code == 2 ? std::string{error.what()} : std::string{};
    };
    CHECK(mentions(refused({"generic", "--split", "val"}), "--split means nothing to generic"));
    CHECK(mentions(refused({"generic", "--compat-mosev2"}), "it belongs to mosev2"));
    CHECK(mentions(refused({"davis", "--year", "2016", "--protocol", "unsupervised"}), "contradict"));
    CHECK(mentions(refused({"vis", "--min-score", "0"}), "--min-score"));
    CHECK(mentions(refused({"--pack", "vis", "--output", "z", "--year", "2016"}), "--pack vis"));
  }

  TEST_CASE("tables have the columns of every row, aligned whatever the letters, and the page has their order") {
    Small small(8);
    for (const auto& root : {small.gt, small.pred}) fs::rename(root / "bee", root / "b\xc3\xa9\xc3\xa9");
    // A first sequence without objects has none of the numbers that MOSEv2 adds.
    for (std::int64_t t = 0; t < 8; ++t)
      for (const auto& root : {small.gt, small.pred})
        test::write_squares(root / "ant" / (test::stem_of(t) + ".png"), {});
    const auto page = (small.folder / "r.html").string();
    const auto text = evaluate(small.words("mosev2", {"--html", page})).out;
    const auto table = text.substr(text.find("\nsequence"));
    CHECK(mentions(table, "J&F_dot"));
    std::istringstream lines(table.substr(1));
    std::string head, ant, bee;
    std::getline(lines, head), std::getline(lines, ant), std::getline(lines, bee);
    CHECK(mentions(bee, "1.0000"));
    CHECK(bee.find("1.0000") + 6 - 2 == head.find("J&F_dot") + 7);  // two letters of two bytes
    const auto html = text_of(page);
    CHECK(html.find("J&amp;F_dot") < html.find("J-mean"));
    CHECK(html.find("J-mean") < html.find(">F_dot<"));
    CHECK(mentions(html, "main\"><span>J&amp;F_dot"));
  }

  TEST_CASE("a long name is cut between letters") {
    std::string name;
    for (int i = 0; i < 45; ++i) name += "\xc3\xa9";
    CHECK(tool::code_points(name) == 45);
    CHECK(eval::first_code_points(name, 37) == name.substr(0, 74));
    CHECK(eval::first_code_points("ab", 3) == "ab");
  }

  TEST_CASE("a command line that cannot be right says what to change") {
    const auto says = [](const std::vector<std::string>& words, const std::string& part) {
      const auto error = refusal_of(words);
      return error.parts().exit_code == 2 && mentions(error.what(), part);
    };
    CHECK(says({}, "no command"));
    CHECK(says({"davsi", "--gt", "a", "--pred", "b"}, "did you mean 'davis'?"));
    CHECK(says({"davis", "--pred", "b"}, "--gt is missing"));
    CHECK(says({"davis", "--gt", "a"}, "--pred is missing"));
    CHECK(says({"davis", "--gt", "a", "--pred", "b", "--protocol", "sem"}, "did you mean 'semi'?"));
    CHECK(says({"davis", "--gt", "a", "--pred", "b", "--treads", "2"}, "did you mean '--threads'?"));
    CHECK(says({"--pack", "davis", "--pred", "b"}, "--output is missing"));
    CHECK(says({"davis", "--gt", "a", "--pred", "b", "--pack", "davis"}, "two tasks"));
  }
}
