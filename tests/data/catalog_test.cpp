#include <vos/data/open_catalog.hpp>

#include <string>
#include <vector>

#include "trees.hpp"

using namespace vos;
using test::codes_of;
using test::names_of;
using test::opened;
using test::put;
using test::put_frames;
using test::refusal_of;
using Names = std::vector<std::string>;

namespace {

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// DAVIS with the lists of two years and both resolutions.
void put_davis(const std::filesystem::path& root) {
  for (const auto* video : {"bear", "camel", "dog"})
    for (const auto* resolution : {"480p", "Full-Resolution"}) {
      put_frames(root, std::string{"JPEGImages/"} + resolution + "/" + video, ".jpg", 3);
      put_frames(root, std::string{"Annotations/"} + resolution + "/" + video, ".png",
                 std::string{video} == "dog" ? 1 : 3);
    }
  put(root, "ImageSets/2017/train.txt", "camel\r\nbear\n");
  put(root, "ImageSets/2017/test-dev.txt", "dog\n");
  put(root, "ImageSets/2016/train.txt",
      "/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n"
      "/JPEGImages/480p/bear/00001.jpg /Annotations/480p/bear/00001.png\n");
  put(root, "ImageSets/2019/test-challenge.txt", "dog\n");
}

constexpr const char* video_json = R"({"videos": [{"id": 7, "height": 4, "width": 6, "length": 2,
    "file_names": ["a/00000.jpg", "a/00001.jpg"]}],
  "categories": [{"id": 9, "name": "owl"}, {"id": 3, "name": "cat"}],
  "annotations": [{"id": 1, "video_id": 7, "category_id": 9, "iscrowd": 0,
    "segmentations": [null, {"size": [4, 6], "counts": [0, 24]}], "areas": [null, 24], "bboxes": [null, [0, 0, 6, 4]]}]})";

}  // namespace

