#include <vos/serve/viewer_queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "../test.hpp"
#include "echo_service.hpp"
#include "raw_client.hpp"
#include "test_server.hpp"

namespace {

using namespace vos::test;
using std::chrono::milliseconds;
using vos::serve::ViewerQueue;
namespace wire = vos::wire;

/// A frame whose message says what it was written for.
class FakeFrame : public vos::serve::OutgoingFrame {
 public:
  explicit FakeFrame(std::uint64_t serial, std::size_t size = 400) : serial_(serial), masks_(size) {}

  vos::serve::Shared bytes(std::uint64_t shown, bool picture) const override {
    const std::vector<std::uint8_t> jpeg(picture ? 1 : 0);
    return std::make_shared<const wire::Written>(wire::frame_message({.index = static_cast<std::int64_t>(serial_),
                                                                      .seconds = static_cast<double>(shown),
                                                                      .height = 480,
                                                                      .width = 854,
                                                                      .masks = masks_,
                                                                      .jpeg = jpeg}));
  }
  std::uint64_t serial() const override { return serial_; }

 private:
  std::uint64_t serial_;
  std::vector<std::uint8_t> masks_;
};

/// What arrived: of a frame its serial and the one that it was written for; of Dropped how many.
struct Seen {
  std::int64_t index = -1;
  std::int64_t base = 0;
  bool picture = false;
  std::uint32_t dropped = 0;
  bool is_frame() const { return index >= 0; }
};

Seen seen(const void* data, std::size_t size) {
  std::vector<std::uint64_t> words(size / 8 + 1);
  std::copy_n(static_cast<const char*>(data), size, reinterpret_cast<char*>(words.data()));
  const auto opened = wire::open_message({reinterpret_cast<const std::uint8_t*>(words.data()), size});
  REQUIRE(opened.message != nullptr);
  if (const auto* frame = opened.message->body_as_FrameResult())
    return {frame->index(), static_cast<std::int64_t>(frame->seconds()), frame->jpeg() != nullptr, 0};
  if (const auto* dropped = opened.message->body_as_Dropped()) return {.dropped = dropped->frames()};
  return {};
}

Seen seen(const vos::serve::Shared& message) { return seen(message->data(), message->size()); }

std::shared_ptr<const FakeFrame> frame(std::uint64_t serial, std::size_t size = 400) {
  return std::make_shared<const FakeFrame>(serial, size);
}

/// A service that gives frames to all its viewers.
struct Stage {
  explicit Stage(vos::serve::ViewerLimits limits) : server(service, options(limits)) {
    service.on_connect = [this](const auto& viewer) { viewers.push_back(viewer); };
  }

  ~Stage() {
    server.on_thread([this] { viewers.clear(); });  // they belong to the network thread, and end before it
  }

  static vos::serve::ServerOptions options(vos::serve::ViewerLimits limits) {
    vos::serve::ServerOptions options;
    options.token = "none";
    options.viewer = limits;
    return options;
  }

  void show(std::uint64_t serial, std::size_t size = 400) {
    const auto shared = frame(serial, size);
    server.on_thread([&] {
      for (const auto& viewer : viewers) viewer->send(shared);
    });
  }

  RawClient watch(int receive_buffer = 0) {
    const int before = service.connected;
    RawClient client{server.port(), receive_buffer};
    REQUIRE(client.open_socket() == 101);
    while (service.connected == before) std::this_thread::yield();  // the service hears of it a moment later
    server.on_thread([] {});
    return client;
  }

