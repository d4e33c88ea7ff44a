#include "synth/run.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stop_token>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <vos/data/synthetic.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/vos.hpp>
#include <vos/wire/rle_encode.hpp>

#include "../refusal.hpp"
#include "../test.hpp"

using namespace vos;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

std::string ran(std::vector<std::string> words) {
  std::ostringstream out, err;
  const auto code = synth::run(synth::parse(words), out, err);  // not within CHECK, which would swallow an Error
  CHECK(code == exit_code::done);
  return out.str();
}

/// The Error with which a command line, or the run behind it, is refused.
Error refusal(const std::vector<std::string>& words) {
  return test::refused([&] { ran(words); });
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>{file}, {}};
}

Json json_of(const fs::path& path) { return Json::parse(text_of(path)); }

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = text_of(entry.path());
  return files;
}

/// The true label map of a frame, drawn again from the input that the dataset names.
at::Tensor truth(const Json& clip, std::int64_t frame) {
  const auto input = clip["input"].get<std::string>();
  return SceneRenderer{scene_from(input.substr(input.find(':') + 1))}.render(frame).labels;
}

Rle rle_of(const Json& mask) {
  return rle_from_string(mask["size"][0], mask["size"][1], mask["counts"].get<std::string>());
}

Rle rle_of(const at::Tensor& labels, ObjectId id) {
  return rle_from_labels({labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(labels.numel())}, labels.size(0),
                         labels.size(1), id);
}

/// Writes a small dataset; `more` adds options, or replaces those of its kind.
std::string write(const fs::path& output, const std::map<std::string, std::string>& more) {
  std::map<std::string, std::string> options{
      {"--videos", "3"}, {"--frames", "4"}, {"--objects", "3"}, {"--size", "96x54"}};
  for (const auto& [name, value] : more) options[name] = value;
  std::vector<std::string> words{"--output", output.string()};
  for (const auto& [name, value] : options) {
    words.push_back(name);
    if (!value.empty()) words.push_back(value);
  }
  return ran(words);
}

}  // namespace

