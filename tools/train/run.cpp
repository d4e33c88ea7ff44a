#include "run.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>
#include <vos/train/checkpoints.hpp>
#include <vos/train/log/file_log.hpp>
#include <vos/train/log/tensorboard_log.hpp>
#include <vos/train/training.hpp>
#include <vos/version.hpp>

#include "common/progress.hpp"
#include "live.hpp"

namespace vos::train {
namespace {

using Json = nlohmann::ordered_json;

/// The folder of a new run: one that holds anything is refused, unless it may be replaced and holds a run.
void begin_folder(const Options& options) {
  std::error_code code;
  const bool holds = std::filesystem::exists(options.run, code) && !std::filesystem::is_empty(options.run, code);
  if (holds && !options.overwrite)
    throw Error({.what = "the folder is not empty",
                 .where = options.run.string(),
                 .mend = "--resume goes on with the run in it, --overwrite begins it anew, or name another folder",
                 .exit_code = exit_code::usage});
  const auto has = [&](const char* name) { return std::filesystem::exists(options.run / name, code); };
  if (holds && !(has("config.toml") && has("run.json") && has("log.jsonl")))
    throw Error({.what = "the folder holds something that is no run, which --overwrite would delete",
                 .where = options.run.string(),
                 .mend = "name another folder",
                 .exit_code = exit_code::usage});
  if (holds) std::filesystem::remove_all(options.run, code);
  if (code) PendingFile::refuse(options.run, code.message());
  make_folder(options.run);
}

/// Which settings a resumed run has that are not those it began with.
std::vector<std::string> changes(const Options& options, const Training& training) {
  const auto before = read_config(options.run / "config.toml");
  std::vector<std::string> told;
  for (const auto& option : training.options())
    if (const auto was = before.find(option.key); was != before.end() && was->second != option.value)
      told.push_back(option.key + " was " + was->second + " and is " + option.value);
  return told;
}

Json facts_of(const Options& options, const Training& training) {
  Json json{{"tool", "vos-train"},         {"version", vos::version}, {"model", options.model},
            {"run", options.run.string()}, {"data", training.data()}, {"steps_per_epoch", training.steps_per_epoch()},
            {"steps", training.total()}};
  if (!options.weights.empty()) json["weights"] = options.weights.string();
  json["device"] = options.compute.device;
  json["parameters"] = Json::array();
  for (const auto& group : training.parameters())
    json["parameters"].push_back({{"group", group.name},
                                  {"tensors", group.tensors},
                                  {"numbers", group.numbers},
                                  {"lr", group.lr},
                                  {"weight_decay", group.weight_decay}});
  return json;
}

void print_facts(std::ostream& out, const Options& options, const Training& training) {
  out << options.model << " on " << training.data() << '\n';
  if (!training.start().empty()) out << "  begins with " << training.start() << '\n';
  out << "  " << training.total() << " steps, " << training.steps_per_epoch() << " an epoch\n";
  std::int64_t all = 0;
  for (const auto& group : training.parameters()) {
    out << "  " << group.numbers << " numbers in " << group.tensors << " tensors: " << group.name << ", lr "
        << detail::option_text(group.lr)
        << (group.weight_decay > 0 ? ", decay " + detail::option_text(group.weight_decay) : std::string{}) << '\n';
    all += group.numbers;
  }
  out << "  " << all << " numbers that learn\n";
}

const char* text_of(TrainEnd end) {
  switch (end) {
    case TrainEnd::finished: return "finished";
    case TrainEnd::stopped: return "stopped";
    case TrainEnd::out_of_time: return "out of time";
    case TrainEnd::no_better: return "no better";
  }
  return "";
}

void report(std::ostream& out, const Options& options, Json json, const TrainOutcome& outcome) {
  json["end"] = text_of(outcome.end);
  json["step"] = outcome.step;
  json["metrics"] = outcome.metrics;
  if (outcome.best) json["best"] = *outcome.best, json["best_step"] = outcome.best_step;
  write_file(options.run / "eval.json", json.dump(2) + "\n");
  if (options.common.json) {
    out << json.dump() << '\n';
    return;
  }
  out << options.run.string() << ": " << text_of(outcome.end) << " after step " << outcome.step << '\n';
  for (const auto& [name, value] : outcome.metrics) out << "  " << name << "  " << detail::option_text(value) << '\n';
  if (std::filesystem::exists(options.run / "checkpoints" / Checkpoints::name_of(outcome.step) / "average.safetensors"))
    out << "  the moving average, which was validated, is in average.safetensors beside each model.safetensors\n";
  out << "  weights: " << (options.run / "checkpoints").string()
      << "/NAME/model.safetensors, NAME as in the files `last` and `best` there\n";
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  if (!options.text.empty()) {
    out << options.text;
    return exit_code::done;
  }
  TrainingSpec spec{.model = options.model,
                    .run = options.run,
                    .weights = options.weights,
                    .compute = options.compute,
                    .options = options.settings};
  if (options.fast) {
    for (const auto& [key, value] : Settings{{"steps_per_epoch", "2"},
                                             {"epochs", "1"},
                                             {"data.validation_clips", "1"},
                                             {"data.validation_frames", "4"}})
      spec.options[key] = value;
  }
  auto training = make_training(spec);
  if (options.dry) {
    if (options.common.json) out << facts_of(options, *training).dump() << '\n';
    else print_facts(out, options, *training);
    return exit_code::done;
  }
  const Work work{.stop = stop};
  std::vector<std::string> told;
  if (options.resume) {
    told = changes(options, *training);
    for (auto& each : training->resume()) told.push_back(std::move(each));
    if (training->step() == training->total())
      told.push_back("the run is finished: --epochs N with a larger N goes on");
  } else {
    begin_folder(options);
  }
  if (options.validate_only) {
    const auto validation = training->validate(work);
    if (options.common.json) out << Json{{"step", validation.step}, {"metrics", validation.metrics}}.dump() << '\n';
    else
      for (const auto& [name, value] : validation.metrics) out << name << "  " << detail::option_text(value) << '\n';
    return exit_code::done;
  }
  write_file(options.run / "config.toml", config_text(options.model, training->options()));
  write_file(options.run / "run.json", facts_of(options, *training).dump(2) + "\n");

  RunLogs log;
  log.add(std::make_unique<FileLog>(options.run));
  log.add(std::make_unique<TensorBoardLog>(options.run));
  log.add(std::make_unique<Live>(err, options.live, options.common.quiet));
  if (!options.common.quiet && !options.common.json) print_facts(out, options, *training);
  for (const auto& each : told) log.message(each);
  if (options.resume) log.resumed(training->step());
  auto outcome = training->train(work, log);
  if (options.fast) {  // and once more from what was saved
    spec.options["epochs"] = "2";
    training = make_training(spec);
    training->resume();
    log.resumed(training->step());
    outcome = training->train(work, log);
  }
  report(out, options, facts_of(options, *training), outcome);
  return outcome.end == TrainEnd::stopped ? exit_code::interrupted : exit_code::done;
}

}  // namespace vos::train
