#include "run.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>

#include <page_files.hpp>
#include <vos/serve/server.hpp>
#include <vos/serve/sessions.hpp>

#include "log.hpp"
#include "projects.hpp"

namespace vos::serve {
namespace {

/// The built-in clips. Each is drawn anew on the way, and needs no room.
std::vector<SampleChoice> samples() {
  std::vector<SampleChoice> all;
  for (const auto& [name, title] : {std::pair{"demo", "A little of everything"},
                                    {"crossing", "Objects that cross each other"},
                                    {"occlusion", "Behind an obstacle and out again"},
                                    {"deforming", "Objects that change their form"},
                                    {"twins", "Two that look alike"},
                                    {"crowd", "Thirty at once"}})
    all.push_back({name, title, std::string{"synthetic:"} + name + ",frames=150"});
  return all;
}

/// Opens the link as the desktop does. Where there is no desktop, the printed link has to do.
void open_page(const std::string& link, const Log& log) {
  const auto child = ::fork();
  if (child == 0) {
    if (::fork() != 0) ::_exit(0);  // nobody waits for the browser
    ::setsid();
    const int nothing = ::open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) ::dup2(nothing, stream);
    ::close_range(3, ~0U, 0);  // the server's sockets stay its own
    ::execlp("xdg-open", "xdg-open", link.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
  else log("no browser could be started");
}

/// As many open files as this process may have: each connection is one.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Ends the process where stopping takes far too long: a model that hangs must not keep it.
class LastResort {
 public:
  void start(double seconds) {
    waiting_ = std::jthread{[this, seconds](const std::stop_token& over) {
      std::unique_lock lock{mutex_};
      never_.wait_for(lock, over, std::chrono::duration<double>(seconds), [] { return false; });
      if (!over.stop_requested()) std::_Exit(exit_code::done);
    }};
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::jthread waiting_;
};

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  if (options.action == Options::Action::print) {
    out << options.text;
    return exit_code::done;
  }
  raise_open_files();
  const Log log{err, options.json_log, options.common.quiet};
  auto sessions_options = options.sessions;
  sessions_options.models = model_choices(sessions_options.project);
  sessions_options.samples = samples();
  sessions_options.log = log;
  // Uploads alone: nothing is written beside an input of the server's own.
  sessions_options.prepare = [uploaded = (options.server.state / "sessions").string()](const ProjectSpec& spec) {
    return spec.input.starts_with(uploaded) ? with_pictures(spec) : spec;
  };

  LastResort last_resort;  // outlives all that could hang
  StateFolder state{options.server.state};
  make_folder(options.server.uploads);
  const Gate gate{options.server};
  sessions_options.token = gate.token();
  Metrics metrics;
  boost::asio::io_context network{1};
  Sessions sessions{network, state, metrics, sessions_options, open_project};
  Server server{network, options.server, gate, sessions, metrics, page_files()};

  bool stopping = false;
  boost::asio::steady_timer last_words{network};
  const auto drain = [&] {
    if (std::exchange(stopping, true)) ::_exit(exit_code::interrupted);
    last_resort.start(std::min(sessions_options.drain_seconds, 1e6) + 5);
    log("stopping",
        {{"until", "what was asked for is finished, at most " +
                       std::to_string(static_cast<int>(sessions_options.drain_seconds)) + " s; again: at once"}});
    sessions.drain([&] {
      // What viewers are told last is still on its way.
      last_words.expires_after(std::chrono::milliseconds(300));
      last_words.async_wait([&](boost::system::error_code) {
        server.stop();
        network.stop();
      });
    });
  };
  boost::asio::signal_set signals{network, SIGINT, SIGTERM};
  std::function<void()> listen_for_signals = [&] {
    signals.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      drain();
      listen_for_signals();
    });
  };
  listen_for_signals();
  const std::stop_callback stopped{stop, [&] { boost::asio::post(network, drain); }};

  if (options.json_log || options.common.json) {
    out << nlohmann::ordered_json{{"event", "listening"},
                                  {"url", server.link()},
                                  {"address", server.address()},
                                  {"model", sessions_options.project.model},
                                  {"version", sessions_options.version}}
               .dump()
        << std::endl;
  } else {
    out << "vos-serve " << sessions_options.version << " is ready:\n\n    " << server.link() << "\n\n";
    if (!options.common.quiet) {
      if (!gate.open()) out << "Whoever has this link may use the server. ";
      out << "Open it, choose a clip, mark an object.\nModel: " << sessions_options.project.model;
      if (!sessions_options.input.empty()) out << "; input: " << sessions_options.input_name;
      out << "; sessions are kept in " << options.server.state.string() << ". Ctrl-C stops.\n";
    }
    out.flush();
  }
  if (options.open_page) open_page(server.link(), log);
  network.run();
  log("stopped");
  return exit_code::done;
}

}  // namespace vos::serve
