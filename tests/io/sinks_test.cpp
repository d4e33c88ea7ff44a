#include <vos/io/sinks.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/io/open.hpp>
#include <vos/wire/rle.hpp>

#include "../test.hpp"
#include "clips.hpp"

namespace {

using vos::test::clip_frame;
using vos::test::clip_result;
using vos::test::Folder;

void write_clip(vos::ResultSink& sink, std::int64_t frames, std::int64_t begin = 0) {
  for (auto i = begin; i < begin + frames; ++i)
    sink.write(clip_frame(i), clip_result(i), vos::detail::numbered_stem(i));
}

nlohmann::json json_of(const std::filesystem::path& path) { return nlohmann::json::parse(std::ifstream{path}); }

vos::Rle rle_of(const nlohmann::json& mask) {
  return vos::rle_from_string(mask["size"][0], mask["size"][1], mask["counts"].get<std::string>());
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{folder}, {}));
}

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("png writes a label map a frame, at once") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "png", .directory = folder / "deep/er"});
    CHECK(!sink->needs_picture());
    write_clip(*sink, 3);
    for (std::int64_t i = 0; i < 3; ++i)
      CHECK(
          vos::read_labels(folder / "deep/er" / (vos::detail::numbered_stem(i) + ".png")).equal(clip_result(i).labels));
    sink->close();
    CHECK(sink->outputs() == std::vector{folder / "deep/er"});
    CHECK(files_in(folder / "deep/er") == 3);
  }

  TEST_CASE("rle writes video results that say what the label maps said") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "rle", .directory = folder.path(), .video_id = 9});
    for (std::int64_t i = 0; i < 5; ++i) {
      auto result = clip_result(i);
      if (i == 2) result.labels.fill_(0);                             // both hidden
      if (i < 3) result.labels.masked_fill_(result.labels.eq(2), 0);  // 2 comes late
      sink->write({}, result, "x");
    }
    CHECK(sink->outputs().empty());
    sink->close();
    const auto json = json_of(folder / "results.json");
    REQUIRE(json.size() == 2);
    CHECK(json[0]["video_id"] == 9);
    CHECK(json[0]["id"] == 1);
    CHECK(json[0]["category_id"] == 3);
    CHECK(json[0]["score"] == 0.5);
    CHECK(json[1]["category_id"] == 1);
    CHECK(json[1]["score"] == 0.75);
    for (std::size_t k = 0; k < 2; ++k) REQUIRE(json[k]["segmentations"].size() == 5);
    for (std::int64_t i = 0; i < 5; ++i) {
      const auto& first = json[0]["segmentations"][static_cast<std::size_t>(i)];
      const auto& second = json[1]["segmentations"][static_cast<std::size_t>(i)];
      CHECK(first.is_null() == (i == 2));
      CHECK(second.is_null() == (i < 3));
      if (first.is_null()) continue;
      const auto labels = clip_result(i).labels;
      const auto mask = vos::mask_from_rle(rle_of(first));
      for (std::size_t p = 0; p < mask.size(); ++p)
        REQUIRE((mask[p] == 1) == (labels.const_data_ptr<std::int32_t>()[p] == 1));
    }
  }

  TEST_CASE("rle keeps masks that overlap") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "rle", .directory = folder.path()});
    auto result = clip_result(0);
    result.masks = at::zeros({2, 48, 64}, at::kBool);
    result.masks.slice(1, 0, 20).fill_(true);  // both masks: the upper 20 rows
    sink->write({}, result, "x");
    sink->close();
    const auto json = json_of(folder / "results.json");
    for (std::size_t k = 0; k < 2; ++k) CHECK(vos::area(rle_of(json[k]["segmentations"][0])) == 20 * 64);
  }

  TEST_CASE(
      "rle names classes by the data set's numbers, also of what is never seen, and refuses those it does not have") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "rle", .directory = folder.path(), .categories = {10, 20}});
    auto result = clip_result(0);
    result.labels.fill_(0);
    for (auto& object : result.objects) object.category = 1;
    sink->write({}, result, "x");
    result.objects[0].category = 2;
    CHECK_THROWS_WITH_AS(sink->write({}, result, "x"), doctest::Contains("class 2, of a dataset of 2 categories"),
                         vos::Error);
    sink->close();
    const auto json = json_of(folder / "results.json");
    REQUIRE(json.size() == 2);
    for (std::size_t k = 0; k < 2; ++k) CHECK(json[k]["category_id"] == 20);
  }

  TEST_CASE("rle leaves a complete file behind whenever it stops, and an empty one is a list") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "rle", .directory = folder.path()});
    write_clip(*sink, 15);
    CHECK(files_in(folder.path()) == 0);
    for (int round = 0; round < 8; ++round) write_clip(*sink, 15);  // 135 frames: past 64 and 128
    CHECK(json_of(folder / "results.json")[0]["segmentations"].size() == 128);
    sink->close();
    sink->close();
    CHECK(json_of(folder / "results.json")[0]["segmentations"].size() == 135);
    CHECK(files_in(folder.path()) == 1);
    vos::open_sink({.format = "rle", .directory = folder.path()})->close();
    CHECK(json_of(folder / "results.json") == nlohmann::json::array());
    {
      const auto dropped = vos::open_sink({.format = "rle", .directory = folder.path()});
      write_clip(*dropped, 2);
    }
    CHECK(json_of(folder / "results.json")[0]["segmentations"].size() == 2);
  }

  TEST_CASE("mp4 has every frame, even sides, and its index in front") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "mp4", .directory = folder.path(), .source = {.fps = 30}});
    CHECK(sink->needs_picture());
    for (std::int64_t i = 0; i < 12; ++i) sink->write(clip_frame(i, 47, 63), clip_result(i, 47, 63), "x");
    CHECK(sink->outputs().empty());
    CHECK(!std::filesystem::exists(folder / "overlay.mp4"));  // not before it is whole
    sink->close();
    CHECK(sink->outputs() == std::vector{folder / "overlay.mp4"});
    CHECK(files_in(folder.path()) == 1);
    const auto layout = vos::mp4_layout(folder / "overlay.mp4");
    CHECK(!layout.cut_short);
    CHECK(layout.find("moov")->offset < layout.find("mdat")->offset);
    const auto video = vos::open_source({.input = (folder / "overlay.mp4").string()});
    CHECK(video->info().fps == doctest::Approx(30));
    std::int64_t count = 0;
    while (const auto frame = video->next()) {
      CHECK(frame->height() == 48);
      CHECK(frame->width() == 64);
      const auto* pixel = frame->rgb.const_data_ptr<std::uint8_t>() + (20 * 64 + 2 * count + 6) * 3;
      CHECK(pixel[0] > pixel[1] + 20);  // object 1 is red
      ++count;
    }
    CHECK(count == 12);
    std::ifstream in{folder / "overlay.mp4", std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    const bool h264 = bytes.find("avc1") != std::string::npos;
    CHECK((h264 || bytes.find("vp09") != std::string::npos));
  }

  TEST_CASE("pictures of another size are fitted into the first one's") {
    const Folder folder;
    vos::VideoWriter writer{folder / "a.mp4", 25};
    writer.write(at::full({40, 80, 3}, 200, at::kByte));
    writer.write(at::full({60, 60, 3}, 200, at::kByte));
    writer.close();
    writer.close();
    CHECK_THROWS_AS(writer.write(at::full({40, 80, 3}, 200, at::kByte)), vos::Error);
    const auto video = vos::open_source({.input = (folder / "a.mp4").string()});
    video->next();
    const auto frame = *video->next();
    const auto* pixels = frame.rgb.const_data_ptr<std::uint8_t>();
    CHECK(frame.width() == 80);
    CHECK(pixels[(20 * 80 + 5) * 3] < 40);
    CHECK(pixels[(20 * 80 + 40) * 3] > 160);
  }

  TEST_CASE("a video that cannot be written says why") {
    const Folder folder;
    const auto reason = [](auto&& act) {
      try {
        act();
      } catch (const vos::Error& e) {
        return e.parts().what;
      }
      return std::string{"accepted"};
    };
    const auto picture = at::full({8, 8, 3}, 0, at::kByte);
    CHECK(reason([&] { vos::VideoWriter{folder / "no/a.mp4"}.write(picture); }).find("there is no folder") !=
          std::string::npos);
    CHECK(reason([&] { vos::VideoWriter{folder / "a.avi"}; }).find("'.avi'") != std::string::npos);
    CHECK(reason([&] { vos::VideoWriter(folder / "a.mp4", 0); }).find("frames a second") != std::string::npos);
    CHECK(reason([&] {
            vos::VideoWriter(folder / "a.mp4", 25, {.codecs = {"zzzz"}}).write(picture);
          }).find("can encode none of zzzz") != std::string::npos);
    vos::VideoWriter{folder / "unused.mp4"}.close();
    CHECK(files_in(folder.path()) == 0);
  }

  TEST_CASE("VP9 stands in where there is no H.264") {
    const Folder folder;
    vos::VideoWriter writer{folder / "a.mp4", 25, {.codecs = {"zzzz", "vp09"}}};
    for (std::int64_t i = 0; i < 3; ++i) writer.write(vos::test::grey_frame(32, 32, i));
    writer.close();
    CHECK(vos::open_source({.input = (folder / "a.mp4").string()})->next()->height() == 32);
  }

  TEST_CASE("the contact sheet holds few frames or evenly many, in bounded memory") {
    const Folder folder;
    std::int64_t first_height = 0;
    for (const std::int64_t frames : {1, 5, 24, 25, 500}) {
      CAPTURE(frames);
      const auto sink = vos::open_sink({.format = "contact", .directory = folder.path()});
      for (std::int64_t i = 0; i < frames; ++i) sink->write(clip_frame(i), clip_result(i % 20), "x");
      sink->close();
      const auto sheet = vos::read_image(folder / "contact.png");
      if (frames == 1) first_height = sheet.size(0);
      CHECK(sheet.size(0) >= first_height);
      if (frames >= 12) CHECK(sheet.size(0) * sheet.size(1) == (4 * 74 + 10) * (3 * 58 + 10));  // 4 by 3 tiles of 64x48
    }
  }

  TEST_CASE("sheets of odd frames are laid out as well") {
    const Folder folder;
    const auto sink = vos::open_sink({.format = "contact", .directory = folder.path(), .tiles = 3});
    sink->write(clip_frame(0, 1, 1000), clip_result(0, 1, 1000), "x");
    sink->write(clip_frame(1, 900, 2), clip_result(1, 900, 2), "x");
    sink->write(clip_frame(2), clip_result(2), "x");
    sink->close();
    CHECK(vos::read_image(folder / "contact.png").size(0) > 300);
  }

  TEST_CASE("a result of another size than its frame is refused by every sink that draws") {
    const Folder folder;
    for (const auto* format : {"mp4", "contact"}) {
      const auto sink = vos::open_sink({.format = format, .directory = folder.path()});
      try {
        sink->write(clip_frame(0), clip_result(0, 20, 20), "x");
        FAIL("accepted");
      } catch (const vos::Error& e) {
        CHECK(e.parts().exit_code == vos::exit_code::sizes_differ);
      }
    }
  }

  TEST_CASE("an unknown format suggests the nearest, and a folder that cannot be made is named") {
    const Folder folder;
    try {
      vos::open_sink({.format = "contct", .directory = folder.path()});
      FAIL("accepted");
    } catch (const vos::Error& e) {
      CHECK(e.parts().what == "there is no format 'contct'; did you mean 'contact'?");
      CHECK(e.parts().exit_code == vos::exit_code::usage);
    }
    std::ofstream{folder / "file"} << "x";
    for (const auto* format : vos::sink_formats)
      CHECK_THROWS_AS(vos::open_sink({.format = format, .directory = folder / "file"}), vos::Error);
  }
}
