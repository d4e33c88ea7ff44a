#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/net/http.hpp>
#include <vos/train/log/curves.hpp>
#include <vos/train/log/log_reader.hpp>
#include <vos/train/log/remote_run.hpp>
#include <vos/train/step_name.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace vos {

/// What a server has been told of a run: a small file in the run's folder, so that nothing is told twice and nothing is lost
/// over the end of the process, whoever goes on.
class SentState {
 public:
  explicit SentState(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code code;
    if (!std::filesystem::exists(path_, code)) return;
    const auto json = nlohmann::json::parse(read_text(path_), nullptr, /*allow_exceptions=*/false);
    try {
      server = json.at("server");
      run = json.at("run");
      settings = json.at("settings");
      for (const auto& [kind, place] : json.at("sent").items())
        sent[kind] = {.step = place.at(0), .index = place.at(1)};
    } catch (const nlohmann::json::exception&) {
      throw Error({.what = "the file that says what was sent is damaged",
                   .where = path_.string(),
                   .mend = "delete it, and all is sent once more, as a new run"});
    }
  }

  bool has(const std::string& kind, const LogPlace& place) const {
    const auto found = sent.find(kind);
    return found != sent.end() && place <= found->second;
  }

  void save() const {
    auto places = nlohmann::ordered_json::object();
    for (const auto& [kind, place] : sent) places[kind] = {place.step, place.index};
    write_file(
        path_,
        nlohmann::ordered_json{{"server", server}, {"run", run}, {"sent", places}, {"settings", settings}}.dump(2) +
            "\n");
  }

  std::string server = {}, run = {};
  std::map<std::string, LogPlace> sent = {};  ///< by kind of line
  std::map<std::string, std::string> settings = {};

 private:
  std::filesystem::path path_;
};

/// Sends to a server what a run's folder tells: the lines of log.jsonl and the pictures that they name. The folder is the
/// queue: nothing is held in memory, and what could not be sent stays there.
class RunSender {
 public:
  /// `every`: of the steps, the first and each so many are sent.
  RunSender(std::filesystem::path run, std::unique_ptr<RemoteRun> remote, std::int64_t every)
      : run_(std::move(run)),
        remote_(std::move(remote)),
        every_(std::max<std::int64_t>(1, every)),
        lock_(run_ / "sent", remote_->kind()),
        state_(run_ / "sent" / (remote_->kind() + ".json")),
        reader_(run_ / "log.jsonl") {
    if (state_.server != remote_->server()) forget();  // another one knows nothing
    state_.server = remote_->server();
  }

  std::string kind() const { return remote_->kind(); }
  std::string page() const { return opened_ ? remote_->page() : std::string{}; }
  std::int64_t requests() const { return requests_; }
  /// What a user should be told, since the last call.
  std::vector<std::string> told() { return std::exchange(told_, {}); }

  /// Sends all that is there, unless `enough` says so in between; says whether that was all. After an Error, the next call
  /// takes up where the server last said that it had understood.
  bool send(const std::function<bool()>& enough = {}) {
    try {
      if (!opened_ && !open()) return true;
      while (!(enough && enough())) {
        const auto entry = reader_.next();
        if (entry) take(*entry);
        else flush();
        if (points_.empty()) reader_.mark();
        if (!entry) return true;
      }
      flush();
      return false;
    } catch (...) {
      points_.clear();
      reached_.clear();
      reader_.back();
      opened_ = false;
      throw;
    }
  }

 private:
  static constexpr std::size_t most_points = 1000;

