#include <vos/project/project.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <thread>

#include <ATen/ops/empty.h>

#include <nlohmann/json.hpp>

#include <vos/core/random.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/io/zip.hpp>
#include <vos/project/file_frames.hpp>
#include <vos/vos.hpp>
#include <vos/wire/mask_scan.hpp>
#include <vos/wire/rle.hpp>

#include "../refusal.hpp"
#include "../test.hpp"

using namespace vos;
using State = ProjectStep::State;

namespace {

const std::string clip = "synthetic:crossing,frames=40,size=64x48";

MaskFrame masks_of(const at::Tensor& labels) {
  return masks_from_labels({labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(labels.numel())},
                           labels.size(0), labels.size(1));
}

/// The true masks of a scene's frame.
MaskFrame truth(const std::string& input, std::int64_t index) {
  return masks_of(open_source({.input = input, .ahead = 0})->truth(index));
}

/// A square of one object.
MaskFrame square(ObjectId id, int x, int y, int side = 10, int height = 48, int width = 64) {
  std::vector<ObjectId> labels(static_cast<std::size_t>(height * width));
  for (int row = y; row < std::min(y + side, height); ++row)
    for (int column = x; column < std::min(x + side, width); ++column)
      labels[static_cast<std::size_t>(row * width + column)] = id;
  return masks_from_labels(labels, height, width, std::array{id});
}

/// Works until the result is there. False: the video ends before it.
bool make(Project& project, std::int64_t index) {
  for (int calls = 0; calls < 100'000; ++calls) {
    const auto step = project.step(index, {});
    if (step.state == State::ready) return true;
    if (step.state == State::ended) return false;
    REQUIRE(step.state == State::working);
  }
  FAIL("a step never comes to its end: frame " << index << "\n" << project.save());
  return false;
}

const ProjectFrame& shown(Project& project, std::int64_t index) {
  REQUIRE(make(project, index));
  return *project.result(index);
}

std::vector<ObjectId> visible(const ProjectFrame& frame) {
  std::vector<ObjectId> ids;
  for (const auto& object : frame.objects)
    if (object.visible) ids.push_back(object.id);
  return ids;
}

/// All masks by one way through a fresh project, made of what the other saved.
void expect_same_as_replay(Project& project, const ProjectSpec& spec, std::int64_t frames, std::uint64_t seed) {
  const auto replay = open_project(spec, project.save());
  for (std::int64_t t = 0; t < frames; ++t) {
    const auto& expected = shown(*replay, t);
    const auto& found = shown(project, t);
    REQUIRE_MESSAGE(found.masks == expected.masks, "seed " << seed << ", frame " << t);
    REQUIRE(found.objects.size() == expected.objects.size());
    for (std::size_t k = 0; k < found.objects.size(); ++k) {
      CHECK(found.objects[k].id == expected.objects[k].id);
      CHECK(found.objects[k].box == expected.objects[k].box);
      CHECK(found.objects[k].score == expected.objects[k].score);
      CHECK(found.objects[k].suspect == expected.objects[k].suspect);
      CHECK(found.objects[k].prompted == expected.objects[k].prompted);
      CHECK(found.objects[k].corrected == expected.objects[k].corrected);
    }
  }
  CHECK(replay->save() == project.save());
}

/// Random acts of a person who looks here and there.
void act(Project& project, CounterRandom& random, std::int64_t frames) {
  const auto frame = [&] { return random.below(frames); };
  std::vector<ObjectId> ids;
  for (const auto& object : project.objects()) ids.push_back(object.id);
  const auto any = [&] { return ids[static_cast<std::size_t>(random.below(std::ssize(ids)))]; };
  const auto draw = [&](ObjectId id) {
    const auto index = frame();
    const auto x = static_cast<int>(random.below(50)), y = static_cast<int>(random.below(36));
    project.prompt(index, square(id, x, y, 6 + static_cast<int>(random.below(10))), {{id, "it"}});
  };
  const ObjectId fresh = 1 + (ids.empty() ? 0 : *std::max_element(ids.begin(), ids.end()));
  switch (ids.empty() ? 0 : random.below(14)) {
    case 0:
    case 1: draw(fresh); break;
    case 2:
    case 3: draw(any()); break;
    case 4: project.remove(any()); break;
    case 5: project.rename(any(), "other", 3, 0xABCDEF); break;
    case 6:
      if (const auto from = any(), into = any(); from != into) project.merge(from, into);
      break;
    case 7: project.split(any(), frame()); break;
    case 8:
      if (const auto to = frame(), from = frame(); to < from) project.propagate_back(from, to, {any()});
      break;
    case 9: {
      auto gone = square(any(), 0, 0);
      gone.layers[0].runs.clear();
      std::fill(gone.layers[0].ends.begin(), gone.layers[0].ends.end(), 0);
      project.prompt(frame(), gone);
      break;
    }
    case 10: project.undo(); break;
    case 11: project.redo(); break;
    default: break;
  }
  switch (random.below(4)) {
    case 0: make(project, frame()); break;
    case 1: project.step(frame(), {}); break;
    case 2: project.picture(frame(), 32); break;
    default: break;
  }
}

void random_detours(const ProjectSpec& spec, std::int64_t frames, std::uint64_t seeds, int acts) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    CounterRandom random{11, seed};
    const auto project = open_project(spec);
    INFO("seed ", seed);
    for (int i = 0; i < acts; ++i) act(*project, random, frames);
    expect_same_as_replay(*project, spec, frames, seed);
  }
}

