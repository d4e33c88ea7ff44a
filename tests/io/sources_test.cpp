#include <vos/io/open.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "../test.hpp"
#include "clips.hpp"

namespace {

using vos::SourceSpec;
using vos::test::Folder;

std::vector<std::int64_t> indices_of(vos::FrameSource& source) {
  std::vector<std::int64_t> indices;
  while (const auto frame = source.next()) {
    CHECK(vos::test::index_of_grey(frame->rgb) == frame->index);
    indices.push_back(frame->index);
  }
  return indices;
}

vos::Error::Parts refusal(const SourceSpec& spec) {
  try {
    vos::open_source(spec);
  } catch (const vos::Error& e) {
    return e.parts();
  }
  return {.what = "accepted"};
}

std::vector<char> bytes_of(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_bytes(const std::filesystem::path& path, const std::vector<char>& bytes, std::size_t count) {
  std::ofstream{path, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(count));
}

using Indices = std::vector<std::int64_t>;

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("names sort as people count") {
    using vos::detail::natural_less;
    CHECK(natural_less("frame9.png", "frame10.png"));
    CHECK(!natural_less("frame10.png", "frame9.png"));
    CHECK(natural_less("a2b10", "a2b11"));
    CHECK(natural_less("007", "8"));
    CHECK(natural_less("007", "7"));
    CHECK(!natural_less("7", "007"));
    CHECK(!natural_less("7", "7"));
    CHECK(natural_less("a", "a1"));
    CHECK(natural_less("99999999999999999999998", "99999999999999999999999"));
  }

  TEST_CASE("a folder gives its images in natural order and passes over what is none") {
    const Folder folder;
    vos::test::write_grey_folder(folder / "clip", 12);
    std::ofstream{folder / "clip/notes.txt"} << "x";
    std::ofstream{folder / "clip/.f3.png"} << "x";
    std::filesystem::create_directory(folder / "clip/deeper.png");
    for (const std::int64_t ahead : {0, 1, 3, 100}) {
      const auto source = vos::open_source({.input = (folder / "clip/").string(), .ahead = ahead});
      CHECK(source->info().frames == 12);
      CHECK(!source->info().live);
      CHECK(indices_of(*source) == Indices{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
      CHECK(!source->next());
      CHECK(source->info().height == 48);
      CHECK(source->stem(11) == "f11");
    }
    CHECK(vos::open_source({.input = (folder / "clip").string()})->info().name == "clip");
    CHECK(vos::open_source({.input = (folder / "clip/f4.png").string()})->info().frames == 1);
  }

  TEST_CASE("a range takes the same frames of a folder and of a video") {
    const Folder folder;
    vos::test::write_grey_folder(folder / "clip", 12);
    vos::test::write_grey_clip(folder / "clip.mp4", 12);
    for (const auto* input : {"clip", "clip.mp4"}) {
      CAPTURE(input);
      const auto open = [&](vos::FrameRange range) {
        return vos::open_source({.input = (folder / input).string(), .frames = range});
      };
      CHECK(open({3, 10, 3})->info().frames == 3);
      CHECK(indices_of(*open({3, 10, 3})) == Indices{3, 6, 9});
      CHECK(indices_of(*open({10, 100, 1})) == Indices{10, 11});
      CHECK(indices_of(*open({0, 1, 5})) == Indices{0});
      CHECK(open({3, 10, 3})->next()->seconds == doctest::Approx(3 / 25.0).epsilon(0.01));
    }
  }

  TEST_CASE("a range without frames is refused") {
    const Folder folder;
    vos::test::write_grey_folder(folder / "clip", 2);
    vos::test::write_grey_clip(folder / "clip.mp4", 4);
    for (const auto range : {vos::FrameRange{-1, 5, 1}, vos::FrameRange{0, 5, 0}, vos::FrameRange{5, 5, 1}})
      CHECK(refusal({.input = (folder / "clip").string(), .frames = range}).exit_code == vos::exit_code::usage);
    CHECK(refusal({.input = (folder / "clip").string(), .frames = {2}}).exit_code == vos::exit_code::frames_missing);
    const auto video = vos::open_source({.input = (folder / "clip.mp4").string(), .frames = {9}});
    CHECK_THROWS_AS(video->next(), vos::Error);
    CHECK(!video->next());
  }

  TEST_CASE("the greatest size holds for images, videos and synthetic clips") {
    const Folder folder;
    vos::test::write_grey_folder(folder / "clip", 1);
    vos::test::write_grey_clip(folder / "clip.mp4", 2);
    for (const std::string& input : {(folder / "clip").string(), (folder / "clip.mp4").string(),
                                     std::string{"synthetic:crossing,frames=2,size=64x48"}}) {
      CAPTURE(input);
      const auto frame = vos::open_source({.input = input, .max_size = 32})->next();
      CHECK(frame->height() == 24);
      CHECK(frame->width() == 32);
    }
  }

  TEST_CASE("images of mixed sizes keep their own") {
    const Folder folder;
    vos::write_image(folder / "a.png", vos::test::grey_frame(10, 20, 0));
    vos::write_image(folder / "b.png", vos::test::grey_frame(30, 5, 1));
    const auto source = vos::open_source({.input = folder.path().string()});
    CHECK(source->next()->height() == 10);
    CHECK(source->next()->height() == 30);
  }

  TEST_CASE("an image that cannot be read is an Error in its place, and reading goes on behind it") {
    const Folder folder;
    vos::test::write_grey_folder(folder.path(), 4);
    std::ofstream{folder / "f1.png"} << "no image";
    for (const std::int64_t ahead : {0, 4}) {
      const auto source = vos::open_source({.input = folder.path().string(), .ahead = ahead});
      CHECK(source->next()->index == 0);
      try {
        source->next();
        FAIL("accepted");
      } catch (const vos::Error& e) {
        CHECK(e.parts().where == (folder / "f1.png").string());
      }
      CHECK(indices_of(*source) == Indices{2, 3});
    }
  }

  TEST_CASE("a folder without images says what it has") {
    const Folder folder;
    CHECK(refusal({.input = folder.path().string()}).what == "the folder is empty");
    std::filesystem::create_directory(folder / "frames");
    std::ofstream{folder / "a.txt"} << "x";
    const auto parts = refusal({.input = folder.path().string()});
    CHECK(parts.what == "the folder has no images, but 1 other files and 1 folders");
    CHECK(parts.mend.find((folder / "frames").string()) != std::string::npos);
  }

  TEST_CASE("two images that would share an output are refused") {
    const Folder folder;
    vos::write_image(folder / "a.png", vos::test::grey_frame(4, 4, 0));
    vos::write_image(folder / "a.jpg.bmp", vos::test::grey_frame(4, 4, 0));
    CHECK(refusal({.input = folder.path().string()}).what == "accepted");
    vos::write_image(folder / "a.bmp", vos::test::grey_frame(4, 4, 0));
    CHECK(refusal({.input = folder.path().string()}).what.find("share their outputs' name") != std::string::npos);
  }

  TEST_CASE("a mistyped input suggests what was meant") {
    const Folder folder;
    vos::test::write_grey_clip(folder / "clip.mp4", 1);
    CHECK(refusal({.input = (folder / "clp.mp4").string()}).what.find("did you mean 'clip.mp4'?") != std::string::npos);
    CHECK(refusal({.input = "camra:0"}).what.find("did you mean 'camera:0'?") != std::string::npos);
    CHECK(refusal({.input = "sythetic:crossing"}).what.find("did you mean 'synthetic:crossing'?") != std::string::npos);
    CHECK(refusal({.input = "synthetic:crosing"}).what.find("did you mean") != std::string::npos);
    CHECK(refusal({.input = "rtps://host/x"}).what.find("did you mean 'rtsp'?") != std::string::npos);
    CHECK(refusal({.input = "camera:front"}).what.find("not the number of a camera") != std::string::npos);
    CHECK(refusal({.input = ""}).what == "no input is named");
    CHECK(refusal({.input = "no/such/folder"}).mend.find("synthetic:") != std::string::npos);
    CHECK(refusal({.input = (folder / "clip.mp4").string(), .max_size = -1}).what.find("negative") !=
          std::string::npos);
    std::ofstream{folder / "clip.xyz"} << "x";
    const auto parts = refusal({.input = (folder / "clip.xyz").string()});
    CHECK(parts.what == "'.xyz' is not an extension of a video or an image");
    CHECK(parts.mend.find(".mp4") != std::string::npos);
  }

  TEST_CASE("a synthetic clip brings its truth through the queue") {
    const auto source = vos::open_source({.input = "synthetic:crossing,frames=3,size=64x48"});
    while (const auto frame = source->next()) CHECK(source->truth(frame->index).sizes() == at::IntArrayRef({48, 64}));
  }

  TEST_CASE("a video gives every frame once, with rising times") {
    const Folder folder;
    vos::test::write_grey_clip(folder / "clip.mp4", 15);
    const auto source = vos::open_source({.input = (folder / "clip.mp4").string()});
    CHECK(source->info().frames == 15);
    CHECK(source->info().fps == doctest::Approx(25));
    CHECK(source->info().name == "clip");
    CHECK(source->stem(7) == "00007");
    double last = -1;
    std::int64_t count = 0;
    for (; const auto frame = source->next(); ++count) {
      CHECK(vos::test::index_of_grey(frame->rgb) == count);
      CHECK(frame->seconds > last);
      CHECK(frame->seconds == doctest::Approx(static_cast<double>(count) / 25).epsilon(0.01));
      last = frame->seconds;
    }
    CHECK(count == 15);
  }

  TEST_CASE("a video stands upright by its rotation") {
    const Folder folder;
    const auto wide = vos::test::grey_frame(48, 64, 3);
    wide.slice(0, 0, 24).slice(1, 0, 32).fill_(250);  // bright upper left
    vos::VideoWriter writer{folder / "clip.mp4", 25};
    for (int i = 0; i < 3; ++i) writer.write(wide);
    writer.close();
    auto bytes = bytes_of(folder / "clip.mp4");
    const std::string text{bytes.begin(), bytes.end()};
    const auto matrix = text.find("tkhd") + 4 + 40;  // of a version-0 track header: a quarter turn to the right
    REQUIRE(matrix < bytes.size());
    const unsigned char turn[36]{0, 0, 0, 0, 0, 1, 0, 0,  0, 0, 0, 0, 0xFF, 0xFF, 0,    0, 0, 0,
                                 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 0, 0,    0,    0x40, 0, 0, 0};
    for (std::size_t i = 0; i < 36; ++i) bytes[matrix + i] = static_cast<char>(turn[i]);
    write_bytes(folder / "turned.mp4", bytes, bytes.size());
    const auto frame = vos::open_source({.input = (folder / "turned.mp4").string()})->next();
    CHECK(frame->height() == 64);
    CHECK(frame->width() == 48);
    const auto* pixels = frame->rgb.const_data_ptr<std::uint8_t>();
    CHECK(pixels[(8 * 48 + 40) * 3] > 200);  // bright upper right
    CHECK(pixels[(8 * 48 + 8) * 3] < 150);
  }

  TEST_CASE("a video that is cut short gives what it has, then says how much is missing") {
    const Folder folder;
    vos::test::write_grey_clip(folder / "whole.mp4", 40, 96, 128);
    const auto bytes = bytes_of(folder / "whole.mp4");
    write_bytes(folder / "cut.mp4", bytes, bytes.size() * 3 / 4);
    const auto source = vos::open_source({.input = (folder / "cut.mp4").string()});
    std::int64_t count = 0;
    try {
      while (source->next()) ++count;
      FAIL("accepted");
    } catch (const vos::Error& e) {
      CHECK(e.parts().what == "the video is cut short: " + std::to_string(count) + " of 40 frames could be read");
      CHECK(e.parts().exit_code == vos::exit_code::frames_missing);
    }
    CHECK(count > 0);
    CHECK(count < 40);
    CHECK(!source->next());
    const auto first_two = vos::open_source({.input = (folder / "cut.mp4").string(), .frames = {0, 2}});
    CHECK(indices_of(*first_two) == Indices{0, 1});  // what is missing was not asked for
  }

  TEST_CASE("a video without its index, and a file that is no video, are refused at once") {
    const Folder folder;
    vos::test::write_grey_clip(folder / "whole.mp4", 10);
    const auto bytes = bytes_of(folder / "whole.mp4");
    write_bytes(folder / "headless.mp4", bytes, 100);
    CHECK(refusal({.input = (folder / "headless.mp4").string()}).what.find("the video c") != std::string::npos);
    auto lost = bytes;
    const auto moov = std::string{bytes.begin(), bytes.end()}.find("moov");
    std::copy_n("free", 4, lost.begin() + static_cast<std::ptrdiff_t>(moov));
    write_bytes(folder / "lost.mp4", lost, lost.size());
    CHECK(refusal({.input = (folder / "lost.mp4").string()}).what.find("no index (moov)") != std::string::npos);
    std::ofstream{folder / "text.mp4"} << "no video at all";
    CHECK(refusal({.input = (folder / "text.mp4").string()}).what.find("cannot be opened") != std::string::npos);
    std::ofstream{folder / "empty.avi"};
    CHECK(refusal({.input = (folder / "empty.avi").string()}).what.find("cannot be opened") != std::string::npos);
  }

  TEST_CASE("a camera that is not there is an Error") {
    CHECK(refusal({.input = "camera:97"}).what.find("there is no camera 97") != std::string::npos);
  }
}
