// What the network part of vos-serve costs, beside a bare Beast sender of the same messages:
//
//   build/bench/serve_load [--viewers 8] [--seconds 3] [--bytes 450] [rate|latency|memory]...
//
// Viewers are sockets of this process, read by a thread of their own. Rates are told by the sending thread's CPU time too: that
// is what a core can do, also where the machine has other things to do.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/epoll.h>
#include <sys/resource.h>

#include <vos/serve/server.hpp>

#include "../tests/serve/raw_client.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace serve = vos::serve;
using Clock = std::chrono::steady_clock;

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double now_seconds() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Reads all that comes to many sockets, message by message.
class Readers {
 public:
  /// `arrived` is given each message's bytes.
  explicit Readers(std::function<void(const char*, std::size_t)> arrived = {}) : arrived_(std::move(arrived)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Readers() {
    stopping_ = true;
    thread_.join();
    ::close(poll_);
  }

  void add(vos::test::RawClient client) {
    auto each = std::make_unique<Each>(std::move(client));
    epoll_event event{.events = EPOLLIN, .data = {.ptr = each.get()}};
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, each->client.descriptor(), &event);
    all_.push_back(std::move(each));
  }

  std::uint64_t messages() const { return messages_; }

 private:
  struct Each {
    explicit Each(vos::test::RawClient c) : client(std::move(c)) {}
    vos::test::RawClient client;
    std::string rest;  // of a message that has not come whole
  };

  void run() {
    std::vector<char> bytes(1 << 20);
    std::vector<epoll_event> events(256);
    while (!stopping_) {
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 50);
      for (int i = 0; i < count; ++i) {
        auto& each = *static_cast<Each*>(events[static_cast<std::size_t>(i)].data.ptr);
        const auto size = ::recv(each.client.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size > 0) take(each, {bytes.data(), static_cast<std::size_t>(size)});
        else if (size == 0) ::epoll_ctl(poll_, EPOLL_CTL_DEL, each.client.descriptor(), nullptr);
      }
    }
  }

  void take(Each& each, std::string_view bytes) {
    std::string joined;
    if (!each.rest.empty()) {
      joined = std::move(each.rest);
      joined += bytes;
      bytes = joined;
    }
    for (;;) {
      if (bytes.size() < 4) break;
      const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
      std::size_t head = 2, size = byte(1);
      if (size == 126) size = static_cast<std::size_t>(byte(2)) << 8 | byte(3), head = 4;
      if (size == 127) {
        if (bytes.size() < 10) break;
        size = 0;
        for (std::size_t i = 2; i < 10; ++i) size = size << 8 | byte(i);
        head = 10;
      }
      if (bytes.size() < head + size) break;
      if (arrived_) arrived_(bytes.data() + head, size);
      ++messages_;
      bytes.remove_prefix(head + size);
    }
    each.rest = std::string{bytes};
  }

  std::function<void(const char*, std::size_t)> arrived_;
  int poll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> messages_ = 0;
  std::vector<std::unique_ptr<Each>> all_;
  std::thread thread_;
};

/// The same bytes for everybody, as a frame of a session is.
class Frame : public serve::OutgoingFrame {
 public:
  Frame(std::uint64_t serial, std::size_t size, double seconds = 0) : serial_(serial) {
    const std::vector<std::uint8_t> masks(size > 150 ? size - 150 : 1, 0x5a);
    const vos::wire::FrameObject objects[2]{};
    bytes_ =
        std::make_shared<const vos::wire::Written>(vos::wire::frame_message({.index = static_cast<std::int64_t>(serial),
                                                                             .seconds = seconds,
                                                                             .height = 480,
                                                                             .width = 854,
                                                                             .objects = objects,
                                                                             .masks = masks}));
  }
  serve::Shared bytes(std::uint64_t, bool) const override { return bytes_; }
  std::uint64_t serial() const override { return serial_; }

 private:
  std::uint64_t serial_;
  serve::Shared bytes_;
};

/// Keeps its viewers; one that has room is handed to `room`.
class Stage : public serve::Service {
 public:
  std::shared_ptr<serve::Receiver> connect(std::shared_ptr<serve::Viewer> viewer, serve::Access) override {
    viewers.push_back(viewer);
    ++connected;
    return std::make_shared<One>(*this, std::move(viewer));
  }
  void request(serve::ApiRequest, std::function<void(serve::ApiReply)> answer) override { answer({}); }
  void drain(std::function<void()> done) override { done(); }
  bool ready() const override { return true; }

  std::vector<std::shared_ptr<serve::Viewer>> viewers;
  std::function<void(serve::Viewer&)> room;
  std::atomic<std::size_t> connected = 0;

 private:
  struct One : serve::Receiver {
    One(Stage& s, std::shared_ptr<serve::Viewer> v) : stage(s), viewer(std::move(v)) {}
    void receive(const vos::wire::Message&) override {}
    void receive_fault(vos::wire::MessageFault) override {}
    void has_room() override {
      if (stage.room) stage.room(*viewer);
    }
    void gone() override { viewer.reset(); }
    Stage& stage;
    std::shared_ptr<serve::Viewer> viewer;
  };
};

