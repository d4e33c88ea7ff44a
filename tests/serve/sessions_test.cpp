#include <vos/serve/service.hpp>

#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <vos/serve/audience.hpp>
#include <vos/serve/compute_thread.hpp>
#include <vos/serve/refused.hpp>
#include <vos/serve/state_folder.hpp>

#include "../test.hpp"
#include "session_bench.hpp"

namespace {

namespace fs = std::filesystem;
using namespace vos;
using vos::test::BenchClient;
using vos::test::Folder;
using vos::test::prompt_by_box;
using vos::test::SessionBench;

std::size_t folders(const Folder& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder / "sessions"}, fs::directory_iterator{}));
}

fs::path clip(const Folder& folder, const std::string& text = "FAKE clip") {
  const auto path = folder / "upload-1.mp4";
  std::ofstream{path} << text;
  return path;
}

wire::PropagateT propagate(std::int64_t from, std::int64_t to) {
  wire::PropagateT propagate;
  propagate.from = from;
  propagate.to = to;
  return propagate;
}

}  // namespace

TEST_SUITE("serve") {
  TEST_CASE("jobs of a slow session leave a fast one its share of the device") {
    std::atomic<int> slow_done = 0, fast_done = 0;
    std::atomic<bool> stop = false;
    std::function<void(double)> slow_job, fast_job;
    serve::ComputeThread compute;  // goes first: its jobs use all of the above
    const auto slow = compute.lane(), fast = compute.lane();
    // Each keeps one job waiting, as a session does.
    slow_job = [&](double) {
      if (stop) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++slow_done;
      compute.post(slow, slow_job);
    };
    fast_job = [&](double) {
      if (stop) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++fast_done;
      compute.post(fast, fast_job);
    };
    compute.post(slow, slow_job);
    compute.post(fast, fast_job);
    while (slow_done < 10) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop = true;
    // By turns it would be as many as the slow one's.
    CHECK(fast_done > 2 * slow_done);
  }

  TEST_CASE("a lane is bounded, and its jobs are told how long they waited") {
    std::atomic<bool> go = false;
    std::atomic<double> waited = -1;
    serve::ComputeThread compute;
    const auto busy = compute.lane(), late = compute.lane();
    compute.post(busy, [&](double) {
      while (!go) std::this_thread::yield();
    });
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) taken += compute.post(busy, [](double) {}) ? 1U : 0U;
    CHECK(taken <= serve::ComputeThread::Lane::most);
    CHECK(compute.post(late, [&](double seconds) { waited = seconds; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    go = true;
    while (waited < 0) std::this_thread::yield();
    CHECK(waited > 0.01);
  }

  TEST_CASE("clients see no path of the server, nor a stack trace") {
    CHECK(serve::without_paths("cannot read '/home/me/state/sessions/ab/source.mp4': no") ==
          "cannot read 'source.mp4': no");
    CHECK(serve::without_paths("/a/b") == "b");
    CHECK(serve::without_paths("frames 3/4 of clip.mp4, at 16:9") == "frames 3/4 of clip.mp4, at 16:9");
    CHECK(serve::without_paths("(/usr/lib/x.so), (/y/z)") == "(x.so), (z)");
    CHECK(serve::without_paths("bad\nException raised from f at /build/x.cpp:1") == "bad");
  }

  TEST_CASE("a stranger comes in by a token, a watcher's secret or not at all") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient owner{bench};
    owner.hello();
    const auto& welcome = *owner.viewer->welcome;
    for (const std::string token : {"", "wrong", "server-toke", "server-token1"}) {
      BenchClient stranger{bench, serve::Access::none};
      stranger.enter("", "", -1, token);
      CHECK(stranger.viewer->closed == serve::close_code::not_allowed);
      CHECK(stranger.viewer->notices.back().code == "not_allowed");
      BenchClient other{bench, serve::Access::none};
      other.enter(welcome.session, token, -1, token);
      CHECK(other.viewer->closed == serve::close_code::not_allowed);
      BenchClient guess{bench, serve::Access::none};  // whether there is such a session is not told
      guess.enter("nonsense", "", -1, token);
      CHECK(guess.viewer->closed == serve::close_code::not_allowed);
    }
    BenchClient friendly{bench, serve::Access::none};
    friendly.enter("", "", -1, "server-token");
    CHECK(friendly.viewer->welcome->role == wire::Role::owner);
    BenchClient gone{bench};
    gone.enter("nonsense");
    CHECK(gone.viewer->closed == serve::close_code::no_session);
  }

  TEST_CASE("who says nothing, another protocol, or something else first is told so") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient silent{bench};
    CHECK(bench.until([&] { return silent.viewer->closed.has_value(); }));
    CHECK(silent.viewer->notices.back().code == "no_hello");
    BenchClient early{bench};
    CHECK(early.refused(wire::PlayT{}) == "too_early");
    early.hello();
    CHECK(early.viewer->welcome);
    BenchClient newer{bench};
    wire::HelloT hello;
    hello.protocol = 7;
    newer.say(hello);
    CHECK(newer.viewer->closed == serve::close_code::protocol);
    BenchClient noisy{bench};
    noisy.hello();
    for (int i = 0; i < 17; ++i) noisy.receiver().receive_fault(wire::MessageFault::damaged);
    CHECK(noisy.viewer->notices.front().code == "bad_message");
    CHECK(noisy.viewer->closed == serve::close_code::too_many_faults);
  }

  TEST_CASE("a lost connection is taken up again with the frames that it missed") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient first{bench};
    first.hello();
    const auto id = first.viewer->welcome->session, resume = first.viewer->welcome->resume;
    first.ask(prompt_by_box(0, 10, 20));
    first.say(propagate(0, 59), 9);
    REQUIRE(bench.until([&] { return first.last().index >= 20; }));
    first.leave();
    CHECK(bench.until(
        [&] { return bench.request({.method = "GET", .path = "sessions/" + id}).body.at("viewers") == 0; }));
    bench.run_for(std::chrono::milliseconds(200));  // it goes on by itself
    BenchClient again{bench, serve::Access::none};
    again.enter(id, resume, 20);
    REQUIRE(again.viewer->welcome);
    CHECK(again.viewer->welcome->role == wire::Role::owner);
    std::vector<std::int64_t> indices;
    for (const auto& frame : again.viewer->frames) indices.push_back(frame.index);
    for (std::int64_t i = 21; i < 60; ++i) CHECK(std::find(indices.begin(), indices.end(), i) != indices.end());
    CHECK(again.viewer->unreadable == 0);
    CHECK(again.viewer->objects.objects.size() == 1);
  }

  TEST_CASE("a second connection of the owner takes over, a second person becomes a watcher") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient first{bench};
    first.hello();
    const auto id = first.viewer->welcome->session, resume = first.viewer->welcome->resume;
    BenchClient person{bench};
    person.enter(id);
    CHECK(person.viewer->welcome->role == wire::Role::viewer);
    BenchClient second{bench};
    second.enter(id, resume);
    CHECK(second.viewer->welcome->role == wire::Role::owner);
    CHECK(first.viewer->closed == serve::close_code::taken_over);
    CHECK(second.ask(prompt_by_box(0, 1, 1)).objects.size() == 1);
    first.leave();
    CHECK(second.refused(wire::UndoT{}).empty());
  }

  TEST_CASE("edits outlive the server") {
    const Folder folder;
    std::string id, resume;
    std::vector<ObjectId> before;
    {
      SessionBench bench{folder.path()};
      BenchClient client{bench};
      client.hello();
      id = client.viewer->welcome->session, resume = client.viewer->welcome->resume;
      client.ask(prompt_by_box(0, 10, 20, 20, 0, "duck"));
      client.ask(prompt_by_box(5, 50, 20));
      client.ask(propagate(0, 30));
      before = client.last().labels;
    }
    SessionBench bench{folder.path()};
    CHECK(bench.control->alive == 0);  // it sleeps until somebody comes
    BenchClient client{bench, serve::Access::none};
    client.enter(id, resume, 30);
    REQUIRE(client.viewer->welcome);
    CHECK(client.viewer->welcome->role == wire::Role::owner);
    CHECK(client.last().index == 30);  // where it was
    REQUIRE(client.viewer->objects.objects.size() == 2);
    CHECK(client.viewer->objects.objects[0]->name == "duck");
    client.ask(propagate(0, 30));
    CHECK(client.last().labels == before);
    CHECK(client.refused(wire::UndoT{}).empty());
    CHECK(client.viewer->objects.objects.size() == 1);
  }

  TEST_CASE("a killed server loses nothing that was answered") {
    const Folder folder;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // Tells each answer as it comes, until it is killed.
      SessionBench bench{folder.path()};
      BenchClient client{bench};
      client.hello();
      const auto told = client.viewer->welcome->session + " " + client.viewer->welcome->resume + "\n";
      if (::write(ends[1], told.data(), told.size()) < 0) ::_exit(1);
      for (int i = 0; i < 100'000; ++i) {
        const auto answer = client.ask(prompt_by_box(i % 60, float(i % 100), 20));
        const char done = answer.error ? 'E' : 'A';
        if (::write(ends[1], &done, 1) != 1) ::_exit(1);
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    std::string line;
    std::size_t answers = 0;
    for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
    for (char c = 0; answers < 7 && ::read(ends[0], &c, 1) == 1;) answers += c == 'A' ? 1U : 0U;
    ::kill(child, SIGKILL);
    for (char c = 0; ::read(ends[0], &c, 1) == 1;) answers += c == 'A' ? 1U : 0U;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    REQUIRE(answers >= 7);
    SessionBench bench{folder.path()};
    BenchClient client{bench, serve::Access::none};
    client.enter(line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1));
    REQUIRE(client.viewer->welcome);
    CHECK(client.viewer->objects.objects.size() >= answers);
    CHECK(client.viewer->objects.objects.size() <= answers + 1);  // one may have been written and not answered
  }

  TEST_CASE("an upload becomes a session, and is deleted with it") {
    const Folder folder;
    SessionBench bench{folder.path()};
    auto upload = clip(folder);
    const auto reply = bench.request({.method = "POST",
                                      .path = "sessions",
                                      .query = {{"model", "flow"}},
                                      .upload = upload,
                                      .upload_name = "../../holiday.mp4"});
    REQUIRE(reply.status == 201);
    CHECK_FALSE(fs::exists(upload));
    const auto id = reply.body.at("session").get<std::string>();
    CHECK(fs::exists(folder / "sessions" / id / "source.mp4"));
    BenchClient client{bench};
    client.enter(id, reply.body.at("resume"));
    CHECK(client.viewer->welcome->source->name == "holiday.mp4");
    CHECK(bench.request({.method = "DELETE", .path = "sessions/" + id}).status == 200);
    CHECK(client.viewer->closed == serve::close_code::ended);
    CHECK(folders(folder) == 0);
    CHECK(bench.control->alive == 0);
    CHECK(bench.request({.method = "GET", .path = "sessions/" + id}).status == 404);
  }

  TEST_CASE("a file that is no video is refused, deleted, and harms nobody") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient other{bench};
    other.hello();
    const auto reply =
        bench.request({.method = "POST", .path = "sessions", .upload = clip(folder, "hello"), .upload_name = "x.mp4"});
    CHECK(reply.status == 422);
    CHECK(reply.body.at("error").at("what") == "this is no video");
    CHECK(reply.body.dump().find(folder.path().string()) == std::string::npos);
    CHECK(folders(folder) == 1);
    CHECK_FALSE(fs::exists(folder / "upload-1.mp4"));
    CHECK(bench.post({{"source", "sample:broken"}}).status == 422);
    CHECK(other.ask(prompt_by_box(0, 1, 1)).objects.size() == 1);
    CHECK(bench.control->alive == 1);
  }

  TEST_CASE("requests that make no sense are refused") {
    const Folder folder;
    SessionBench bench{folder.path()};
    using nlohmann::json;
    for (const auto& [body, status, code] : {std::tuple{json{{"source", "sample:smal"}}, 400, "no_source"},
                                             {json{{"source", "upload"}}, 400, "bad_request"},
                                             {json{{"source", "/etc/passwd"}}, 400, "no_source"},
                                             {json{{"source", 7}}, 400, "bad_request"},
                                             {json{{"source", "input"}, {"model", "flwo"}}, 400, "no_model"},
                                             {json{{"source", "input"}, {"settings", 3}}, 400, "bad_request"},
                                             {json{{"model", "flow"}}, 400, "bad_request"},
                                             {json(nullptr), 400, "bad_request"}}) {
      const auto reply = bench.post(body);
      CHECK(reply.status == status);
      CHECK(reply.body.at("error").at("code") == code);
    }
    CHECK(bench.request({.method = "PATCH", .path = "sessions"}).status == 405);
    CHECK(bench.request({.method = "GET", .path = "nothing"}).status == 404);
    CHECK(bench.request({.method = "GET", .path = "sessions/../../etc"}).status == 404);
    CHECK(folders(folder) == 0);
    const auto about = bench.request({.method = "GET", .path = "server"});
    CHECK(about.body.at("models").size() == 2);
    CHECK(about.body.at("samples").size() == 4);
    CHECK(about.body.at("input") == "input");
  }

  TEST_CASE("a model that throws ends its own session only, and its edits are not lost") {
    const Folder folder;
    SessionBench bench{folder.path()};
    BenchClient other{bench}, client{bench};
    other.hello();
    client.hello();
    const auto id = client.viewer->welcome->session, resume = client.viewer->welcome->resume;
    client.ask(prompt_by_box(0, 10, 20));
    bench.control->fails_at = 7;
    client.say(propagate(0, 30), 5);
    REQUIRE(bench.until([&] { return client.viewer->closed.has_value(); }));
    CHECK(client.viewer->closed == serve::close_code::failed);
    CHECK(client.viewer->notices.back().code == "session_failed");
    bench.control->fails_at = -1;
    CHECK_FALSE(other.viewer->closed);
    CHECK(other.ask(prompt_by_box(0, 1, 1)).objects.size() == 1);
    BenchClient again{bench};
    again.enter(id, resume);
    REQUIRE(again.viewer->welcome);
    CHECK(again.viewer->objects.objects.size() == 1);
    CHECK_FALSE(again.ask(propagate(0, 30)).error);
    CHECK(bench.metrics.text().find("vos_session_failures_total 1") != std::string::npos);
  }

  TEST_CASE("places for sessions are limited; one that nobody uses makes room") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.most_sessions = 2;
    SessionBench bench{folder.path(), options};
    BenchClient one{bench}, two{bench}, three{bench};
    one.hello();
    two.hello();
    three.hello();
    CHECK(three.viewer->closed == serve::close_code::full);
    CHECK(bench.post({{"source", "sample:small"}}).status == 503);
    one.ask(prompt_by_box(0, 10, 20));
    one.leave();
    const auto reply = bench.post({{"source", "sample:small"}});
    CHECK(reply.status == 201);
    REQUIRE(bench.until([&] { return bench.control->alive == 2; }));
    CHECK(bench.request({.method = "GET", .path = "sessions/" + one.viewer->welcome->session}).body.at("awake") ==
          false);
    two.leave();
    BenchClient again{bench};
    again.enter(one.viewer->welcome->session, one.viewer->welcome->resume);
    REQUIRE(again.viewer->welcome);
    CHECK(again.viewer->objects.objects.size() == 1);
  }

  TEST_CASE("a session that nobody is connected to ends after a while") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.idle_seconds = 0.5;
    SessionBench bench{folder.path(), options};
    BenchClient stays{bench}, goes{bench};
    stays.hello();
    goes.hello();
    goes.leave();
    REQUIRE(bench.until([&] { return folders(folder) == 1; }));
    CHECK(bench.control->alive == 1);
    CHECK_FALSE(stays.viewer->closed);
  }

  TEST_CASE("a live source is followed, and dropped frames are no reason to wait") {
    const Folder folder;
    SessionBench bench{folder.path()};
    const auto made = bench.post({{"source", "sample:live"}});
    REQUIRE(made.status == 201);
    bench.control->arrived = 5;
    BenchClient client{bench};
    client.enter(made.body.at("session"), made.body.at("resume"));
    REQUIRE(bench.until([&] { return !client.viewer->frames.empty() && client.last().index == 4; }));
    client.viewer->reads = false;
    client.viewer->room = 2;
    bench.control->arrived = 100;
    REQUIRE(bench.until([&] { return client.viewer->dropped_frames() > 80; }));
    client.viewer->reads = true;
    client.viewer->read();
    CHECK(bench.until([&] { return client.last().index == 99; }));
    CHECK(client.viewer->unreadable == 0);
    CHECK(client.refused(propagate(0, 5)) == "bad_request");
    CHECK_FALSE(client.ask(prompt_by_box(99, 10, 20)).error);
    const auto id = client.viewer->welcome->session;
    CHECK_FALSE(fs::exists(folder / "sessions" / id / "session.json"));  // nothing to come back to
  }

  TEST_CASE("frames that a live source left out are passed over") {
    const Folder folder;
    SessionBench bench{folder.path()};
    const auto made = bench.post({{"source", "sample:live"}});
    REQUIRE(made.status == 201);
    bench.control->arrived = 5;
    BenchClient client{bench};
    client.enter(made.body.at("session"), made.body.at("resume"));
    REQUIRE(bench.until([&] { return !client.viewer->frames.empty() && client.last().index == 4; }));
    client.viewer->frames.clear();
    bench.control->skips_to = 20;
    bench.control->arrived = 23;
    REQUIRE(bench.until([&] { return !client.viewer->frames.empty() && client.last().index == 22; }));
    REQUIRE(client.viewer->frames.size() == 3);
    CHECK(client.viewer->frames[0].index == 20);
    // Who was at one of them goes on with the newest.
    client.ask(wire::PauseT{});
    wire::SeekT seek;
    seek.index = 10;
    CHECK(client.refused(seek).empty());
    CHECK(client.refused(wire::PlayT{}).empty());
    bench.control->arrived = 24;
    CHECK(bench.until([&] { return client.last().index == 23; }));
    CHECK(client.viewer->notices.empty());
  }

  TEST_CASE("a session whose record cannot be read is left as it is, and not begun anew") {
    const Folder folder;
    std::string id, resume;
    {
      SessionBench bench{folder.path()};
      BenchClient client{bench};
      client.hello();
      id = client.viewer->welcome->session, resume = client.viewer->welcome->resume;
    }
    const auto record = folder / "sessions" / id / "session.json";
    write_file(record, "{");
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.enter(id, resume);
    CHECK(client.viewer->closed == serve::close_code::no_session);
    CHECK(read_text(record) == "{");
  }

  TEST_CASE("few wrong tokens are let through") {
    const Folder folder;
    SessionBench bench{folder.path()};
    std::string last;
    for (int i = 0; i < 40; ++i) {
      BenchClient stranger{bench, serve::Access::none};
      stranger.enter("", "", -1, "wrong");
      last = stranger.viewer->notices.back().code;
    }
    CHECK(last == "too_many_wrong");
    BenchClient owner{bench};  // by its cookie
    owner.hello();
    CHECK(owner.viewer->welcome);
  }

  TEST_CASE("pictures of a browser's camera become a session") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.input = "";
    SessionBench bench{folder.path(), options};
    BenchClient client{bench};
    wire::HelloT hello;
    hello.protocol = wire::protocol;
    client.say(hello);
    REQUIRE(bench.until([&] { return client.viewer->welcome.has_value(); }));
    CHECK(client.viewer->welcome->source->live);
    for (int i = 0; i < 5; ++i) {
      wire::CameraFrameT frame;
      frame.index = i;
      frame.jpeg = {0xFF, 0xD8, 0xFF, 0xD9};
      CHECK(client.refused(frame).empty());
    }
    CHECK(bench.until([&] { return !client.viewer->frames.empty() && client.last().index == 4; }));
    wire::CameraFrameT wrong;
    wrong.jpeg = {1, 2, 3, 4};
    CHECK(client.refused(wrong) == "bad_request");
    wrong.jpeg = {0xFF, 0xD8, 0xFF, 0xD9};
    wrong.seconds = std::nan("");
    CHECK(client.refused(wrong) == "bad_request");
  }

  TEST_CASE("a server that stops finishes what was asked for, and keeps what was done") {
    const Folder folder;
    std::string id, resume;
    {
      SessionBench bench{folder.path()};
      BenchClient client{bench};
      client.hello();
      id = client.viewer->welcome->session, resume = client.viewer->welcome->resume;
      bench.control->step_ms = 3;
      client.ask(prompt_by_box(0, 10, 20));
      client.say(propagate(0, 59), 5);
      bool done = false;
      bench.sessions().drain([&] { done = true; });
      CHECK_FALSE(bench.sessions().ready());
      REQUIRE(bench.until([&] { return done; }));
      CHECK(client.viewer->answers.contains(5));
      CHECK_FALSE(client.viewer->answers.at(5).error);
      CHECK(client.last().index == 59);
      CHECK(client.viewer->closed == serve::close_code::stopping);
      CHECK(bench.control->alive == 0);
      CHECK(bench.post({{"source", "input"}}).status == 503);
    }
    SessionBench bench{folder.path()};
    BenchClient client{bench};
    client.enter(id, resume);
    CHECK(client.viewer->objects.objects.size() == 1);
  }

  TEST_CASE("a server that stops does not wait for ever") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.drain_seconds = 0.3;
    SessionBench bench{folder.path(), options};
    const auto made = bench.post({{"source", "sample:slow"}});
    BenchClient client{bench};
    client.enter(made.body.at("session"), made.body.at("resume"));
    bench.control->step_ms = 10;
    client.ask(prompt_by_box(0, 10, 20));
    client.say(propagate(0, -1), 5);
    bool done = false;
    const auto begin = std::chrono::steady_clock::now();
    bench.sessions().drain([&] { done = true; });
    REQUIRE(bench.until([&] { return done; }));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
    CHECK(client.viewer->closed == serve::close_code::stopping);
  }

  TEST_CASE("results of a session are recorded when it ends") {
    const Folder folder, recordings;
    auto options = SessionBench::usual();
    options.record = recordings.path();
    SessionBench bench{folder.path(), options};
    BenchClient client{bench};
    client.hello();
    client.ask(prompt_by_box(0, 10, 20));
    client.ask(propagate(0, 9));
    CHECK(bench.request({.method = "DELETE", .path = "sessions/" + client.viewer->welcome->session}).status == 200);
    const auto folder_of_one = recordings.path() / (client.viewer->welcome->session + "-input") / "0-9";
    CHECK(fs::exists(folder_of_one / "masks.zip"));
    CHECK(fs::exists(folder_of_one / "results.json"));
    CHECK(fs::exists(folder_of_one / "session.json"));
  }

  TEST_CASE("one server at a time works with a state folder") {
    const Folder folder;
    SessionBench bench{folder.path()};
    CHECK_THROWS_AS(serve::StateFolder{folder.path()}, Error);
  }

  TEST_CASE("many sessions come and go at once") {
    const Folder folder;
    auto options = SessionBench::usual();
    options.most_sessions = 40;
    SessionBench bench{folder.path(), options};
    bench.control->step_ms = 1;
    std::vector<std::unique_ptr<BenchClient>> clients;
    for (int i = 0; i < 40; ++i) {
      clients.push_back(std::make_unique<BenchClient>(bench));
      clients.back()->hello();
      clients.back()->say(prompt_by_box(0, float(i), 20), 1);
      clients.back()->say(wire::PlayT{}, 2);
    }
    for (std::size_t i = 0; i < clients.size(); i += 2) clients[i]->leave();  // half of them in the middle of it
    for (std::size_t i = 1; i < clients.size(); i += 2)
      CHECK(
          bench.until([&] { return !clients[i]->viewer->playbacks.back().playing && clients[i]->last().index == 59; }));
    for (std::size_t i = 1; i < clients.size(); i += 2) CHECK(clients[i]->viewer->unreadable == 0);
  }
}
