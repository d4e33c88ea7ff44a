#include "options.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <vos/weights/key_pattern.hpp>

namespace vos::weights {
namespace {

struct Command {
  std::string_view name;
  Options::Action action;
  std::vector<std::string> files;  ///< what it must be given, by name
  const char* usage;
};

const std::array<Command, 5>& commands() {
  using enum Options::Action;
  static const std::array<Command, 5> all{
      {{"inspect", inspect, {"FILE"}, "inspect FILE [OPTIONS]"},
       {"convert", convert, {"FROM", "TO"}, "convert FROM TO.safetensors [OPTIONS]"},
       {"diff", diff, {"A", "B"}, "diff A B [OPTIONS]"},
       {"check", check, {"FILE"}, "check FILE --model NAME | --keys LIST.tsv [OPTIONS]"},
       {"fill", fill, {}, "fill --model NAME | --keys LIST.tsv --rule NAME --out FILE.safetensors"}}};
  return all;
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const auto& command : commands()) names.push_back(command.name);
  return names;
}

constexpr const char* footer = R"(Commands:
  inspect FILE      what is in a checkpoint, and which model it most likely is
  convert FROM TO   write its weights as safetensors; what else is in the file is kept unless stripped
  diff A B          which weights two files share, and how those differ that do
  check FILE        would it load into a model? which names or shapes stand in the way?
  fill              write weights that are a function of their names and shapes, for comparing programs

Examples:
  vos-weights inspect r50_deaotl.pth
  vos-weights inspect model_final.pkl --stats --filter '**.bias'
  vos-weights convert r50_deaotl.pth r50_deaotl.safetensors --strip optimizer
  vos-weights diff before.pth after.safetensors
  vos-weights check resnet50-0676ba61.pth --model resnet50

FILE is what torch.save writes (.pth, .pt, .ckpt; zip and legacy format), a pickle of numpy arrays (.pkl) or safetensors.
Nothing in it is ever executed. vos-weights COMMAND --help lists a command's options, docs/weights.md shows what to do with
which file. Exit codes: 0 done, 1 an error, or a file that differs (diff) or would not load (check); 2 wrong usage, 130
interrupted.
)";

void reading_options(Options& options, tool::CommandLine& line, std::string& unknown) {
  line.group("Reading");
  line.flag("--ema", options.select.ema, "take the averaged weights (ema, model_ema, ...) where a file has both");
  line.option("--part", options.select.part, "NAME",
              "where in the file the weights are, if not in state_dict, model or the like: 'student.state_dict'");
  line.option(
      "--unknown", unknown, "refuse|keep",
      "types that are neither numbers, texts, containers nor tensors: refuse the file (the default), or keep them by "
      "name as inert values. Neither runs anything");
}

struct Words {
  std::vector<std::string> files = {}, rename = {}, settings = {};
  std::string unknown = "refuse", dtype = {}, strip = {}, keys = {}, output = {};
};

void model_options(Options& options, tool::CommandLine& line, Words& words) {
  line.group("Model");
  line.option("--model", options.model, "NAME", "a network of this build; an unknown name lists them");
  line.option("--set", words.settings, "KEY=VALUE...", "options of the network; an unknown key lists them");
  line.option("--keys", words.keys, "LIST.tsv", "or a list of names, shapes and types");
}

void add_options(Options& options, tool::CommandLine& line, Words& words) {
  using enum Options::Action;
  if (options.action == fill) {
    model_options(options, line, words);
    line.option("--rule", options.rule, "NAME", "aot, vita or devis: whose deterministic fill");
    line.group("Writing");
    line.option("-o,--out,--output", words.output, "FILE", "where to; ends in .safetensors");
    line.flag("--overwrite", options.overwrite, "replace the file if it is there");
    return;
  }
  line.option("files", words.files, "FILE...", "the checkpoints")->group("");  // the usage line tells
  if (options.action == inspect) {
    line.group("What to show");
    line.flag("--tree", options.tree,
              "what was saved beside them: epoch, arguments, optimizer; with --verbose to its end");
    line.flag("--stats", options.stats, "min, mean, max, spread, NaN and infinities of each tensor");
    line.option(
        "--filter", options.filter, "PATTERN",
        "only weights of such names: * is a part without dots, ** any run; without either, a piece of the name");
  } else if (options.action == convert) {
    line.group("Writing");
    line.option("--dtype", words.dtype, "TYPE",
                "fp32, fp16 or bf16: change floating-point and quantised weights to it");
    line.option("--strip", words.strip, "NAME,...",
                "leave out these entries of the file (optimizer, training/epoch, ...), or all but the weights: all");
    line.option("--rename", words.rename, "OLD=NEW",
                "a name; or a pattern, as 'module.**=**'; may be given several times")
        ->expected(1)
        ->take_all();
    line.flag("--overwrite", options.overwrite, "replace TO if it is there");
  } else if (options.action == diff) {
    line.group("Comparing");
    line.option("--tolerance", options.tolerance, "X",
                "numbers count as equal that differ by no more than X, or X of the larger one (default: 0)");
  } else {
    model_options(options, line, words);
    line.option("--from", options.from, "PREFIX",
                "the model is a part of the file's: only names that begin so count, without it ('backbone.')");
  }
  reading_options(options, line, words.unknown);
  if (options.action == check) return;
  line.group("Working");
  line.option("--threads", options.threads, "N", "how many; 0 (unless given): all cores. No result depends on it");
}