struct Rate {
  double per_second = 0, per_cpu_second = 0;
};

void tell(const char* name, Rate rate) {
  std::printf("%-28s %9.0f messages/s %9.0f per second of the sending thread's CPU\n", name, rate.per_second,
              rate.per_cpu_second);
}

serve::ServerOptions options() {
  serve::ServerOptions o;
  o.port = 0;
  o.token = "none";
  return o;
}

vos::test::RawClient open(std::uint16_t port, int receive_buffer = 0) {
  vos::test::RawClient client{port, receive_buffer};
  if (client.open_socket() != 101) throw std::runtime_error("no WebSocket");
  return client;
}

/// A server on a thread of its own. `cpu` is that thread's clock.
struct Running {
  Running() : gate(options()), server(io, options(), gate, stage, metrics) {
    thread = std::thread([this] {
      pthread_getcpuclockid(pthread_self(), &cpu);
      started = true;
      io.run();
    });
    while (!started) std::this_thread::yield();
  }
  ~Running() {
    asio::post(io, [this] { io.stop(); });
    thread.join();
  }
  void wait_for(std::size_t viewers) const {
    while (stage.connected < viewers) std::this_thread::yield();
  }

  serve::Metrics metrics;  // before `io`: what it destroys at the end counts itself out
  asio::io_context io{1};
  serve::Gate gate;
  Stage stage;
  serve::Server server;
  clockid_t cpu{};
  std::atomic<bool> started = false;
  std::thread thread;
};

Rate measure(const Readers& readers, clockid_t cpu, double seconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds{300});  // warm
  const auto messages = readers.messages();
  const auto wall = now_seconds(), busy = seconds_of(cpu);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const auto count = static_cast<double>(readers.messages() - messages);
  return {count / (now_seconds() - wall), count / (seconds_of(cpu) - busy)};
}

/// As fast as the viewers take them.
Rate our_rate(std::size_t viewers, std::size_t bytes, double seconds) {
  Running running;
  Readers readers;
  for (std::size_t i = 0; i < viewers; ++i) readers.add(open(running.server.port()));
  running.wait_for(viewers);
  asio::post(running.io, [&] {
    auto& stage = running.stage;
    stage.room = [serial = std::uint64_t{0}, bytes, shared = std::shared_ptr<Frame>{}](serve::Viewer& viewer) mutable {
      if (!shared) shared = std::make_shared<Frame>(++serial, bytes);
      while (viewer.has_room()) viewer.send(shared);
    };
    for (const auto& viewer : stage.viewers) stage.room(*viewer);
  });
  return measure(readers, running.cpu, seconds);
}

/// Nothing but Beast: a socket, a buffer, write after write.
Rate bare_rate(std::size_t viewers, std::size_t bytes, double seconds) {
  using Web = beast::websocket::stream<asio::ip::tcp::socket, false>;
  struct Sender : std::enable_shared_from_this<Sender> {
    Sender(asio::ip::tcp::socket socket, serve::Shared m) : web(std::move(socket)), message(std::move(m)) {}
    void begin() {
      web.next_layer().set_option(asio::ip::tcp::no_delay{true});
      web.async_accept([self = shared_from_this()](boost::system::error_code code) {
        if (code) return;
        self->web.binary(true);
        self->web.auto_fragment(false);
        self->write();
      });
    }
    void write() {
      web.async_write(asio::buffer(*message), [self = shared_from_this()](boost::system::error_code code, std::size_t) {
        if (!code) self->write();
      });
    }
    Web web;
    serve::Shared message;
  };
  asio::io_context io{1};
  asio::ip::tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  const auto message = Frame{1, bytes}.bytes(0, false);
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](boost::system::error_code code, asio::ip::tcp::socket socket) {
      if (code) return;
      std::make_shared<Sender>(std::move(socket), message)->begin();
      accept();
    });
  };
  accept();
  clockid_t cpu{};
  std::atomic<bool> started = false;
  std::thread thread{[&] {
    pthread_getcpuclockid(pthread_self(), &cpu);
    started = true;
    io.run();
  }};
  while (!started) std::this_thread::yield();
  Rate rate;
  {
    Readers readers;
    for (std::size_t i = 0; i < viewers; ++i) readers.add(open(acceptor.local_endpoint().port()));
    rate = measure(readers, cpu, seconds);
  }
  asio::post(io, [&] { io.stop(); });
  thread.join();
  return rate;
}

