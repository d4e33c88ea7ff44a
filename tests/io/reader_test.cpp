#include <vos/io/draw.hpp>
#include <vos/io/labels.hpp>
#include <vos/io/video_reader.hpp>
#include <vos/io/video_writer.hpp>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <ranges>
#include <string>
#include <type_traits>

#include <vos/io/all.hpp>

#include "../test.hpp"
#include "clips.hpp"

static_assert(std::input_iterator<vos::VideoReader::Iterator>);
static_assert(std::ranges::input_range<vos::VideoReader>);
static_assert(!std::is_copy_constructible_v<vos::VideoReader>);

TEST_SUITE("io") {
  TEST_CASE("a dozen lines read a clip, draw over it and write it") {
    const vos::test::Folder folder;
    vos::test::write_grey_clip(folder / "clip.mp4", 8);
    vos::write_labels(folder / "first.png", vos::test::clip_result(0).labels);
    {
      vos::VideoReader video{folder / "clip.mp4"};
      vos::VideoWriter overlay{folder / "overlay.mp4", video.fps()};
      at::Tensor labels;
      for (vos::Frame frame : video) {
        if (frame.index == 0) labels = vos::read_labels(folder / "first.png");
        vos::FrameResult result{.index = frame.index, .labels = labels};
        overlay.write(vos::draw(frame, result));
      }
    }
    std::int64_t count = 0;
    for (const auto& frame : vos::VideoReader{(folder / "overlay.mp4").string()}) count += frame.height() == 48 ? 1 : 0;
    CHECK(count == 8);
  }

  TEST_CASE("a second loop takes up where the first one stopped, also behind an Error") {
    const vos::test::Folder folder;
    vos::test::write_grey_folder(folder.path(), 6);
    std::ofstream{folder / "f3.png"} << "no image";
    vos::VideoReader video{folder.path().string()};
    for (const auto& frame : video)
      if (frame.index == 1) break;
    std::int64_t last = -1;
    CHECK_THROWS_AS(
        [&] {
          for (const auto& frame : video) last = frame.index;
        }(),
        vos::Error);
    CHECK(last == 2);
    for (const auto& frame : video) {
      CHECK(video.stem(frame) == "f" + std::to_string(frame.index));
      last = frame.index;
    }
    CHECK(last == 5);
    CHECK(video.begin() == video.end());
  }

  TEST_CASE("drawing leaves the frame as it was") {
    const auto frame = vos::test::clip_frame(0);
    const auto before = frame.rgb.clone();
    const auto drawn = vos::draw(frame, vos::test::clip_result(0));
    CHECK(frame.rgb.equal(before));
    CHECK(!drawn.equal(before));
    CHECK(vos::draw(frame, vos::test::clip_result(0), {.opacity = 0, .outline = false, .ids = false}).equal(before));
  }
}