TEST_SUITE("synth") {
  TEST_CASE("DAVIS: a list of sequences, frames and palette masks that are the scene's") {
    const test::Folder folder;
    write(folder / "out", {{"--layout", "davis"}, {"--png", ""}});
    CHECK(text_of(folder / "out/ImageSets/2017/train.txt") == "train-0001\ntrain-0002\ntrain-0003\n");
    const auto facts = json_of(folder / "out/synth.json");
    CHECK(facts["clips"].size() == 3);
    for (const auto& clip : facts["clips"]) {
      const auto name = clip["name"].get<std::string>();
      CHECK(clip["stems"] == Json{"00000", "00001", "00002", "00003"});
      for (std::int64_t frame = 0; frame < 4; ++frame) {
        const auto stem = clip["stems"][static_cast<std::size_t>(frame)].get<std::string>();
        CHECK(at::equal(read_labels(folder / "out/Annotations/480p" / name / (stem + ".png")), truth(clip, frame)));
        const auto picture = read_image(folder / "out/JPEGImages/480p" / name / (stem + ".png"));
        CHECK(picture.size(0) == 54);
        CHECK(picture.size(1) == 96);
      }
    }
  }

  TEST_CASE("YouTube-VOS: every fifth stem, and meta.json names each object's class and frames") {
    const test::Folder folder;
    write(folder / "out", {{"--layout", "ytvos"}, {"--scene", "reentry"}, {"--look", "varied"}});
    const auto meta = json_of(folder / "out/train/meta.json");
    const auto facts = json_of(folder / "out/synth.json");
    CHECK(meta["videos"].size() == 3);
    for (const auto& clip : facts["clips"]) {
      const auto name = clip["name"].get<std::string>();
      CHECK(clip["stems"] == Json{"00000", "00005", "00010", "00015"});
      std::map<std::string, std::vector<std::string>> seen;
      for (std::int64_t frame = 0; frame < 20; frame += 5) {
        const auto stem = clip["stems"][static_cast<std::size_t>(frame / 5)].get<std::string>();
        const auto labels = read_labels(folder / "out/train/Annotations" / name / (stem + ".png"));
        CHECK(at::equal(labels, truth(clip, frame)));
        CHECK(fs::exists(folder / "out/train/JPEGImages" / name / (stem + ".jpg")));
        for (const auto& [id, extent] : label_extents(labels)) seen[std::to_string(id)].push_back(stem);
      }
      const auto& objects = meta["videos"][name]["objects"];
      CHECK(objects.size() == seen.size());
      for (const auto& [id, stems] : seen) CHECK(objects[id]["frames"] == Json(stems));
      for (const auto& object : clip["objects"])
        if (const auto id = std::to_string(object["id"].get<int>()); objects.contains(id))
          CHECK(objects[id]["category"] == object["category"]);
    }
  }

  TEST_CASE(
      "YouTube-VOS, validation: masks where an object first appears, frames from there on, and the whole truth apart") {
    const test::Folder folder;
    write(folder / "out",
          {{"--layout", "ytvos"}, {"--split", "val"}, {"--frames", "12"}, {"--objects", "8"}, {"--seed", "3"}});
    const auto meta = json_of(folder / "out/valid/meta.json");
    const auto facts = json_of(folder / "out/synth.json");
    bool later = false;
    for (const auto& clip : facts["clips"]) {
      const auto name = clip["name"].get<std::string>();
      std::set<ObjectId> known;
      for (std::int64_t frame = 0; frame < 60; frame += 5) {
        const auto stem = clip["stems"][static_cast<std::size_t>(frame / 5)].get<std::string>();
        const auto whole = truth(clip, frame);
        CHECK(at::equal(read_labels(folder / "out/valid/Truth" / name / (stem + ".png")), whole));
        auto expected = whole.clone();
        std::set<ObjectId> first;
        for (const auto& [id, extent] : label_extents(whole)) {
          if (known.insert(id).second) first.insert(id);
          else expected.masked_fill_(whole.eq(id), 0);
        }
        const auto file = folder / "out/valid/Annotations" / name / (stem + ".png");
        CHECK(fs::exists(file) == !first.empty());
        if (!first.empty()) CHECK(at::equal(read_labels(file), expected));
        later |= frame > 0 && !first.empty();
        for (const auto id : first) {
          const auto& frames = meta["videos"][name]["objects"][std::to_string(id)]["frames"];
          CHECK(frames.front() == stem);
          CHECK(frames.size() == static_cast<std::size_t>(12 - frame / 5));
        }
      }
      CHECK(meta["videos"][name]["objects"].size() == known.size());
    }
    CHECK(later);
  }

  TEST_CASE("YouTube-VIS: a mask, a box and an area for each frame, null where the object is not to be seen") {
    const test::Folder folder;
    write(folder / "out", {{"--layout", "ytvis"}, {"--frames", "30"}});
    const auto list = json_of(folder / "out/train.json");
    const auto facts = json_of(folder / "out/synth.json");
    CHECK(list["categories"].size() == figure_names().size());
    CHECK(list["videos"].size() == 3);
    std::size_t absent = 0;
    for (const auto& annotation : list["annotations"]) {
      const auto& video = list["videos"][annotation["video_id"].get<std::size_t>() - 1];
      const auto& clip = facts["clips"][annotation["video_id"].get<std::size_t>() - 1];
      CHECK(video["id"] == annotation["video_id"]);
      for (const auto* key : {"segmentations", "bboxes", "areas"}) CHECK(annotation[key].size() == 30);
      for (const std::size_t t : {0, 11, 29}) {
        const auto labels = truth(clip, static_cast<std::int64_t>(t));
        const auto& mask = annotation["segmentations"][t];
        CHECK(mask.is_null() == annotation["areas"][t].is_null());
        CHECK(mask.is_null() == annotation["bboxes"][t].is_null());
        absent += mask.is_null();
        CHECK(fs::exists(folder / "out/train/JPEGImages" / video["file_names"][t].get<std::string>()));
        if (mask.is_null()) continue;
        const auto rle = rle_of(mask);
        CHECK(annotation["areas"][t] == area(rle));
        const auto box = box_of(rle);
        CHECK(annotation["bboxes"][t] == Json{box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0});
        // One object of the clip has this mask, and this class.
        const auto owner = std::find_if(clip["objects"].begin(), clip["objects"].end(),
                                        [&](const auto& object) { return rle_of(labels, object["id"]) == rle; });
        REQUIRE(owner != clip["objects"].end());
        CHECK(figure_names()[annotation["category_id"].get<std::size_t>() - 1] == (*owner)["category"]);
      }
    }
    CHECK(absent > 0);
  }

  TEST_CASE("COCO: each frame an image, each visible object an instance") {
    const test::Folder folder;
    write(folder / "out", {{"--layout", "coco"}, {"--split", "val"}, {"--quality", "80"}});
    const auto list = json_of(folder / "out/annotations/instances_val2017.json");
    const auto facts = json_of(folder / "out/synth.json");
    CHECK(list["images"].size() == 12);
    std::map<std::int64_t, std::set<std::string>> masks;
    for (const auto& annotation : list["annotations"]) {
      const auto rle = rle_of(annotation["segmentation"]);
      CHECK(annotation["area"] == area(rle));
      masks[annotation["image_id"]].insert(rle_string(rle));
    }
    for (std::size_t i = 0; i < 12; ++i) {
      const auto& image = list["images"][i];
      CHECK(image["id"] == i + 1);
      CHECK(read_image(folder / "out/val2017" / image["file_name"].get<std::string>()).size(1) == 96);
      const auto labels = truth(facts["clips"][i / 4], static_cast<std::int64_t>(i % 4));
      std::set<std::string> expected;
      for (const auto& [id, extent] : label_extents(labels)) expected.insert(rle_string(rle_of(labels, id)));
      CHECK(masks[static_cast<std::int64_t>(i) + 1] == expected);
    }
  }

  TEST_CASE("the files do not depend on the number of threads") {
    const test::Folder folder;
    for (const auto* layout : {"davis", "ytvis"}) {
      CAPTURE(layout);
      write(folder / (std::string{layout} + "1"), {{"--layout", layout}, {"--threads", "1"}});
      write(folder / (std::string{layout} + "3"), {{"--layout", layout}, {"--threads", "3"}});
      const auto one = files_in(folder / (std::string{layout} + "1"));
      CHECK(one.size() > 12);
      CHECK(one == files_in(folder / (std::string{layout} + "3")));
    }
  }

  TEST_CASE("the splits show different videos") {
    const test::Folder folder;
    write(folder / "a", {{"--layout", "coco"}});
    write(folder / "b", {{"--layout", "coco"}, {"--split", "val"}});
    CHECK(text_of(folder / "a/train2017/train-0001_00000.jpg") != text_of(folder / "b/val2017/train-0001_00000.jpg"));
  }

  TEST_CASE("a dataset is replaced on request, and nothing else is") {
    const test::Folder folder;
    write(folder / "out", {});
    const auto before = files_in(folder / "out");
    CHECK(refusal({"--output", (folder / "out").string()}).parts().mend.find("--overwrite") != std::string::npos);
    CHECK(files_in(folder / "out") == before);
    write(folder / "out", {{"--overwrite", ""}, {"--seed", "9"}});
    CHECK(files_in(folder / "out").size() == before.size());
    CHECK(files_in(folder / "out") != before);
    fs::create_directories(folder / "mine");
    std::ofstream(folder / "mine/notes.txt") << "mine";
    CHECK(refusal({"--output", (folder / "mine").string(), "--overwrite"}).parts().exit_code == exit_code::error);
    CHECK(text_of(folder / "mine/notes.txt") == "mine");
    fs::create_directories(folder / "empty");
    write(folder / "empty", {});
    CHECK(files_in(folder / "empty") == before);
  }

  TEST_CASE("the folder one stands in can be the dataset's, and be replaced") {
    const test::Folder folder;
    write(folder / "out", {});
    const auto expected = files_in(folder / "out");
    fs::create_directories(folder / "here");
    struct Standing {  // back again, whatever happens
      fs::path before = fs::current_path();
      ~Standing() { fs::current_path(before); }
    } standing;
    fs::current_path(folder / "here");
    write(".", {});
    CHECK(files_in(folder / "here") == expected);
    fs::current_path(folder / "here");
    write("../here/", {{"--overwrite", ""}, {"--seed", "9"}});
    CHECK(files_in(folder / "here") != expected);
    CHECK(files_in(folder / "here").size() == expected.size());
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);  // nothing is left beside them
  }

  TEST_CASE("a stopped run leaves nothing, and the dataset that was there before") {
    const test::Folder folder;
    write(folder / "out", {});
    const auto before = files_in(folder.path());
    std::stop_source stop;
    stop.request_stop();
    std::ostringstream out, err;
    CHECK(synth::run(synth::parse({"--output", (folder / "out").string(), "--overwrite"}), out, err,
                     stop.get_token()) == exit_code::interrupted);
    CHECK(files_in(folder.path()) == before);
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  }

  TEST_CASE("what cannot be right is refused with exit code 2 before a file is written") {
    const test::Folder folder;
    const auto output = (folder / "out").string();
    const std::vector<std::vector<std::string>> wrong{
        {"--layout", "davs"}, {"--scene", "trian"}, {"--size", "12"},         {"--size", "0x10"},
        {"--videos", "0"},    {"--frames", "-1"},   {"--frames", "100000"},   {"--objects", "255"},
        {"--quality", "0"},   {"--split", "test"},  {"--look", "fancy"},      {"--fps", "nan"},
        {"--threads", "-2"},  {"--seed", "-1"},     {"--quiet", "--verbose"}, {"--videoz", "3"}};
    for (auto words : wrong) {
      CAPTURE(words.front());
      CAPTURE(words.back());
      words.insert(words.end(), {"--output", output});
      CHECK(refusal(words).parts().exit_code == exit_code::usage);
    }
    CHECK(refusal({"--scene", "demo"}).parts().what.find("--output is missing") != std::string::npos);
    CHECK(fs::is_empty(folder.path()));
  }

  TEST_CASE("the report counts what was written") {
    const test::Folder folder;
    const auto report = Json::parse(write(folder / "out", {{"--json", ""}, {"--layout", "coco"}}));
    CHECK(report["videos"] == 3);
    CHECK(report["frames"] == 12);
    CHECK(report["masks"] == json_of(folder / "out/annotations/instances_train2017.json")["annotations"].size());
    CHECK(report["layout"] == "coco");
  }
}
