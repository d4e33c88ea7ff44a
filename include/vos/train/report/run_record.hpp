#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/train/log/log_reader.hpp>
#include <vos/train/step_name.hpp>

namespace vos {

/// One line of a run's config.toml.
struct RunSetting {
  std::string key = {}, value = {}, meaning = {};
  std::optional<std::string> usual =
      {};  ///< what it is in the preset, where it is something else here and the run tells
};

/// The steps of a run as columns of equal length; NaN where a step says nothing.
struct StepColumns {
  std::vector<double> steps = {};  ///< rising
  std::vector<double> loss = {}, gradient_norm = {}, seconds = {}, waited = {};
  std::map<std::string, std::vector<double>> losses = {}, lr = {};

  std::size_t size() const { return steps.size(); }
};

struct RecordedClip {
  std::string name = {};
  std::map<std::string, double> metrics = {};
  std::string picture = {};  ///< name of its picture, where it has one
};

struct RecordedValidation {
  std::int64_t step = 0;
  std::map<std::string, double> metrics = {};
  std::string main = {};  ///< the metric that decides
  bool best = false;
  double seconds = 0;
  std::vector<RecordedClip> clips = {};
};

struct RecordedMessage {
  std::int64_t step = 0;  ///< steps that were done
  std::string text = {};
};

/// What the files in a run's folder tell of it, whether or not it has ended.
struct RunRecord {
  std::filesystem::path folder = {};
  nlohmann::json facts = nlohmann::json::object();  ///< run.json
  std::vector<RunSetting> settings = {};
  StepColumns steps = {};
  std::vector<RecordedValidation> validations = {};  ///< by rising steps
  std::vector<RecordedMessage> messages = {};
  std::string end = {};      ///< how it ended; empty: it goes on, or was cut off
  std::string failure = {};  ///< why, where it failed
  double elapsed = 0;        ///< seconds from start to end, of all times that it ran; 0 where nobody says
  std::int64_t damaged = 0;  ///< lines and files that could not be read

  /// Of its folder, also where that was named as ".".
  std::string name() const {
    return (std::filesystem::absolute(folder) / "").lexically_normal().parent_path().filename().string();
  }
  std::string fact(const char* key) const {
    const auto found = facts.find(key);
    return found != facts.end() && found->is_string() ? found->get<std::string>() : std::string{};
  }
  std::int64_t planned_steps() const {
    const auto found = facts.find("steps");
    return found != facts.end() && found->is_number() ? found->get<std::int64_t>() : 0;
  }
  std::int64_t last_step() const { return steps.size() > 0 ? static_cast<std::int64_t>(steps.steps.back()) : 0; }

  const RunSetting* setting(std::string_view key) const {
    for (const auto& each : settings)
      if (each.key == key) return &each;
    return nullptr;
  }

  /// The validation that is the best by the main metric; none where there is none with a number.
  const RecordedValidation* best() const {
    const RecordedValidation* best = nullptr;
    double most = 0;
    for (const auto& each : validations)
      if (const auto found = each.metrics.find(each.main);
          found != each.metrics.end() && std::isfinite(found->second) && (best == nullptr || found->second > most))
        best = &each, most = found->second;
    return best;
  }

  /// A picture that a validation left, if it is there.
  std::filesystem::path picture(const RecordedValidation& validation, const std::string& picture_name) const {
    if (picture_name.empty() || picture_name.find('/') != std::string::npos || picture_name.front() == '.') return {};
    auto path = folder / "pictures" / step_name(validation.step) / (picture_name + ".png");
    std::error_code code;
    return std::filesystem::is_regular_file(path, code) ? path : std::filesystem::path{};
  }
};

namespace detail {

inline constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

/// Appends a row to columns that it may have to make first, or leave a gap in.
class RowTaker {
 public:
  explicit RowTaker(StepColumns& columns) : columns_(columns) {}

  void take(const nlohmann::json& line) {
    const auto rows = columns_.size() + 1;
    columns_.steps.push_back(number_in(line, "step"));
    columns_.loss.push_back(number_in(line, "loss"));
    columns_.gradient_norm.push_back(number_in(line, "gradient_norm"));
    columns_.seconds.push_back(number_in(line, "seconds"));
    columns_.waited.push_back(number_in(line, "waited"));
    for (auto* group : {&columns_.losses, &columns_.lr})
      for (const auto& [name, value] : numbers_in(line, group == &columns_.losses ? "losses" : "lr")) {
        auto& column = (*group)[name];
        column.resize(rows, no_number);
        column.back() = value;
      }
  }

  /// Makes all columns equally long and their steps rise: of a step that is told twice the later telling counts.
  void finish() {
    const auto rows = columns_.size();
    std::vector<std::size_t> order(rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto step = [&](std::size_t i) { return columns_.steps[i]; };
    const bool rises = std::adjacent_find(columns_.steps.begin(), columns_.steps.end(), std::greater_equal<>{}) ==
                       columns_.steps.end();
    if (!rises) {
      std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return step(a) < step(b); });
      std::vector<std::size_t> once;
      for (std::size_t i = 0; i < rows; ++i)
        if (i + 1 == rows || step(order[i]) != step(order[i + 1])) once.push_back(order[i]);
      order = std::move(once);
    }
    each_column([&](std::vector<double>& column) {
      column.resize(rows, no_number);
      if (rises) return;
      std::vector<double> sorted;
      for (const auto i : order) sorted.push_back(column[i]);
      column = std::move(sorted);
    });
  }

