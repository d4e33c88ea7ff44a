#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos::serve {

/// What a session is, as its folder keeps it: all that is needed to go on after the server was killed.
struct SessionRecord {
  std::string id = {}, resume = {}, watch = {};  ///< the name, and the secrets of its owner and of who only watches
  std::string source = {};                       ///< "upload", "input", "sample:NAME", "camera"
  std::string name = {};                         ///< of the source, as people see it
  std::string file = {};                         ///< of an upload: its name in the folder
  std::string model = {};
  std::map<std::string, std::string> settings = {};
  std::string project = {};  ///< of Project::save; empty: a new one
};

/// STATE/sessions/ID/: the upload, the record, exports that wait to be fetched.
class SessionFolder {
 public:
  explicit SessionFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path exports() const { return path_ / "exports"; }

  /// Whole or not at all, and there to stay.
  void write(const SessionRecord& record) const {
    const nlohmann::ordered_json json{
        {"vos_serve_session", 1},      {"id", record.id},          {"resume", record.resume}, {"watch", record.watch},
        {"source", record.source},     {"name", record.name},      {"file", record.file},     {"model", record.model},
        {"settings", record.settings}, {"project", record.project}};
    const auto text = json.dump(1);
    if (text.size() > text_file_limit)
      throw Error({.what = "the session is too large to be kept", .mend = "export it, and begin a new one"});
    write_file(file(), text, Durability::power);
  }

  /// Nothing where there is no record; an Error where there is one that cannot be read.
  std::optional<SessionRecord> read() const {
    std::error_code code;
    if (std::filesystem::symlink_status(file(), code).type() == std::filesystem::file_type::not_found)
      return std::nullopt;
    const auto unreadable = [this](const std::string& why) {
      return Error({.what = "what was kept of this session cannot be read: " + why,
                    .where = file().string(),
                    .mend = "the file is left as it is; look at it, or end the session"});
    };
    try {
      const auto json = nlohmann::json::parse(read_text(file()));
      if (json.at("vos_serve_session") != 1) throw unreadable("it is of another version");
      return SessionRecord{json.at("id"),   json.at("resume"), json.at("watch"),    json.at("source"), json.at("name"),
                           json.at("file"), json.at("model"),  json.at("settings"), json.at("project")};
    } catch (const Error&) {
      throw;
    } catch (const std::exception& e) {
      throw unreadable(e.what());
    }
  }

  void remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

 private:
  std::filesystem::path file() const { return path_ / "session.json"; }

  std::filesystem::path path_;
};

/// What a server keeps between runs: its sessions (and, see Gate, its token). For its user alone; one server at a time.
class StateFolder {
 public:
  explicit StateFolder(std::filesystem::path path) : path_(std::move(path)) {
    make_folder(path_);
    // Tokens and people's videos: nobody else's business.
    ::chmod(path_.c_str(), 0700);
    lock_ = ::open((path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_ < 0) PendingFile::refuse(path_ / "lock", errno);
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(lock_);
      throw Error({.what = "another server works with this state folder",
                   .where = path_.string(),
                   .mend = "stop it, or give this one a folder of its own by --state"});
    }
    make_folder(path_ / "sessions");
  }
  ~StateFolder() { ::close(lock_); }
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  /// $XDG_STATE_HOME/vos-serve or ~/.local/state/vos-serve.
  static std::filesystem::path usual() {
    const auto variable = [](const char* name) {
      const char* value = std::getenv(name);
      return std::filesystem::path{value != nullptr ? value : ""};
    };
    if (const auto state = variable("XDG_STATE_HOME"); state.is_absolute()) return state / "vos-serve";
    const auto home = variable("HOME");
    return home.empty() ? std::filesystem::temp_directory_path() / "vos-serve" : home / ".local/state/vos-serve";
  }

  const std::filesystem::path& path() const { return path_; }
  SessionFolder session(const std::string& id) const { return SessionFolder{path_ / "sessions" / id}; }

  using Log = std::function<void(const std::string& folder, const std::string& why)>;

  /// The sessions that were there when the last server ended. Folders without a record are deleted: of a session that ended, or
  /// that was never acknowledged. What cannot be read is left as it is, and told to `log`.
  std::vector<SessionRecord> sessions(const Log& log = {}) const {
    std::vector<SessionRecord> records;
    std::vector<std::filesystem::path> left;
    for (const auto& entry : std::filesystem::directory_iterator{path_ / "sessions"}) {
      try {
        auto record = SessionFolder{entry.path()}.read();
        if (!record) left.push_back(entry.path());
        else if (record->id == entry.path().filename()) records.push_back(std::move(*record));
        else if (log) log(entry.path().string(), "its record is of another session");
      } catch (const std::exception& e) {
        if (log) log(entry.path().string(), e.what());
      }
    }
    for (const auto& folder : left) SessionFolder{folder}.remove();
    return records;
  }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace vos::serve
