#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include <vos/serve/secret.hpp>
#include <vos/serve/session_entry.hpp>

namespace vos::serve {

inline Refused server_stops() {
  return {"stopping", {.what = "the server stops", .mend = "connect again when it is back; edits are kept"}};
}
inline Refused not_allowed() {
  return {"not_allowed",
          {.what = "this needs the server's token or the session's secret",
           .mend = "open the link that the server printed, or the one that you were given"}};
}
inline Refused no_session() {
  return {"no_session", {.what = "there is no such session", .mend = "it has ended; begin a new one"}};
}

/// What was thrown when a project was opened, as a client may hear it.
inline std::shared_ptr<const Error> error_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Refused& refused) {
    return std::make_shared<Refused>(refused);
  } catch (const Error& error) {
    return std::make_shared<Refused>("refused", Error::Parts{.what = error.parts().what, .mend = error.parts().mend});
  } catch (...) {  // the server's log says more
    return std::make_shared<Refused>("session_failed",
                                     Error::Parts{.what = "the video could not be opened",
                                                  .mend = "check that it plays elsewhere, or try another model"});
  }
}

/// The sessions that there are: makes, wakes, puts to sleep and forgets them.
class SessionTable {
 public:
  using Entry = SessionEntry;
  using Clock = std::chrono::steady_clock;
  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  SessionTable(boost::asio::io_context& network, StateFolder& state, SessionMetrics& metrics,
               const SessionOptions& options, MakeProject make)
      : state_(state),
        options_(options),
        metrics_(metrics),
        place_{network, compute_, beside_, metrics_, options, std::move(make)},
        beside_(2) {
    const auto unreadable = [this](const std::string& folder, const std::string& why) {
      if (options_.log) options_.log("a session cannot be read", {{"folder", folder}, {"reason", why}});
    };
    for (auto& record : state_.sessions(unreadable))
      entries_.emplace(record.id, std::make_shared<Entry>(Entry{record, state_.session(record.id)}));
  }
  ~SessionTable() {
    for (const auto& [id, entry] : entries_)
      if (entry->session) entry->session->end(close_code::stopping, server_stops(), !entry->sleeps(), [] {});
    beside_.stop();
    beside_.join();
  }
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  const Entries& all() const { return entries_; }
  /// Null: there is none of that name.
  std::shared_ptr<Entry> find(const std::string& id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second;
  }

  std::shared_ptr<Entry> create(SessionRecord record, const std::filesystem::path& upload) {
    make_room();
    if (record.model.empty()) record.model = options_.project.model;
    if (!options_.models.empty() && std::none_of(options_.models.begin(), options_.models.end(),
                                                 [&](const auto& model) { return model.name == record.model; })) {
      std::vector<std::string> names;
      for (const auto& model : options_.models) names.push_back(model.name);
      refuse("there is no model '" + printable(record.model) + "'" + did_you_mean(record.model, names), "model",
             "models: " + join(names, ", "), "no_model");
    }
    record.id = random_secret(12);
    record.resume = random_secret();
    record.watch = random_secret();
    const auto entry = std::make_shared<Entry>(Entry{record, state_.session(record.id)});
    entry->record.name = spec_of(*entry).name;  // an Error where there is no such source
    make_folder(entry->folder.path());
    if (!upload.empty()) take_upload(*entry, upload);
    entries_.emplace(record.id, entry);
    return entry;
  }

  /// Opens a new session; it is forgotten where that fails.
  void open(const std::shared_ptr<Entry>& entry, std::function<void(std::exception_ptr)> then) {
    wake(entry, [this, entry, then = std::move(then)](std::exception_ptr thrown) {
      if (thrown) {
        entries_.erase(entry->record.id);
        entry->folder.remove();
      }
      then(std::move(thrown));
    });
  }

  void wake(const std::shared_ptr<Entry>& entry, std::function<void(std::exception_ptr)> then) {
    entry->used = Clock::now();
    if (entry->session && entry->session->is_open()) return then(nullptr);
    entry->waiting.push_back(std::move(then));
    if (entry->opening) return;
    try {
      if (!entry->session) make_room();
      const auto kept = entry->folder.read();
      if (kept && kept->id != entry->record.id)
        throw Error({.what = "what was kept of this session is of another one"});
      auto record = kept.value_or(entry->record);
      entry->opening = true;
      const auto failed = [this, id = entry->record.id](const auto& session) { fell(id, session); };
      entry->session = std::make_shared<Session>(place_, std::move(record), entry->folder, failed);
      entry->session->open(spec_of(*entry), [this, entry](std::exception_ptr thrown) {
        entry->opening = false;
        if (!entry->session) {  // it was ended meanwhile
          thrown = std::make_exception_ptr(no_session());
        } else if (thrown) {
          log("a video could not be opened", *entry, reason_of(thrown));
          std::exchange(entry->session, nullptr)->end(close_code::failed, *error_of(thrown), false, [] {});
        } else {
          log("a session begins", *entry, entry->record.source);
        }
        for (const auto& one : std::exchange(entry->waiting, {})) one(thrown);
      });
    } catch (...) {
      entry->opening = false;
      entry->session = nullptr;
      for (const auto& one : std::exchange(entry->waiting, {})) one(std::current_exception());
    }
  }

  /// Ends a session at work: to sleep, or for ever with `forget`.
  void end_session(Entry& entry, std::uint16_t code, const Error& why, bool forget, std::function<void()> then) {
    log(forget ? "a session ends" : "a session sleeps", entry, why.parts().what);
    entry.used = Clock::now();
    std::exchange(entry.session, nullptr)->end(code, why, forget, std::move(then));
  }

