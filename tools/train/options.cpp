#include "options.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include <vos/core/text.hpp>
#include <vos/train/training.hpp>

#include "hours.hpp"
#include "send.hpp"

namespace vos::train {
namespace {

constexpr const char* footer = R"(Examples:
  vos-train --model vita-tcovis-tiny --dataset synthetic:train --epochs 4 --run_dir runs/tiny
  vos-train --model vita-tcovis --dataset ytvos --dataset_root ./ytvos --epochs 20 --batch_size 8 --num_tokens 50 \
            --weights resnet50.pth model.classes=1 --run_dir runs/a
  vos-train config.toml model.backbone=resnet101 optim.lr=1e-4 --run_dir runs/b
  vos-train --resume runs/a --epochs 40

Every other setting is a key: in a file, [optim] lr = 1e-4; on the command line, optim.lr=1e-4. Files, then words, then flags
count, the later over the earlier. `vos-train --model NAME --keys` lists them all. docs/training.md tells the rest.
`vos-train report RUN` writes a page with curves and pictures at any time, `vos-train compare RUN RUN ...` lays runs side by side.
Exit codes: 0 done, 1 error, 2 wrong usage, 130 or --requeue-exit interrupted (the step in work is finished and saved).
)";

/// A flag for what is also a key.
struct Shortcut {
  const char *flag, *type, *key, *meaning;
};
constexpr Shortcut shortcuts[] = {
    {"--dataset", "KIND", "data.dataset", "auto, a layout's name, or synthetic:NAME, which needs no data"},
    {"--dataset_root,--root", "DIR", "data.root", "its folder"},
    {"--epochs", "N", "epochs", "passes over the data"},
    {"--batch_size", "N", "data.batch_size", "clips in a batch"},
    {"--num_tokens", "N", "model.tokens", "objects that a frame can have"},
    {"--lr", "X", "optim.lr", "learning rate"},
    {"--lr_backbone", "X", "optim.lr_backbone", "learning rate of the backbone; 0: it does not learn"},
    {"--w_mask", "X", "criterion.mask_weight", "weight of the masks' loss"},
    {"--w_dice", "X", "criterion.dice_weight", "weight of the dice loss"},
    {"--w_match", "X", "criterion.match_weight", "weight of the supervised matching loss"},
    {"--w_contrastive", "X", "criterion.contrast_weight", "weight of the contrastive loss"},
    {"--beta", "X", "model.bank_momentum", "share of a new embedding in an object's memory when it tracks"},
    {"--overfit", "N", "data.overfit",
     "learn N clips by heart and validate with the same: can the network learn at all?"},
    {"--project_name", "NAME", "log.project", "MLflow's experiment, ClearML's project"},
    {"--seed", "N", "seed", "what all that is random hangs on"},
    {"--precision", "NAME", "optim.precision", "auto, fp32, bf16 or fp16"},
};

std::string keys_text(const std::string& model, const tool::CommandLine& line) {
  for (auto& entry : list_trainings()) {
    if (entry.name != model) continue;
    for (auto& option : describe_log_options()) entry.options.push_back(std::move(option));
    return config_text(model, entry.options);
  }
  throw line.usage("--keys lists the settings of a model, and none is named", "add --model NAME");
}

void check_model(const Options& options, const tool::CommandLine& line) {
  std::vector<std::string> names;
  for (const auto& entry : list_trainings()) names.push_back(entry.name);
  if (options.model.empty())
    throw line.usage("--model is missing: what shall be trained?", "models: " + join(names, ", "));
  if (std::find(names.begin(), names.end(), options.model) == names.end())
    throw line.usage("there is no model '" + options.model + "' to train" + did_you_mean(options.model, names),
                     "models: " + join(names, ", "));
}

}  // namespace

