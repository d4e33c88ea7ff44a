#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vos/serve/metrics.hpp>
#include <vos/serve/service.hpp>
#include <vos/serve/session_options.hpp>
#include <vos/wire/mask_decode.hpp>

#include "fake_project.hpp"

namespace vos::test {

/// A viewer without a network: takes everything at once, decodes it as a page would, and keeps it.
class RecordingViewer final : public serve::Viewer {
 public:
  struct SeenFrame {
    std::int64_t index = 0;
    std::uint32_t revision = 0;
    bool key = false, has_masks = false;
    std::vector<ObjectId> ids = {};
    std::vector<ObjectId> labels = {};
    std::size_t jpeg = 0;
    std::int64_t width = 0;
  };

  void send(serve::Shared message) override {
    if (closed) return;
    const auto opened = wire::open_message(*message);
    if (opened.message == nullptr) {
      ++unreadable;
      return;
    }
    std::unique_ptr<wire::MessageT> unpacked{opened.message->UnPack()};
    const auto type = unpacked->body.type;
    if (type == wire::Body::Welcome) welcome = *unpacked->body.AsWelcome();
    if (type == wire::Body::Playback) playbacks.push_back(*unpacked->body.AsPlayback());
    if (type == wire::Body::ObjectList) objects = *unpacked->body.AsObjectList();
    if (type == wire::Body::Notice) notices.push_back(*unpacked->body.AsNotice());
    if (type == wire::Body::Progress) progress.push_back(*unpacked->body.AsProgress());
    if (type == wire::Body::Statistics) ++statistics;
    if (type == wire::Body::Answer) answers.emplace(unpacked->request, *unpacked->body.AsAnswer());
  }
  void send(std::shared_ptr<const serve::OutgoingFrame> frame) override {
    if (closed) return;
    waiting_.push_back(std::move(frame));
    if (waiting_.size() > room) {
      waiting_.pop_front();
      ++dropped_;
    }
    if (reads) read();
  }
  bool has_room() const override { return waiting_.size() < room; }
  void want_key_frame() override { shown_ = 0; }
  void want_pictures(bool wanted) override { pictures_ = wanted; }
  void close(std::uint16_t code, std::string) override { closed = code; }
  std::uint64_t sent_bytes() const override { return bytes; }
  std::uint64_t dropped_frames() const override { return dropped_; }
  std::size_t queued() const override { return waiting_.size(); }

  /// Takes all that waits.
  void read() {
    for (; !waiting_.empty(); waiting_.pop_front()) {
      const auto written = waiting_.front()->bytes(shown_, pictures_);
      shown_ = waiting_.front()->serial();
      bytes += written->size();
      const auto* frame = wire::open_message(*written).message->body_as_FrameResult();
      SeenFrame seen{.index = frame->index(),
                     .revision = frame->revision(),
                     .jpeg = wire::bytes_of(frame->jpeg()).size(),
                     .width = frame->width()};
      if (const auto masks = wire::bytes_of(frame->masks()); !masks.empty()) {
        MaskFrame next;
        seen.has_masks = true;
        seen.key = (masks[0] & 1) == 0;
        if (decode_masks(masks, &base_, next) != MaskFault::none) ++unreadable;
        else base_ = std::move(next);
        seen.ids = base_.ids;
        seen.labels.resize(static_cast<std::size_t>(base_.height * base_.width));
        labels_from_masks(base_, seen.labels.data());
      }
      frames.push_back(std::move(seen));
    }
  }

  std::size_t room = 1000;
  bool reads = true;
  std::vector<SeenFrame> frames;
  std::map<std::uint32_t, wire::AnswerT> answers;
  std::vector<wire::NoticeT> notices;
  std::vector<wire::ProgressT> progress;
  std::vector<wire::PlaybackT> playbacks;
  wire::ObjectListT objects;
  std::optional<wire::WelcomeT> welcome;
  std::optional<std::uint16_t> closed;
  std::uint64_t bytes = 0;
  int unreadable = 0, statistics = 0;

 private:
  std::deque<std::shared_ptr<const serve::OutgoingFrame>> waiting_;
  std::uint64_t shown_ = 0, dropped_ = 0;
  bool pictures_ = false;
  MaskFrame base_;
};

/// Sessions over fake projects, with the network thread in the test's hands. Asio stays in its source.
class SessionBench {
 public:
  explicit SessionBench(const std::filesystem::path& folder, serve::SessionOptions options = usual());
  ~SessionBench();

  static serve::SessionOptions usual();

  serve::Service& sessions();
  /// Lets the network thread run until that holds. False: it did not within half a minute.
  bool until(const std::function<bool()>& condition);
  void run_for(std::chrono::milliseconds time);

  serve::ApiReply request(serve::ApiRequest request);
  serve::ApiReply post(nlohmann::json body) {
    return request({.method = "POST", .path = "sessions", .body = std::move(body)});
  }

  serve::Metrics metrics;
  std::shared_ptr<FakeControl> control = std::make_shared<FakeControl>();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A client of a bench.
class BenchClient {
 public:
  explicit BenchClient(SessionBench& bench, serve::Access access = serve::Access::owner)
      : viewer(std::make_shared<RecordingViewer>()),
        bench_(&bench),
        receiver_(bench.sessions().connect(viewer, access)) {}

  template <class Fields>
  void say(Fields body, std::uint32_t request = 0) {
    const auto written = wire::message_of(std::move(body), request);
    receiver_->receive(*wire::open_message(written).message);
  }
  /// Says it, and waits for the answer.
  template <class Fields>
  wire::AnswerT ask(Fields body) {
    const auto request = ++last_request_;
    say(std::move(body), request);
    bench_->until([&] { return viewer->answers.contains(request); });
    return viewer->answers.at(request);
  }
  /// The code of the error that it is answered with; empty: it is done.
  template <class Fields>
  std::string refused(Fields body) {
    const auto answer = ask(std::move(body));
    return answer.error ? answer.error->code : "";
  }

  BenchClient& hello(wire::HelloT hello = {}) {
    hello.protocol = wire::protocol;
    say(std::move(hello));
    bench_->until([&] { return (viewer->welcome && !viewer->frames.empty()) || viewer->closed; });
    return *this;
  }
  BenchClient& enter(const std::string& session, const std::string& resume = "", std::int64_t last_index = -1,
                     const std::string& token = "", bool pictures = false) {
    wire::HelloT body;
    body.session = session;
    body.resume = resume;
    body.token = token;
    body.last_index = last_index;
    body.pictures = pictures;
    return hello(std::move(body));
  }
  void leave() { receiver_->gone(); }
  serve::Receiver& receiver() { return *receiver_; }

  const RecordingViewer::SeenFrame& last() const { return viewer->frames.back(); }

  std::shared_ptr<RecordingViewer> viewer;

 private:
  SessionBench* bench_;
  std::shared_ptr<serve::Receiver> receiver_;
  std::uint32_t last_request_ = 0;
};

inline wire::PromptT prompt_by_box(std::int64_t index, float x, float y, float side = 20, ObjectId object = 0,
                                   const std::string& name = "") {
  wire::PromptT prompt;
  prompt.index = index;
  prompt.marks.push_back(std::make_unique<wire::MarkT>());
  auto& mark = *prompt.marks.back();
  mark.object = object;
  mark.name = name;
  mark.box = std::make_unique<wire::Box>(x, y, x + side, y + side);
  return prompt;
}

}  // namespace vos::test
