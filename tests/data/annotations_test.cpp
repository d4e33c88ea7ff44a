#include <vos/data/annotations.hpp>

#include <string>
#include <utility>
#include <vector>

#include <vos/io/files.hpp>
#include <vos/metric/video_ap.hpp>

#include "../test.hpp"

namespace {

const std::string videos = R"("videos":[{"id":7,"height":3,"width":4,"length":2,"file_names":["a/0.jpg","a/1.jpg"]}])";
const std::string categories = R"("categories":[{"id":2,"name":"cat"},{"id":5,"name":"dog"}])";

std::string file_of(const std::string& records) {
  return "{" + videos + "," + categories + ",\"annotations\":[" + records + "]}";
}

std::string record(const std::string& masks, const std::string& more = "") {
  return R"({"id":1,"video_id":7,"category_id":2,"iscrowd":0,"segmentations":)" + masks + more + "}";
}

/// What and where of the Error, or what was read of the mask of frame 0.
std::string refusal(const std::string& text) {
  try {
    const auto all = vos::annotations_from(text, "a.json");
    vos::rle_from(all.tracks.at(0).masks.at(0), 3, 4, "a mask");
    return "accepted";
  } catch (const vos::Error& e) {
    return e.parts().what + " | " + e.parts().where;
  }
}

std::string result_refusal(const std::string& text) {
  const auto truth = vos::annotations_from(file_of(""), "gt.json");
  try {
    static_cast<void>(vos::results_from(text, "r.json", truth.videos));
    return "accepted";
  } catch (const vos::Error& e) {
    return e.parts().what + " | " + e.parts().where;
  }
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("a YouTube-VIS file is read, each form of mask in it") {
    const auto text = file_of(
        record(R"([{"size":[3,4],"counts":"<"},null])", R"(,"areas":[null,2.5],"bboxes":[null,[1,2,3,4]],"height":3)") +
        R"(,{"iscrowd":true,"segmentations":[{"counts":[0, 12],"size":[3,4]}, [[0,0,4,0,4,3,0,3]]],"category_id":5,"id":9,"video_id":7})");
    const auto all = vos::annotations_from(text, "a.json");
    REQUIRE(all.videos.size() == 1);
    CHECK(all.videos[0].name == "a");
    CHECK(all.videos[0].files == std::vector<std::string>{"a/0.jpg", "a/1.jpg"});
    CHECK(all.categories.at(1).name == "dog");
    REQUIRE(all.tracks.size() == 2);
    CHECK(all.tracks[0].video == 0);
    CHECK(all.tracks[0].category == 2);
    CHECK(!all.tracks[0].crowd);
    CHECK(all.tracks[0].areas == std::vector<double>{0, 2.5});
    CHECK(!all.tracks[0].masks[1].present());
    CHECK(vos::area(vos::rle_from(all.tracks[0].masks[0], 3, 4, "")) == 0);
    CHECK(all.tracks[1].crowd);
    CHECK(all.tracks[1].areas.empty());
    CHECK(vos::area(vos::rle_from(all.tracks[1].masks[0], 3, 4, "")) == 12);
    CHECK(vos::area(vos::rle_from(all.tracks[1].masks[1], 3, 4, "")) == 12);
  }

  TEST_CASE("objects may be listed before their videos") {
    const auto text = "{\"annotations\":[" + record("[null,null]") + "]," + categories + "," + videos + "}";
    CHECK(vos::annotations_from(text, "a.json").tracks.at(0).video == 0);
  }

  TEST_CASE("an object without masks takes no memory for the frames of its video") {
    const auto text =
        R"({"videos":[{"id":7,"height":3,"width":4,"length":1000000}],)" + categories +
        R"(,"annotations":[{"id":1,"video_id":7,"category_id":2},{"id":2,"video_id":7,"category_id":2}]})";
    const auto all = vos::annotations_from(text, "a.json");
    CHECK(all.tracks.at(0).masks.empty());
    CHECK(!all.tracks.at(1).mask_at(999'999).present());
    const auto summary = vos::VideoAp{all, {}, {}}.summary();
    CHECK(summary.ar1 == 0);
  }

  TEST_CASE("a file without objects is a list of videos, as for the held-back sets of a benchmark") {
    CHECK(vos::annotations_from("{" + videos + "," + categories + "}", "a.json").videos.size() == 1);
    CHECK(vos::annotations_from("{" + videos + "," + categories + ",\"annotations\":null}", "a.json").tracks.empty());
  }

  TEST_CASE("a COCO file is read as videos of one frame") {
    const auto all = vos::annotations_from(
        R"({"info":{"year":2017},"images":[{"id":3,"height":3,"width":4,"file_name":"train/000003.jpg"}],)" +
            categories +
            R"(,"annotations":[{"id":1,"image_id":3,"category_id":2,"iscrowd":0,"area":6.5,"bbox":[0,0,1,1],)"
            R"("segmentation":[[0,0,4,0,4,3,0,3]]},{"id":2,"image_id":3,"category_id":2,"iscrowd":1,)"
            R"("segmentation":{"counts":[0,12],"size":[3,4]}}]})",
        "a.json");
    CHECK(all.videos.at(0).length == 1);
    CHECK(all.videos[0].name == "train/000003");
    CHECK(all.videos[0].files == std::vector<std::string>{"train/000003.jpg"});
    CHECK(all.tracks.at(0).areas == std::vector<double>{6.5});
    CHECK(vos::area(vos::rle_from(all.tracks[0].masks.at(0), 3, 4, "")) == 12);
    CHECK(all.tracks.at(1).crowd);
  }

  TEST_CASE("results are read against the videos of a ground truth") {
    const auto truth = vos::annotations_from(file_of(""), "gt.json");
    const auto results = vos::results_from(
        R"([{"video_id":7,"category_id":2,"score":0.123456789,"segmentations":[null,{"size":[3,4],"counts":"0<"}]}])",
        "r.json", truth.videos);
    CHECK(results.tracks.at(0).id == 1);
    CHECK(results.tracks[0].score == 0.123456789);
    CHECK(vos::area(vos::rle_from(results.tracks[0].masks.at(1), 3, 4, "")) == 12);
  }

  TEST_CASE(
      "a backslash in COCO's text is unescaped in either spelling") {  // the text of rows 100-199, columns 300-499
    const std::string plain = "Tg\\4T3l;" + std::string(397, '0') + "ljU5";
    const auto expected = vos::rle_from_string(480, 854, plain);
    for (const std::string escape : {"\\\\", "\\u005c", "\\u005C"}) {
      const auto text = "Tg" + escape + plain.substr(3);
      const vos::MaskText mask{.form = vos::MaskText::Form::text, .height = 480, .width = 854, .json = text};
      CHECK(vos::rle_from(mask, 480, 854, "mask") == expected);
    }
    for (const std::string escape : {"\\", "\\n", "\\u00", "\\uD83D"}) {
      const auto text = "Tg" + escape;
      const vos::MaskText mask{.form = vos::MaskText::Form::text, .height = 480, .width = 854, .json = text};
      CHECK_THROWS_AS(vos::rle_from(mask, 480, 854, "mask"), vos::Error);
    }
  }

  TEST_CASE("every structural fault is an Error that names the file, the record and the key") {
    const std::vector<std::pair<std::string, std::string>> faults{
        {"", "is damaged JSON"},
        {"[1,2", "is not a JSON object | a.json"},
        {"{}", "lists neither 'videos' nor 'images' | a.json"},
        {"[]", "is not a JSON object | a.json"},
        {"{\"videos\":3}", "is not a list of records | a.json, videos"},
        {"{\"videos\":[3]}", "is not a record | a.json, videos[0]"},
        {"{\"videos\":[{}]}", "lacks 'id' | a.json, videos[0]"},
        {R"({"videos":[{"id":"7"}]})", "is not an integer | a.json, videos[0].id"},
        {R"({"videos":[{"id":7,"width":4,"length":1}]})", "lacks 'height' | a.json, videos[0]"},
        {R"({"videos":[{"id":7,"height":0,"width":4,"length":1}]})",
         "a mask of height 0 and width 4 | a.json, videos[0]"},
        {R"({"videos":[{"id":7,"height":1000000000,"width":1000000000,"length":1}]})", "a mask of height 1000000000"},
        {R"({"videos":[{"id":7,"height":3,"width":4,"file_names":[]}]})", "has no frames | a.json, videos[0]"},
        {R"({"videos":[{"id":7,"height":3,"width":4,"length":3,"file_names":["a"]}]})",
         "has a 'length' of 3 and 1 'file_names' | a.json, videos[0]"},
        {"{" + videos + ",\"images\":[]," + categories + "}", "lists both 'videos' and 'images'"},
        {"{" + videos + "," + videos + "}", "has the id 7 of a former video | a.json, videos[1]"},
        {file_of("{}"), "lacks 'id' | a.json, annotations[0]"},
        {file_of(record("[null,null]") + "," + record("[null,null]")),
         "has the id 1 of a former annotation | a.json, annotations[1]"},
        {R"({"videos":[{"id":7,"height":3,"width":4,"length":1000000000}]})",
         "has a 'length' of 1000000000 and no 'file_names' | a.json, videos[0]"},
        {file_of(record("[]")), "has 0 'segmentations' | a.json, annotations[0]"},
        {file_of(record("[null]")), "has 1 'segmentations', its video 7 has 2 frames | a.json, annotations[0]"},
        {file_of(record("[null,null]", ",\"areas\":[1]")), "has 1 'areas'"},
        {file_of(record("[null,null]", ",\"areas\":[1,\"b\"]")), "is not a number | a.json, annotations[0].areas[1]"},
        {file_of(record("[3,null]")),
         "is not a mask: null, an RLE or polygons | a.json, annotations[0].segmentations[0]"},
        {file_of(record("[{},null]")), "lacks 'size' | a.json, annotations[0].segmentations[0]"},
        {file_of(record(R"([null,{"size":[3,4]}])")), "lacks 'counts' | a.json, annotations[0].segmentations[1]"},
        {file_of(record(R"([{"size":[3],"counts":"<"},null])")), "is not a mask whose 'size' is [height, width]"},
        {file_of(record(R"([{"size":[3,4,5],"counts":"<"},null])")), "is not a mask whose 'size' is [height, width]"},
        {file_of(record(R"([{"size":[100000,100000],"counts":"<"},null])")),
         "a mask of height 100000 and width 100000 | a.json, annotations[0].segmentations[0]"},
        {file_of(record(R"([{"size":[3,4],"counts":7},null])")), "is not a mask whose 'counts' are a text or a list"},
        {file_of(record(R"([{"size":[3,4],"counts":[1.5,10.5]},null])")), "expected ']' in '.5,10.5]' | a mask"},
        {file_of(record(R"([{"size":[3,4],"counts":[-1,13]},null])")), "expected a run length in '-1,13]' | a mask"},
        {file_of(record(R"([{"size":[3,4],"counts":["a"]},null])")), "expected a run length in '\"a\"]' | a mask"},
        {file_of(record(R"([{"size":[3,4],"counts":[1,12]},null])")),
         "the runs cover 13 pixels, the mask has 12 | a mask"},
        {file_of(record(R"([{"size":[3,5],"counts":"?"},null])")), "a mask of 5x3 in a video of 4x3 | a mask"},
        {file_of(record("[[[1,2,3,\"x\"]],null]")), "expected a coordinate in '\"x\"]]' | a mask"},
        {file_of(record("[[1,2,3,4,5,6],null]")), "expected '[' in '1,2,3,4,5,6]' | a mask"},
        {file_of(record("[[[1,2]],null]")), "a polygon of 2 numbers | a mask"},
        {file_of(R"({"id":0,"video_id":7,"category_id":2,"segmentations":[null,null]})"),
         "has the id 0 | a.json, annotations[0]"},
        {file_of(R"({"id":1,"video_id":8,"category_id":2,"segmentations":[null,null]})"),
         "names the video 8, which is not listed | a.json, annotations[0]"},
        {file_of(R"({"id":1,"video_id":7,"category_id":3,"segmentations":[null,null]})"),
         "names the category 3, which is not listed | a.json, annotations[0]"},
        {file_of(R"({"id":1,"video_id":7,"category_id":2,"iscrowd":2,"segmentations":[null,null]})"),
         "is not 0 or 1 | a.json, annotations[0].iscrowd"},
        {file_of(R"({"id":99999999999999999999,"video_id":7})"), "| a.json, annotations[0].id"},
        {file_of(record("[null,null]")) + "x", "is damaged JSON"},
        {file_of(record("[null,null]")) + "{}", "goes on after its end | a.json"},
        {file_of(record("[null,nul]")), "is not a mask: null, an RLE or polygons"},
        {file_of(record("[null,null")), "is damaged JSON"},
        {std::string{"{\"videos\":[{\"id\":7,\"name\":\"\xFF\"}]}"}, "is damaged JSON"},
    };
    for (const auto& [text, expected] : faults) {
      CAPTURE(text);
      const auto found = refusal(text);
      CAPTURE(found);
      CHECK(found.find(expected) != std::string::npos);
    }
    CHECK(refusal(file_of(record(R"([{"size":[3,4],"counts":"<"},null])"))) == "accepted");
  }

  TEST_CASE("faults of results are named likewise") {
    CHECK(result_refusal("[]") == "holds no result | r.json");
    CHECK(result_refusal("{}").find("is not a list of records") == 0);
    CHECK(result_refusal(R"([{"video_id":8,"category_id":2,"score":1,"segmentations":[null,null]}])") ==
          "names the video 8, which is not listed | r.json, [0]");
    CHECK(result_refusal(R"([{"video_id":7,"category_id":2,"segmentations":[null,null]}])") ==
          "lacks 'score' | r.json, [0]");
    CHECK(result_refusal(R"([{"video_id":7,"category_id":2,"score":1}])") == "lacks 'segmentations' | r.json, [0]");
    CHECK(result_refusal(R"([{"video_id":7,"category_id":2,"score":1,"segmentations":[]}])") ==
          "has 0 'segmentations' | r.json, [0]");
    CHECK(result_refusal(R"([{"video_id":7,"category_id":2,"score":1,"segmentations":[null]}])")
              .find("has 1 'segmentations'") == 0);
    CHECK(result_refusal(R"([{"video_id":7,"category_id":2,"score":1e999,"segmentations":[null,null]}])")
              .find("r.json, [0].score") != std::string::npos);
    CHECK(result_refusal(R"([{"video_id":7,"category_id":2,"score":1,"segmentations":[null,null]}])") == "accepted");
  }

  TEST_CASE("a file is read as its text is, and one that is not there is an Error") {
    const vos::test::Folder folder;
    const auto text = file_of(record("[null,null]"));
    vos::write_file(folder / "a.json", text);
    const auto all = vos::read_annotations(folder / "a.json");
    CHECK(all.tracks.size() == 1);
    CHECK_THROWS_AS(vos::read_annotations(folder / "b.json"), vos::Error);
    CHECK_THROWS_AS(vos::read_annotations(folder.path()), vos::Error);
    CHECK_THROWS_AS(vos::read_results(folder / "a.json", all.videos), vos::Error);
  }

  TEST_CASE("two files are scored in three lines") {
    const vos::test::Folder folder;
    const auto write = [&](const char* name, const std::string& text) {
      vos::write_file(folder / name, text);
      return folder / name;
    };
    const auto instances = write("instances.json", file_of(record(R"([{"size":[3,4],"counts":"0<"},null])")));
    const auto found =
        write("results.json",
              R"([{"video_id":7,"category_id":2,"score":0.9,"segmentations":[{"size":[3,4],"counts":"0<"},null]}])");
    using namespace vos;
    // [video-ap]
    const auto truth = read_annotations(instances);
    const auto results = read_results(found, truth.videos);
    const auto summary = VideoAp{truth, results.tracks, {.threads = 4}}.summary();
    // [video-ap]
    CHECK(summary.ar1 == 1);
  }
}
