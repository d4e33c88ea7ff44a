#include <vos/data/lint/list_masks.hpp>
#include <vos/data/lint/video.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "../test.hpp"

using namespace vos;
using Strings = std::vector<std::string>;

namespace {

/// A catalogue of one video whose frames all have masks.
Catalog one_video(std::size_t frames, Layout layout = Layout::folder) {
  Catalog catalog{.layout = layout, .root = "/data"};
  catalog.videos.push_back({.name = "v"});
  for (std::size_t t = 0; t < frames; ++t) {
    const auto stem = std::to_string(t);
    catalog.videos[0].frames.push_back({stem, "/data/i/" + stem + ".jpg", "/data/m/" + stem + ".png"});
  }
  return catalog;
}

/// A frame of 10x20 whose mask has these areas.
SeenFrame seen(std::uint64_t content, std::vector<std::pair<ObjectId, std::int64_t>> areas) {
  return {.looked = true,
          .image = {10, 20, content},
          .mask = {.height = 10, .width = 20, .palette = true, .areas = std::move(areas)}};
}

Strings found_in(const Catalog& catalog, std::vector<SeenFrame> frames) {
  Strings found;
  for (const auto& finding : lint_video(catalog, catalog.videos[0], std::move(frames)).findings)
    found.push_back(finding.code + " " + finding.where);
  return found;
}

}  // namespace