DType dtype_from(const std::string& name, const tool::CommandLine& line) {
  if (name == "fp32" || name == "float32") return DType::f32;
  if (name == "fp16" || name == "float16") return DType::f16;
  if (name == "bf16" || name == "bfloat16") return DType::bf16;
  throw line.usage("--dtype '" + name + "' is no type to write", "use fp32, fp16 or bf16");
}

KeyRule rename_from(const std::string& text, const tool::CommandLine& line) {
  const auto at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    throw line.usage("--rename '" + text + "' is not of the form OLD=NEW");
  KeyRule rule{text.substr(0, at), text.substr(at + 1)};
  if (KeyPattern{rule.to}.wildcards() > 0 && KeyPattern{rule.from}.wildcards() != KeyPattern{rule.to}.wildcards())
    throw line.usage("--rename '" + text + "' has another number of wildcards on each side",
                     "what the wildcards of OLD stand for fills those of NEW, in order");
  return rule;
}

std::pair<std::string, std::string> setting_from(const std::string& text, const tool::CommandLine& line) {
  const auto at = text.find('=');
  if (at == std::string::npos || at == 0) throw line.usage("--set '" + text + "' is not of the form KEY=VALUE");
  return {text.substr(0, at), text.substr(at + 1)};
}

void check_words(Options& options, const Words& words, const Command& command, const tool::CommandLine& line) {
  using enum Options::Action;
  if (words.files.size() < command.files.size())
    throw line.usage(std::string{command.name} + " needs " + join(command.files, " and ") +
                         (words.files.empty() ? "" : ", and was given one"),
                     std::string{"usage: vos-weights "} + command.usage);
  if (words.files.size() > command.files.size())
    throw line.usage("'" + words.files[command.files.size()] + "' is one file too many",
                     std::string{"usage: vos-weights "} + command.usage);
  for (const auto& file : words.files) options.files.emplace_back(file);
  options.keys = words.keys;
  options.output = words.output;
  if (words.unknown == "keep") options.reading.unknown = UnknownTypes::keep;
  else if (words.unknown != "refuse") throw line.usage("--unknown '" + words.unknown + "' is neither refuse nor keep");
  if (options.threads < 0) throw line.usage("--threads " + std::to_string(options.threads) + " is negative");
  if (options.common.quiet && options.common.verbose)
    throw line.usage("--quiet and --verbose contradict each other", "give one of them");
  if (!(options.tolerance >= 0)) throw line.usage("--tolerance must be a number from 0 on");
  if (!words.dtype.empty()) options.dtype = dtype_from(words.dtype, line);
  if (!words.strip.empty()) options.strip = split(words.strip, ',');
  for (const auto& text : words.rename) options.rename.push_back(rename_from(text, line));
  if (options.action != check && options.action != fill) return;
  if (options.model.empty() == options.keys.empty())
    throw line.usage(options.model.empty() ? "no model: which one shall it be?" : "--model and --keys are two models",
                     "give --model NAME or --keys LIST.tsv");
  for (const auto& text : words.settings) {
    auto [key, value] = setting_from(text, line);
    options.settings[key] = std::move(value);
  }
  if (!options.settings.empty() && options.model.empty())
    throw line.usage("--set is about a network", "give --model NAME");
  if (options.action != fill) return;
  if (options.rule.empty()) throw line.usage("--rule is missing", "use aot, vita or devis");
  if (options.output.empty()) throw line.usage("--out is missing: where shall the weights go?");
}

}  // namespace

std::size_t Options::thread_count() const { return tool::thread_count(threads); }

Options parse(std::vector<std::string> words) {
  Options options;
  tool::CommandLine line("vos-weights", "Looks into checkpoints, converts and compares them.", options.common);
  line.usage_line("COMMAND FILE... [OPTIONS]");
  line.footer(footer);
  const auto name = tool::take_command(words);
  const auto& all = commands();
  const auto command = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  const auto options_end = std::find(words.begin(), words.end(), "--");
  if (name.empty() &&
      std::find_first_of(words.begin(), options_end, all.begin(), all.end(),
                         [](const auto& word, const auto& each) { return word == each.name; }) != options_end)
    throw line.usage("the command stands first, before its options", "vos-weights COMMAND FILE... [OPTIONS]");
  // What stands behind "--" is a file, whatever it begins with.
  std::vector<std::string> behind;
  if (options_end != words.end()) {
    behind.assign(options_end + 1, words.end());
    words.erase(options_end, words.end());
  }
  if (!name.empty() && command == all.end())
    throw line.usage("there is no command '" + name + "'" + did_you_mean(name, command_names()),
                     "name one of " + join(command_names(), ", "));
  Words given;
  if (command != all.end()) {
    options.action = command->action;
    line.usage_line(command->usage);
    line.footer("docs/weights.md shows it at work.\n");
    add_options(options, line, given);
  }
  if (options.text = line.parse(std::move(words)); !options.text.empty()) {
    options.action = Options::Action::print;
    return options;
  }
  if (command == all.end())
    throw line.usage("no command: what shall be done?", "name one of " + join(command_names(), ", "));
  given.files.insert(given.files.end(), behind.begin(), behind.end());
  check_words(options, given, *command, line);
  return options;
}

}  // namespace vos::weights