TEST_SUITE("catalog") {
  TEST_CASE("DAVIS: the newest year's train split at 480p, in the list's order, unless told otherwise") {
    const test::Folder root;
    put_davis(root.path());
    const auto catalog = opened(root.path());
    CHECK(catalog.layout == Layout::davis);
    CHECK(catalog.split == "train");
    CHECK(names_of(catalog) == Names{"camel", "bear"});
    CHECK(catalog.taken_for == "DAVIS 2017, split train, 480p (there is JPEGImages/480p)");
    CHECK(!catalog.binary_masks);
    CHECK(catalog.void_255);
    CHECK(catalog.findings.empty());
    const auto& frame = catalog.videos[0].frames.at(2);
    CHECK(frame.stem == "00002");
    CHECK(frame.image == root / "JPEGImages/480p/camel/00002.jpg");
    CHECK(frame.labels == root / "Annotations/480p/camel/00002.png");
  }

  TEST_CASE("opening a dataset and walking through it takes a few lines") {
    const test::Folder root;
    put_davis(root.path());
    std::size_t masks = 0;
    // [open]
    const auto catalog = open_catalog({.root = root.path(), .split = "train"});
    for (const auto& video : catalog.videos)
      for (const auto& frame : video.frames)
        if (!frame.labels.empty()) ++masks;  // frame.image and frame.labels are files
    // [open]
    CHECK(masks == 6);
  }

  TEST_CASE("DAVIS 2016 lists frames, has binary masks, and both resolutions") {
    const test::Folder root;
    put_davis(root.path());
    const auto catalog = opened(root.path(), {.year = "2016", .resolution = "Full-Resolution"});
    CHECK(names_of(catalog) == Names{"bear"});
    CHECK(catalog.binary_masks);
    CHECK(!catalog.void_255);
    CHECK(catalog.videos[0].frames[0].image == root / "JPEGImages/Full-Resolution/bear/00000.jpg");
    CHECK(says(refusal_of(root.path(), {.resolution = "720p"}), "resolutions: 480p, Full-Resolution"));
  }

  TEST_CASE("DAVIS test splits bring the first mask alone") {
    const test::Folder root;
    put_davis(root.path());
    const auto catalog = opened(root.path(), {.split = "test-dev"});
    CHECK(names_of(catalog) == Names{"dog"});
    CHECK(!catalog.videos[0].frames[0].labels.empty());
    CHECK(catalog.videos[0].frames[1].labels.empty());
    CHECK(opened(root.path(), {.split = "test-challenge"}).taken_for.starts_with("DAVIS 2019"));
    CHECK(says(refusal_of(root.path(), {.split = "tset-dev", .year = "2017"}), "did you mean 'test-dev'?"));
    CHECK(says(refusal_of(root.path(), {.year = "2018"}), "years: 2019, 2017, 2016"));
  }

  TEST_CASE("what lists and folders of DAVIS do not agree about becomes findings") {
    const test::Folder root;
    put_davis(root.path());
    put(root.path(), "ImageSets/2017/train.txt", "bear\nowl\nbear\n");
    put(root.path(), "ImageSets/2016/train.txt", "/JPEGImages/480p/bear/00009.jpg /Annotations/480p/bear/00009.png\n");
    put(root.path(), "Annotations/480p/bear/00007.png");
    put(root.path(), "JPEGImages/480p/bear/00001.png");
    CHECK(codes_of(opened(root.path()).findings) ==
          Names{"same-stem JPEGImages/480p/bear/00001.png", "mask-without-frame Annotations/480p/bear/00007.png",
                "missing-video ImageSets/2017/train.txt", "listed-twice ImageSets/2017/train.txt",
                "unlisted-video JPEGImages/480p/camel"});
    const auto findings = opened(root.path(), {.year = "2016"}).findings;
    CHECK(codes_of(findings).at(2) == "unlisted-video JPEGImages/480p/camel");
    CHECK(findings.back().what == "'bear/00009' is listed, but there is no such image");
  }

  TEST_CASE("a root one level above or below the proper one is found where that is clear") {
    const test::Folder root;
    put_davis(root / "DAVIS");
    CHECK(opened(root.path()).root == root / "DAVIS");
    CHECK(opened(root / "DAVIS/JPEGImages").root == root / "DAVIS");
    CHECK(opened(root / "DAVIS/ImageSets/").root == root / "DAVIS");
    put_davis(root / "copy");
    CHECK(says(refusal_of(root.path()), "several datasets: DAVIS, copy"));
  }

  TEST_CASE("YouTube-VOS: objects with their categories and frames from meta.json") {
    const test::Folder root;
    put_frames(root.path(), "train/JPEGImages/a1", ".jpg", 3, 5);
    put_frames(root.path(), "train/Annotations/a1", ".png", 3, 5);
    put(root.path(), "train/meta.json", R"({"videos": {"a1": {"objects": {
      "1": {"category": "dog", "frames": ["00000", "00005", "00010"]}, "3": {"category": "ape", "frames": ["00010"]}}}}})");
    put_frames(root.path(), "valid/JPEGImages/b2", ".jpg", 3, 5);
    put(root.path(), "valid/Annotations/b2/00000.png");
    put(root.path(), "valid/meta.json",
        R"({"videos": {"b2": {"objects": {"1": {"category": "dog", "frames": ["00000"]}}}}})");
    put_frames(root.path(), "valid_all_frames/JPEGImages/b2", ".jpg", 11);

    const auto catalog = opened(root.path());
    CHECK(catalog.layout == Layout::ytvos);
    CHECK(catalog.taken_for ==
          "YouTube-VOS, split train (there are train/JPEGImages and train/meta.json, and 1 more such splits)");
    REQUIRE(catalog.categories.size() == 2);
    CHECK(catalog.categories[0].name == "ape");
    const auto& objects = catalog.videos.at(0).objects;
    REQUIRE(objects.size() == 2);
    CHECK(objects[0].id == 1);
    CHECK(objects[0].category == 1);
    CHECK(objects[0].frames == std::vector<std::int64_t>{0, 1, 2});
    CHECK(objects[1].id == 3);
    CHECK(objects[1].frames == std::vector<std::int64_t>{2});
    CHECK(catalog.findings.empty());

    CHECK(opened(root.path(), {.split = "val"}).split == "valid");  // both names are in use
    CHECK(opened(root / "train").videos.size() == 1);
    CHECK(opened(root / "train/JPEGImages").videos.size() == 1);
    const auto all = opened(root.path(), {.split = "valid", .all_frames = true});
    CHECK(all.videos.at(0).frames.size() == 11);
    CHECK(!all.videos[0].frames[0].labels.empty());
    CHECK(says(refusal_of(root.path(), {.split = "train", .all_frames = true}), "no frames at 30 per second"));
  }

  TEST_CASE("YouTube-VOS by year: the newest, or the one asked for") {
    const test::Folder root;
    for (const auto* year : {"2018", "2019"}) {
      put_frames(root.path(), std::string{year} + "/train/JPEGImages/a", ".jpg", 1);
      put(root.path(), std::string{year} + "/train/meta.json", R"({"videos": {"a": {"objects": {}}}})");
    }
    CHECK(opened(root.path()).root == root / "2019");
    CHECK(opened(root.path(), {.year = "2018"}).root == root / "2018");
  }

  TEST_CASE("a frame that meta.json lists and nobody has is a finding, once a video and frame") {
    const test::Folder root;
    put_frames(root.path(), "train/JPEGImages/a1", ".jpg", 2);
    put_frames(root.path(), "train/JPEGImages/zz", ".jpg", 2);
    put(root.path(), "train/meta.json", R"({"videos": {"gone": {"objects": {}}, "a1": {"objects": {
      "1": {"category": "dog", "frames": ["00000", "00007"]}, "2": {"category": "dog", "frames": ["00007"]}}}}})");
    const auto catalog = opened(root.path());
    CHECK(codes_of(catalog.findings) == Names{"missing-video train/meta.json", "unlisted-video train/JPEGImages/zz",
                                              "missing-image train/meta.json, videos.'a1'"});
    CHECK(catalog.videos.at(0).objects.at(0).frames == std::vector<std::int64_t>{0});
  }

  TEST_CASE("MOSE: sizes and lengths stand in the list beside the splits") {
    const test::Folder root;
    put_frames(root.path(), "train/JPEGImages/0a", ".jpg", 3);
    put_frames(root.path(), "train/Annotations/0a", ".png", 3);
    put(root.path(), "meta_train.json",
        R"({"videos": {"0a": {"length": 4, "height": 720, "width": 1280, "objects": {"1": {}, "2": 5}}}})");
    for (const auto& place : {root.path(), root / "train"}) {
      const auto catalog = opened(place);
      CHECK(catalog.layout == Layout::mose);
      CHECK(catalog.videos.at(0).height == 720);
      CHECK(catalog.videos[0].objects.size() == 2);
      CHECK(codes_of(catalog.findings) == Names{"length-differs meta_train.json, videos.'0a'"});
    }
  }

  TEST_CASE("LVOS: eight digits, a mask every five frames, and objects by ranges of frames") {
    const test::Folder root;
    for (int i = 1; i <= 11; ++i) {
      const auto stem = "000000" + std::string(i < 10 ? "0" : "") + std::to_string(i);
      put(root.path(), "valid/JPEGImages/v/" + stem + ".jpg");
      if (i % 5 == 1) put(root.path(), "valid/Annotations/v/" + stem + ".png");
    }
    put(root.path(), "valid/valid_meta.json", R"({"videos": {"v": {"objects": {
        "1": {"frame_range": {"start": "00000001", "end": "00000011", "frame_nums": 11}},
        "2": {"frame_range": {"start": "00000006", "end": "00000008", "frame_nums": 3}}}}}})");
    const auto catalog = opened(root.path());
    CHECK(catalog.layout == Layout::lvos);
    CHECK(catalog.split == "valid");
    const auto& video = catalog.videos.at(0);
    CHECK(video.frames.size() == 11);
    CHECK(video.objects.at(0).frames.size() == 11);
    CHECK(video.objects.at(1).frames == std::vector<std::int64_t>{5, 6, 7});
    CHECK(!video.frames[5].labels.empty());
    CHECK(video.frames[6].labels.empty());
  }

  TEST_CASE("YouTube-VIS and OVIS: wherever their files put the list and the images") {
    const auto check = [](const std::string& json, const std::string& images) {
      CAPTURE(json);
      const test::Folder root;
      put(root.path(), json, video_json);
      put_frames(root.path(), images + "/a", ".jpg", 2);
      const auto catalog = opened(root.path());
      CHECK(catalog.layout == Layout::ytvis);
      CHECK(catalog.split == "train");
      const auto& video = catalog.videos.at(0);
      CHECK(video.name == "a");
      CHECK(video.height == 4);
      CHECK(video.frames.at(1).image == root.path() / images / "a/00001.jpg");
      CHECK(video.frames[1].stem == "00001");
      CHECK(catalog.categories.at(0).name == "cat");  // by rising number
      REQUIRE(video.objects.size() == 1);
      CHECK(video.objects[0].category == 1);
      CHECK(video.objects[0].frames == std::vector<std::int64_t>{1});
      CHECK(!video.objects[0].masks.at(0).present());
      CHECK(area(rle_from(video.objects[0].masks.at(1), 4, 6, "test")) == 24);
      CHECK(catalog.findings.empty());
    };
    check("train.json", "train/JPEGImages");
    check("train/train.json", "train/JPEGImages");
    check("train/instances.json", "train/JPEGImages");
    check("annotations/train.json", "train");
    check("annotations_train.json", "train");
    check("annotations/instances_train.json", "JPEGImages");
  }

  TEST_CASE("an image that the JSON lists and nobody has is a finding; all of them missing is an Error") {
    const test::Folder root;
    put(root.path(), "train.json", video_json);
    CHECK(says(refusal_of(root.path()), "the images that the file lists, as 'a/00000.jpg', are not there"));
    put(root.path(), "train/JPEGImages/a/00001.jpg");
    CHECK(codes_of(opened(root.path()).findings) == Names{"missing-image train.json, video 7"});
  }

  TEST_CASE("COCO: an image is a video of one frame; other tasks' files are passed over") {
    const test::Folder root;
    const std::string json = R"({"info": {"images": "no"}, "images": [
        {"id": 5, "file_name": "x.jpg", "height": 10, "width": 20}, {"id": 6, "file_name": "y.jpg", "height": 10, "width": 20}],
      "categories": [{"id": 1, "name": "person"}], "annotations": [
        {"id": 1, "image_id": 6, "category_id": 1, "iscrowd": 0, "segmentation": [[1, 1, 5, 1, 5, 5]], "area": 8}]})";
    put(root.path(), "annotations/instances_train2017.json", json);
    put(root.path(), "annotations/person_keypoints_train2017.json", json);
    for (const auto* folder : {"train2017", "images/train2017"}) {
      std::filesystem::remove_all(root / "train2017");
      put(root.path(), std::string{folder} + "/x.jpg");
      put(root.path(), std::string{folder} + "/y.jpg");
      const auto catalog = opened(root.path(), {.split = "train"});
      CHECK(catalog.layout == Layout::coco);
      CHECK(names_of(catalog) == Names{"x", "y"});
      CHECK(catalog.videos[0].objects.empty());
      CHECK(catalog.videos[1].objects.at(0).masks.at(0).form == MaskText::Form::polygons);
    }
  }

  TEST_CASE("COCO: images of one name in two folders are two") {
    const test::Folder root;
    put(root.path(), "train/a/x.png");
    put(root.path(), "train/b/x.png");
    const auto list = [&](const std::string& second, const std::string& name = "") {
      put(root.path(), "annotations/instances_train.json",
          R"({"images": [{"id": 5, "file_name": "a/x.png", "height": 1, "width": 2}, {"id": 6, "file_name": ")" +
              second + R"(", "height": 1, "width": 2)" + name + "}]}");
    };
    list("b/x.png");
    CHECK(names_of(opened(root.path())) == Names{"a/x", "b/x"});
    list("./b/x.png");
    CHECK(names_of(opened(root.path())) == Names{"a/x", "b/x"});
    for (const auto& [second, name] : {std::pair{"a/x.jpg", ""}, std::pair{"b/x.png", R"(, "name": "a/x")"}}) {
      list(second, name);
      CHECK(says(refusal_of(root.path()), "videos 5 and 6 are both called 'a/x'"));
    }
  }

  TEST_CASE("YOLO: outlines as fractions, names from data.yaml") {
    const test::Folder root;
    put(root.path(), "images/train/x.jpg");
    put(root.path(), "images/train/y.jpg");
    put(root.path(), "labels/train/x.txt", "1 0 0 0.5 0 0.5 0.5 0 0.5\n\n0 0 0 1 0 1 1\n");
    put(root.path(), "data.yaml", "path: .\nnames:\n  0: cat  # small\n  1: \"big dog\"\nnc: 2\n");
    const auto catalog = opened(root.path());
    CHECK(catalog.layout == Layout::yolo);
    CHECK(catalog.split == "train");
    REQUIRE(catalog.categories.size() == 2);
    CHECK(catalog.categories[1].name == "big dog");
    REQUIRE(catalog.videos.size() == 2);
    const auto& objects = catalog.videos[0].objects;
    REQUIRE(objects.size() == 2);
    CHECK(objects[0].category == 1);
    CHECK(area(rle_from(objects[0].masks.at(0), 40, 80, "test")) == 20 * 40);
    CHECK(catalog.videos[1].objects.empty());
    CHECK(catalog.findings.empty());
  }

  TEST_CASE("YOLO: a folder for each split, as Roboflow packs, with the names in the root") {
    const test::Folder root;
    for (const std::string split : {"train", "valid", "test"}) {
      put(root.path(), split + "/images/" + split + ".jpg");
      put(root.path(), split + "/labels/" + split + ".txt", "1 0 0 1 0 1 1\n");
    }
    put(root.path(), "data.yaml", "train: ../train/images\nnc: 2\nnames: ['cat', 'dog']\n");
    for (const auto& [wanted, split] : {std::pair{"", "train"}, std::pair{"val", "valid"}, std::pair{"test", "test"}}) {
      const auto catalog = opened(root.path(), {.split = wanted});
      CHECK(catalog.layout == Layout::yolo);
      CHECK(catalog.split == split);
      CHECK(names_of(catalog) == Names{split});
      CHECK(catalog.categories.at(1).name == "dog");
      CHECK(catalog.videos[0].objects.at(0).category == 1);
      CHECK(catalog.findings.empty());
    }
  }

  TEST_CASE("the names of YOLO's classes come in three forms") {
    const auto names = [](const std::string& yaml) {
      std::string all;
      for (const auto& [number, name] : detail::yolo_names(yaml, "data.yaml"))
        all += std::to_string(number) + "=" + name + " ";
      return all;
    };
    CHECK(names("names: [a, 'b c', \"d\"]\n") == "0=a 1=b c 2=d ");
    CHECK(names("nc: 2\nnames: [a,\n  b]\n") == "0=a 1=b ");
    CHECK(names("names:\n- a\n- b\ntrain: images\n") == "0=a 1=b ");
    CHECK(names("names:\n  3: a\n  7: b\n") == "3=a 7=b ");
    CHECK(names("names: {0: a, 1: b}") == "0=a 1=b ");
    CHECK(names("train: images\n") == "");
    CHECK(names("names: {100000: a}") == "100000=a ");
    for (const auto* number : {"100001", "9223372036854775807", "-1"})
      for (const auto* form : {"names:\n  ", "names: {"}) {
        CAPTURE(number);
        CHECK_THROWS_AS(names(form + std::string{number} + ": a"), Error);
      }
  }

  TEST_CASE("lines of YOLO that cannot be read are findings with their number") {
    const test::Folder root;
    put(root.path(), "images/x.jpg");
    put(root.path(), "labels/x.txt", "0 0.5 0.5 1 1\nx 0 0 1 0 1 1\n0 0 0 1 0 1\n0 0 0 1 0 1 nan\n9 0 0 1 0 1 1\n");
    put(root.path(), "labels/gone.txt", "");
    put(root.path(), "data.yaml", "names: [a]");
    CHECK(codes_of(opened(root.path()).findings) ==
          Names{"mask-without-frame labels/gone.txt", "bad-label-line labels/x.txt:1", "bad-label-line labels/x.txt:2",
                "bad-label-line labels/x.txt:3", "bad-label-line labels/x.txt:4", "unknown-category labels/x.txt:5"});
  }

  TEST_CASE("a folder of one's own: many videos or one, with or without lists or splits") {
    const test::Folder root;
    for (const auto* video : {"v10", "v9"}) {
      put_frames(root.path(), std::string{"many/frames/"} + video, ".png", 3);
      put_frames(root.path(), std::string{"many/gt/"} + video, ".png", 1);
    }
    CHECK(names_of(opened(root / "many")) == Names{"v9", "v10"});  // as people count
    put(root.path(), "many/train.txt", "# mine\n\n v10 \n");
    const auto listed = opened(root / "many");
    CHECK(listed.layout == Layout::folder);
    CHECK(names_of(listed) == Names{"v10"});
    CHECK(codes_of(listed.findings) == Names{"unlisted-video frames/v9"});

    put_frames(root.path(), "one/images", ".jpg", 12);
    put_frames(root.path(), "one/masks", ".png", 1);
    const auto single = opened(root / "one");
    CHECK(names_of(single) == Names{"one"});
    CHECK(single.videos[0].frames.size() == 12);
    CHECK(single.videos[0].frames[10].stem == "00010");
    CHECK(!single.void_255);

    put_frames(root.path(), "split/train/images/a", ".jpg", 2);
    put_frames(root.path(), "split/train/masks/a", ".png", 1);
    put_frames(root.path(), "split/val/images/b", ".jpg", 2);
    put_frames(root.path(), "split/val/masks/b", ".png", 1);
    CHECK(names_of(opened(root / "split")) == Names{"a"});
    CHECK(names_of(opened(root / "split", {.split = "val"})) == Names{"b"});
  }

  TEST_CASE("pictures with a mask each are told from a video by their sizes and names") {
    const test::Folder root;
    const auto picture = [&](const std::string& folder, const std::string& stem, int height) {
      put(root.path(), folder + "/images/" + stem + ".png", test::png_head(height, 40));
      put(root.path(), folder + "/masks/" + stem + ".png");
    };
    for (int i = 0; i < 4; ++i) {
      picture("sizes", "000" + std::to_string(i), 30 + i);
      picture("clip", "frame_000" + std::to_string(i), 30);
      picture("doubt", std::string(1, static_cast<char>('a' + i)), 30);
    }
    CHECK(opened(root / "sizes").layout == Layout::pairs);
    CHECK(opened(root / "sizes").videos.size() == 4);
    CHECK(opened(root / "clip").layout == Layout::folder);
    CHECK(says(refusal_of(root / "doubt"), "say which it is: --layout pairs or --layout folder"));
    CHECK(opened(root / "doubt", {.layout = "pairs"}).videos.size() == 4);
    CHECK(opened(root / "doubt", {.layout = "folder"}).videos.size() == 1);

    for (const auto* stem : {"x", "y", "z"}) {
      put(root.path(), std::string{"beside/"} + stem + ".jpg");
      put(root.path(), std::string{"beside/"} + stem + ".png");
    }
    const auto beside = opened(root / "beside");
    CHECK(beside.layout == Layout::pairs);
    CHECK(beside.videos.at(1).frames.at(0).labels == root / "beside/y.png");

    put(root.path(), "Static/JPEGImages/ECSSD/1.png", test::png_head(3, 4));
    put(root.path(), "Static/JPEGImages/ECSSD/2.png", test::png_head(4, 3));
    put(root.path(), "Static/Annotations/ECSSD/1.png");
    put(root.path(), "Static/Annotations/ECSSD/2.png");
    CHECK(names_of(opened(root / "Static")) == Names{"ECSSD/1", "ECSSD/2"});
  }

  TEST_CASE("255 is void in pictures' masks with a palette, and the object in grey ones") {
    const test::Folder root;
    const auto head = [](char colour) { return test::png_head(3, 4) + std::string{'\x08', colour}; };
    for (const char colour : {'\0', '\3'}) {
      put(root.path(), "images/x.jpg");
      put(root.path(), "images/y.jpg");
      put(root.path(), "masks/y.png", head(colour));
      CHECK(opened(root.path(), {.layout = "pairs"}).void_255 == (colour == 3));
    }
    put(root.path(), "masks/y.png");
    CHECK(!opened(root.path(), {.layout = "pairs"}).void_255);
  }

  TEST_CASE("two masks of one frame are a finding, and the PNG is taken") {
    const test::Folder root;
    put_frames(root.path(), "images/a", ".jpg", 2);
    put_frames(root.path(), "masks/a", ".png", 2);
    put(root.path(), "masks/a/00000.tif");
    put(root.path(), "masks/a/00001.bmp");
    const auto catalog = opened(root.path(), {.layout = "folder"});
    CHECK(codes_of(catalog.findings) == Names{"same-stem masks/a/00000.tif", "same-stem masks/a/00001.png"});
    for (const auto& frame : catalog.videos.at(0).frames) CHECK(frame.labels.extension() == ".png");
  }

  TEST_CASE("where none of the listed videos is there, opening is an Error, and the findings still tell which") {
    const test::Folder root;
    put_davis(root.path());
    put(root.path(), "ImageSets/2017/train.txt", "owl\nfox\n");
    CHECK(says(refusal_of(root.path()), "the dataset has no videos, or none of those listed is there"));
    const CatalogSpec spec{.root = root.path()};
    const auto catalog = detail::read_recognised(detail::recognise_one(spec), spec);
    CHECK(catalog.videos.empty());
    REQUIRE(catalog.findings.size() > 1);
    CHECK(catalog.findings[0].what.find("'owl'") == 0);
    CHECK(catalog.findings[1].code == "missing-video");
  }

  TEST_CASE("what is no dataset is told what each layout would have needed, and what was found") {
    const test::Folder root;
    put_frames(root.path(), "osvos/dog", ".png", 2);
    const auto message = refusal_of(root.path());
    CHECK(says(message, "found 1 folder (osvos) and 0 files"));
    CHECK(says(message, "masks without their frames"));
    for (const auto& layout : layout_names()) CHECK(says(message, "\n    " + layout + ": "));
    CHECK(says(refusal_of(root.path(), {.layout = "davsi"}), "did you mean 'davis'?"));
    CHECK(says(refusal_of(root / "none"), "there is no such folder"));
    CHECK(says(refusal_of(root / "osvos/dog/00000.png"), "the dataset's root is no folder"));
  }

  TEST_CASE("two telling layouts in one folder are not guessed between") {
    const test::Folder root;
    put(root.path(), "images/train/x.jpg");
    put(root.path(), "labels/train/x.txt", "0 0 0 1 0 1 1\n");
    put(root.path(), "annotations/train.json",
        R"({"images": [{"id": 1, "file_name": "x.jpg", "height": 1, "width": 1}]})");
    CHECK(says(refusal_of(root.path()), "--layout coco or --layout yolo"));
    CHECK(opened(root.path(), {.layout = "yolo"}).layout == Layout::yolo);
    CHECK(opened(root.path(), {.layout = "coco"}).layout == Layout::coco);
  }

  TEST_CASE("names in lists lead nowhere but into the dataset") {
    const test::Folder root;
    put_davis(root.path());
    for (const std::string& name :
         Names{"../secret", "a/../../b", "/etc/../../x/y", std::string{"a\0b", 3}, std::string(5000, 'a')}) {
      CAPTURE(name);
      put(root.path(), "ImageSets/2017/train.txt", "bear\n" + name + "\n");
      CHECK(refusal_of(root.path()) != "not refused");
      CHECK(says(refusal_of(root.path()), "2017/train.txt"));
    }
    const test::Folder videos;
    put(videos.path(), "train/JPEGImages/a/0.jpg");
    for (const std::string& name : Names{"../a", "/a", ""}) {
      CAPTURE(name);
      put(videos.path(), "train/meta.json", R"({"videos": {")" + name + R"(": {"objects": {}}}})");
      CHECK(says(refusal_of(videos.path()), "names in lists are those of files and folders below"));
    }
    const test::Folder json;
    put(json.path(), "train/JPEGImages/a/00001.jpg");
    std::string text = video_json;
    text.replace(text.find("a/00000.jpg"), 11, "../../x.jpg");
    put(json.path(), "train.json", text);
    CHECK(says(refusal_of(json.path()), "a name that leads out of the dataset: '../../x.jpg'"));
  }

  TEST_CASE("the names of videos, which outputs are called by, lead nowhere else either") {
    const test::Folder root;
    put(root.path(), "train/JPEGImages/a/00001.jpg");
    const auto refused = [&](const std::string& name) {
      std::string text = video_json;
      put(root.path(), "train.json", text.replace(text.find("\"id\": 7,"), 8, R"("id": 7, "name": ")" + name + "\","));
      return refusal_of(root.path());
    };
    CHECK(refused("b/c") == "not refused");
    CHECK(says(refused("../../evil"), "a name that leads out of the dataset: '../../evil'"));
    CHECK(says(refused("/tmp/evil"), "begins at the root of the file system"));
    for (const auto* name : {".", "./a", "a/.", "a/", "a//b"}) {
      CAPTURE(name);
      CHECK(says(refused(name), "a video cannot be called '" + std::string{name} + "'"));
    }
  }

  TEST_CASE("absurd lists are refused before they cost memory") {
    const test::Folder root;
    put_davis(root.path());
    put(root.path(), "ImageSets/2017/train.txt", std::string(10'000'000, 'x'));
    CHECK(says(refusal_of(root.path()), "line 1 has 10000000 letters"));
    put(root.path(), "ImageSets/2017/train.txt");
    std::filesystem::resize_file(root / "ImageSets/2017/train.txt", std::uintmax_t{1} << 40);  // takes no room on disk
    CHECK(says(refusal_of(root.path()), "bytes, at most 67108864 are expected"));
    put(root.path(), "ImageSets/2017/train.txt", "\n \n# nothing\n");
    CHECK(says(refusal_of(root.path()), "the list is empty"));
    put(root.path(), "ImageSets/2017/train.txt", "/00000.jpg\n");
    CHECK(says(refusal_of(root.path()), "a line is neither a video's name nor the path of a frame: '/00000.jpg'"));
  }

  TEST_CASE("a damaged meta.json says where") {
    const test::Folder root;
    put(root.path(), "train/JPEGImages/a/00000.jpg");
    const auto refused = [&](const std::string& text) {
      put(root.path(), "train/meta.json", text);
      return refusal_of(root.path());
    };
    CHECK(says(refused("{\"videos\": {"), "is damaged JSON"));
    CHECK(says(refused("[]"), "has no object 'videos'"));
    CHECK(says(refused("{}"), "has no object 'videos'"));
    CHECK(says(refused(R"({"videos": {}})"), "the list has no videos"));
    CHECK(says(refused(R"({"videos": {"a": 3}})"), "videos.'a'"));
    CHECK(says(refused(R"({"videos": {"a": {"objects": [1]}}})"), "videos.'a'.objects"));
    CHECK(says(refused(R"({"videos": {"a": {"objects": {"x": {}}}}})"), "is not the number of an object"));
    CHECK(says(refused(R"({"videos": {"a": {"objects": {"70000": {}}}}})"), "is not the number of an object"));
    CHECK(says(refused(R"({"videos": {"a": {"objects": {"1": {"frames": "0"}}}}})"), "is not a list of names"));
    CHECK(says(refused(R"({"videos": {"a": {"objects": {"1": {"frames": [{}]}}}}})"), "is not a text"));
    CHECK(says(refused(R"({"videos": {"a": {"length": -1}}})"), "is not a count"));
    CHECK(says(refused(std::string(100'000, '[')), "JSON"));
  }

  TEST_CASE("the kind of a JSON file shows without parsing it") {
    const auto kind = [](const std::string& text) {
      detail::JsonKindFinder finder;
      for (const char c : text)
        if (!finder.take(c)) break;
      return finder.kind();
    };
    using detail::JsonKind;
    CHECK(kind(R"({"info": {"videos": []}, "videos": []})") == JsonKind::videos);
    CHECK(kind(R"({"annotations": [{"images": [1]}], "images": [)") == JsonKind::images);
    CHECK(kind(R"( {"videos" : {"a": 1}})") == JsonKind::meta);
    CHECK(kind("\xEF\xBB\xBF{\"videos\": [") == JsonKind::videos);
    CHECK(kind(R"({"x": "\"videos\": [", "y": "images"})") == JsonKind::other);
    CHECK(kind(R"([{"videos": []}])") == JsonKind::other);
    CHECK(kind("videos: [") == JsonKind::other);
    CHECK(kind(std::string(1000, '}')) == JsonKind::other);
  }

  TEST_CASE("real folders are taken for what they are") {
    const auto data = test::real_data();
    if (!std::filesystem::exists(data / "davis_dev")) return test::skip("no real data");
    const auto davis = opened(data / "davis_dev");
    CHECK(davis.taken_for == "DAVIS 2016, split val, 480p (there is JPEGImages/480p)");
    CHECK(davis.videos.size() == 3);
    CHECK(davis.findings.empty());
    const auto coco = opened(data / "coco128-seg");
    CHECK(coco.layout == Layout::yolo);
    CHECK(coco.videos.size() == 128);
    CHECK(opened(data / "cutie_examples").layout == Layout::folder);
    CHECK(names_of(opened(data / "panoptic_demo")) == Names{"panoptic_demo"});
    CHECK(says(refusal_of(data / "davis_eval"), "masks without their frames"));
  }
}