/// From the moment that a frame is there to each viewer's having read it.
void latency(std::size_t viewers, std::size_t bytes, double rate, double seconds) {
  std::vector<double> delays;
  delays.reserve(static_cast<std::size_t>(static_cast<double>(viewers) * rate * seconds) + 1000);
  Running running;
  {
    Readers readers{[&](const char* data, std::size_t size) {
      std::vector<std::uint64_t> words(size / 8 + 1);
      std::memcpy(words.data(), data, size);
      const auto* message = vos::wire::GetMessage(words.data());
      delays.push_back(now_seconds() - message->body_as_FrameResult()->seconds());
    }};
    for (std::size_t i = 0; i < viewers; ++i) readers.add(open(running.server.port()));
    running.wait_for(viewers);
    std::uint64_t serial = 0;
    asio::steady_timer timer{running.io};
    std::function<void()> show = [&] {
      const auto frame = std::make_shared<Frame>(++serial, bytes, now_seconds());
      for (const auto& viewer : running.stage.viewers) viewer->send(frame);
      timer.expires_at(timer.expiry() + std::chrono::microseconds{static_cast<std::int64_t>(1e6 / rate)});
      timer.async_wait([&](boost::system::error_code code) {
        if (!code) show();
      });
    };
    const auto busy = seconds_of(running.cpu);
    asio::post(running.io, [&] {
      timer.expires_after(std::chrono::milliseconds{0});
      show();
    });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    std::printf("%zu viewers at %.0f frames/s: %.1f %% of a core\n", viewers, rate,
                100 * (seconds_of(running.cpu) - busy) / seconds);
    asio::post(running.io, [&] { timer.cancel(); });
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
  std::sort(delays.begin(), delays.end());
  const auto at = [&](double part) {
    return 1e3 * delays[static_cast<std::size_t>(part * static_cast<double>(delays.size() - 1))];
  };
  if (!delays.empty())
    std::printf(
        "  %zu messages; frame there to message read: p50 %.3f ms, p90 %.3f, p99 %.3f, p99.9 %.3f, largest %.3f\n",
        delays.size(), at(0.5), at(0.9), at(0.99), at(0.999), at(1));
}

/// Many connections, some of which never read.
void memory(std::size_t connections, std::size_t silent, std::size_t bytes, double seconds) {
  Running running;
  const auto alone = resident_bytes();
  Readers readers;
  std::vector<vos::test::RawClient> never;
  for (std::size_t i = 0; i < connections; ++i) {
    if (i < silent) never.push_back(open(running.server.port()));
    else readers.add(open(running.server.port()));
  }
  running.wait_for(connections);
  const auto idle = resident_bytes();
  std::atomic<std::uint64_t> serial = 0;
  const auto show = [&] {
    const auto frame = std::make_shared<Frame>(++serial, bytes);
    for (const auto& viewer : running.stage.viewers) viewer->send(frame);
  };
  std::printf("%zu connections, %zu of them never read, frames of %zu bytes as fast as the server sends them\n",
              connections, silent, bytes);
  std::printf("  %.1f MB before, %.1f MB with all connected (%.1f KB each, both ends)\n",
              static_cast<double>(alone) / 1e6, static_cast<double>(idle) / 1e6,
              static_cast<double>(idle - alone) / 1e3 / static_cast<double>(connections));
  for (int part = 1; part <= 4; ++part) {
    const auto until = Clock::now() + std::chrono::duration<double>(seconds / 4);
    while (Clock::now() < until) {
      std::atomic<bool> done = false;
      asio::post(running.io, [&] {
        show();
        done = true;
      });
      while (!done) std::this_thread::yield();
    }
    std::printf("  after %6lu frames: %.1f MB\n", static_cast<unsigned long>(serial),
                static_cast<double>(resident_bytes()) / 1e6);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t viewers = 8, bytes = 450;
  double seconds = 3;
  std::vector<std::string> parts;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--viewers" && i + 1 < argc) viewers = std::stoul(argv[++i]);
    else if (word == "--seconds" && i + 1 < argc) seconds = std::stod(argv[++i]);
    else if (word == "--bytes" && i + 1 < argc) bytes = std::stoul(argv[++i]);
    else parts.push_back(word);
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const auto wanted = [&](const char* part) {
    return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  if (wanted("rate")) {
    std::printf("%zu viewers, messages of %zu bytes\n", viewers, Frame{1, bytes}.bytes(0, false)->size());
    std::vector<double> ratios;
    for (int i = 0; i < 5; ++i) {  // side by side: what else runs hits both
      const auto ours = our_rate(viewers, bytes, seconds), bare = bare_rate(viewers, bytes, seconds);
      tell("vos::serve::Server", ours);
      tell("a bare Beast sender", bare);
      ratios.push_back(ours.per_cpu_second / bare.per_cpu_second);
    }
    std::sort(ratios.begin(), ratios.end());
    std::printf("ratio by CPU time, median of %zu: %.2f\n", ratios.size(), ratios[ratios.size() / 2]);
  }
  if (wanted("latency")) latency(100, bytes, 30, std::max(seconds, 5.0));
  if (wanted("memory")) memory(500, 50, bytes, 4 * seconds);
}
