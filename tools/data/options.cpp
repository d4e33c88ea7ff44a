#include "options.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace vos::data {
namespace {

constexpr std::array<std::string_view, 2> commands{"check", "preview"};

constexpr const char* footer = R"(Commands:
  check      read every image, mask and list as training would, and say what is wrong with them
  preview    the same, and draw it: contact sheets, and a page with pictures, findings and histograms

Examples:
  vos-data check DAVIS --split val
  vos-data check my_clips --verbose
  vos-data check ytvis_2021 --split train --json > report.json
  vos-data preview DAVIS --output look

Exit codes: 0 nothing worse than warnings, 1 errors were found, or with --strict warnings; 2 wrong usage,
130 interrupted. docs/linter.md lists what is found, docs/datasets.md the layouts.
)";

void check(const Options& options, const tool::CommandLine& line) {
  if (options.dataset.root.empty()) throw line.usage("no dataset: which folder shall be looked at?", "name its root");
  if (options.threads < 0) throw line.usage("--threads " + std::to_string(options.threads) + " is negative");
  if (options.common.quiet && options.common.verbose)
    throw line.usage("--quiet and --verbose contradict each other", "give one of them");
  if (options.action == Options::Action::preview) {
    if (options.output.empty()) throw line.usage("--output is missing: where shall the pages go?");
    if (options.videos < 1) throw line.usage("--videos " + std::to_string(options.videos) + " shows nothing");
  } else if (!options.output.empty()) throw line.usage("--output belongs to preview", "with check, use --json > FILE");
}

}  // namespace

std::size_t Options::thread_count() const { return tool::thread_count(threads); }

Options parse(std::vector<std::string> words) {
  Options options;
  tool::CommandLine line("vos-data", "Looks at datasets: what is in them, and what is wrong with them.",
                         options.common);
  line.usage_line("COMMAND ROOT [OPTIONS]");
  const auto command = tool::take_command(words);
  std::string root, output;

  line.group("Dataset");
  line.option("root,--root,--dataset_root", root, "DIR",
              "its root; one level above or below will do where that is clear");
  line.option("--layout,--dataset", options.dataset.layout, "NAME",
              "davis, ytvos, mose, lvos, ytvis, coco, yolo, pairs or folder; auto (unless given) looks and says");
  line.option("--split", options.dataset.split, "NAME", "train, val, test-dev, ...; train unless there is but one");
  line.option("--year", options.dataset.year, "YEAR", "of DAVIS: 2016 or 2017; of YouTube-VOS: 2018 or 2019");
  line.option("--resolution", options.dataset.resolution, "NAME", "of DAVIS: 480p or Full-Resolution");
  line.flag("--all-frames", options.dataset.all_frames, "of YouTube-VOS: the frames at 30 a second");

  line.group("What to do");
  line.flag("--quick", options.quick, "decode the first, the middle and the last frame of each video alone");
  line.flag("--strict", options.strict, "warnings count as errors in the exit code");
  line.option("--threads", options.threads, "N",
              "how many; 0 (unless given): all cores. The report does not depend on it");
  line.option("-o,--output", output, "DIR", "preview: the folder for the page and the sheets");
  line.option("--videos", options.videos, "N", "preview: how many videos to draw, evenly chosen (default: 24)");
  line.flag("--overwrite", options.overwrite, "preview: replace an earlier one");
  line.footer(footer);

  if (options.text = line.parse(std::move(words)); !options.text.empty()) {
    options.action = Options::Action::print;
    return options;
  }
  if (command.empty()) throw line.usage("no command: what shall be done?", "name one of " + join(commands, ", "));
  if (std::find(commands.begin(), commands.end(), command) == commands.end())
    throw line.usage("there is no command '" + command + "'" + did_you_mean(command, commands),
                     "name one of " + join(commands, ", "));
  options.action = command == "check" ? Options::Action::check : Options::Action::preview;
  options.dataset.root = root;
  options.output = output;
  check(options, line);
  return options;
}

}  // namespace vos::data