  /// Ends it for ever.
  void forget(const std::shared_ptr<Entry>& entry, const Error& why, std::function<void()> then) {
    entries_.erase(entry->record.id);
    if (entry->session) return end_session(*entry, close_code::ended, why, true, std::move(then));
    log("a session ends", *entry, why.parts().what);
    entry->folder.remove();
    then();
  }

  /// Twice a second: statistics go out, sessions left alone for too long end.
  void look_after() {
    const auto now = Clock::now();
    std::size_t memory = 0, watchers = 0, work = 0;
    std::vector<std::shared_ptr<Entry>> idle;
    for (const auto& [id, entry] : entries_) {
      const auto& session = entry->session;
      if (session) {
        session->tick();
        memory += session->memory();
        watchers += session->audience().guests().size();
        ++work;
      }
      if (entry->opening || (session && (!session->audience().empty() || session->is_at_work()))) entry->used = now;
      if (options_.idle_seconds > 0 && std::chrono::duration<double>(now - entry->used).count() > options_.idle_seconds)
        idle.push_back(entry);
    }
    for (const auto& entry : idle) forget(entry, Refused("idle", {.what = "nobody was connected for long"}), [] {});
    metrics_.sessions.set(static_cast<double>(work));
    metrics_.asleep.set(static_cast<double>(entries_.size() - work));
    metrics_.watchers.set(static_cast<double>(watchers));
    metrics_.memory.set(static_cast<double>(memory));
  }

 private:
  // --- sessions come and go --------------------------------------------------------------------------------------------------
  std::size_t awake() const {
    return static_cast<std::size_t>(std::count_if(
        entries_.begin(), entries_.end(), [](const auto& one) { return one.second->session || one.second->opening; }));
  }

  /// Where all places are taken, the session that has been left alone for longest goes to sleep for a new one.
  void make_room() {
    if (awake() < options_.most_sessions) return;
    std::shared_ptr<Entry> idle;
    for (const auto& [id, entry] : entries_)
      if (entry->session && entry->session->is_open() && entry->session->audience().empty() &&
          !entry->session->is_at_work() && entry->sleeps() && (!idle || entry->used < idle->used))
        idle = entry;
    if (!idle)
      throw Refused("full", {.what = "all " + std::to_string(options_.most_sessions) + " places for sessions are taken",
                             .mend = "end one, or start the server with more by --max-sessions"});
    end_session(*idle, close_code::ended, Refused("asleep", {.what = "left alone"}), false, [] {});
  }

  static void take_upload(Entry& entry, const std::filesystem::path& upload) {
    auto extension = upload.extension().string();
    if (extension.empty()) extension = lower_case(std::filesystem::path{entry.record.name}.extension().string());
    if (extension.size() > 6 || !std::all_of(extension.begin(), extension.end(),
                                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '.'; }))
      extension.clear();
    entry.record.file = "source" + extension;
    const auto to = entry.folder.path() / entry.record.file;
    std::error_code code;
    std::filesystem::rename(upload, to, code);
    if (code) std::filesystem::copy_file(upload, to);  // from another disk
  }

  ProjectSpec spec_of(const Entry& entry) const {
    const auto& record = entry.record;
    auto spec = options_.project;
    spec.name = record.name;
    spec.model = record.model;
    if (record.model != options_.project.model) spec.weights.clear(), spec.settings.clear();
    for (const auto& [key, value] : record.settings) spec.settings[key] = value;
    if (record.source == "upload") {
      spec.input = (entry.folder.path() / record.file).string();
    } else if (record.source == "camera") {
      spec.input = "feed";
      if (spec.name.empty()) spec.name = "camera";
    } else if (record.source == "input") {
      if (options_.input.empty())
        refuse("the server has no input of its own", "source", "start it with --input, or upload a clip", "no_source");
      spec.input = options_.input;
      if (spec.name.empty()) spec.name = options_.input_name;
    } else {
      const auto sample = std::find_if(options_.samples.begin(), options_.samples.end(),
                                       [&](const auto& one) { return record.source == "sample:" + one.name; });
      if (sample == options_.samples.end()) {
        std::vector<std::string> names;
        for (const auto& one : options_.samples) names.push_back("sample:" + one.name);
        refuse("there is no source '" + printable(record.source) + "'" + did_you_mean(record.source, names), "source",
               "sources: input, camera, " + join(names, ", "), "no_source");
      }
      spec.input = sample->input;
      if (spec.name.empty()) spec.name = sample->name;
    }
    return spec;
  }

  /// A session failed. It can be made anew from its folder, unless its source was live.
  void fell(const std::string& id, const std::weak_ptr<SessionJobs>& failed) {
    const auto found = entries_.find(id);
    const auto session = failed.lock();
    if (found == entries_.end() || !session || found->second->session != session) return;  // there is another already
    const bool sleeps = found->second->sleeps();
    found->second->session = nullptr;
    if (!sleeps) entries_.erase(found);
  }

  void log(const std::string& what, const Entry& entry, const std::string& why) const {
    if (options_.log) options_.log(what, {{"session", entry.record.id}, {"reason", why}});
  }

  StateFolder& state_;
  const SessionOptions& options_;
  SessionMetrics& metrics_;
  Workplace place_;  // goes last: jobs use it
  ComputeThread compute_;
  boost::asio::thread_pool beside_;
  Entries entries_;
};

}  // namespace vos::serve
