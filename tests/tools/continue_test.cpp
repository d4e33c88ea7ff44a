#include "infer/sequence.hpp"

#include <nlohmann/json.hpp>

#include "infer/journal.hpp"

#include "clips.hpp"

#include "../test.hpp"

using namespace vos;
using test::Folder;
namespace fs = std::filesystem;

namespace {

/// Another segmenter that asks for a stop while it works on a frame, as Ctrl-C would.
struct Stopping {
  using State = Snapshot;
  AnySegmenter inner;
  std::stop_source stop;
  std::int64_t at;

  void prompt(const Frame& frame, const at::Tensor& labels) { inner.prompt(frame, labels); }
  void remove(ObjectId id) { inner.remove(id); }
  Results push(const Frame& frame, const Work& work) {
    if (frame.index == at) stop.request_stop();
    return inner.push(frame, work);
  }
  Results finish(const Work& work) { return inner.finish(work); }
  void reset() { inner.reset(); }
  State snapshot() const { return inner.snapshot(); }
  void restore(const State& state) { inner.restore(state); }
  Latency latency() const { return inner.latency(); }
};

/// Answers everything at the end: the smallest offline model.
struct Late {
  struct State {
    std::vector<Frame> frames;
    at::Tensor labels;
  };
  State state;
  void prompt(const Frame&, const at::Tensor& labels) { state.labels = labels; }
  void remove(ObjectId) {}
  Results push(const Frame& frame, const Work&) {
    state.frames.push_back(frame);
    return Results{std::vector<FrameResult>{}};
  }
  Results finish(const Work& work) {
    work.step(0, "finish");
    Results results;
    for (const auto& frame : state.frames) {
      FrameResult result{
          .index = frame.index, .seconds = frame.seconds, .objects = {{.id = 1, .score = 1}}, .labels = state.labels};
      measure_objects(result);
      results.add(result);
    }
    return results;
  }
  void reset() { state = {}; }
  State snapshot() const { return state; }
  void restore(const State& before) { state = before; }
  Latency latency() const { return {Latency::whole_video}; }
};

infer::SequenceReport follow(const std::vector<std::string>& words, AnySegmenter& segmenter, std::stop_token stop) {
  const auto options = infer::parse(words);
  tool::MemoryTrend memory;
  std::ostringstream err;
  return infer::follow(infer::plan(options).at(0), options, segmenter, /*needs_prompt=*/true, memory, err,
                       std::move(stop));
}

/// The run that `words` describe, stopped while it works on frame `at`.
infer::SequenceReport stopped_at(std::int64_t at, const std::vector<std::string>& words) {
  std::stop_source stop;
  AnySegmenter segmenter{Stopping{make_segmenter(infer::parse(words).model), stop, at}};
  return follow(words, segmenter, stop.get_token());
}

/// Everything in a folder but the times.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& name : test::names_in(folder))
    if (name != "timing.json" && name != "overlay.mp4") files[name] = test::text_of(folder / name);
  return files;
}

