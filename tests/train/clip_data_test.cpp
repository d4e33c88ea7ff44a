#include <ATen/ATen.h>

#if VOS_OPENCV
#include <vos/io/files.hpp>
#include <vos/io/image_files.hpp>
#include <vos/io/images.hpp>
#include <vos/io/label_files.hpp>
#include <vos/io/labels.hpp>
#endif
#include <vos/train/clip_data.hpp>
#include <vos/train/clip_sheet.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("train") {
  TEST_CASE("a few clips to learn by heart are the same in every epoch, unmirrored, and what is validated") {
    ClipDataOptions options{
        .dataset = "synthetic:train", .frames = 3, .height = 32, .width = 48, .flip = 1, .samples = 100};
    const auto all = open_clip_data(options);
    options.overfit = 2;
    const auto few = open_clip_data(options);
    REQUIRE(few.training.size() == 2);
    REQUIRE(few.validation.size() == 2);
    CHECK(few.said.find("2 clips by heart") == 0);
    CHECK(few.classes == all.classes);
    const auto clip = few.training({.seed = 1, .epoch = 0, .index = 1});
    for (const auto& again :
         {few.training({.seed = 7, .epoch = 3, .index = 1}), few.validation({.seed = 9, .index = 1})}) {
      CHECK(again.frames.equal(clip.frames));
      CHECK(again.labels.equal(clip.labels));
    }
    CHECK(!few.training({.index = 0}).frames.equal(clip.frames));
    // All of the data are mirrored here, and the few are not.
    const auto mirrored = all.training({.index = 50});
    CHECK(mirrored.frames.flip(2).equal(clip.frames));
  }

  TEST_CASE("no more clips are learnt by heart than there are") {
    const auto few = open_clip_data({.dataset = "synthetic:train", .samples = 3, .overfit = 10});
    CHECK(few.training.size() == 3);
    CHECK_THROWS_AS(open_clip_data({.dataset = "synthetic:train", .overfit = -1}), Error);
  }

#if VOS_OPENCV
  TEST_CASE("a folder of single pictures gives clips in which they move") {
    const test::Folder folder;
    for (const char* name : {"a", "b", "c"}) {
      auto rgb = at::full({48, 64, 3}, 40, at::kByte);
      rgb.slice(0, 12, 36).slice(1, 16, 48).fill_(200);
      auto labels = at::zeros({48, 64}, at::kInt);
      labels.slice(0, 12, 36).slice(1, 16, 48).fill_(1);
      for (const char* part : {"images", "masks"}) make_folder(folder / part);
      write_image(folder / "images" / (std::string{name} + ".png"), rgb);
      write_labels(folder / "masks" / (std::string{name} + ".png"), labels);
    }
    const auto data =
        open_clip_data({.dataset = "pairs", .root = folder.path().string(), .frames = 4, .validation_frames = 6});
    CHECK(data.said.find("2 pictures, made into clips, to learn from, 1 to validate with") != std::string::npos);
    const auto clip = data.training({.seed = 3, .index = 1});
    CHECK(clip.frames.size(0) == 4);
    CHECK(!clip.frames[3].equal(clip.frames[0]));
    CHECK(data.validation({.seed = 3, .index = 0}).frames.size(0) == 6);
  }
#endif

  TEST_CASE("a sheet shows each clip in a row, drawn over where there are objects") {
    Sample wide{
        .frames = at::full({3, 20, 60, 3}, 200, at::kByte), .labels = at::zeros({3, 20, 60}, at::kInt), .ids = {4}};
    wide.labels.slice(1, 4, 16).slice(2, 4, 30).fill_(4);
    Sample tall{.frames = at::full({9, 50, 30, 3}, 90, at::kByte), .labels = at::zeros({9, 50, 30}, at::kInt)};
    const std::vector clips{wide, tall};
    const auto sheet = clip_sheet(clips, {.frames = 4, .width = 30});
    REQUIRE(sheet.sizes().vec() == std::vector<std::int64_t>{4 + 10 + 4 + 50 + 4, 4 + 4 * (30 + 4), 3});
    const auto tile = [&](std::int64_t row, std::int64_t column) {
      return sheet.slice(0, row == 0 ? 4 : 18, row == 0 ? 14 : 68).narrow(1, 4 + column * 34, 30);
    };
    CHECK((tile(1, 3) == 90).all().item<bool>());  // nothing to draw
    CHECK((tile(0, 2).slice(1, 20) == 200).all().item<bool>());
    CHECK((tile(0, 2).slice(1, 2, 15) != 200).any(2).sum().item<std::int64_t>() > 60);
    CHECK((sheet.slice(0, 4, 14).slice(1, 4 + 3 * 34) == 24).all().item<bool>());  // three frames, room for four
    CHECK(clip_sheet({}).size(0) == 4);
  }
}