 private:
  template <class Act>
  void each_column(const Act& act) {
    for (auto* column : {&columns_.loss, &columns_.gradient_norm, &columns_.seconds, &columns_.waited}) act(*column);
    for (auto* group : {&columns_.losses, &columns_.lr})
      for (auto& [name, column] : *group) act(column);
    act(columns_.steps);  // last: it says how the others are sorted
  }

  StepColumns& columns_;
};

inline RecordedValidation validation_of(const nlohmann::json& line) {
  RecordedValidation validation{.step = static_cast<std::int64_t>(number_in(line, "step")),
                                .metrics = numbers_in(line, "metrics"),
                                .main = text_in(line, "main"),
                                .best = line.value("best", nlohmann::json(false)) == true,
                                .seconds = number_in(line, "seconds")};
  if (const auto clips = line.find("clips"); clips != line.end() && clips->is_array())
    for (const auto& clip : *clips)
      if (clip.is_object())
        validation.clips.push_back({text_in(clip, "name"), numbers_in(clip, "metrics"), text_in(clip, "picture")});
  return validation;
}

/// A step's number that can be one.
inline bool has_step(const nlohmann::json& line) {
  const auto step = number_in(line, "step");
  return step >= 0 && step < 9e15;
}

inline void read_log(const std::filesystem::path& path, RunRecord& record) {
  std::ifstream in{path, std::ios::binary};
  std::map<std::int64_t, RecordedValidation> validations;
  RowTaker rows{record.steps};
  std::int64_t step = 0;
  double last_time = no_number;
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto kind = json.is_object() ? text_in(json, "kind") : std::string{};
    const auto time = json.is_object() ? number_in(json, "time") : no_number;
    if (kind == "configuration" || kind == "step") record.end.clear();  // it begins, or goes on
    if (kind != "message") {                                            // which may come before the start
      if (kind != "configuration" && time > last_time) record.elapsed += time - last_time;
      if (std::isfinite(time)) last_time = time;
    }
    if (kind == "step" && has_step(json)) {
      rows.take(json);
      step = static_cast<std::int64_t>(record.steps.steps.back());
    } else if (kind == "validation" && has_step(json)) {
      auto validation = validation_of(json);
      validations[validation.step] = std::move(validation);
    } else if (kind == "message") {
      record.messages.push_back({step, text_in(json, "text")});
    } else if (kind == "end") {
      record.end = text_in(json, "end");
      record.failure = text_in(json, "text");
    } else if (kind.empty() || kind == "step" || kind == "validation") {
      ++record.damaged;  // other kinds are those of later versions
    }
  }
  rows.finish();
  for (auto& [at, validation] : validations) record.validations.push_back(std::move(validation));
}

inline std::string without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
  return std::string{quoted ? text.substr(1, text.size() - 2) : text};
}

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r";
  const auto first = text.find_first_not_of(space);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// Settings as vos-train writes them: a meaning behind '#', below it `key = value`, sections in brackets.
inline std::vector<RunSetting> settings_of(std::string_view text) {
  std::vector<RunSetting> settings;
  std::string section, meaning;
  for (const auto& whole : split(text, '\n')) {
    const auto line = trimmed(whole);
    const auto equals = line.find('=');
    if (line.empty()) {
      meaning.clear();
    } else if (line.front() == '#') {
      meaning = trimmed(line.substr(1));
    } else if (line.front() == '[') {
      section = std::string{line.substr(1, line.find(']') - 1)} + ".";
    } else if (equals != std::string_view::npos) {
      settings.push_back({section + without_quotes(trimmed(line.substr(0, equals))),
                          without_quotes(trimmed(line.substr(equals + 1))), std::exchange(meaning, {})});
    }
  }
  return settings;
}

/// The object in a JSON file; an empty one where there is none, which is counted where the file is there.
inline nlohmann::json json_file(const std::filesystem::path& path, std::int64_t& damaged) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return nlohmann::json::object();
  try {
    auto json = nlohmann::json::parse(read_text(path), nullptr, /*allow_exceptions=*/false);
    if (json.is_object()) return json;
  } catch (const Error&) {  // counted like what can be read and not understood
  }
  ++damaged;
  return nlohmann::json::object();
}

}  // namespace detail

/// Reads a run's folder at any time. Lines and files that are half written or damaged are left out and counted. An Error where
/// there is no run.
inline RunRecord read_run(const std::filesystem::path& folder) {
  RunRecord record{.folder = folder};
  std::error_code code;
  const auto has = [&](const char* name) { return std::filesystem::is_regular_file(folder / name, code); };
  if (!has("log.jsonl") && !has("run.json"))
    throw Error({.what = "the folder holds no run: it has neither log.jsonl nor run.json",
                 .where = folder.string(),
                 .mend = "name the folder that --run_dir made",
                 .exit_code = exit_code::usage});
  record.facts = detail::json_file(folder / "run.json", record.damaged);
  if (has("log.jsonl")) detail::read_log(folder / "log.jsonl", record);
  if (has("config.toml")) record.settings = detail::settings_of(read_text(folder / "config.toml"));
  if (const auto changed = record.facts.find("changed"); changed != record.facts.end() && changed->is_object())
    for (auto& setting : record.settings)
      if (const auto found = changed->find(setting.key); found != changed->end() && found->is_string())
        setting.usual = found->get<std::string>();
  const auto ended = detail::json_file(folder / "eval.json", record.damaged);
  // One of before the run was resumed says nothing of how it stands.
  if (record.end.empty() && detail::number_in(ended, "step") >= static_cast<double>(record.last_step()))
    record.end = detail::text_in(ended, "end");
  return record;
}

}  // namespace vos