TEST_SUITE("lint") {
  TEST_CASE("every kind of finding has its own code, a meaning, and a row in the documentation") {
    std::ifstream file{test::file("../docs/linter.md")};
    const std::string page{std::istreambuf_iterator<char>{file}, {}};
    std::set<std::string_view> codes;
    for (const auto& kind : finding_kinds) {
      CAPTURE(kind.code);
      CHECK(codes.insert(kind.code).second);
      const auto row = "| `" + std::string{kind.code} + "` | " + std::string{level_name(kind.level)} + " | " +
                       std::string{kind.meaning} + " |";
      CHECK(page.find(row) != std::string::npos);
    }
  }

  TEST_CASE("a video without fault has no finding") {
    const auto catalog = one_video(3);
    CHECK(found_in(catalog, {seen(1, {{1, 5}, {2, 9}}), seen(2, {{1, 5}}), seen(3, {{2, 3}})}) == Strings{});
  }

  TEST_CASE("only a video most of whose frames have masks is to have them all") {
    auto catalog = one_video(4);
    catalog.videos[0].frames[1].labels.clear();
    const std::vector<SeenFrame> frames{seen(1, {{1, 1}}), {.looked = true}, seen(3, {{1, 1}}), seen(4, {{1, 1}})};
    CHECK(found_in(catalog, frames) == Strings{"frame-without-mask i/1.jpg"});
    catalog.videos[0].objects = {{.id = 1, .frames = {0, 1}}};
    CHECK(found_in(catalog, frames) == Strings{"missing-mask i/1.jpg"});
    catalog.videos[0].frames[3].labels.clear();  // two of four
    CHECK(found_in(catalog, frames) == Strings{});
    for (auto& frame : catalog.videos[0].frames) frame.labels.clear();
    CHECK(found_in(catalog, frames)[0] == "video-without-masks v");
  }

  TEST_CASE("255 is void, an object, or a sign of a binary mask, by layout and company") {
    auto catalog = one_video(2);
    const std::vector<SeenFrame> mixed{seen(1, {{1, 9}, {255, 5}}), seen(2, {{1, 9}, {255, 5}})};
    const std::vector<SeenFrame> alone{seen(1, {{255, 5}}), seen(2, {{255, 5}})};
    CHECK(found_in(catalog, mixed) == Strings{"object-255 m/0.png"});
    CHECK(found_in(catalog, alone) == Strings{"binary-mask m/0.png", "binary-mask m/1.png"});
    catalog.void_255 = true;
    CHECK(found_in(catalog, mixed) == Strings{"void-255 m/0.png"});
    catalog.void_255 = false;
    catalog.binary_masks = true;
    CHECK(found_in(catalog, alone) == Strings{});
  }

  TEST_CASE("a grey mask of black and white is suspicious only beside indexed ones") {
    const auto catalog = one_video(2);
    auto white = seen(1, {{1, 5}});
    white.mask.palette = false;
    white.mask.white = true;
    auto other = white;
    other.image.content = 2;
    CHECK(found_in(catalog, {white, other}) == Strings{});
    CHECK(found_in(catalog, {white, seen(2, {{1, 5}})}) == Strings{"binary-mask m/0.png"});
  }

  TEST_CASE("duplicates are neighbours; a frame that cannot be read or was passed over lies between") {
    const auto catalog = one_video(3);
    CHECK(found_in(catalog, {seen(7, {{1, 1}}), seen(7, {{1, 1}}), seen(8, {{1, 1}})}) ==
          Strings{"duplicate-frame i/1.jpg"});
    CHECK(found_in(catalog, {seen(7, {{1, 1}}), {}, seen(7, {{1, 1}})}) == Strings{});
  }

  TEST_CASE("gaps in ids count those that are listed; a wide one is not listed in full") {
    auto catalog = one_video(2);
    CHECK(found_in(catalog, {seen(1, {{1, 1}}), seen(2, {{3, 1}})}) == Strings{"id-gap v"});
    catalog.videos[0].objects = {{.id = 1}, {.id = 2}, {.id = 3}};
    CHECK(found_in(catalog, {seen(1, {{1, 1}}), seen(2, {{3, 1}})}) == Strings{"object-never-visible v"});
    catalog.videos[0].objects.clear();
    const auto wide = lint_video(catalog, catalog.videos[0], {seen(1, {{1, 1}}), seen(2, {{9000, 1}})});
    REQUIRE(wide.findings.size() == 1);
    CHECK(wide.findings[0].what == "its ids go up to 9000 without 2, 3, 4, 5, 6, 7, 8, 9, ...");
  }

  TEST_CASE("objects are not missed in a video of which a part was looked at") {
    auto catalog = one_video(2);
    catalog.videos[0].objects = {{.id = 1}, {.id = 2}};
    CHECK(found_in(catalog, {seen(1, {{1, 1}}), {}}) == Strings{});
  }

  TEST_CASE("masks of a list are decoded at the size of their video, and say where they are wrong") {
    CatalogVideo video{.name = "v", .height = 4, .width = 6, .frames = {{.stem = "07"}}};
    const auto look = [&](MaskText mask) {
      video.objects = {{.id = 5, .masks = {mask}}};
      SeenFrame frame;
      detail::look_at_listed(video, 0, 4, 6, frame);
      CHECK(frame.findings.size() <= 1);
      if (!frame.findings.empty()) CHECK(frame.findings[0].where == "v, frame 07, annotation 5");
      return frame.findings.empty() ? "area " + std::to_string(frame.listed.at(0).area) : frame.findings[0].code;
    };
    using Form = MaskText::Form;
    CHECK(look({Form::counts, 4, 6, "[0, 24]"}) == "area 24");
    CHECK(look({Form::counts, 6, 4, "[0, 24]"}) == "rle-size");
    CHECK(look({Form::counts, 4, 6, "[0, 23]"}) == "rle-damaged");
    CHECK(look({Form::counts, 4, 6, "[24]"}) == "empty-annotation");
    CHECK(look({Form::text, 4, 6, "\\n"}) == "rle-damaged");
    CHECK(look({Form::polygons, 0, 0, "[[0, 0, 6, 0, 6, 4, 0, 4]]"}) == "area 24");
    CHECK(look({Form::polygons, 0, 0, "[[0, 0, 6.9, 0, 6, 4, -0.9, 4]]"}) == "area 24");  // within the slack
    CHECK(look({Form::polygons, 0, 0, "[[0, 0, 8, 0, 6, 4]]"}) == "polygon-outside");
    CHECK(look({Form::polygons, 0, 0, "[[0, 0, 8]]"}) == "bad-polygon");
    CHECK(look({Form::fractions, 0, 0, "[[0, 0, 1, 0, 1, 1, 0, 1]]"}) == "area 24");
    CHECK(look({Form::fractions, 0, 0, "[[0, 0, 1, 0, 1, 1.6]]"}) == "polygon-outside");
  }

  TEST_CASE("counts add up, and histograms put each where it belongs") {
    auto catalog = one_video(2);
    catalog.videos[0].objects = {{.id = 1, .category = 1}, {.id = 2, .category = 0}, {.id = 3, .category = 1}};
    auto tally = lint_video(catalog, catalog.videos[0], {seen(1, {{1, 1}, {2, 100}}), seen(2, {{3, 20}})}).tally;
    tally.add(tally);
    CHECK(tally.videos == 2);
    CHECK(tally.frames == 4);
    CHECK(tally.masks == 4);
    CHECK(tally.objects == 6);
    const auto all = histograms_of(tally, {"cat", "dog"});
    REQUIRE(all.size() == 5);
    CHECK(all[0].bins == Strings{"dog", "cat"});
    CHECK(all[0].counts == std::vector<std::int64_t>{4, 2});
    CHECK(all[1].counts == std::vector<std::int64_t>{0, 0, 2, 0, 0, 2, 2});  // of 200 pixels: 1, 20 and 100
    CHECK(all[2].counts == std::vector<std::int64_t>{0, 2, 0, 0, 0, 0, 0, 0});
    CHECK(all[3].counts == std::vector<std::int64_t>{0, 0, 0, 2, 0, 0, 0, 0});
    CHECK(all[4].bins == Strings{"20x10"});
  }
}
