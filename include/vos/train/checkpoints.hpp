#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <cstdio>

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/train/named_state.hpp>
#include <vos/train/progress.hpp>
#include <vos/train/step_name.hpp>

namespace vos {

/// The checkpoints of a run, each a folder:
///
///   RUN/checkpoints/step_00001200/model.safetensors    the weights, for any tool that takes weights
///                                 average.safetensors  their moving average, where one is kept
///                                 state.safetensors    what the optimiser and the task remember
///                                 state.json           counters
///   RUN/checkpoints/last, best                         files that hold the name of a folder
///
/// A folder grows under another name and takes its own once all of it is on the disk; then `last` is replaced by renaming. So at
/// any moment, and after a kill at any moment, `last` names a whole checkpoint.
class Checkpoints {
 public:
  explicit Checkpoints(const std::filesystem::path& run) : folder_(run / "checkpoints") {}

  const std::filesystem::path& folder() const { return folder_; }

  /// Writes a checkpoint and makes it the last one. `name` is that of its step unless given.
  std::filesystem::path save(const TrainState& state, const std::string& name = {}) const {
    make_folder(folder_);
    remove_leftovers();
    const auto called = name.empty() ? step_name(state.step) : name;
    const auto growing = folder_ / (std::string{growing_prefix} + called), whole = folder_ / called;
    make_folder(growing);
    write_weights(growing / "model.safetensors", state.model, state.metadata);
    if (!state.average.empty()) write_weights(growing / "average.safetensors", state.average, state.metadata);
    auto memory = prefixed("optimizer.", state.optimizer);
    for (auto& entry : prefixed("task.", state.task)) memory.push_back(std::move(entry));
    write_weights(growing / "state.safetensors", memory);
    const nlohmann::json counters{{"format", 1},
                                  {"step", state.step},
                                  {"total", state.total},
                                  {"best", state.best},
                                  {"best_step", state.best_step},
                                  {"validated", state.validated},
                                  {"without_better", state.without_better},
                                  {"processes", state.processes},
                                  {"metrics", state.metrics},
                                  {"loss_scale", state.scale.scale},
                                  {"loss_scale_good", state.scale.good}};
    write_file(growing / "state.json", counters.dump(2) + "\n", Durability::power);
    take_name(growing, whole);
    point("last", called);
    return whole;
  }

  /// Makes `last` or `best` name a checkpoint. Durable: the renaming of the folder before it is then as well.
  void point(const std::string& pointer, const std::string& name) const {
    write_file(folder_ / pointer, name + "\n", Durability::power);
  }

  /// The folder that `last` or `best` names, if there is one. Where the disk cannot exchange names, a kill may have left `last`
  /// naming nothing: then the newest whole one.
  std::optional<std::filesystem::path> find(const std::string& pointer) const {
    std::error_code code;
    if (!std::filesystem::exists(folder_ / pointer, code)) return std::nullopt;
    auto name = read_text(folder_ / pointer, 4096);
    while (!name.empty() && (name.back() == '\n' || name.back() == '\r')) name.pop_back();
    if (name.empty() || name.find('/') != std::string::npos || name.front() == '.')
      throw Error({.what = "it names no checkpoint",
                   .where = (folder_ / pointer).string(),
                   .mend = "write the name of one of the folders beside it into this file"});
    if (pointer == "last" && !std::filesystem::exists(folder_ / name / "state.json", code)) {
      const auto steps = step_folders();
      return steps.empty() ? std::nullopt : std::optional{steps.back()};
    }
    return folder_ / name;
  }

  static TrainState load(const std::filesystem::path& checkpoint) {
    TrainState state;
    const auto text = read_text(checkpoint / "state.json");
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    try {
      if (json.at("format").get<int>() != 1)
        throw Error({.what = "a checkpoint of format " + json.at("format").dump(),
                     .where = checkpoint.string(),
                     .mend = "resume with the version of vos-train that wrote it"});
      state.step = json.at("step");
      state.total = json.at("total");
      state.best = json.at("best");
      state.best_step = json.at("best_step");
      state.validated = json.at("validated");
      state.without_better = json.at("without_better");
      state.processes = json.value("processes", 1);
      for (const auto& [name, value] : json.at("metrics").items())
        if (value.is_number()) state.metrics[name] = value;
      state.scale = {.scale = json.at("loss_scale"), .good = json.at("loss_scale_good")};
    } catch (const nlohmann::json::exception&) {
      throw Error({.what = "this is not the state of a run",
                   .where = (checkpoint / "state.json").string(),
                   .mend = "resume from another checkpoint of the run"});
    }
    auto model = read_weights(checkpoint / "model.safetensors");
    state.model = std::move(model.entries);
    state.metadata = std::move(model.metadata);
    std::error_code code;
    if (std::filesystem::exists(checkpoint / "average.safetensors", code))
      state.average = read_weights(checkpoint / "average.safetensors").entries;
    const auto memory = read_weights(checkpoint / "state.safetensors").entries;
    state.optimizer = part_of(memory, "optimizer.");
    state.task = part_of(memory, "task.");
    return state;
  }

  /// Deletes all but the newest `keep` of the folders that are named by their step, and those that `last` and `best` name.
  void prune(std::int64_t keep) const {
    const auto steps = step_folders();
    std::error_code code;
    const auto last = find("last"), best = find("best");
    for (std::size_t i = 0; i + static_cast<std::size_t>(std::max<std::int64_t>(1, keep)) < steps.size(); ++i)
      if (steps[i] != last && steps[i] != best) std::filesystem::remove_all(steps[i], code);
  }

 private:
  static constexpr const char* growing_prefix = ".part.";
  static constexpr const char* step_prefix = "step_";

  /// Whole checkpoints that are named by their step, rising.
  std::vector<std::filesystem::path> step_folders() const {
    std::vector<std::filesystem::path> steps;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, code))
      if (entry.path().filename().string().starts_with(step_prefix) &&
          std::filesystem::exists(entry.path() / "state.json", code))
        steps.push_back(entry.path());
    std::sort(steps.begin(), steps.end());
    return steps;
  }

  /// Gives a folder its name at once, also where there is one of that name: a run that is resumed from before it comes to the
  /// same step again.
  static void take_name(const std::filesystem::path& growing, const std::filesystem::path& whole) {
    if (::renameat2(AT_FDCWD, growing.c_str(), AT_FDCWD, whole.c_str(), RENAME_EXCHANGE) == 0) {
      std::error_code ignored;
      std::filesystem::remove_all(growing, ignored);  // now what had the name before
      return;
    }
    std::error_code code;
    std::filesystem::remove_all(whole, code);  // there is none, as a rule; or this disk cannot exchange names
    std::filesystem::rename(growing, whole, code);
    if (code) PendingFile::refuse(whole, code.message());
  }

  /// What a killed run left. One process writes a run's checkpoints.
  void remove_leftovers() const {
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, code))
      if (entry.path().filename().string().starts_with(growing_prefix) && entry.is_directory(code)) {
        std::error_code ignored;
        std::filesystem::remove_all(entry.path(), ignored);
      }
  }

  std::filesystem::path folder_;
};

}  // namespace vos