Options parse(const std::vector<std::string>& words) {
  Options options;
  tool::CommandLine line("vos-train", "Trains a model to find objects in videos, to mask them and to keep their ids.",
                         options.common);
  line.usage_line("[CONFIG.toml] [KEY=VALUE ...] --run_dir DIR [OPTIONS]");
  line.footer(footer);
  std::vector<std::string> given;
  std::vector<std::optional<std::string>> values(std::size(shortcuts));
  std::string run, resume, weights;
  std::string max_time;
  bool keys = false, no_lint = false, clearml = false;

  line.group("What");
  line.option("--model", options.model, "NAME", "the preset to train: vita-tcovis, vita-tcovis-full, vita-tcovis-tiny");
  line.option("--weights", weights, "FILE", "begin with these: of such a model, of its detector, or of its backbone");
  line.option("words", given, "...", "a TOML file, and settings as KEY=VALUE");
  line.group("Settings");
  for (std::size_t i = 0; i < std::size(shortcuts); ++i)
    line.option(shortcuts[i].flag, values[i], shortcuts[i].type, shortcuts[i].meaning);
  line.flag("--enable_clearml", clearml, "follow the run on ClearML: log.clearml=true");
  line.group("The run");
  line.option("--run_dir", run, "DIR", "a new folder for checkpoints, logs and the settings");
  line.option("--resume", resume, "DIR", "go on with the run in this folder, from its last checkpoint");
  line.option("--max-time", max_time, "TIME", "stop, saved, after so long: 2h, 90m, 1d12h, or a number of hours");
  line.option("--requeue-exit", options.stopped_code, "CODE",
              "exit code after Ctrl-C or SIGTERM, for batch queues (default: 130)");
  line.flag("--overwrite", options.overwrite, "begin anew in a folder that holds a run: it is deleted");
  line.flag("--no-lint", no_lint, "train on a dataset whose faults are known");
  line.group("Trials, which train nothing");
  line.flag("--dry-run", options.dry,
            "shapes of a batch, the network's parts, an estimate of memory, and a picture of the first batch");
  line.flag("--find-lr", options.find_rate, "try learning rates on a copy of the weights, and suggest one");
  line.flag("--find-batch-size", options.find_batch, "time batches of 1, 2, 4, ... clips until memory ends");
  line.flag("--fast-dev-run", options.fast,
            "two steps, a validation, a checkpoint and a resume: does everything work?");
  line.flag("--eval-only", options.validate_only, "validate the run's last checkpoint, and train nothing");
  line.flag("--keys", keys, "list every setting of the model, with its default and its meaning, as TOML");
  line.group("The machine");
  line.option("--device", options.compute.device, "NAME", "auto, cpu, cuda or cuda:N (default: auto)");
  line.option("--threads", options.compute.threads, "N", "CPU threads of one operation (default: all cores)");

  if (options.text = line.parse(words); !options.text.empty()) return options;
  options.resume = !resume.empty();
  if (options.resume && !run.empty())
    throw line.usage("--run_dir and --resume contradict each other", "--resume DIR goes on in DIR");
  if (options.resume && (options.overwrite || !weights.empty()))
    throw line.usage("--resume goes on with what the run has: --overwrite and --weights are for new ones",
                     "leave them out");
  options.run = options.resume ? resume : run;
  options.weights = weights;

  const bool named = !options.model.empty();
  const auto take = [&](const Settings& settings) {
    for (const auto& [key, value] : settings)
      if (key != "preset") options.settings[key] = value;
      else if (!named) options.model = value;
  };
  const auto is_file = [](const std::string& word) {
    return word.ends_with(".toml") || word.find('=') == std::string::npos;
  };
  if (options.resume) {
    const auto kept = options.run / "config.toml";
    std::error_code code;
    if (!std::filesystem::exists(kept, code))
      throw line.usage("'" + resume + "' holds no run: it has no config.toml", "name the folder that --run_dir made");
    take(read_config(kept));
  }
  for (const auto& word : given)
    if (is_file(word)) take(read_config(word));
  for (const auto& word : given)
    if (!is_file(word)) take({setting_of(word)});
  for (std::size_t i = 0; i < std::size(shortcuts); ++i)
    if (values[i]) options.settings[shortcuts[i].key] = *values[i];
  if (clearml) options.settings["log.clearml"] = "true";
  if (!max_time.empty()) {
    const auto hours = hours_from(max_time);
    if (!hours || *hours <= 0)
      throw line.usage("--max-time '" + max_time + "' is no duration",
                       "write 2h, 90m, 1d12h, or a number of hours, and more than none");
    options.settings["max_hours"] = detail::option_text(*hours);
  }
  if (options.stopped_code < 1 || options.stopped_code > 255)
    throw line.usage("--requeue-exit " + std::to_string(options.stopped_code) + " is no exit code", "use 1 to 255");
  options.lint = !no_lint;

  if (keys) {
    options.text = keys_text(options.model, line);
    return options;
  }
  options.log = take_log_options(options.settings);
  check_model(options, line);
  const int trials = options.dry + options.find_rate + options.find_batch;
  if (trials > 1)
    throw line.usage("--dry-run, --find-lr and --find-batch-size are a trial each", "do one after another");
  if (options.run.empty() && trials == 0) throw line.usage("--run_dir is missing: where shall the run live?");
  if (options.validate_only && !options.resume) throw line.usage("--eval-only needs a run", "add --resume DIR");
  if (options.fast && options.resume) throw line.usage("--fast-dev-run begins a run of its own", "leave --resume out");
  return options;
}

}  // namespace vos::train