  std::vector<std::shared_ptr<vos::serve::Viewer>> viewers;  // on the network thread
  EchoService service;
  TestServer server;
};

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_SUITE("serve/viewer_queue") {
  TEST_CASE("frames are written as differences to the one that was given out last") {
    ViewerQueue queue{{}};
    CHECK(queue.next() == nullptr);
    queue.push(frame(7));
    queue.push(frame(8));
    CHECK(seen(queue.next()).base == 0);
    CHECK(seen(queue.next()).base == 7);
    queue.want_key_frame();
    queue.want_pictures(true);
    queue.push(frame(9));
    const auto last = seen(queue.next());
    CHECK(last.base == 0);
    CHECK(last.picture);
    CHECK(queue.next() == nullptr);
  }

  TEST_CASE(
      "a full queue leaves out its oldest frames, says how many before the next one, and keeps messages in their "
      "place") {
    ViewerQueue queue{{.frames = 2}};
    const auto message = shared_message(wire::ProgressT{});
    CHECK(queue.has_room());
    queue.push(frame(1));
    CHECK(queue.push(message));
    for (std::uint64_t serial = 2; serial <= 5; ++serial) queue.push(frame(serial));
    CHECK(!queue.has_room());
    CHECK(queue.dropped() == 3);
    CHECK(queue.size() == 3);
    CHECK(queue.next() == message);
    CHECK(seen(queue.next()).dropped == 3);
    const auto first = seen(queue.next());
    CHECK(first.index == 4);
    CHECK(first.base == 0);
    CHECK(queue.has_room());
    CHECK(seen(queue.next()).base == 4);
    CHECK(queue.next() == nullptr);
    CHECK(queue.dropped() == 3);
  }

  TEST_CASE("messages are never left out: their number and their bytes have a limit instead") {
    ViewerQueue few{{.messages = 3}}, small{{.bytes = 100}};
    const auto message = shared_message(wire::ProgressT{});
    for (int i = 0; i < 3; ++i) CHECK(few.push(message));
    CHECK(!few.push(message));
    few.next();
    CHECK(few.push(message));
    int taken = 0;
    while (small.push(message)) ++taken;
    CHECK(taken == static_cast<int>(100 / message->size()));
  }

  TEST_CASE("a slow viewer misses frames and is told; what it gets can be shown; others miss nothing") {
    Stage stage{{.frames = 4, .stall = milliseconds{60000}}};
    auto quick = stage.watch();
    auto slow = stage.watch(4096);
    constexpr std::size_t size = 60'000;  // so that the system's own buffers are full soon
    constexpr int count = 150;
    std::thread reader{[&] {
      std::int64_t last = 0;
      for (int i = 1; i <= count; ++i) {
        const auto next = quick.frame();
        if (!next) break;
        const auto got = seen(next->payload.data(), next->payload.size());
        if (got.index != last + 1 || got.base != last) break;
        last = got.index;
      }
      quick.send(web_frame(closing, close_payload(last == count ? 1000 : 4000)));
    }};
    for (int i = 1; i <= count; ++i) {
      stage.show(static_cast<std::uint64_t>(i), size);
      // The quick one is given its time, on whatever machine this is: what is tested is that the slow one takes none of it.
      for (bool waits = true; waits;) {
        stage.server.on_thread([&] { waits = stage.viewers[0]->queued() > 1; });
        if (waits) std::this_thread::sleep_for(milliseconds{1});
      }
    }
    reader.join();
    CHECK(quick.close_code() == 1000);

    std::uint64_t dropped = 0;
    stage.server.on_thread([&] { dropped = stage.viewers[1]->dropped_frames(); });
    CHECK(dropped > 0);
    std::int64_t last = 0;
    std::uint64_t told = 0, frames = 0;
    while (last < count) {
      const auto next = slow.frame();
      REQUIRE(next);
      const auto got = seen(next->payload.data(), next->payload.size());
      told += got.dropped;
      if (!got.is_frame()) continue;
      CHECK(got.index > last);
      CHECK(got.base == last);
      last = got.index;
      ++frames;
    }
    CHECK(told == dropped);
    CHECK(frames + told == count);
  }

  TEST_CASE("there is word when a full queue has room again, for who waits with a file's frames") {
    Stage stage{{.frames = 3}};
    auto client = stage.watch(4096);
    std::uint64_t serial = 0;
    constexpr std::uint64_t most = 200;
    const auto fill = [&] {
      while (serial < most && stage.viewers[0]->has_room()) stage.viewers[0]->send(frame(++serial, 60'000));
    };
    stage.service.on_room = fill;
    stage.server.on_thread(fill);
    for (std::int64_t expected = 1; expected <= static_cast<std::int64_t>(most); ++expected) {
      const auto next = client.frame();
      REQUIRE(next);
      CHECK(seen(next->payload.data(), next->payload.size()).index == expected);
    }
    stage.server.on_thread([&] { CHECK(stage.viewers[0]->dropped_frames() == 0); });
  }

  TEST_CASE("a viewer that takes nothing is cut off after a while, and others see nothing of it") {
    Stage stage{{.stall = milliseconds{500}}};
    auto lively = stage.watch();
    auto stalled = stage.watch(4096);
    std::uint64_t serial = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (stage.service.gone < 1 && std::chrono::steady_clock::now() < until) {
      stage.show(++serial, 60'000);
      bool there = false;
      while (!there) {
        const auto next = lively.frame();
        REQUIRE(next);
        there = seen(next->payload.data(), next->payload.size()).index == static_cast<std::int64_t>(serial);
      }
    }
    CHECK(stage.service.gone == 1);
    CHECK(stage.server.metrics_text().find("\nvos_viewers_cut_total 1\n") != std::string::npos);
    stage.server.on_thread([&] {
      CHECK(stage.viewers[0]->dropped_frames() == 0);
      stage.viewers[1]->send(frame(serial + 1));  // whoever still holds it can do no harm
    });
    CHECK(stalled.is_ended_by_server());
  }

  TEST_CASE("a slow reader that takes a little all the time is not cut off") {
    Stage stage{{.frames = 2, .stall = milliseconds{2500}}};
    auto slow = stage.watch(65536);
    stage.show(1, 8'000'000);
    // Large enough to last for several times the limit at this pace, whatever the system buffers.
    const auto until = std::chrono::steady_clock::now() + milliseconds{6000};
    while (std::chrono::steady_clock::now() < until) {
      slow.receive(100);
      std::this_thread::sleep_for(milliseconds{100});
    }
    CHECK(stage.service.gone == 0);
    const auto whole = slow.frame();
    REQUIRE(whole);
    CHECK(whole->payload.size() > 8'000'000);
  }

  TEST_CASE("a viewer whose queue is full of messages is cut off") {
    Stage stage{{.messages = 50}};
    auto client = stage.watch(4096);
    stage.server.on_thread([&] {
      wire::NoticeT notice;
      notice.what = std::string(100'000, 'x');
      const auto large = shared_message(std::move(notice));
      for (int i = 0; i < 200; ++i) stage.viewers[0]->send(large);
    });
    CHECK(client.is_ended_by_server());
  }

  TEST_CASE("viewers that never read cost a bounded number of bytes, however many frames there are") {
    Stage stage{{.frames = 8, .stall = milliseconds{600000}}};
    std::vector<RawClient> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(stage.watch(4096));
    const auto show = [&](int from, int to) {
      for (int i = from; i < to; ++i) stage.show(static_cast<std::uint64_t>(i), 20'000);
    };
    show(1, 300);  // all buffers are full now
    const auto before = resident_bytes();
    show(300, 1000);
    const auto after = resident_bytes();
    CHECK(after < before + (std::size_t{8} << 20));
    stage.server.on_thread([&] {
      for (const auto& viewer : stage.viewers) {
        CHECK(viewer->queued() <= 8);
        CHECK(viewer->dropped_frames() > 0);
      }
    });
  }
}