std::vector<std::string> joined(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_SUITE("infer") {
  TEST_CASE("a stop is obeyed behind the frame in work and leaves complete files") {
    const Folder folder;
    const auto out = folder / "out";
    const auto report = stopped_at(5, {"--input", test::clip, "-o", out, "--model", "hold"});
    CHECK(!report.complete);
    CHECK(report.frames == 6);
    CHECK(test::names_in(out) == std::vector<std::string>{"00000.png", "00001.png", "00002.png", "00003.png",
                                                          "00004.png", "00005.png", "contact.png", "frames.jsonl",
                                                          "overlay.mp4", "results.json", "timing.json"});
    std::int64_t frames = 0;
    for (const auto& frame : VideoReader{(out / "overlay.mp4").string()}) frames += frame.rgb.defined();
    CHECK(frames == 6);
    const auto results = nlohmann::json::parse(test::text_of(out / "results.json"));
    CHECK(results[0]["segmentations"].size() == 6);
  }

  TEST_CASE("a run that was asked to stop returns 130") {
    const Folder folder;
    std::stop_source stop;
    stop.request_stop();
    const auto ran = test::infer({"--input", test::clip, "-o", folder / "out", "--model", "hold"}, stop.get_token());
    CHECK(ran.code == 130);
    CHECK(test::says(ran.out, "1 of 1 input not begun"));
    CHECK(!fs::exists(folder / "out"));
  }

  TEST_CASE("a run continued from its masks equals an uninterrupted one where the model knows no more than those") {
    const Folder folder;
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "00004.png", {{2, {10, 10, 40, 30}}});  // covers a part of 1
    test::write_mask(folder / "masks" / "00008.png", {{9, {50, 30, 60, 40}}});
    const std::vector<std::string> words{"--input", test::clip, "--masks", folder / "masks", "--model", "hold"};
    test::infer(joined(words, {"-o", folder / "whole"}));
    stopped_at(5, joined(words, {"-o", folder / "parts"}));
    stopped_at(9, joined(words, {"-o", folder / "parts", "--continue", "masks"}));
    const auto ran = test::infer(joined(words, {"-o", folder / "parts", "--continue", "masks", "--json"}));
    CHECK(contents(folder / "parts") == contents(folder / "whole"));
    const auto json = nlohmann::json::parse(ran.out);
    CHECK(json["frames"] == 2);
    CHECK(json["frames_kept"] == 10);
    CHECK(json["objects"] == 3);
    CHECK(json["complete"] == true);
    std::int64_t frames = 0;
    for (const auto& frame : VideoReader{(folder / "parts" / "overlay.mp4").string()}) frames += frame.rgb.defined();
    CHECK(frames == 12);
  }

  TEST_CASE("a run that is continued exactly equals an uninterrupted one with a model that remembers more than masks") {
    const Folder folder;
    const std::vector<std::string> words{"--input", "synthetic:occlusion,frames=12,size=160x96", "--model", "flow"};
    test::infer(joined(words, {"-o", folder / "whole"}));
    stopped_at(5, joined(words, {"-o", folder / "parts"}));
    const auto report = stopped_at(8, joined(words, {"-o", folder / "parts", "--continue"}));
    CHECK(report.frames == 3);
    CHECK(report.frames_kept == 6);
    CHECK(report.push.count() == 3);
    const auto ran = test::infer(joined(words, {"-o", folder / "parts", "--continue"}));
    CHECK(ran.err.empty());
    CHECK(contents(folder / "parts") == contents(folder / "whole"));
  }

  TEST_CASE("a run that comes out otherwise than the interrupted one is told, not hidden") {
    const Folder folder;
    const std::vector<std::string> words{"--input", test::clip,     "--model",  "hold",
                                         "-o",      folder / "out", "--format", "png"};
    stopped_at(5, words);
    test::write_mask(folder / "out" / "00002.png", {{1, {0, 0, 5, 5}}});
    const auto ran = test::infer(joined(words, {"--continue"}));
    CHECK(test::says(ran.err, "frame 00002"));
    CHECK(test::says(ran.err, "otherwise"));
  }

  TEST_CASE("a synthetic clip is continued with the objects that it had, and scored from its first frame on") {
    const Folder folder;
    const std::vector<std::string> words{"--input", test::clip, "--model", "hold", "--json"};
    const auto whole = nlohmann::json::parse(test::infer(joined(words, {"-o", folder / "whole"})).out);
    stopped_at(6, joined(words, {"-o", folder / "parts"}));
    const auto parts =
        nlohmann::json::parse(test::infer(joined(words, {"-o", folder / "parts", "--continue", "masks"})).out);
    CHECK(parts["j_mean"] == whole["j_mean"]);
    CHECK(contents(folder / "parts") == contents(folder / "whole"));
  }

  TEST_CASE("an object that is hidden where the run stopped is shown to the model where it was last seen") {
    const Folder folder;
    test::write_mask(folder / "masks" / "00000.png", {{1, {4, 4, 20, 20}}});
    test::write_mask(folder / "masks" / "00003.png", {{2, {0, 0, 30, 30}}});  // covers all of 1
    const std::vector<std::string> words{"--input", test::clip, "--masks", folder / "masks",
                                         "--model", "hold",     "-o",      folder / "out"};
    stopped_at(5, words);
    const auto past = infer::read_past(folder / "out");
    CHECK(past.frames == 6);
    CHECK(past.last == 5);
    CHECK(past.last_seen == std::map<ObjectId, std::int64_t>{{1, 2}, {2, 5}});
    const auto ran = test::infer(joined(words, {"--continue", "masks", "--json"}));
    CHECK(nlohmann::json::parse(ran.out)["objects"] == 2);
    CHECK(test::says(test::text_of(folder / "out" / "frames.jsonl"),
                     R"("frame":11,"stem":"00011","seconds":0.44,"objects":[{"id":1,"score":0.0},{"id":2)"));
  }

  TEST_CASE("a journal whose last line was cut off is continued behind the line before") {
    const Folder folder;
    const std::vector<std::string> words{"--input", test::clip, "--model", "hold"};
    test::infer(joined(words, {"-o", folder / "whole"}));
    stopped_at(5, joined(words, {"-o", folder / "parts"}));
    const auto journal = folder / "parts" / "frames.jsonl";
    fs::resize_file(journal, fs::file_size(journal) - 10);  // as a power cut may leave it
    CHECK(infer::read_past(folder / "parts").last == 4);
    test::infer(joined(words, {"-o", folder / "parts", "--continue"}));
    CHECK(contents(folder / "parts") == contents(folder / "whole"));
  }

  TEST_CASE("what is complete is left as it is, and an empty folder is begun") {
    const Folder folder;
    const std::vector<std::string> words{"--input", test::clip, "--model", "hold", "-o", folder / "out", "--continue"};
    CHECK(test::says(test::infer(words).out, "12 frames"));
    const auto written = fs::last_write_time(folder / "out" / "00003.png");
    const auto again = test::infer(words);
    CHECK(again.code == 0);
    CHECK(test::says(again.out, "complete already"));
    CHECK(fs::last_write_time(folder / "out" / "00003.png") == written);
  }

  TEST_CASE("a run with other options, or none at all, is not continued") {
    const Folder folder;
    const std::vector<std::string> words{"--input", test::clip, "--model", "hold", "-o", folder / "out"};
    stopped_at(5, words);
    const auto other = test::error_of(joined(words, {"--continue", "--set", "score=0.9"}));
    CHECK(test::says(other.what(), "options"));
    CHECK(test::says(other.what(), "0.9"));
    CHECK(test::says(test::error_of(joined(words, {"--continue", "--frames", "1:"})).what(), "frames"));
    std::ofstream(folder / "notes.txt") << "mine";
    CHECK(test::says(
        test::error_of({"--input", test::clip, "--model", "hold", "-o", folder.path().string(), "--continue"}).what(),
        "no run to continue"));
  }

  TEST_CASE("a model that answers at the end gets its pictures into the overlay") {
    const Folder folder;
    AnySegmenter segmenter{Late{}};
    const auto report = follow({"--input", test::clip, "-o", folder / "out"}, segmenter, {});
    CHECK(report.complete);
    CHECK(report.frames == 12);
    CHECK(report.j.size() == 1);
    for (const auto* name : {"00011.png", "overlay.mp4", "contact.png"})
      CHECK_MESSAGE(fs::file_size(folder / "out" / name) > 0, name);
  }

  TEST_CASE("a model that answers at the end can be stopped while it owes its answers") {
    const Folder folder;
    std::stop_source stop;
    AnySegmenter segmenter{Stopping{AnySegmenter{Late{}}, stop, 11}};
    const auto report =
        follow({"--input", test::clip, "-o", folder / "out", "--format", "png"}, segmenter, stop.get_token());
    CHECK(!report.complete);
    CHECK(report.frames == 0);
  }
}