  /// One process at a time sends a run to a server.
  class Lock {
   public:
    Lock(const std::filesystem::path& folder, const std::string& kind) {
      make_folder(folder);
      const auto path = folder / (kind + ".lock");
      file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (file_ < 0) PendingFile::refuse(path, errno);
      if (::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
      ::close(file_);
      throw Error({.what = "another process is sending this run to " + kind,
                   .where = path.string(),
                   .mend = "a training sends by itself; wait for its end"});
    }
    ~Lock() { ::close(file_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int file_ = -1;
  };

  /// False where there is nothing to tell yet.
  bool open() {
    const auto first = LogReader{run_ / "log.jsonl"}.next();
    if (!first) return false;
    const auto [id, fresh] = remote_->open(state_.run, time_of(*first));
    if (fresh) {  // or the server has lost it: from the start
      forget();
      reader_ = LogReader{run_ / "log.jsonl"};
      state_.run = id;
      state_.save();
    }
    return opened_ = true;
  }

  void take(const LogEntry& entry) {
    const auto step = entry.place.step;
    const auto time = time_of(entry);
    const bool sent = state_.has(entry.kind, entry.place);
    const auto ask = [&](const auto& act) {
      flush();
      act();
      ++requests_;
      note(entry.kind, entry.place);
      flush();
    };
    if (entry.kind == "step") {
      if (!sent && (step == 1 || step % every_ == 0)) add(curves_of(step_report_from(entry)), step, time);
      note(entry.kind, entry.place);
    } else if (entry.kind == "validation") {
      if (!sent) add(curves_of(validation_report_from(entry)), step, time);
      note(entry.kind, entry.place);
    } else if (entry.kind == "picture" && !sent && !no_pictures_) {
      ask([&] { send_picture(detail::text_in(entry.facts, "name"), step, time); });
    } else if (entry.kind == "configuration" && !sent) {
      ask([&] {
        const auto settings = detail::texts_in(entry.facts, "settings");
        remote_->settings(settings, state_.settings);
        state_.settings = settings;
      });
    } else if (entry.kind == "message" && !sent) {
      ask([&] { remote_->message(time, detail::text_in(entry.facts, "text")); });
    } else if (entry.kind == "end" && !sent) {
      ask([&] { remote_->end(time, detail::text_in(entry.facts, "end")); });
    }
  }

  void add(const std::map<std::string, double>& curves, std::int64_t step, double time) {
    if (points_.size() + curves.size() > most_points) flush();
    for (const auto& [name, value] : curves)
      if (std::isfinite(value) && points_.size() < most_points)
        points_.push_back({.curve = name, .step = step, .time = time, .value = value});
  }

  /// A server that takes figures may have no place for pictures: that is told once.
  void send_picture(const std::string& name, std::int64_t step, double time) {
    if (no_pictures_ || name.empty() || name.front() == '.' || name.find('/') != std::string::npos) return;
    RemotePicture picture{.name = name, .step = step, .time = time};
    try {
      picture.png = read_file(run_ / "pictures" / step_name(step) / (name + ".png"));
    } catch (const Error&) {
      return;  // newer ones took its place
    }
    try {
      remote_->picture(picture);
    } catch (const NoAnswer&) {
      throw;
    } catch (const Error& error) {
      no_pictures_ = true;
      told_.push_back(kind() + " takes no pictures. " + error.what());
    }
  }

  /// Sends the points that wait. Then all that was noted is understood by the server.
  void flush() {
    if (!points_.empty()) {
      remote_->points(points_);
      ++requests_;
      points_.clear();
    }
    bool more = false;
    for (const auto& [kind, place] : std::exchange(reached_, {}))
      if (!state_.has(kind, place)) state_.sent[kind] = place, more = true;
    if (more) state_.save();
  }

  void note(const std::string& kind, const LogPlace& place) {
    auto& reached = reached_[kind];
    reached = std::max(reached, place);
  }

  void forget() {
    state_.run.clear();
    state_.sent.clear();
    state_.settings.clear();
  }

  static double time_of(const LogEntry& entry) {
    return entry.time > 0 ? entry.time
                          : std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  std::filesystem::path run_;
  std::unique_ptr<RemoteRun> remote_;
  std::int64_t every_;
  Lock lock_;
  SentState state_;
  LogReader reader_;
  std::vector<CurvePoint> points_;
  std::map<std::string, LogPlace> reached_;  // read, and not yet understood by the server
  std::vector<std::string> told_;
  bool opened_ = false, no_pictures_ = false;
  std::int64_t requests_ = 0;
};

}  // namespace vos