std::vector<std::uint8_t> jpeg_of(int height, int width, int grey) {
  const test::Folder folder;
  const auto project = open_project({.input = "synthetic:crossing,frames=2,size=" + std::to_string(width) + "x" +
                                              std::to_string(height) + ",seed=" + std::to_string(grey),
                                     .model = "hold"});
  return project->picture(0);
}

}  // namespace

TEST_SUITE("project") {
  TEST_CASE("objects are followed from their first mask on, and a project says what it is") {
    // [project]
    const auto project = open_project({.input = "synthetic:crossing,frames=40,size=64x48", .model = "flow"});
    const auto ids = project->prompt(0, truth(clip, 0), {{1, "left"}});
    while (project->step(10, {}).state == ProjectStep::State::working) {
    }
    const ProjectFrame& frame = *project->result(10);  // masks and objects of frame 10
    // [project]
    CHECK(ids == std::vector<ObjectId>{1, 2});
    CHECK(frame.index == 10);
    CHECK(visible(frame) == ids);
    CHECK(project->info().frames == 40);
    CHECK(project->info().height == 48);
    CHECK(!project->info().live);
    CHECK(!project->info().detects);
    CHECK((project->ready() == std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 11}}));
    CHECK(project->newest() == 10);
    const auto objects = project->objects();
    REQUIRE(objects.size() == 2);
    CHECK(objects[0].name == "left");
    CHECK(objects[0].first_frame == 0);
    CHECK(objects[0].last_frame == 10);
    CHECK(objects[0].prompted == std::vector<std::int64_t>{0});
    CHECK(!make(*project, 40));
    CHECK(project->step(40, {}).state == State::ended);
    CHECK(shown(*project, 0).masks.ids == ids);
    CHECK(shown(*project, 0).objects[0].prompted);
    CHECK(!shown(*project, 1).objects[0].prompted);
  }

  TEST_CASE("a correction changes what comes from its frame on, and undo takes it back to the bit") {
    const auto project = open_project({.input = clip, .model = "flow"});
    project->prompt(0, truth(clip, 0));
    std::vector<MaskFrame> before;
    for (std::int64_t t = 0; t < 20; ++t) before.push_back(shown(*project, t).masks);
    const auto revision = project->result(5)->revision;
    project->prompt(12, square(1, 20, 20));
    CHECK(project->result(11) != nullptr);
    CHECK(project->result(12) == nullptr);
    CHECK((project->ready() == std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 12}}));
    CHECK(shown(*project, 11).masks == before[11]);
    const auto corrected = shown(*project, 12);
    CHECK(corrected.masks != before[12]);
    CHECK(corrected.revision > revision);
    CHECK(corrected.objects[0].box == Box{20, 20, 30, 30});
    CHECK(corrected.objects[0].corrected);
    CHECK(shown(*project, 13).masks != before[13]);
    CHECK(project->undo());
    for (std::int64_t t = 0; t < 20; ++t) CHECK(shown(*project, t).masks == before[static_cast<std::size_t>(t)]);
    CHECK(project->redo());
    CHECK(shown(*project, 12).masks == corrected.masks);
    CHECK(!project->redo());
  }

  TEST_CASE("removing, merging and splitting change what is shown at once, and nothing is computed anew") {
    const auto project = open_project({.input = clip, .model = "flow"});
    project->prompt(0, truth(clip, 0));
    make(*project, 20);
    const auto whole = project->ready();
    const auto revision = project->result(3)->revision;

    const auto part = project->split(1, 8);
    CHECK(part == 3);
    CHECK(visible(*project->result(7)) == std::vector<ObjectId>{1, 2});
    CHECK(visible(*project->result(8)) == std::vector<ObjectId>{2, 3});
    CHECK(project->result(3)->revision > revision);
    project->merge(2, 3);
    CHECK(visible(*project->result(7)) == std::vector<ObjectId>{1, 3});
    CHECK(visible(*project->result(8)) == std::vector<ObjectId>{3});
    project->remove(3);
    CHECK(visible(*project->result(7)) == std::vector<ObjectId>{1});
    CHECK(visible(*project->result(8)).empty());
    CHECK((project->ready() == whole));
    CHECK(visible(shown(*project, 30)).empty());
    for (int i = 0; i < 3; ++i) CHECK(project->undo());
    CHECK(visible(shown(*project, 30)) == std::vector<ObjectId>{1, 2});
  }

  TEST_CASE("an object that somebody said is not there is gone from that frame on") {
    const auto project = open_project({.input = clip, .model = "hold"});
    project->prompt(0, square(1, 5, 5));
    auto nothing = square(1, 5, 5);
    nothing.layers[0] = {};
    for (int y = 0; y < 48; ++y) nothing.layers[0].end_row();
    project->prompt(6, nothing);
    CHECK(visible(shown(*project, 5)) == std::vector<ObjectId>{1});
    CHECK(visible(shown(*project, 6)).empty());
    CHECK(visible(shown(*project, 9)).empty());
    project->prompt(12, square(1, 30, 5));
    CHECK(visible(shown(*project, 11)).empty());
    CHECK(visible(shown(*project, 12)) == std::vector<ObjectId>{1});
  }

  TEST_CASE("an object is followed backwards to where nothing was known of it") {
    const auto project = open_project({.input = clip, .model = "hold"});
    project->prompt(20, square(1, 5, 5));
    project->prompt(0, square(2, 5, 5, 4));  // in the way
    CHECK(visible(shown(*project, 10)) == std::vector<ObjectId>{2});
    project->propagate_back(20, 4, {1});
    CHECK(project->result(10) == nullptr);
    CHECK(project->result(3) != nullptr);
    const auto& frame = shown(*project, 10);
    CHECK(visible(frame) == std::vector<ObjectId>{1, 2});
    std::vector<ObjectId> labels(48 * 64);
    labels_from_masks(frame.masks, labels.data());
    CHECK(std::count(labels.begin(), labels.end(), 1) == 100 - 16);
    CHECK(std::count(labels.begin(), labels.end(), 2) == 16);
    CHECK(visible(shown(*project, 3)) == std::vector<ObjectId>{2});
    CHECK(visible(shown(*project, 4)) == std::vector<ObjectId>{1, 2});
    project->merge(1, 2);
    CHECK(visible(shown(*project, 10)) == std::vector<ObjectId>{2});
    project->undo();
    project->prompt(15, square(1, 40, 5));  // now it is known before 20
    CHECK(visible(shown(*project, 16)) == std::vector<ObjectId>{1, 2});
    CHECK(visible(shown(*project, 10)) == std::vector<ObjectId>{1, 2});
  }

  TEST_CASE("whatever a person did in whatever order, one way through the saved session gives the same masks") {
    SUBCASE("a model that holds still") { random_detours({.input = clip, .model = "hold"}, 24, 25, 30); }
    SUBCASE("optical flow") { random_detours({.input = clip, .model = "flow"}, 20, 4, 16); }
    SUBCASE("with next to no room for pictures, results and moments") {
      random_detours({.input = clip, .model = "hold", .picture_bytes = 30'000, .result_bytes = 1500, .moment_bytes = 1},
                     24, 8, 25);
    }
  }

  TEST_CASE("another model makes everything anew, and undo brings the first one back") {
    const auto project = open_project({.input = clip, .model = "hold"});
    project->prompt(0, truth(clip, 0));
    const auto held = shown(*project, 10).masks;
    project->choose_model("flow", {{"working_side", "64"}});
    CHECK(project->info().model == "flow");
    CHECK(project->ready().empty());
    CHECK(shown(*project, 10).masks != held);
    expect_same_as_replay(*project, {.input = clip}, 12, 0);
    CHECK(test::refused([&] { project->choose_model("flaw", {}); }).parts().what.find("flaw") != std::string::npos);
    CHECK(project->info().model == "flow");
    project->undo();
    CHECK(shown(*project, 10).masks == held);
  }

  TEST_CASE("what cannot be is an Error, and the project stays as it was") {
    const auto project = open_project({.input = clip, .model = "hold"});
    project->prompt(0, truth(clip, 0));
    make(*project, 5);
    const auto saved = project->save();
    const auto refused = [&](const std::string& words, const auto& act) {
      const auto error = test::refused(act);
      CHECK_MESSAGE(error.parts().what.find(words) != std::string::npos, std::string{error.what()});
      CHECK(project->save() == saved);
      CHECK(project->result(5) != nullptr);
    };
    refused("there is no object 9", [&] { project->remove(9); });
    refused("there is no object 9", [&] { project->merge(9, 1); });
    refused("into itself", [&] { project->merge(1, 1); });
    refused("there is no object 0", [&] { project->rename(0, "x", -1, 0); });
    refused("there is no frame 40", [&] { project->prompt(40, square(1, 0, 0)); });
    refused("there is no frame -1", [&] { project->prompt(-1, square(1, 0, 0)); });
    refused("there is no frame 40", [&] { project->picture(40); });
    refused("there is no frame -1", [&] { project->step(-1, {}); });
    refused("the masks are 32x24", [&] { project->prompt(3, square(1, 0, 0, 5, 24, 32)); });
    refused("name no object", [&] { project->prompt(3, MaskFrame{48, 64, false, {}, {}}); });
    refused("may overlap", [&] {
      const std::vector<std::uint8_t> all(48 * 64, 1);
      project->prompt(3, masks_from_bitmaps(all, 48, 64, std::array<ObjectId, 1>{1}));
    });
    refused("the id 1073741824", [&] { project->prompt(3, square(1 << 30, 0, 0)); });
    refused("a polygon of 2 points", [&] { project->marking(0, {{.polygons = {{{{0, 0}, {20, 0}}}}}})({}); });
    refused("there is no frame 1000000", [&] { project->exporting({.last = 1'000'000, .folder = "x"}); });
    refused("has no pixel", [&] {
      const std::vector<ObjectId> none(48 * 64);
      project->prompt(3, masks_from_labels(none, 48, 64, std::array<ObjectId, 1>{7}));
    });
    refused("does not lie before", [&] { project->propagate_back(3, 3, {1}); });
    refused("do not come from a browser", [&] { project->feed(0, {}); });
    refused("no result yet", [&] { project->exporting({.folder = "x"}); });
    std::stop_source stop;
    stop.request_stop();
    refused("stopped", [&] { project->step(9, stop.get_token()); });
    CHECK(test::refused([] { open_project({.input = "/nowhere.mp4"}); }).parts().exit_code == 1);
    CHECK(test::refused([] { open_project({.input = clip}, "{\"format\":\"vos-session\""); }).parts().exit_code == 1);
    CHECK(test::refused([&] { open_project({.input = "synthetic:crossing,frames=400,size=64x48"}, saved); })
              .parts()
              .what.find("400 frames") != std::string::npos);
    CHECK(test::refused([] { make(*open_project({.input = clip, .model = "hold", .max_pixels = 1000}), 0); })
              .parts()
              .what.find("64x48") != std::string::npos);
  }

  TEST_CASE("a project tells no path of its machine once it has a name") {
    const test::Folder folder;
    std::filesystem::create_directories(folder / "secret");
    VideoWriter writer{folder / "secret/clip.mp4"};
    for (int i = 0; i < 3; ++i) writer.write(at::empty({48, 64, 3}, at::kByte).fill_(40 * i));
    writer.close();
    const auto input = (folder / "secret/clip.mp4").string();
    CHECK(open_project({.input = input, .model = "hold"})->save().find("secret") != std::string::npos);
    const auto named = open_project({.input = input, .name = "my clip", .model = "hold"});
    CHECK(named->save().find("secret") == std::string::npos);
    CHECK(named->info().name == "my clip");
    for (const auto& act : {std::function<void()>{[&] { named->step(-1, {}); }},
                            {[&] { named->remove(3); }},
                            {[&] { named->picture(99); }},
                            {[&] { named->exporting({.folder = folder.path()}); }}})
      CHECK(std::string{test::refused(act).what()}.find("secret") == std::string::npos);
  }

  TEST_CASE("frames that cannot be read are passed over, each with one Error, and the rest is followed") {
    const test::Folder folder;
    const auto video = open_source({.input = clip, .ahead = 0});
    for (int i = 0; i < 8; ++i) {
      const auto frame = video->next();
      std::ofstream{folder / ("f" + std::to_string(i) + ".jpg"), std::ios::binary}
          << (i == 3 ? std::string{"no picture"} : [&] {
               const auto jpeg = open_project({.input = clip, .model = "hold"})->picture(i);
               return std::string{jpeg.begin(), jpeg.end()};
             }());
    }
    const auto project = open_project({.input = folder.path().string(), .model = "hold"});
    project->prompt(0, square(1, 5, 5));
    CHECK(test::refused([&] { make(*project, 7); }).parts().where.find("f3.jpg") != std::string::npos);
    CHECK(visible(shown(*project, 7)) == std::vector<ObjectId>{1});
    CHECK((project->ready() == std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 3}, {4, 8}}));
    CHECK(test::refused([&] { project->step(3, {}); }).parts().exit_code == 1);
    project->propagate_back(7, 1, {});
    CHECK(visible(shown(*project, 1)) == std::vector<ObjectId>{1});
    const auto zip = project->exporting({.folder = folder / "out"})({});
    CHECK(ZipReader{zip}.names().size() == 7 + 1);
  }

  TEST_CASE("frames that are read a second time count once") {
    const std::size_t each = 48 * 64 * 3;
    FileFrames frames{{.input = clip, .ahead = 0}, 4 * each, 1 << 20};
    for (const std::int64_t index : {10, 5, 6, 9, 2, 9, 0}) {
      REQUIRE(frames.fetch(index) == FileFrames::Got::frame);
      std::size_t kept = 0;
      for (std::int64_t t = 0; t < 40; ++t)
        if (const auto* frame = frames.find(t)) kept += bytes_of(*frame);
      CHECK(frames.bytes() == kept);
    }
  }

  TEST_CASE("an object that jumps is marked as suspect, one that a person moves is not") {
    const auto project = open_project({.input = clip, .model = "hold"});
    project->prompt(0, square(1, 5, 5));
    project->prompt(4, square(1, 40, 30));
    for (std::int64_t t = 0; t < 8; ++t) CHECK(!shown(*project, t).objects.at(0).suspect);
    project->prompt(0, square(2, 40, 5));
    project->prompt(6, square(3, 8, 30));
    project->merge(3, 2);  // now the one object shows far from where it was
    CHECK(!shown(*project, 5).objects.at(1).suspect);
  }

  TEST_CASE("fed pictures are followed as they come, and the last ones can be corrected") {
    const auto project = open_project({.input = "feed", .model = "hold", .picture_bytes = 10 * 48 * 64 * 3});
    CHECK(project->info().live);
    CHECK(project->step(0, {}).state == State::waiting);
    CHECK(project->newest() == -1);
    const auto jpeg = jpeg_of(48, 64, 1);
    CHECK(project->feed(0.5, jpeg) == 0);
    CHECK(test::refused([&] { project->feed(0.6, std::span{jpeg}.first(100)); }).parts().exit_code == 1);
    const auto first = project->step(0, {});
    CHECK(first.state == State::ready);
    CHECK(first.index == 0);
    CHECK(project->result(0)->seconds == 0.5);
    project->prompt(0, square(1, 5, 5));
    CHECK(project->result(0) == nullptr);
    CHECK(project->step(0, {}).state == State::ready);
    CHECK(visible(*project->result(0)) == std::vector<ObjectId>{1});
    CHECK(project->step(1, {}).state == State::waiting);

    for (int i = 1; i <= 5; ++i) project->feed(i, jpeg);
    const auto late = project->step(1, {});  // too slow: the newest is taken
    CHECK(late.index == 5);
    CHECK(late.state == State::ready);
    CHECK(project->newest() == 5);
    for (int i = 6; i <= 30; ++i) {
      project->feed(i, jpeg);
      CHECK(project->step(i, {}).index == i);
    }
    project->prompt(28, square(2, 30, 5));
    CHECK(project->result(27) != nullptr);
    CHECK(project->result(28) == nullptr);
    CHECK(make(*project, 28));
    CHECK(visible(*project->result(28)) == std::vector<ObjectId>{1, 2});
    CHECK(make(*project, 30));
    CHECK(visible(*project->result(30)) == std::vector<ObjectId>{1, 2});
    CHECK(test::refused([&] { project->prompt(3, square(3, 0, 0)); }).parts().what.find("gone") != std::string::npos);
    CHECK(test::refused([&] { project->propagate_back(20, 10, {}); }).parts().what.find("live") != std::string::npos);
    CHECK(project->memory() < 8'000'000);
    const test::Folder folder;
    // To a frame that never comes: what is there is exported.
    const auto zip = project->exporting({.first = 29, .last = std::int64_t{1} << 40, .folder = folder.path()})({});
    CHECK(ZipReader{zip}.names().size() == 2 + 1);
    CHECK(test::refused(
              [&] { project->exporting({.kind = ExportSpec::Kind::overlay_mp4, .last = 0, .folder = folder.path()}); })
              .parts()
              .what.find("no pictures") != std::string::npos);

    // After a restart its frames have other numbers than those that were prompted.
    const auto again = open_project({.input = "feed", .model = "hold"}, project->save());
    CHECK(again->feed(0, jpeg) == 29);
    CHECK(again->step(29, {}).index == 29);
  }

  TEST_CASE("what was taken back of a live source is not made again once its frame is gone") {
    const auto project = open_project({.input = "feed", .model = "hold", .picture_bytes = 10 * 48 * 64 * 3});
    const auto jpeg = jpeg_of(48, 64, 1);
    auto go_on = [&, next = 0](int end) mutable {
      for (; next <= end; ++next) {
        project->feed(next, jpeg);
        make(*project, next);
      }
    };
    go_on(20);
    project->prompt(18, square(1, 5, 5));
    CHECK(project->undo());
    CHECK(project->redo());  // it is still there
    CHECK(project->undo());
    make(*project, 20);
    go_on(40);
    const auto saved = project->save();
    CHECK(test::refused([&] { project->redo(); }).parts().what.find("gone") != std::string::npos);
    CHECK(project->save() == saved);
    CHECK(project->result(40) != nullptr);
  }

  TEST_CASE("two thousand frames take no more memory than the limits allow") {
    ProjectSpec spec{.input = "synthetic:crossing,frames=2000,size=64x48", .model = "hold"};
    spec.picture_bytes = 400'000;
    spec.result_bytes = 200'000;
    spec.moment_bytes = 4'000'000;
    const auto project = open_project(spec);
    project->prompt(0, truth(spec.input, 0));
    std::size_t most = 0;
    for (std::int64_t t = 0; t < 2000; ++t) {
      make(*project, t);
      if (t % 100 == 0) project->picture(t);
      most = std::max(most, project->memory());
    }
    CHECK(most < 5'000'000);
    CHECK(project->ready().size() <= 2);
    CHECK(project->newest() == 1999);
    CHECK(visible(shown(*project, 3)) == std::vector<ObjectId>{1, 2});  // made again
  }

  TEST_CASE("marks become masks beside the project, the same each time") {
    const std::string input = "synthetic:crossing,frames=3,size=320x240";
    const auto project = open_project({.input = input, .model = "hold"});
    const auto goal = truth(input, 0);
    Box box{320, 240, 0, 0};
    for_each_run(goal.layers[0], 320, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t slot) {
      if (slot != 1) return;
      box = {std::min(box.x0, float(x0)), std::min(box.y0, float(y)), std::max(box.x1, float(x1)),
             std::max(box.y1, float(y + 1))};
    });
    const auto work = project->marking(0, {{.box = box}, {.polygons = {{{{0, 0}, {20, 0}, {20, 20}, {0, 20}}}}}});
    MaskFrame found, again;
    std::thread one{[&] { found = work({}); }}, other{[&] { again = work({}); }};
    one.join();
    other.join();
    CHECK(found == again);
    CHECK(found.ids == std::vector<ObjectId>{1, 2});
    std::vector<ObjectId> got(320 * 240), want(320 * 240);
    labels_from_masks(found, got.data());
    labels_from_masks(goal, want.data());
    int both = 0, either = 0, corner = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      both += got[i] == 1 && want[i] == 1;
      either += got[i] == 1 || want[i] == 1;
      corner += got[i] == 2;
    }
    CHECK(both > 0.8 * either);
    CHECK(corner == 400);
    CHECK(project->objects().empty());
    CHECK(project->prompt(0, found) == found.ids);
    make(*project, 0);
    // A stroke takes away from the mask that the object has, and nothing else.
    const auto less = project->marking(0, {{.object = 2, .strokes = {{{{10, 10}}, 5, true}}}})({});
    CHECK(less.ids == std::vector<ObjectId>{2});
    CHECK(slot_at(less.layers[0], 10, 10) == 0);
    CHECK(slot_at(less.layers[0], 2, 2) == 1);
    CHECK(test::refused([&] { project->marking(0, {{.object = 9, .box = box}}); }).parts().exit_code == 1);
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(work(stop.get_token()), Cancelled);
  }

  TEST_CASE("exports hold the masks that the project shows") {
    const test::Folder folder;
    const ProjectSpec spec{.input = clip, .name = "my/clip", .model = "flow"};
    const auto project = open_project(spec);
    project->prompt(0, truth(clip, 0), {{2, "ball"}});
    make(*project, 11);
    project->remove(1);
    const auto exported = [&](ExportSpec::Kind kind, std::vector<ObjectId> objects = {}) {
      return project->exporting(
          {.kind = kind, .first = 2, .last = 9, .objects = std::move(objects), .folder = folder.path()})({});
    };
    const auto zip_path = exported(ExportSpec::Kind::png_zip);
    CHECK(zip_path == folder / "my_clip.zip");
    const ZipReader zip{zip_path};
    CHECK(zip.names().size() == 9);
    for (int t = 2; t <= 9; ++t) {
      const auto name = "Annotations/my_clip/0000" + std::to_string(t) + ".png";
      const auto labels = labels_from_png(zip.read(name), name);
      CHECK(masks_from_labels(labels.ids, labels.height, labels.width, std::array<ObjectId, 1>{2}) ==
            shown(*project, t).masks);
    }
    const auto bytes = zip.read("meta.json");
    const auto meta = nlohmann::json::parse(bytes.begin(), bytes.end());
    CHECK(meta["videos"]["my_clip"]["objects"]["2"]["category"] == "ball");
    CHECK(meta["videos"]["my_clip"]["objects"]["2"]["frames"].size() == 8);

    const auto json = nlohmann::json::parse(std::ifstream{exported(ExportSpec::Kind::rle_json)});
    REQUIRE(json.size() == 1);
    CHECK(json[0]["id"] == 2);
    REQUIRE(json[0]["segmentations"].size() == 8);
    const auto mask = mask_from_rle(rle_from_string(48, 64, json[0]["segmentations"][3]["counts"].get<std::string>()));
    CHECK((masks_from_labels(std::vector<ObjectId>(mask.begin(), mask.end()), 48, 64).layers ==
           shown(*project, 5).masks.layers));

    std::int64_t frames = 0;
    for (const auto& frame : VideoReader{exported(ExportSpec::Kind::overlay_mp4).string()}) {
      CHECK(frame.width() == 64);
      ++frames;
    }
    CHECK(frames == 8);
    std::ifstream session{exported(ExportSpec::Kind::session)};
    CHECK(std::string{std::istreambuf_iterator<char>{session}, {}} == project->save());
    CHECK(exported(ExportSpec::Kind::png_zip, {1}) == zip_path);  // nothing to see of it, but a file all the same
    std::stop_source stop;
    stop.request_stop();
    const test::Folder other;
    CHECK_THROWS_AS(project->exporting({.last = 9, .folder = other.path()})(stop.get_token()), Cancelled);
    CHECK_THROWS_AS(
        project->exporting({.kind = ExportSpec::Kind::rle_json, .last = 9, .folder = other.path()})(stop.get_token()),
        Cancelled);
    CHECK(std::filesystem::is_empty(other.path()));
  }
}
