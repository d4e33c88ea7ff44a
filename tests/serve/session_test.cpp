#include <vos/serve/service.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <vos/wire/mask_encode.hpp>

#include "../test.hpp"
#include "session_bench.hpp"

namespace {

using namespace vos;
using vos::test::BenchClient;
using vos::test::Folder;
using vos::test::prompt_by_box;
using vos::test::SessionBench;

ObjectId label(const vos::test::RecordingViewer::SeenFrame& frame, std::int64_t x, std::int64_t y) {
  return frame.labels.at(static_cast<std::size_t>(y * frame.width + x));
}

wire::SeekT seek(std::int64_t index) {
  wire::SeekT seek;
  seek.index = index;
  return seek;
}

wire::PropagateT propagate(std::int64_t from, std::int64_t to) {
  wire::PropagateT propagate;
  propagate.from = from;
  propagate.to = to;
  return propagate;
}

}  // namespace

TEST_SUITE("serve") {
  TEST_CASE("a hello is answered by welcome, objects, playback and the first frame with its picture") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.enter("", "", -1, "", true);
    const auto& welcome = *client.viewer->welcome;
    CHECK(welcome.role == wire::Role::owner);
    CHECK(welcome.source->frames == 60);
    CHECK(welcome.source->name == "input");
    CHECK(welcome.model == "flow");
    CHECK(welcome.models.size() == 2);
    CHECK(!welcome.resume.empty());
    REQUIRE(client.viewer->frames.size() == 1);
    CHECK(client.last().index == 0);
    CHECK(client.last().jpeg > 0);
    CHECK_FALSE(client.last().has_masks);  // nothing was tracked yet
    CHECK_FALSE(client.viewer->playbacks.back().playing);
  }

  TEST_CASE("a prompt is answered after its frame was made anew and sent") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    const auto answer = client.ask(prompt_by_box(0, 10, 20, 20, 0, "duck"));
    CHECK_FALSE(answer.error);
    CHECK(answer.objects == std::vector<ObjectId>{1});
    CHECK(client.last().index == 0);
    CHECK(client.last().ids == std::vector<ObjectId>{1});
    CHECK(label(client.last(), 15, 25) == 1);
    CHECK(label(client.last(), 35, 25) == 0);
    REQUIRE(client.viewer->objects.objects.size() == 1);
    CHECK(client.viewer->objects.objects[0]->name == "duck");
  }

  TEST_CASE("playing shows every frame once, in order, as differences, and stops at the end") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    client.viewer->frames.clear();
    CHECK_FALSE(client.ask(wire::PlayT{}).error);
    REQUIRE(bench.until([&] { return !client.viewer->playbacks.back().playing; }));
    std::vector<std::int64_t> indices, expected;
    for (const auto& frame : client.viewer->frames) indices.push_back(frame.index);
    for (std::int64_t i = 1; i < 60; ++i) expected.push_back(i);
    CHECK(indices == expected);
    CHECK(std::count_if(client.viewer->frames.begin(), client.viewer->frames.end(),
                        [](const auto& f) { return f.key; }) <= 2);
    CHECK(client.viewer->unreadable == 0);
    CHECK(label(client.viewer->frames[9], 10 + 20 + 5, 20 + 10 + 5) == 1);
    // From the end it begins anew.
    client.viewer->frames.clear();
    client.ask(wire::PlayT{});
    REQUIRE(bench.until([&] { return !client.viewer->frames.empty(); }));
    CHECK(client.viewer->frames[0].index == 0);
  }

  TEST_CASE("playing keeps the clip's pace, and the speed changes it") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.input = "fake:frames=1000,fps=1";
    SessionBench bench{folder.path(), options};
    BenchClient client{bench};
    client.hello();
    const auto shown_in = [&](std::chrono::milliseconds time) {
      const auto before = client.viewer->frames.size();
      bench.run_for(time);
      return client.viewer->frames.size() - before;
    };
    client.ask(wire::PlayT{});
    CHECK(shown_in(std::chrono::milliseconds(300)) <= 2);
    wire::SpeedT speed;
    speed.factor = 0;
    client.ask(speed);
    const auto before = client.viewer->frames.size();
    CHECK(bench.until([&] { return client.viewer->frames.size() > before + 60; }));  // a minute at its own pace
    client.ask(wire::PauseT{});
    CHECK(shown_in(std::chrono::milliseconds(100)) == 0);
  }

  TEST_CASE("seeking shows a frame's picture, and its result where there is one") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.enter("", "", -1, "", true);
    client.ask(prompt_by_box(0, 10, 20));
    CHECK_FALSE(client.ask(seek(30)).error);
    CHECK(client.last().index == 30);
    CHECK_FALSE(client.last().has_masks);
    CHECK(client.last().jpeg > 0);
    wire::StepT step;
    step.frames = 2;
    CHECK_FALSE(client.ask(step).error);
    CHECK(client.last().index == 32);
    CHECK(client.last().has_masks);
    step.frames = -5;
    client.ask(step);
    CHECK(client.last().index == 27);
    CHECK(client.last().has_masks);  // on the way to 32
    CHECK(client.viewer->playbacks.back().index == 27);
    step.frames = std::numeric_limits<std::int32_t>::min();
    client.ask(step);
    CHECK(client.last().index == 0);
  }

  TEST_CASE("many seeks at once end at the last, and each is answered") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    for (std::uint32_t i = 1; i <= 200; ++i) client.say(seek(i % 60), i + 1000);
    REQUIRE(bench.until([&] { return client.viewer->answers.size() == 200; }));
    CHECK(client.last().index == 200 % 60);
    CHECK(client.viewer->frames.size() < 20);
  }

  TEST_CASE("a preview is answered with masks and changes nothing; a newer one takes its place") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    auto preview = prompt_by_box(0, 30, 40);
    preview.preview = true;
    const auto answer = client.ask(preview);
    REQUIRE_FALSE(answer.error);
    MaskFrame masks;
    CHECK(decode_masks(answer.masks, nullptr, masks) == MaskFault::none);
    CHECK(masks.ids == std::vector<ObjectId>{1});
    CHECK(client.viewer->objects.objects.empty());
    CHECK(client.refused(wire::UndoT{}) == "nothing_to_undo");
    bench.control->marking_ms = 2000;
    client.say(preview, 901);
    bench.run_for(std::chrono::milliseconds(50));
    bench.control->marking_ms = 0;
    client.say(preview, 902);
    REQUIRE(bench.until([&] { return client.viewer->answers.contains(902) && client.viewer->answers.contains(901); }));
    CHECK(client.viewer->answers.at(901).error->code == "cancelled");
    CHECK_FALSE(client.viewer->answers.at(902).error);
  }

  TEST_CASE("whole masks are a prompt too") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    std::vector<ObjectId> labels(120 * 160);
    for (std::size_t i = 5 * 160 + 7; i < 5 * 160 + 30; ++i) labels[i] = 4;
    wire::PromptT prompt;
    prompt.masks = encode_masks(masks_from_labels(labels, 120, 160));
    CHECK(client.ask(prompt).objects == std::vector<ObjectId>{4});
    CHECK(label(client.last(), 10, 5) == 4);
    prompt.masks = encode_masks(masks_from_labels(std::vector<ObjectId>(100, 1), 10, 10));
    CHECK(client.refused(prompt) == "sizes_differ");
    prompt.masks = {1, 2, 3};
    CHECK(client.refused(prompt) == "bad_request");
  }

  TEST_CASE("objects are renamed, split, merged, removed; undo and redo go through it all") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    client.ask(prompt_by_box(0, 60, 20));
    const auto count = [&] { return client.viewer->objects.objects.size(); };
    CHECK(count() == 2);
    wire::RenameObjectT rename;
    rename.object = 2;
    rename.name = "Möwe";
    rename.colour = 0x123456;
    CHECK(client.refused(rename).empty());
    CHECK(client.viewer->objects.objects[1]->name == "Möwe");
    CHECK(client.viewer->objects.objects[1]->colour == 0x123456);
    wire::SplitObjectT split;
    split.object = 1;
    split.index = 10;
    CHECK(client.ask(split).objects == std::vector<ObjectId>{3});
    CHECK(count() == 3);
    wire::MergeObjectsT merge;
    merge.from = 3, merge.into = 1;
    CHECK(client.refused(merge).empty());
    CHECK(count() == 2);
    wire::RemoveObjectT remove;
    remove.object = 2;
    CHECK(client.refused(remove).empty());
    REQUIRE(bench.until([&] { return client.last().ids == std::vector<ObjectId>{1}; }));  // the frame follows
    for (int i = 0; i < 6; ++i) CHECK(client.refused(wire::UndoT{}).empty());
    CHECK(client.refused(wire::UndoT{}) == "nothing_to_undo");
    CHECK(count() == 0);
    for (int i = 0; i < 6; ++i) CHECK(client.refused(wire::RedoT{}).empty());
    CHECK(client.refused(wire::RedoT{}) == "nothing_to_redo");
    CHECK(count() == 1);
  }

  TEST_CASE("propagation sends every frame, forwards and backwards, and can be cancelled") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(20, 10, 20));
    client.viewer->frames.clear();
    CHECK_FALSE(client.ask(propagate(20, -1)).error);
    CHECK(client.viewer->frames.size() == 40);
    CHECK(client.last().index == 59);
    client.viewer->frames.clear();
    CHECK_FALSE(client.ask(propagate(20, 5)).error);
    CHECK(client.viewer->frames.size() == 16);
    CHECK(client.last().index == 5);
    CHECK(client.last().ids == std::vector<ObjectId>{1});
    bench.control->step_ms = 20;
    client.ask(prompt_by_box(0, 40, 20));
    client.say(propagate(0, 59), 700);
    CHECK(bench.until([&] {
      return !client.viewer->progress.empty() && client.viewer->progress.back().task == "propagate" &&
             client.viewer->progress.back().total == 60;
    }));
    wire::CancelT cancel;
    cancel.request = 700;
    CHECK(client.refused(cancel).empty());
    CHECK(client.viewer->answers.at(700).error->code == "cancelled");
    CHECK(client.refused(cancel) == "not_under_way");
  }

  TEST_CASE("an edit does not wait for a long propagation") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.input = "fake:frames=2000";
    SessionBench bench{folder.path(), options};
    BenchClient client{bench};
    client.hello();
    bench.control->step_ms = 5;
    client.ask(prompt_by_box(0, 10, 20));
    client.say(propagate(0, -1), 700);
    bench.run_for(std::chrono::milliseconds(100));
    CHECK(client.refused(prompt_by_box(0, 60, 20)).empty());
    CHECK_FALSE(client.viewer->answers.contains(700));
    CHECK(client.last().ids.size() == 2);
  }

  TEST_CASE("frames can be fetched again") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    client.ask(propagate(0, 20));
    client.viewer->frames.clear();
    client.viewer->room = 3;
    client.viewer->reads = false;
    wire::FetchT fetch;
    fetch.first = 5, fetch.last = 15, fetch.pictures = true;
    client.say(fetch, 50);
    for (int i = 0; i < 20 && !client.viewer->answers.contains(50); ++i) {
      bench.run_for(std::chrono::milliseconds(20));
      client.viewer->read();
      client.receiver().has_room();
    }
    CHECK(client.viewer->answers.contains(50));
    REQUIRE(client.viewer->frames.size() == 11);
    CHECK(client.viewer->dropped_frames() == 0);  // it waits for room
    CHECK(client.viewer->frames[10].index == 15);
    CHECK(client.viewer->frames[10].jpeg > 0);
    CHECK(client.viewer->frames[10].ids == std::vector<ObjectId>{1});
    fetch.first = 15, fetch.last = 5;
    CHECK(client.refused(fetch) == "bad_request");
  }

  TEST_CASE("a key frame comes when asked for") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    client.ask(propagate(0, 3));
    client.viewer->frames.clear();
    client.ask(wire::KeyFrameT{});
    REQUIRE(client.viewer->frames.size() == 1);
    CHECK(client.last().key);
    client.ask(propagate(0, 8));
    CHECK(client.viewer->unreadable == 0);
  }

  TEST_CASE("the model and its settings can be changed, and taken back") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    wire::ChooseModelT choose;
    choose.name = "detector";
    CHECK(client.refused(choose).empty());
    CHECK(client.viewer->welcome->model == "detector");
    CHECK(client.refused(wire::UndoT{}).empty());
    CHECK(client.viewer->welcome->model == "flow");
    choose.name = "flwo";
    const auto answer = client.ask(choose);
    CHECK(answer.error->code == "no_model");
    CHECK(answer.error->what.find("did you mean 'flow'") != std::string::npos);
    wire::SettingsT settings;
    settings.settings.push_back(std::make_unique<wire::SettingT>());
    settings.settings[0]->key = "wrong";
    CHECK(client.refused(settings) == "refused");
  }

  TEST_CASE("exports follow what was made, and are fetched by their address") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    for (const auto kind : {wire::ExportKind::png_zip, wire::ExportKind::rle_json, wire::ExportKind::overlay_mp4,
                            wire::ExportKind::session}) {
      wire::ExportT wanted;
      wanted.kind = kind;
      const auto answer = client.ask(wanted);
      REQUIRE_FALSE(answer.error);
      CHECK(answer.bytes > 0);
      const auto prefix = std::string{"/api/"};
      REQUIRE(answer.address.starts_with(prefix));
      const auto reply = bench.request({.method = "GET", .path = answer.address.substr(prefix.size())});
      CHECK(reply.status == 200);
      CHECK(std::filesystem::file_size(reply.file) == answer.bytes);
    }
    const auto id = client.viewer->welcome->session;
    for (const std::string name : {"..", "session.json/..", ".hidden", "nothing.zip"})
      CHECK(bench.request({.method = "GET", .path = "sessions/" + id + "/exports/" + name}).status == 404);
    wire::ExportT beyond;
    beyond.first = 70;
    CHECK(client.refused(beyond) == "bad_request");
  }

  TEST_CASE("what makes no sense is refused with words that help, and nothing is changed") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    const auto nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
    std::vector<wire::PromptT> prompts;
    for (const auto& [index, x, y, side] : {std::tuple{-1, 1.F, 1.F, 20.F},
                                            {60, 1.F, 1.F, 20.F},
                                            {0, nan, 1.F, 20.F},
                                            {0, 1.F, infinite, 20.F},
                                            {0, 1.F, 1.F, 0.F},
                                            {0, 1e9F, 1.F, 20.F}})
      prompts.push_back(prompt_by_box(index, x, y, side));
    prompts.push_back(prompt_by_box(0, 1, 1, 20, -3));
    prompts.push_back(prompt_by_box(0, 1, 1, 20, 0, std::string(1000, 'x')));
    prompts.push_back(prompt_by_box(0, 1, 1, 20, 0, "two\nlines"));
    prompts.push_back(prompt_by_box(0, 1, 1, 20, 0, "\xff\xfe"));
    prompts.emplace_back();  // neither marks nor masks
    prompts.push_back(prompt_by_box(0, 1, 1));
    prompts.back().marks[0]->category = -7;
    prompts.push_back(prompt_by_box(0, 1, 1));
    prompts.back().marks[0]->strokes.push_back(std::make_unique<wire::StrokeT>());  // without points
    prompts.push_back(prompt_by_box(0, 1, 1));
    prompts.back().marks[0]->strokes.push_back(std::make_unique<wire::StrokeT>());
    prompts.back().marks[0]->strokes[0]->points = {{1, 1}};
    prompts.back().marks[0]->strokes[0]->radius = nan;
    prompts.push_back(prompt_by_box(0, 1, 1));
    prompts.back().marks[0]->polygons.push_back(std::make_unique<wire::PolygonT>());
    prompts.back().marks[0]->polygons[0]->points = {{1, 1}, {2, 2}};
    prompts.push_back(prompt_by_box(0, 1, 1));
    for (int i = 0; i < 300; ++i) prompts.back().marks.push_back(std::make_unique<wire::MarkT>());
    prompts.push_back(prompt_by_box(0, 1, 1));
    prompts.back().marks[0]->clicks.assign(200'000, wire::Click{{1, 1}, true});
    prompts.push_back(prompt_by_box(0, 1, 1, 20, 1));
    prompts.back().marks.push_back(std::make_unique<wire::MarkT>(*prompts.back().marks[0]));  // twice the same
    for (auto& prompt : prompts) {
      const auto answer = client.ask(std::move(prompt));
      REQUIRE(answer.error);
      CHECK(answer.error->code == "bad_request");
      CHECK(!answer.error->what.empty());
      CHECK(!answer.error->mend.empty());
    }
    CHECK(client.refused(prompt_by_box(0, 1, 1, 20, 99)) == "refused");  // no such object: the project knows
    CHECK(client.refused(seek(-1)) == "bad_request");
    CHECK(client.refused(seek(60)) == "bad_request");
    CHECK(client.refused(propagate(0, 60)) == "bad_request");
    for (const float factor : {-1.F, nan, infinite, 1e-6F, 1e6F}) {
      wire::SpeedT speed;
      speed.factor = factor;
      CHECK(client.refused(speed) == "bad_request");
    }
    for (const ObjectId id : {0, -1, std::numeric_limits<ObjectId>::min()}) {
      wire::RemoveObjectT remove;
      remove.object = id;
      CHECK(client.refused(remove) == "bad_request");
    }
    wire::MergeObjectsT merge;
    merge.from = merge.into = 1;
    CHECK(client.refused(merge) == "bad_request");
    wire::CameraFrameT camera;
    camera.jpeg = {0xFF, 0xD8, 0xFF, 0xD9};
    CHECK(client.refused(camera) == "no_camera");
    CHECK(client.refused(wire::HelloT{}) == "bad_request");
    CHECK(client.refused(wire::WelcomeT{}) == "bad_request");
    CHECK(client.viewer->objects.objects.size() == 1);
    CHECK(client.refused(wire::UndoT{}).empty());
    CHECK(client.viewer->objects.objects.empty());
    CHECK_FALSE(client.viewer->closed);
  }

  TEST_CASE("an error without a request number is told by a notice") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.say(seek(-1));
    REQUIRE(client.viewer->notices.size() == 1);
    CHECK(client.viewer->notices[0].severity == wire::Severity::warning);
  }

  TEST_CASE("a file waits for its owner, and goes on when there is room") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.viewer->room = 4;
    client.viewer->reads = false;
    client.ask(wire::PlayT{});
    bench.run_for(std::chrono::milliseconds(200));
    CHECK(client.viewer->queued() == 4);
    CHECK(client.viewer->dropped_frames() == 0);
    for (int i = 0; i < 200 && client.viewer->playbacks.back().playing; ++i) {
      client.viewer->read();
      client.receiver().has_room();
      bench.run_for(std::chrono::milliseconds(10));
    }
    client.viewer->read();
    CHECK(client.viewer->dropped_frames() == 0);
    CHECK(client.last().index == 59);
  }

  TEST_CASE("who only watches changes nothing and stops nobody") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient owner{bench};
    owner.hello();
    const auto id = owner.viewer->welcome->session;
    const auto watch = bench.request({.method = "GET", .path = "sessions/" + id}).body.at("watch").get<std::string>();
    BenchClient watcher{bench, serve::Access::none};
    watcher.enter(id, "", -1, watch);
    REQUIRE(watcher.viewer->welcome);
    CHECK(watcher.viewer->welcome->role == wire::Role::viewer);
    CHECK(watcher.viewer->welcome->resume.empty());
    CHECK(watcher.refused(wire::PlayT{}) == "read_only");
    CHECK(watcher.refused(prompt_by_box(0, 1, 1)) == "read_only");
    CHECK(watcher.refused(wire::UndoT{}) == "read_only");
    CHECK(watcher.refused(wire::KeyFrameT{}).empty());
    watcher.viewer->room = 2;
    watcher.viewer->reads = false;  // it stalls
    owner.viewer->frames.clear();
    owner.ask(wire::PlayT{});
    REQUIRE(bench.until([&] { return !owner.viewer->playbacks.back().playing; }));
    CHECK(owner.viewer->frames.size() == 60);
    CHECK(watcher.viewer->dropped_frames() >= 50);
    watcher.viewer->read();
    CHECK(watcher.viewer->unreadable == 0);
  }

  TEST_CASE("two who watch see the same, whenever they come") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient owner{bench};
    owner.hello();
    owner.ask(prompt_by_box(0, 10, 20));
    owner.ask(propagate(0, 10));
    const auto id = owner.viewer->welcome->session;
    BenchClient late{bench};
    late.enter(id);
    CHECK(late.viewer->welcome->role == wire::Role::viewer);  // there is an owner already
    owner.ask(propagate(0, 30));
    REQUIRE(!late.viewer->frames.empty());
    CHECK(late.last().labels == owner.last().labels);
    CHECK(late.last().index == owner.last().index);
    CHECK(late.viewer->unreadable == 0);
  }

  TEST_CASE("a damaged frame stops playback with a notice, and the session lives on") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    bench.control->refuses_at = 5;
    client.ask(wire::PlayT{});
    REQUIRE(bench.until([&] { return !client.viewer->notices.empty(); }));
    CHECK(client.viewer->notices[0].index == 5);
    CHECK(client.viewer->notices[0].where.empty());  // the server's files are nobody's business
    CHECK_FALSE(client.viewer->playbacks.back().playing);
    CHECK(client.last().index == 4);
    const auto answer = client.ask(propagate(0, 59));
    REQUIRE(answer.error);
    CHECK(answer.error->code == "refused");
    CHECK(client.refused(seek(30)).empty());
    CHECK_FALSE(client.viewer->closed);
  }

  TEST_CASE("an edit that cannot be written down is not kept") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    const auto record = folder.path() / "sessions" / client.viewer->welcome->session / "session.json";
    std::filesystem::remove(record);
    std::filesystem::create_directory(record);  // nothing can be written there now
    CHECK(client.refused(prompt_by_box(0, 50, 20)) == "refused");
    std::filesystem::remove(record);
    CHECK(client.ask(prompt_by_box(0, 70, 20)).objects == std::vector<ObjectId>{2});
    CHECK(client.viewer->objects.objects.size() == 2);
  }

  TEST_CASE("statistics tell of latency") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.hello();
    wire::SeenT seen;
    seen.index = 0;
    client.say(seen);
    CHECK(bench.until([&] { return client.viewer->statistics > 0; }));
  }
}
