#include "data/run.hpp"

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/ops/zeros_like.h>

#include <nlohmann/json.hpp>

#include "../refusal.hpp"
#include "datasets.hpp"

using namespace vos;
using Json = nlohmann::json;
using Path = std::filesystem::path;
using Strings = std::vector<std::string>;
using test::frame_name;
using test::put_text;
using test::replace_in;

namespace {

struct Ran {
  int code = 0;
  std::string out = {};
};

Ran run(const Strings& words) {
  std::ostringstream out, err;
  const auto code = data::run(data::parse(words), out, err);
  return {code, out.str()};
}

Json report_of(const Path& root, const Strings& more = {}) {
  Strings words{"check", root.string(), "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return Json::parse(run(words).out);
}

/// "cut-image JPEGImages/480p/ant/00001.jpg" for each finding, sorted.
Strings findings_of(const Json& report) {
  Strings found;
  for (const auto& finding : report["findings"])
    found.push_back(finding["code"].get<std::string>() + " " + finding["where"].get<std::string>());
  std::sort(found.begin(), found.end());
  return found;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Error error_of(const Strings& words) {
  return test::refused([&] { run(words); });
}

/// A fault, and the one finding that it must lead to.
struct Fault {
  std::string finding;
  std::function<void(const Path& root)> plant;
};

constexpr const char* images = "JPEGImages/480p/";
constexpr const char* masks = "Annotations/480p/";

Path image_at(const Path& root, const std::string& video, int t) {
  return root / images / video / (frame_name(t) + ".jpg");
}
Path mask_at(const Path& root, const std::string& video, int t) {
  return root / masks / video / (frame_name(t) + ".png");
}

void relabel(const Path& path, const std::function<void(at::Tensor&)>& change) {
  auto labels = read_labels(path);
  change(labels);
  write_labels(path, labels);
}

/// Sixteen faults of files and lists, each in a place of its own.
std::vector<Fault> davis_faults() {
  return {
      {"cut-image JPEGImages/480p/ant/00001.jpg",
       [](const Path& root) {
         const auto path = image_at(root, "ant", 1);
         std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
       }},
      {"unreadable-image JPEGImages/480p/ant/00003.jpg",
       [](const Path& root) { put_text(image_at(root, "ant", 3), "<html>404 Not Found</html>"); }},
      {"wrong-extension JPEGImages/480p/ant/00005.jpg",
       [](const Path& root) {
         test::put_picture(root / "x.png", read_image(image_at(root, "ant", 5)));
         std::filesystem::rename(root / "x.png", image_at(root, "ant", 5));
       }},
      {"size-changes JPEGImages/480p/bat/00005.jpg",
       [](const Path& root) {
         const auto small = [](const at::Tensor& whole) { return whole.slice(0, 0, 40).contiguous(); };
         test::put_picture(image_at(root, "bat", 5), small(read_image(image_at(root, "bat", 5))));
         relabel(mask_at(root, "bat", 5), [&](at::Tensor& labels) { labels = small(labels); });
       }},
      {"duplicate-frame JPEGImages/480p/bat/00002.jpg",
       [](const Path& root) {
         std::filesystem::copy_file(image_at(root, "bat", 1), image_at(root, "bat", 2),
                                    std::filesystem::copy_options::overwrite_existing);
       }},
      {"rgb-mask Annotations/480p/bat/00003.png",
       [](const Path& root) {
         const auto mask = cv::imread(mask_at(root, "bat", 3).string(), cv::IMREAD_COLOR);  // as an editor opens it
         cv::imwrite(mask_at(root, "bat", 3).string(), mask);
       }},
      {"jpeg-mask Annotations/480p/cat/00001.png",
       [](const Path& root) {
         const auto mask = cv::imread(mask_at(root, "cat", 1).string());
         cv::imwrite((root / "x.jpg").string(), mask);
         std::filesystem::rename(root / "x.jpg", mask_at(root, "cat", 1));
       }},
      {"mask-size-differs Annotations/480p/cat/00002.png",
       [](const Path& root) {
         relabel(mask_at(root, "cat", 2), [](at::Tensor& labels) { labels = labels.slice(1, 0, 63).contiguous(); });
       }},
      {"empty-mask Annotations/480p/cat/00003.png",
       [](const Path& root) { relabel(mask_at(root, "cat", 3), [](at::Tensor& labels) { labels.zero_(); }); }},
      {"binary-mask Annotations/480p/cat/00004.png",
       [](const Path& root) {
         auto white = read_labels(mask_at(root, "cat", 4)).gt(0).to(at::kByte).mul(255).contiguous();
         const cv::Mat grey(48, 64, CV_8UC1, white.mutable_data_ptr<std::uint8_t>());
         cv::imwrite(mask_at(root, "cat", 4).string(), grey);
       }},
      {"void-255 Annotations/480p/cat/00005.png",
       [](const Path& root) {
         relabel(mask_at(root, "cat", 5), [](at::Tensor& labels) { labels.slice(0, 0, 2).fill_(255); });
       }},
      {"id-gap dog",
       [](const Path& root) {
         for (int t = 0; t < 6; ++t)
           relabel(mask_at(root, "dog", t), [](at::Tensor& labels) { labels.masked_fill_(labels.eq(2), 4); });
       }},
      {"unreadable-mask Annotations/480p/dog/00004.png",
       [](const Path& root) { std::filesystem::resize_file(mask_at(root, "dog", 4), 70); }},
      {"frame-without-mask JPEGImages/480p/elk/00002.jpg",
       [](const Path& root) { std::filesystem::remove(mask_at(root, "elk", 2)); }},
      {"mask-without-frame Annotations/480p/elk/00007.png",
       [](const Path& root) { std::filesystem::copy_file(mask_at(root, "elk", 1), mask_at(root, "elk", 7)); }},
      {"missing-video ImageSets/2017/train.txt",
       [](const Path& root) { replace_in(root / "ImageSets/2017/train.txt", "elk\n", "elk\ngnu\n"); }},
      {"listed-twice ImageSets/2017/train.txt",
       [](const Path& root) { replace_in(root / "ImageSets/2017/train.txt", "ant\n", "ant\nant\n"); }},
      {"unlisted-video JPEGImages/480p/hen",
       [](const Path& root) { std::filesystem::copy(root / images / "fox", root / images / "hen"); }},
  };
}

/// Faults of an annotation file.
std::vector<Fault> ytvis_faults() {
  const auto list = [](const Path& root) { return root / "train.json"; };
  return {
      {"rle-size v0, frame 00000, annotation 1",
       [=](const Path& root) { replace_in(list(root), "{\"size\": [48, 64]", "{\"size\": [64, 48]"); }},
      {"rle-damaged v0, frame 00000, annotation 2",
       [=](const Path& root) {
         const auto text = test::text_in(list(root));
         const auto second = text.find("\"counts\": \"", text.find("{\"id\": 2, \"video_id\"")) + 11;
         put_text(list(root), std::string{text}.replace(second, 1, "0"));
       }},
      {"empty-annotation v1, frame 00000, annotation 3",
       [=](const Path& root) { replace_in(list(root), "[[10, 5, 10, 30, 50, 40]]", "[[10, 5, 10, 30, 10, 20]]"); }},
      {"polygon-outside v1, frame 00001, annotation 3",
       [=](const Path& root) { replace_in(list(root), "[[11, 5, 11, 30, 50, 40]]", "[[11, 5, 11, 30, 90, 40]]"); }},
      {"bad-polygon v1, frame 00002, annotation 3",
       [=](const Path& root) { replace_in(list(root), "[[12, 5, 12, 30, 50, 40]]", "[[12, 5, 12, 30, 50]]"); }},
      {"missing-image train.json, video 1",
       [](const Path& root) { std::filesystem::remove(root / "train/JPEGImages/v0/00004.jpg"); }},
      {"size-unlike-list train/JPEGImages/v1/00003.jpg",
       [](const Path& root) {
         const auto path = root / "train/JPEGImages/v1/00003.jpg";
         test::put_picture(path, read_image(path).slice(1, 0, 60).contiguous());
       }},
      {"object-never-visible v1",
       [=](const Path& root) {
         replace_in(
             list(root), "\"annotations\": [",
             "\"annotations\": [{\"id\": 9, \"video_id\": 2, \"category_id\": 1, \"segmentations\": [null, null, "
             "null, null, null]},\n");
       }},
  };
}

/// Each fault alone, then all of them, is found under its code and in its place, and nothing else is.
void check_faults(const std::function<void(const Path&)>& put_good, const std::vector<Fault>& faults) {
  const test::Folder good;
  put_good(good.path());
  CHECK(findings_of(report_of(good.path())) == Strings{});
  const auto copy = [&](const test::Folder& to) {
    std::filesystem::copy(good.path(), to.path(), std::filesystem::copy_options::recursive);
  };
  Strings all;
  const test::Folder together;
  copy(together);
  for (const auto& fault : faults) {
    CAPTURE(fault.finding);
    const test::Folder one;
    copy(one);
    fault.plant(one.path());
    CHECK(findings_of(report_of(one.path())) == Strings{fault.finding});
    fault.plant(together.path());
    all.push_back(fault.finding);
  }
  std::sort(all.begin(), all.end());
  CHECK(findings_of(report_of(together.path())) == all);
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("every planted fault is found, and none in the good dataset: DAVIS") {
    CHECK(davis_faults().size() >= 15);
    check_faults(test::put_good_davis, davis_faults());
  }

  TEST_CASE("every planted fault is found, and none in the good dataset: YouTube-VIS") {
    check_faults(test::put_good_ytvis, ytvis_faults());
  }

  TEST_CASE("what meta.json and the masks of YouTube-VOS do not agree about") {
    const test::Folder root;
    test::put_good_davis(root / "davis");
    std::filesystem::create_directories(root / "train");
    std::filesystem::rename(root / "davis/JPEGImages/480p", root / "train/JPEGImages");
    std::filesystem::rename(root / "davis/Annotations/480p", root / "train/Annotations");
    const auto frames = R"("frames": ["00000", "00001", "00002", "00003", "00004", "00005"])";
    std::string videos;
    for (const auto* name : {"ant", "bat", "cat", "dog", "elk", "fox"})
      videos += (videos.empty() ? "\"" : ",\n\"") + std::string{name} + R"(": {"objects": {"1": {"category": "x", )" +
                frames + R"(}, "2": {"category": "y", )" + frames + "}}}";
    put_text(root / "train/meta.json", "{\"videos\": {" + videos + "}}");
    CHECK(findings_of(report_of(root / "train")) == Strings{});
    replace_in(root / "train/meta.json", R"("2": {"category": "y")", R"("3": {"category": "y")");  // of ant
    std::filesystem::remove(root / "train/Annotations/bat/00003.png");
    CHECK(findings_of(report_of(root / "train")) ==
          Strings{"missing-mask JPEGImages/bat/00003.jpg", "object-never-visible ant", "unlisted-object ant"});
  }

  TEST_CASE("255 is a warning where no rule makes it void, and so is a picture set's colour mask an error") {
    const test::Folder root;
    test::put_good_davis(root / "davis");
    std::filesystem::rename(root / "davis/JPEGImages/480p", root / "images");
    std::filesystem::rename(root / "davis/Annotations/480p", root / "masks");
    relabel(root / "masks/ant/00002.png", [](at::Tensor& labels) { labels.slice(0, 0, 2).fill_(255); });
    CHECK(findings_of(report_of(root.path(), {"--layout", "folder"})) == Strings{"object-255 masks/ant/00002.png"});
  }

  TEST_CASE("lines of YOLO and outlines beyond the picture are found") {
    const test::Folder root;
    const auto picture = test::small_scene(3).render(0);
    for (const auto* name : {"a", "b"}) test::put_picture(root / "images" / (std::string{name} + ".jpg"), picture.rgb);
    put_text(root / "labels/a.txt", "0 0.1 0.1 0.9 0.1 0.9 0.9\n1 0.1 0.1 1.5 0.1 0.9 0.9\n");
    put_text(root / "labels/b.txt", "0 0.1 0.1 0.9 0.1\n");
    CHECK(findings_of(report_of(root.path())) ==
          Strings{"bad-label-line labels/b.txt:1", "polygon-outside a, frame a, annotation 2"});
  }

  TEST_CASE("the exit code tells scripts: errors always, warnings if strict") {
    const test::Folder root;
    test::put_good_davis(root.path());
    const auto check = [&](const Strings& more = {}) {
      Strings words{"check", root.path().string(), "--quiet"};
      words.insert(words.end(), more.begin(), more.end());
      return run(words).code;
    };
    CHECK(check() == exit_code::done);
    CHECK(check({"--strict"}) == exit_code::done);
    davis_faults()[4].plant(root.path());  // a duplicate frame, a warning
    CHECK(check() == exit_code::done);
    CHECK(check({"--strict"}) == exit_code::error);
    davis_faults()[0].plant(root.path());  // a cut image, an error
    CHECK(check() == exit_code::error);
  }

  TEST_CASE("the report is the same on any number of threads") {
    const test::Folder root;
    test::put_good_davis(root.path());
    for (const auto& fault : davis_faults()) fault.plant(root.path());
    auto one = report_of(root.path(), {"--threads", "1"}), five = report_of(root.path(), {"--threads", "5"});
    for (auto* report : {&one, &five}) report->erase("seconds");
    CHECK(one == five);
  }

  TEST_CASE("--quick looks at the first, the middle and the last frame alone") {
    const test::Folder root;
    test::put_good_davis(root.path());
    davis_faults()[0].plant(root.path());  // frame 1 of 6
    const auto report = report_of(root.path(), {"--quick"});
    CHECK(findings_of(report) == Strings{});
    CHECK(report["images_read"] == 15);
    CHECK(report["frames"] == 30);
  }

  TEST_CASE("the JSON counts what is there") {
    const test::Folder root;
    test::put_good_ytvis(root.path());
    const auto report = report_of(root.path());
    CHECK(report["layout"] == "ytvis");
    CHECK(report["split"] == "train");
    CHECK(report["complete"] == true);
    CHECK(report["videos"] == 2);
    CHECK(report["frames"] == 10);
    CHECK(report["masks"] == 20);
    CHECK(report["objects"] == 4);
    REQUIRE(report["histograms"].size() == 5);
    CHECK(report["histograms"][0] == Json{{"title", "objects by class"}, {"bins", {"cat", "dog"}}, {"counts", {2, 2}}});
    CHECK(report["histograms"][2]["counts"] == Json{0, 2, 0, 0, 0, 0, 0, 0});
    CHECK(report["histograms"][4]["bins"] == Json{"64x48"});
  }

  TEST_CASE("text for people sums up by code, shows three places, and all if asked") {
    const test::Folder root;
    test::put_good_davis(root.path());
    for (int t = 1; t < 6; ++t) std::filesystem::resize_file(image_at(root.path(), "ant", t), 100);
    const auto brief = run({"check", root.path().string()}).out;
    CHECK(says(brief, "taken for DAVIS 2017, split train, 480p (there is JPEGImages/480p)"));
    CHECK(says(brief, "error cut-image (5): an image file is cut short\n  JPEGImages/480p/ant/00001.jpg: "));
    CHECK(says(brief, "... and 2 more; --verbose lists them\n  mend: export or copy it again"));
    CHECK(says(brief, "5 errors, 0 warnings, 0 notes"));
    CHECK(!says(brief, "00005.jpg"));
    CHECK(says(run({"check", root.path().string(), "--verbose"}).out, "00005.jpg"));
    CHECK(run({"check", root.path().string(), "--quiet"}).out.empty());
  }

  TEST_CASE("a list that cannot be read is the one finding; what is no dataset is an error of its own") {
    const test::Folder root;
    test::put_good_ytvis(root.path());
    replace_in(root / "train.json", "\"length\": 5", "\"length\": 6");
    const auto report = report_of(root.path());
    REQUIRE(report["findings"].size() == 1);
    CHECK(report["findings"][0]["code"] == "unreadable-list");
    CHECK(says(report["findings"][0]["what"], "has a 'length' of 6 and 5 'file_names'"));
    CHECK(run({"check", root.path().string(), "--quiet"}).code == exit_code::error);
    CHECK(says(error_of({"check", (root / "train/JPEGImages/v0").string()}).what(), "no layout of a dataset"));
    CHECK(error_of({"check", root.path().string(), "--split", "val"}).parts().exit_code == exit_code::usage);
  }

  TEST_CASE("where no listed video is there, each is named") {
    const test::Folder root;
    test::put_good_davis(root.path());
    std::ofstream{root / "ImageSets/2017/train.txt"} << "owl\nyak\n";
    const auto report = report_of(root.path());
    std::string codes;
    for (const auto& finding : report["findings"])
      if (finding["level"] == "error") codes += finding["code"].get<std::string>() + " ";
    CHECK(codes == "unreadable-list missing-video missing-video ");
    CHECK(report["videos"] == 0);
  }

  TEST_CASE("preview writes one page that needs nothing else, and a sheet for each video") {
    const test::Folder root, out;
    test::put_good_davis(root.path());
    davis_faults()[0].plant(root.path());
    const auto folder = (out / "look").string();
    const auto ran = run({"preview", root.path().string(), "--output", folder, "--videos", "3"});
    CHECK(ran.code == exit_code::error);  // as of check: there is a fault
    CHECK(says(ran.out, "1 error, 0 warnings, 0 notes\n  " + folder + "/index.html"));
    const auto page = test::text_in(out / "look/index.html");
    CHECK(says(page, "<b>cut-image</b>"));
    CHECK(says(page, "src=\"data:image/jpeg;base64,"));
    CHECK(says(page, "href=\"cat/contact.png\""));
    CHECK(!says(page, "src=\"http"));
    for (const auto* video : {"ant", "cat", "elk"})  // the first, the middle and the last of five
      CHECK(read_image(out / "look" / video / "contact.png").size(1) > 100);
    CHECK(says(error_of({"preview", root.path().string(), "--output", folder}).what(), "not empty"));
    CHECK(run({"preview", root.path().string(), "--output", folder, "--overwrite", "--quiet"}).out.empty());
  }

  TEST_CASE("a name from a dataset cannot break out of the page") {
    const test::Folder root, out;
    test::put_good_davis(root / "<script>alert(1)<");
    run({"preview", (root / "<script>alert(1)<").string(), "-o", (out / "look").string(), "--videos", "1"});
    CHECK(!says(test::text_in(out / "look/index.html"), "<script>alert(1)"));
  }

  TEST_CASE("what cannot be right on the command line is refused with exit code 2") {
    const auto refusal = [](const Strings& words) {
      const auto error = error_of(words);
      CHECK(error.parts().exit_code == exit_code::usage);
      return std::string{error.what()};
    };
    CHECK(says(refusal({}), "no command"));
    CHECK(says(refusal({"chekc", "x"}), "did you mean 'check'?"));
    CHECK(says(refusal({"check"}), "no dataset"));
    CHECK(says(refusal({"check", "x", "y"}), "'y' belongs to no option"));
    CHECK(says(refusal({"check", "x", "--laoyut", "davis"}), "did you mean '--layout'?"));
    CHECK(says(refusal({"check", test::file("").string(), "--layout", "davsi"}), "did you mean 'davis'?"));
    CHECK(says(refusal({"preview", "x"}), "--output is missing"));
    CHECK(says(refusal({"check", "x", "-o", "y"}), "--output belongs to preview"));
    CHECK(says(refusal({"check", "x", "-q", "-v"}), "contradict"));
    CHECK(says(run({"--help"}).out, "Usage: vos-data COMMAND ROOT"));
    CHECK(data::parse({"check", "--root", "x"}).dataset.root == "x");
    CHECK(data::parse({"check", "--quick", "x"}).dataset.root == "x");
  }
}
