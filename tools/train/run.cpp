#include "run.hpp"

#include <exception>
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
#include <vos/train/log/picture_log.hpp>
#include <vos/train/log/remote_log.hpp>
#include <vos/train/log/tensorboard_log.hpp>
#include <vos/train/outcome.hpp>
#include <vos/train/parallel/group.hpp>
#include <vos/train/parallel/local_device.hpp>
#include <vos/train/step_name.hpp>
#include <vos/train/training.hpp>
#include <vos/version.hpp>

#include "common/progress.hpp"
#include "data_check.hpp"
#include "live.hpp"
#include "report.hpp"
#include "send.hpp"
#include "trials.hpp"

namespace vos::train {
namespace {

using Json = nlohmann::ordered_json;
using Told = std::vector<std::string>;  // what a user should know
using Remotes = std::vector<std::unique_ptr<RemoteRun>>;

/// The folder of a new run: one that holds anything but a dry run's picture is refused, unless it may be replaced and holds a run.
void begin_folder(const Options& options) {
  std::error_code code;
  bool holds = false;
  for (const auto& entry : std::filesystem::directory_iterator(options.run, code))
    holds |= entry.path().filename() != dry_picture;
  code.clear();
  if (holds && !options.overwrite)
    throw Error({.what = "the folder is not empty",
                 .where = options.run.string(),
                 .mend = "--resume goes on with the run in it, --overwrite begins it anew, or name another folder",
                 .exit_code = exit_code::usage});
  const auto has = [&](const char* name) { return std::filesystem::exists(options.run / name, code); };
  if (holds && !(has("config.toml") && has("run.json")))
    throw Error({.what = "the folder holds something that is no run, which --overwrite would delete",
                 .where = options.run.string(),
                 .mend = "name another folder",
                 .exit_code = exit_code::usage});
  if (holds) std::filesystem::remove_all(options.run, code);
  if (code) PendingFile::refuse(options.run, code.message());
  make_folder(options.run);
}

/// What the linter says of the data that the settings name; nothing of scenes that are drawn.
Told look_at_data(const TrainingSpec& spec, const Options& options, std::stop_token stop) {
  const auto setting = [&](const std::string& key) {
    if (const auto given = spec.options.find(key); given != spec.options.end()) return given->second;
    for (const auto& entry : list_trainings())
      if (entry.name == spec.model)
        for (const auto& option : entry.options)
          if (option.key == key) return option.value;
    return std::string{};
  };
  const CatalogSpec data{
      .layout = setting("data.dataset"), .root = setting("data.root"), .split = setting("data.split")};
  if (data.root.empty() || data.layout.starts_with("synthetic:")) return {};
  auto said = check_data(data, tool::thread_count(options.compute.threads), stop);
  return said.empty() ? Told{} : Told{std::move(said)};
}

/// Which settings a resumed run has that are not those it began with.
Told changes(const Options& options, const Training& training) {
  const auto before = read_config(options.run / "config.toml");
  Told told;
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
  else if (std::error_code code; options.resume && std::filesystem::exists(options.run / "run.json", code)) {
    const auto before = Json::parse(read_text(options.run / "run.json"), nullptr, /*allow_exceptions=*/false);
    if (before.is_object() && before.contains("weights")) json["weights"] = before["weights"];
  }
  json["device"] = options.compute.device;
  json["changed"] = Json::object();  // settings that are not the preset's, with what it has
  for (const auto& entry : list_trainings())
    if (entry.name == options.model) {
      const auto now = training.options();
      for (std::size_t i = 0; i < now.size(); ++i)
        if (now[i].value != entry.options[i].value) json["changed"][now[i].key] = entry.options[i].value;
    }
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

void report(std::ostream& out, std::ostream& err, const Options& options, Json json, const TrainOutcome& outcome) {
  json["end"] = text_of(outcome.end);
  json["step"] = outcome.step;
  json["metrics"] = outcome.metrics;
  if (outcome.best) json["best"] = *outcome.best, json["best_step"] = outcome.best_step;
  json.update(clips_of(options.run));
  write_file(options.run / "eval.json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  std::filesystem::path page;
  try {
    page = write_report(options.run);
  } catch (const std::exception& error) {  // the run itself is whole
    err << "vos-train: no report: " << error.what() << '\n';
  }
  if (options.common.json) {
    out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    return;
  }
  out << options.run.string() << ": " << text_of(outcome.end) << " after step " << outcome.step << '\n';
  for (const auto& [name, value] : outcome.metrics) out << "  " << name << "  " << detail::option_text(value) << '\n';
  if (std::filesystem::exists(options.run / "checkpoints" / step_name(outcome.step) / "average.safetensors"))
    out << "  the moving average, which was validated, is in average.safetensors beside each model.safetensors\n";
  out << "  weights: " << (options.run / "checkpoints").string()
      << "/NAME/model.safetensors, NAME as in the files `last` and `best` there\n";
  if (!page.empty()) out << "  report: " << page.string() << '\n';
}

bool is_trial(const Options& options) { return options.dry || options.find_rate || options.find_batch; }

/// What is to be trained. Where several processes train it, they meet here; for a trial one will do.
TrainingSpec spec_of(const Options& options, const Launch& launch) {
  TrainingSpec spec{.model = options.model,
                    .run = options.run,
                    .weights = options.weights,
                    .compute = options.compute,
                    .options = options.settings};
  if (options.fast)
    for (const auto& [key, value] : Settings{{"steps_per_epoch", "2"},
                                             {"epochs", "1"},
                                             {"data.validation_clips", "1"},
                                             {"data.validation_frames", "4"}})
      spec.options[key] = value;
  if (launch.ranks.world > 1 && !is_trial(options)) {
    spec.compute.device = local_device(spec.compute.device, launch.ranks);
    spec.group = join_group({.launch = launch, .device = place(spec.compute).device});
  }
  return spec;
}

/// What changes nothing: it prints what would be.
void make_trials(std::ostream& out, std::ostream& err, const Options& options, Training& training, const Told& told,
                 std::stop_token stop) {
  if (options.resume) training.resume();
  if (!options.common.json) {
    print_facts(out, options, training);
    for (const auto& each : told) out << "  " << each << '\n';
  }
  if (options.dry) dry_run(out, options, training, facts_of(options, training));
  if (options.find_rate) find_rate(out, err, options, training, stop);
  if (options.find_batch) find_batch(out, options, training, stop);
}

/// Takes the run up where its last checkpoint left it.
Told go_on(const Options& options, Training& training) {
  if (!Checkpoints{options.run}.find("last"))
    throw Error(
        {.what = "the run has no checkpoint yet: it was ended before its first",
         .where = options.run.string(),
         .mend = "begin it anew, with what it was begun with and --run_dir " + options.run.string() + " --overwrite",
         .exit_code = exit_code::usage});
  auto told = changes(options, training);
  for (auto& each : training.resume()) told.push_back(std::move(each));
  if (training.step() == training.total()) told.push_back("the run is finished: --epochs N with a larger N goes on");
  return told;
}

void validate(std::ostream& out, const Options& options, Training& training, const Work& work) {
  const auto validation = training.validate(work);
  if (options.common.json) {
    Json json{{"step", validation.step}, {"metrics", validation.metrics}, {"clips", Json::array()}};
    for (const auto& clip : validation.clips) json["clips"].push_back({{"name", clip.name}, {"metrics", clip.metrics}});
    out << json.dump() << '\n';
  } else
    for (const auto& [name, value] : validation.metrics) out << name << "  " << detail::option_text(value) << '\n';
}

/// The files that say what the run is.
void write_configuration(const Options& options, const Training& training) {
  auto all_options = training.options();
  for (auto& option : describe_log_options(options.log)) all_options.push_back(std::move(option));
  write_file(options.run / "config.toml", config_text(options.model, all_options));
  write_file(options.run / "run.json", facts_of(options, training).dump(2) + "\n");
}

/// Whoever is told how the run goes: files, the terminal, servers. `log` stays where it is.
Told open_logs(RunLogs& log, std::ostream& err, const Options& options, Remotes servers) {
  log.add(std::make_unique<PictureLog>(options.run));  // before the line that tells of a picture
  log.add(std::make_unique<FileLog>(options.run));
  log.add(std::make_unique<TensorBoardLog>(options.run));
  log.add(std::make_unique<Live>(err, options.live, options.common.quiet));
  Told told;
  for (auto& server : servers) try {
      log.add(
          std::make_unique<RemoteLog>(std::make_unique<RunSender>(options.run, std::move(server), options.log.every),
                                      [&log](const std::string& text) { log.message(text); }));
    } catch (const Error& error) {  // what is beside the training does not stop it
      told.push_back("a server is not told of this run; `vos-train send` can do so later. " +
                     std::string{error.what()});
    }
  return told;
}

/// To the end. A fast run goes on once more, from what it has saved.
TrainOutcome train(std::unique_ptr<Training>& training, TrainingSpec spec, bool fast, const Work& work, RunLog& log) {
  try {
    auto outcome = training->train(work, log);
    if (fast) {
      spec.options["epochs"] = "2";
      training = make_training(spec);
      training->resume();
      log.resumed(training->step());
      outcome = training->train(work, log);
    }
    return outcome;
  } catch (const Cancelled&) {
    log.finished({.end = TrainEnd::stopped, .step = training->step()});
    throw;
  } catch (const std::exception& error) {
    log.failed(error.what());
    throw;
  }
}

/// One process's part of it. The leading one writes all files; streams of the others go nowhere.
int run_as(const Launch& launch, const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  const bool leads = launch.ranks.leads();
  const Work work{.stop = stop};
  if (!options.text.empty()) {
    out << options.text;
    return exit_code::done;
  }
  if (is_trial(options) && !leads) return exit_code::done;
  const auto spec = spec_of(options, launch);
  Told told;
  if (leads && options.lint && !options.validate_only) told = look_at_data(spec, options, stop);
  auto training = make_training(spec);
  if (is_trial(options)) {
    make_trials(out, err, options, *training, told, stop);
    return exit_code::done;
  }
  Remotes servers;  // before there is a folder: the settings may be wrong
  if (leads && !options.validate_only) servers = remotes_of(options.log, options.run);
  if (options.resume)
    for (auto& each : go_on(options, *training)) told.push_back(std::move(each));
  else if (leads) begin_folder(options);
  if (options.validate_only) {
    validate(out, options, *training, work);
    return exit_code::done;
  }
  RunLogs log;
  if (leads) {
    write_configuration(options, *training);
    for (auto& each : open_logs(log, err, options, std::move(servers))) told.push_back(std::move(each));
    if (!options.common.quiet && !options.common.json) print_facts(out, options, *training);
  }
  for (const auto& each : told) log.message(each);
  if (options.resume) log.resumed(training->step());
  Settings settings;
  for (const auto& option : training->options()) settings[option.key] = option.value;
  log.configuration(settings);
  const auto outcome = train(training, spec, options.fast, work, log);
  log.finished(outcome);
  if (leads) report(out, err, options, facts_of(options, *training), outcome);
  return outcome.end == TrainEnd::stopped ? options.stopped_code : exit_code::done;
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  const auto launch = launch_from_environment();
  std::ostream nowhere{nullptr};
  const bool leads = launch.ranks.leads();
  try {
    return run_as(launch, options, leads ? out : nowhere, leads ? err : nowhere, stop);
  } catch (const Error& error) {
    auto parts = error.parts();
    if (leads || parts.where.find("process ") != std::string::npos) throw;
    parts.where += (parts.where.empty() ? "" : ", ") + std::string{"process "} + std::to_string(launch.ranks.rank) +
                   " of " + std::to_string(launch.ranks.world);
    throw Error(std::move(parts));
  }
}

}  // namespace vos::train
