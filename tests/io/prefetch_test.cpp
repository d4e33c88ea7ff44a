#include <vos/io/prefetch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/ops/zeros.h>

#include <vos/error.hpp>

#include "../test.hpp"

namespace {

/// Counts to `count`; frames of `broken` are Errors.
struct CountingSource final : vos::FrameSource {
  CountingSource(std::int64_t count, std::int64_t broken, bool live, std::atomic<std::int64_t>* made)
      : count(count), broken(broken), made(made) {
    about.name = "counting";
    about.live = live;
  }
  std::optional<vos::Frame> next() override {
    if (at == count) return std::nullopt;
    const auto index = at++;
    ++*made;
    if (index == broken) throw vos::Error({.what = "frame " + std::to_string(index) + " is broken"});
    return vos::Frame{index, 0, at::zeros({2, 3, 3}, at::kByte)};
  }
  const vos::SourceInfo& info() const override { return about; }
  std::string stem(std::int64_t index) const override { return "s" + std::to_string(index); }

  std::int64_t count, broken, at = 0;
  vos::SourceInfo about;
  std::atomic<std::int64_t>* made;
};

struct Counted {
  std::atomic<std::int64_t> made{0};
  std::unique_ptr<vos::FrameSource> source(std::int64_t count, std::int64_t broken = -1, bool live = false) {
    return std::make_unique<CountingSource>(count, broken, live, &made);
  }
  void wait_for(std::int64_t frames) const {
    for (int i = 0; i < 5000 && made < frames; ++i) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
};

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("reading ahead changes neither frames nor order") {
    for (const std::int64_t ahead : {1, 2, 7, 1000}) {
      Counted counted;
      vos::PrefetchSource source{counted.source(100), ahead};
      for (std::int64_t i = 0; i < 100; ++i) CHECK(source.next()->index == i);
      CHECK(!source.next());
      CHECK(!source.next());
      CHECK(source.info().name == "counting");
      CHECK(source.info().height == 2);
      CHECK(source.info().width == 3);
      CHECK(source.stem(5) == "s5");
    }
  }

  TEST_CASE("an Error comes in its place and the frames behind it follow") {
    Counted counted;
    vos::PrefetchSource source{counted.source(6, 3), 2};
    for (std::int64_t i = 0; i < 3; ++i) CHECK(source.next()->index == i);
    CHECK_THROWS_WITH_AS(source.next(), "frame 3 is broken", vos::Error);
    CHECK(source.next()->index == 4);
    CHECK(source.next()->index == 5);
    CHECK(!source.next());
  }

  TEST_CASE("no more is read ahead than asked for") {
    Counted counted;
    vos::PrefetchSource source{counted.source(1000), 3};
    counted.wait_for(4);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    CHECK(counted.made == 4);  // three wait, the fourth is in hand
    source.next();
    counted.wait_for(5);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    CHECK(counted.made == 5);
  }

  TEST_CASE("a source may be dropped at any moment") {
    for (std::int64_t taken = 0; taken < 5; ++taken) {
      Counted counted;
      vos::PrefetchSource source{counted.source(1'000'000), 2};
      for (std::int64_t i = 0; i < taken; ++i) source.next();
      if (taken % 2 == 0) counted.wait_for(taken + 3);  // the worker is blocked on a full queue
    }
  }

  TEST_CASE("a live source drops old frames instead of waiting, but never an Error") {
    Counted counted;
    vos::PrefetchSource source{counted.source(500, -1, true), 2};
    counted.wait_for(500);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    std::int64_t last = -1, count = 0;
    while (const auto frame = source.next()) {
      CHECK(frame->index > last);
      last = frame->index;
      ++count;
    }
    CHECK(last == 499);
    CHECK(count <= 3);

    Counted broken;
    vos::PrefetchSource errors{broken.source(50, 0, true), 2};
    broken.wait_for(3);
    CHECK_THROWS_AS(errors.next(), vos::Error);
  }
}
