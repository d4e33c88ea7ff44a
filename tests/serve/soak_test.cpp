#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <vos/core/random.hpp>
#include <vos/serve/audience.hpp>
#include <vos/serve/service.hpp>

#include "../test.hpp"
#include "session_bench.hpp"

namespace {

namespace fs = std::filesystem;
using namespace vos;
using vos::test::BenchClient;
using vos::test::Folder;
using vos::test::prompt_by_box;
using vos::test::SessionBench;

double resident_mb() {
  std::int64_t total = 0, resident = 0;
  std::ifstream{"/proc/self/statm"} >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// Seconds that it runs: VOS_SOAK_SECONDS, or few.
double wanted_seconds() {
  const char* given = std::getenv("VOS_SOAK_SECONDS");
  return given != nullptr ? std::atof(given) : 6;
}

/// People who come, work, and leave in every way that there is.
class Crowd {
 public:
  Crowd(SessionBench& bench, const Folder& folder) : bench_(bench), folder_(folder) {}

  void act() {
    const auto what = random_.below(100);
    if (what < 25 && people_.size() < 12) return begin();
    if (people_.empty()) return;
    const auto which = static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(people_.size())));
    auto& one = *people_[which];
    if (one.viewer->closed) return settle(which);
    if (what < 35) one.say(prompt_by_box(random_.below(10), static_cast<float>(random_.below(100)), 20), ++request_);
    else if (what < 45) one.say(wire::PlayT{}, ++request_);
    else if (what < 50) seek(one);
    else if (what < 55) one.say(wire::UndoT{}, ++request_);
    else if (what < 60) propagate(one);
    else if (what < 64) one.receiver().receive_fault(wire::MessageFault::damaged);
    else if (what < 68) nonsense(one);
    else if (what < 72) one.viewer->reads = !one.viewer->reads;  // it stalls, or wakes up
    else if (what < 76) bad_upload();
    else if (what < 80) export_of(one);
    else if (what < 84) watch(one);
    else if (what < 87) fail_somewhere();
    else return vanish(which, what < 94);
    if (one.viewer->frames.size() > 50) one.viewer->frames.clear();
  }

  /// All leave, and their sessions end.
  void go_home() {
    bench_.control->fails_at = -1;
    while (!people_.empty()) vanish(0, true);
  }

  int begun = 0, failed = 0, lost = 0, unreadable = 0;

 private:
  void begin() {
    auto person = std::make_unique<BenchClient>(bench_);
    if (random_.below(2) == 0) {
      const auto path = folder_ / ("upload-" + std::to_string(begun) + ".mp4");
      std::ofstream{path} << "FAKE clip";
      const auto made =
          bench_.request({.method = "POST", .path = "sessions", .upload = path, .upload_name = "clip.mp4"});
      if (made.status != 201) return;  // full
      person->enter(made.body.at("session"), made.body.at("resume"), -1, "", random_.below(2) == 0);
    } else {
      person->enter("", "", -1, "", random_.below(2) == 0);
    }
    if (!person->viewer->welcome) return;
    ++begun;
    person->viewer->room = 8;
    people_.push_back(std::move(person));
  }

  /// A session that was closed: only for a failure of its own, after which it can be had again.
  void settle(std::size_t which) {
    auto& one = *people_[which];
    const auto code = *one.viewer->closed;
    if (code == serve::close_code::failed) {
      ++failed;
      bench_.control->fails_at = -1;
      BenchClient again{bench_};
      again.enter(one.viewer->welcome->session, one.viewer->welcome->resume);
      if (!again.viewer->welcome && again.viewer->closed != serve::close_code::full) ++lost;
      again.leave();
    } else if (code != serve::close_code::taken_over && code != serve::close_code::too_many_faults) {
      ++lost;
    }
    vanish(which, true);
  }

  void seek(BenchClient& one) {
    wire::SeekT seek;
    seek.index = random_.below(70) - 5;
    one.say(seek, ++request_);
  }
  void propagate(BenchClient& one) {
    wire::PropagateT propagate;
    propagate.from = random_.below(60);
    propagate.to = random_.below(60);
    one.say(propagate, ++request_);
  }
  void nonsense(BenchClient& one) {
    wire::PromptT prompt;
    prompt.masks.assign(100, static_cast<std::uint8_t>(random_.bits()));
    one.say(prompt, ++request_);
    one.say(wire::WelcomeT{}, ++request_);
  }
  void bad_upload() {
    const auto path = folder_ / "bad.mp4";
    std::ofstream{path} << "nothing of use";
    bench_.request({.method = "POST", .path = "sessions", .upload = path, .upload_name = "bad.mp4"});
    CHECK_FALSE(fs::exists(path));
  }
  void export_of(BenchClient& one) {
    wire::ExportT wanted;
    wanted.kind = wire::ExportKind::session;
    one.say(wanted, ++request_);
  }
  void watch(BenchClient& one) {
    auto watcher = std::make_unique<BenchClient>(bench_);
    watcher->enter(one.viewer->welcome->session);
    if (watcher->viewer->welcome) people_.push_back(std::move(watcher));
  }
  void fail_somewhere() { bench_.control->fails_at = random_.below(60); }

  void vanish(std::size_t which, bool ends) {
    auto& one = *people_[which];
    unreadable += one.viewer->unreadable;
    const auto session = one.viewer->welcome->session;
    one.leave();
    people_.erase(people_.begin() + static_cast<std::ptrdiff_t>(which));
    if (ends) bench_.request({.method = "DELETE", .path = "sessions/" + session});
    for (std::size_t i = people_.size(); ends && i-- > 0;)  // who watched it
      if (people_[i]->viewer->welcome->session == session) {
        people_[i]->leave();
        people_.erase(people_.begin() + static_cast<std::ptrdiff_t>(i));
      }
  }

  SessionBench& bench_;
  const Folder& folder_;
  CounterRandom random_{7};
  std::vector<std::unique_ptr<BenchClient>> people_;
  std::uint32_t request_ = 1000;
};

}  // namespace

TEST_SUITE("serve") {
  TEST_CASE("sessions come and go with faults of all kinds: memory stays flat, and only the faulty are lost") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.most_sessions = 10;
    options.idle_seconds = 1;
    options.store_bytes = 1 << 20;
    SessionBench bench{folder.path(), options};
    Crowd crowd{bench, folder};
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = wanted_seconds();
    double early = 0;
    for (double now = 0; now < seconds;) {
      crowd.act();
      bench.run_for(std::chrono::milliseconds(2));
      now = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (early == 0 && now > seconds / 3) early = resident_mb();
    }
    const auto grown = resident_mb() - early;
    crowd.go_home();
    CHECK(bench.until([&] { return bench.control->alive == 0 && fs::is_empty(folder / "sessions"); }));
    std::cout << crowd.begun << " sessions in " << seconds << " s, " << crowd.failed
              << " failed as they were made to, memory " << early << " MB and " << grown << " MB more at the end\n";
    CHECK(crowd.begun > 0);
    CHECK(crowd.lost == 0);
    CHECK(crowd.unreadable == 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep freed memory
    CHECK(grown < 16);
#endif
  }
}
