#include "options.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

#include "common/command_line.hpp"

namespace vos::eval {
namespace {

constexpr std::string_view commands[] = {"davis", "ytvos", "generic", "mosev2", "lvos", "vis", "identity"};
constexpr std::string_view packs[] = {"davis", "ytvos", "vis"};

constexpr const char* footer = R"(Commands:
  davis      DAVIS-2016 and 2017, semi-supervised and unsupervised: J, F, J&F
  ytvos      YouTube-VOS: J and F of seen and unseen categories (a surrogate: the server's code is not public)
  generic    J&F of each object from its first frame on, whatever the ids
  mosev2     MOSEv2: J, the size-adaptive F, disappearance and reappearance
  lvos       LVOS: J and F of seen and unseen videos, variability V
  vis        YouTube-VIS, OVIS: AP, AP50, AP75, AR1, AR10
  identity   identity switches, IDF1, HOTA, MOTA, and what kind each switch is

Examples:
  vos-eval davis --gt DAVIS --pred out --split val --csv davis.csv --html report.html
  vos-eval generic --gt masks/ --pred out/ --bootstrap
  vos-eval vis --gt instances.json --pred results.json --json report.json
  vos-eval --pack davis --pred out/ --output davis.zip

GT and PRED may be a folder of label maps (PRED/SEQUENCE/STEM.png, such as vos-infer writes), a zip of them, results.json
in RLE, or MOTS text. Exit codes: 0 done, 1 error, 2 wrong usage, 10 frames missing, 11 a label map of another size,
12 more ids than the benchmark allows, 13 sequences that nobody asked for, 130 interrupted. docs/evaluation.md tells all.
)";

template <class Names>
void expect_one_of(std::string_view value, const Names& known, const std::string& option,
                   const tool::CommandLine& line) {
  if (std::find(std::begin(known), std::end(known), value) != std::end(known)) return;
  throw line.usage(option + " does not know '" + std::string{value} + "'" + did_you_mean(value, known),
                   "use " + join(known, ", "));
}

/// An option that another command would pass over in silence is a mistake.
void expect_own_options(const Options& options, const tool::CommandLine& line) {
  struct Own {
    std::string_view option;
    bool given;
    std::vector<std::string> commands;
  };
  const bool pack = options.command == "pack";
  const auto kind = pack ? options.pack : options.command;  // --pack davis takes the options of davis that choose
  const std::vector<Own> all{
      {"--split", !options.split.empty(), {"davis", "ytvos", "mosev2", "lvos"}},
      {"--year", !options.year.empty(), {"davis"}},
      {"--protocol", options.protocol != "semi", {"davis"}},
      {"--resolution", !options.resolution.empty(), {"davis"}},
      {"--task", options.task != "vis", {"identity"}},
      {"--mots", options.mots, {"identity"}},
      {"--min-score", options.min_score > -std::numeric_limits<double>::infinity(), {"identity"}},
      {"--unseen", !options.unseen.empty(), {"ytvos", "lvos"}},
      {"--train-meta", !options.train_meta.empty(), {"ytvos"}},
      {"--all-frames", options.all_frames, {"generic"}},
      {"--compat-order", options.compat_order, {"davis"}},
      {"--compat-mosev2", options.compat_mosev2, {"mosev2"}},
      {"--compat-uint8", options.compat_uint8, {"davis", "ytvos", "generic", "mosev2", "lvos"}},
  };
  for (const auto& [option, given, commands] : all)
    if (given && std::find(commands.begin(), commands.end(), kind) == commands.end())
      throw line.usage(std::string{option} + " means nothing to " + (pack ? "--pack " : "") + kind,
                       "leave it out; it belongs to " + join(commands, ", "));
}

void check(const Options& options, const tool::CommandLine& line) {
  if (options.command.empty())
    throw line.usage("no command: what shall be measured?", "name one of " + join(commands, ", "));
  if (options.command == "pack") {
    expect_one_of(options.pack, packs, "--pack", line);
    if (options.output.empty()) throw line.usage("--output is missing: where shall the zip go?");
  } else {
    expect_one_of(options.command, commands, "vos-eval", line);
    if (options.gt.empty()) throw line.usage("--gt is missing: what is right?");
    if (!options.output.empty())
      throw line.usage("--output belongs to --pack", "name reports by --json, --csv, --html");
  }
  if (options.pred.empty()) throw line.usage("--pred is missing: what shall be measured?");
  expect_own_options(options, line);
  if (!options.year.empty()) expect_one_of(options.year, std::vector<std::string>{"2016", "2017"}, "--year", line);
  expect_one_of(options.protocol, std::vector<std::string>{"semi", "unsupervised"}, "--protocol", line);
  if (options.year == "2016" && options.protocol == "unsupervised")
    throw line.usage("--year 2016 and --protocol unsupervised contradict each other",
                     "leave one out: DAVIS-2016 is one object, the unsupervised protocol came with 2017");
  expect_one_of(options.task, std::vector<std::string>{"vis", "vos"}, "--task", line);
  if (options.threads < 0) throw line.usage("--threads " + std::to_string(options.threads) + " is negative");
  if (options.common.quiet && options.common.verbose)
    throw line.usage("--quiet and --verbose contradict each other", "give one of them");
}

}  // namespace

std::size_t Options::thread_count() const { return tool::thread_count(threads); }

Options parse(std::vector<std::string> words) {
  Options options;
  tool::CommandLine line("vos-eval", "Measures results by the rules of the benchmarks.", options.common);
  line.usage_line("COMMAND --gt GT --pred PRED [OPTIONS]");
  line.json_to_file();
  options.command = tool::take_command(words);
  std::string gt, pred, output, csv, html, train_meta;

  line.group("In and out");
  line.option("--gt", gt, "GT", "the truth: the root of a dataset, or its label maps or annotation file");
  line.option("--pred", pred, "PRED", "what is measured");
  line.option(
      "--csv", csv, "FILE",
      "the table as CSV; davis: FILE has the global row, FILE with -per-sequence before its ending the objects'");
  line.option("--html", html, "FILE", "a report to look at: tables, curves over time, the worst frames");
  line.option("--pack", options.pack, "KIND", "davis, ytvos or vis: check PRED by the server's rules and zip it");
  line.option("--output", output, "FILE", "of --pack: the zip");

  line.group("Rules");
  line.option("--split", options.split, "NAME", "which list of sequences (default: val, or valid)");
  line.option("--year", options.year, "YEAR", "davis: 2016, one object, or 2017 (default: the newest with the split)");
  line.option("--protocol", options.protocol, "NAME", "davis: semi or unsupervised (default: semi)");
  line.option("--resolution", options.resolution, "NAME", "davis: 480p or Full-Resolution (default: 480p)");
  line.option("--task", options.task, "NAME",
              "identity: vis, where ids are free, or vos, where they are given (default: vis)");
  line.flag(
      "--mots", options.mots,
      "identity: ids are class * 1000 + instance and 10000 is ignored, as in KITTI-MOTS (its text files are known)");
  line.option("--min-score", options.min_score, "S", "identity: leave out results of a lower score (default: none)");
  line.option("--unseen", options.unseen, "LIST",
              "ytvos: unseen categories, lvos: unseen videos; names with commas, or a file of them");
  line.option("--train-meta", train_meta, "FILE", "ytvos: meta.json of train; a category that it lacks is unseen");
  line.flag("--all-frames", options.all_frames, "generic: score the first and the last frame too");
  line.flag("--lenient", options.lenient, "sequences that nobody asked for are a warning");
  line.flag("--bootstrap", options.bootstrap, "95 % intervals over sequences");
  line.flag("--compat-order", options.compat_order, "davis unsupervised: objects in the order of their proposals");
  line.flag("--compat-uint8", options.compat_uint8, "decay beyond 256 frames as the reference has it");
  line.flag("--compat-mosev2", options.compat_mosev2, "the off-centre disk of MOSEv2's own evaluator");

  line.group("Run");
  line.option("--threads", options.threads, "N", "how many; 0: all cores. The numbers do not depend on it");
  line.footer(footer);

  if (options.text = line.parse(std::move(words)); !options.text.empty()) {
    options.action = Options::Action::print;
    return options;
  }
  options.gt = gt;
  options.pred = pred;
  options.output = output;
  options.csv = csv;
  options.html = html;
  options.train_meta = train_meta;
  if (!options.pack.empty()) {
    if (!options.command.empty()) throw line.usage("--pack and '" + options.command + "' are two tasks", "give one");
    options.command = "pack";
  }
  check(options, line);
  return options;
}

}  // namespace vos::eval
