#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <vos/train/run_log.hpp>

#include <sys/stat.h>

namespace vos {

/// Which line of a run's log one is, whatever was cut from the log before it: the `index`-th of its step and kind, from 1.
struct LogPlace {
  std::int64_t step = 0, index = 0;
  auto operator<=>(const LogPlace&) const = default;
};

/// A line of a run's log.
struct LogEntry {
  std::string kind = {};
  LogPlace place = {};
  double time = 0;  ///< seconds since 1970
  nlohmann::json facts = {};
};

/// Reads what FileLog writes, while it writes.
class LogReader {
 public:
  explicit LogReader(std::filesystem::path path) : path_(std::move(path)) {}

  /// The next whole line; nothing where there is none yet. A log that was cut, as a resumed run does, begins anew.
  std::optional<LogEntry> next() {
    for (;;) {
      if (!in_.is_open() && !open()) return std::nullopt;
      std::string line;
      if (std::getline(in_, line) && !in_.eof()) {
        at_ += static_cast<std::streamoff>(line.size()) + 1;
        if (auto entry = taken(line)) return entry;
        continue;
      }
      in_.clear();
      in_.seekg(at_);
      if (!is_replaced()) return std::nullopt;
      in_.close();
    }
  }

  /// Goes back to where it was when `mark` was called last, or to the start.
  void back() {
    if (!in_.is_open()) return;
    at_ = marked_at_;
    seen_ = marked_;
    in_.clear();
    in_.seekg(at_);
  }
  void mark() {
    marked_at_ = at_;
    marked_ = seen_;
  }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  std::optional<Identity> identity() const {
    struct stat info{};
    if (::stat(path_.c_str(), &info) != 0) return std::nullopt;
    return Identity{info.st_dev, info.st_ino};
  }

  bool open() {
    const auto found = identity();
    in_ = std::ifstream{path_, std::ios::binary};
    if (!found || !in_) {
      in_.close();
      return false;
    }
    identity_ = *found;
    at_ = 0;
    seen_.clear();
    mark();
    return true;
  }

  bool is_replaced() const {
    const auto now = identity();
    return now && *now != identity_;
  }

  /// What a line says; nothing where it says nothing.
  std::optional<LogEntry> taken(const std::string& line) {
    auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("kind") || !json["kind"].is_string()) return std::nullopt;
    LogEntry entry{.kind = json["kind"]};
    if (const auto step = json.find("step"); step != json.end() && step->is_number_integer()) entry.place.step = *step;
    if (const auto time = json.find("time"); time != json.end() && time->is_number()) entry.time = *time;
    // Steps may be done again, and end again: an end's place is which start of the run it is the end of.
    if (entry.kind == "end") entry.place.step = seen_["configuration"].index;
    auto& seen = seen_[entry.kind];
    if (seen.step != entry.place.step) seen = {.step = entry.place.step};
    entry.place.index = ++seen.index;
    if (entry.kind == "validation") entry.place.index = 1;  // one a step; made again after a kill it says the same
    entry.facts = std::move(json);
    return entry;
  }

  std::filesystem::path path_;
  std::ifstream in_;
  Identity identity_ = {};
  std::streamoff at_ = 0, marked_at_ = 0;
  std::map<std::string, LogPlace> seen_, marked_;
};

namespace detail {

inline double number_in(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

inline std::map<std::string, double> numbers_in(const nlohmann::json& json, const char* key) {
  std::map<std::string, double> numbers;
  if (const auto found = json.find(key); found != json.end() && found->is_object())
    for (const auto& [name, value] : found->items())
      if (value.is_number()) numbers[name] = value;
  return numbers;
}

inline std::string text_in(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

inline std::map<std::string, std::string> texts_in(const nlohmann::json& json, const char* key) {
  std::map<std::string, std::string> texts;
  if (const auto found = json.find(key); found != json.end() && found->is_object())
    for (const auto& [name, value] : found->items())
      if (value.is_string()) texts[name] = value;
  return texts;
}

}  // namespace detail

/// A line of that kind as what it was written from; NaN where it says nothing.
inline StepReport step_report_from(const LogEntry& entry) {
  return {.step = entry.place.step,
          .loss = detail::number_in(entry.facts, "loss"),
          .losses = detail::numbers_in(entry.facts, "losses"),
          .lr = detail::numbers_in(entry.facts, "lr"),
          .gradient_norm = detail::number_in(entry.facts, "gradient_norm"),
          .seconds = detail::number_in(entry.facts, "seconds"),
          .waited = detail::number_in(entry.facts, "waited")};
}

inline ValidationReport validation_report_from(const LogEntry& entry) {
  return {.step = entry.place.step, .metrics = detail::numbers_in(entry.facts, "metrics")};
}

}  // namespace vos
