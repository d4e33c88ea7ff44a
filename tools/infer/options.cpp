#include "options.hpp"

#include <algorithm>
#include <iterator>

namespace vos::infer {
namespace {

constexpr const char* footer = R"(Examples:
  vos-infer --input clip.mp4 --masks first.png --output out
  vos-infer --input frames/ --masks masks/ --output out --format png,mp4
  vos-infer --input DAVIS/JPEGImages/480p/bear DAVIS/JPEGImages/480p/dog --masks first_frames/ --output out
  vos-infer --dataset davis --dataset_root DAVIS --split val --output out
  vos-infer --input camera:0 --masks first.png --output out --max-size 640
  vos-infer --input synthetic:crossing,frames=300,size=640x360 --output out --json
  vos-infer --session clip.session.json --input clip.mp4 --output out
  vos-infer --list-models --verbose

Outputs in OUT, or in OUT/SEQUENCE where there are several inputs: STEM.png, results.json, overlay.mp4,
contact.png, frames.jsonl, timing.json. Exit codes: 0 done, 1 error, 2 wrong usage, 10 frames missing, 11 a mask
of another size than its frame, 12 an id too large for a PNG, 130 interrupted. docs/tools.md tells all.
)";

std::vector<std::string> known_formats() { return {std::begin(sink_formats), std::end(sink_formats)}; }

void check_formats(const std::vector<std::string>& formats, const tool::CommandLine& line) {
  const auto known = known_formats();
  for (const auto& format : formats)
    if (std::find(known.begin(), known.end(), format) == known.end())
      throw line.usage("there is no format '" + format + "'" + did_you_mean(format, known),
                       "formats: " + join(known, ", "));
}

void check(const Options& options, const tool::CommandLine& line) {
  if (!options.session.empty()) {
    if (options.inputs.size() > 1) throw line.usage("a session is about one video, and there are several --input");
  } else if (options.from_dataset()) {
    if (!options.inputs.empty() || !options.masks.empty())
      throw line.usage("--dataset_root brings its own inputs and masks",
                       "leave out --input and --masks, and a --dataset that is synthetic");
  } else if (options.inputs.empty()) throw line.usage("--input is missing: what shall be tracked?");
  if (options.output.empty()) throw line.usage("--output is missing: where shall the results go?");
  if (options.masks.size() > 1 && options.masks.size() != options.inputs.size())
    throw line.usage(
        std::to_string(options.inputs.size()) + " inputs, but " + std::to_string(options.masks.size()) + " masks",
        "give one --masks for each --input, in the same order, or one folder that holds a mask or a folder "
        "of masks for each, named like it");
  check_formats(options.formats, line);
  if (options.max_size < 0) throw line.usage("--max-size " + std::to_string(options.max_size) + " is negative");
  if (!options.resume.empty() && options.overwrite)
    throw line.usage("--continue keeps what is there and --overwrite replaces it", "give one of them");
  if (!options.resume.empty() && !options.writes("png"))
    throw line.usage("--continue goes on from the label maps, but png is not among the formats",
                     "add png to --format, as the interrupted run had it");
  if (options.common.quiet && options.common.verbose)
    throw line.usage("--quiet and --verbose contradict each other", "give one of them");
}

}  // namespace

bool Options::writes(std::string_view format) const {
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

FrameRange range_from(const std::string& text) {
  const auto refuse = [&](const std::string& mend) {
    return Error({.what = "'" + text + "' is not a range of frames",
                  .where = "--frames",
                  .mend = mend,
                  .exit_code = exit_code::usage});
  };
  FrameRange range;
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3)
    throw refuse("write a:b:step for frames a, a+step, ... below b; each part may be left out, as in 10: or ::2");
  const auto part = [&](std::size_t i, std::int64_t& value) {
    if (i >= parts.size() || parts[i].empty()) return;
    const auto number = number_from<std::int64_t>(parts[i]);
    if (!number || *number < 0) throw refuse("'" + parts[i] + "' is not a number of 0 or more");
    value = *number;
  };
  part(0, range.begin);
  part(1, range.end);
  part(2, range.step);
  if (range.step == 0) throw refuse("use a step of 1 or more");
  if (range.end <= range.begin) throw refuse("the end must lie behind the begin; it is not taken itself");
  return range;
}

Options parse(const std::vector<std::string>& words) {
  Options options;
  tool::CommandLine line("vos-infer", "Tracks objects through videos: frames and first masks in, masks and ids out.",
                         options.common);
  line.usage_line("--input INPUT --masks MASKS --output OUT [OPTIONS]");
  std::string weights, output, root, dataset, sequences, precision = "auto", frames, formats, session;
  std::vector<std::string> settings;
  bool list_models = false;

  line.group("In and out");
  line.option("-i,--input", options.inputs, "INPUT...",
              "clip.mp4, a folder of pictures, camera:0, rtsp://..., synthetic:crossing; several are tracked one after "
              "another");
  line.option(
      "-m,--masks", options.masks, "MASKS...",
      "the objects: a label map (PNG) for the first frame, or a folder of label maps named like their frames; one "
      "that comes later adds or corrects objects. A synthetic input brings its own");
  line.option("-o,--output", output, "OUT", "the folder for the results");
  line.option("-f,--format", formats, "LIST",
              "what to write: png (label maps), rle (results.json), mp4 (overlay), contact (sheet); all of them unless "
              "given");
  line.option("--frames", frames, "A:B:STEP", "only frames A, A+STEP, ... below B; each part may be left out");
  line.option("--max-size", options.max_size, "PIXELS",
              "shrink frames, and their masks, to this longer side; the results have that size too");
  line.option(
      "--session", session, "FILE",
      "run a session of vos-serve again: its video, model, masks and corrections. The video lies where the file "
      "says, beside it, or where --input says");
  line.flag("--overwrite", options.overwrite, "replace an earlier run's results in a folder that is not empty");
  line.option("--continue", options.resume, "[exact|masks]",
              "go on where an interrupted run with the same options stopped. exact (unless given): the model sees the "
              "finished frames again, and the results equal those of a run without interruption. masks: it starts from "
              "the last masks at once, with a fresh memory")
      ->expected(0, 1)
      ->default_str("exact")
      ->check(CLI::IsMember({"exact", "masks"}));

  line.group("A dataset");
  line.option("--dataset", dataset, "KIND",
              "how it lies on disk: auto (unless given), davis, ytvos, mose, lvos, ytvis, coco, folder, ...; also "
              "synthetic:NAME, as with --input");
  line.option("--dataset_root,--root", root, "DIR",
              "track its videos, each object from its first mask on, instead of --input and --masks");
  line.option("--split", options.dataset.split, "NAME", "train, val, test-dev, ...");
  line.option("--year", options.dataset.year, "YEAR", "of DAVIS: 2016 or 2017; of YouTube-VOS: 2018 or 2019");
  line.option("--resolution", options.dataset.resolution, "NAME", "of DAVIS: 480p or Full-Resolution");
  line.flag("--all-frames", options.dataset.all_frames, "of YouTube-VOS: the frames at 30 a second");
  line.option("--sequences", sequences, "LIST", "only these of the dataset's videos");

  line.group("Model");
  line.option("--model", options.model.model, "NAME", "which model (default: flow)");
  line.option("--weights", weights, "FILE", "its weights");
  line.option("--device", options.model.compute.device, "NAME", "auto, cpu, cuda or cuda:N (default: auto)");
  line.option("--threads", options.model.compute.threads, "N", "CPU threads; 0 leaves it to LibTorch");
  line.option("--precision", precision, "NAME", "auto, fp32, bf16 or fp16 (default: auto)");
  line.option("--set", settings, "KEY=VALUE...", "options of the model; --list-models --verbose tells them")
      ->check([](const std::string& text) {
        return text.find('=') == std::string::npos ? "'" + text + "' is not KEY=VALUE" : std::string{};
      });
  line.flag("--list-models", list_models, "print the models of this build; with --verbose or --json their options");
  line.footer(footer);

  if (options.text = line.parse(words); !options.text.empty()) {
    options.action = Options::Action::print;
    return options;
  }
  if (list_models) {
    options.action = Options::Action::list_models;
    return options;
  }
  options.output = output;
  options.session = session;
  options.dataset.root = root;
  if (!sequences.empty()) options.sequences = split(sequences, ',');
  if (dataset.starts_with("synthetic:")) options.inputs.push_back(dataset);
  else if (!dataset.empty()) options.dataset.layout = dataset;
  if (root.empty() && options.dataset.layout != "auto" && options.inputs.empty())
    throw line.usage("--dataset_root is missing: where does '" + dataset + "' lie?");
  for (const auto& [name, given] : {std::pair{"--sequences", !sequences.empty()},
                                    {"--split", !options.dataset.split.empty()},
                                    {"--year", !options.dataset.year.empty()},
                                    {"--resolution", !options.dataset.resolution.empty()},
                                    {"--all-frames", options.dataset.all_frames},
                                    {"--dataset ", options.dataset.layout != "auto"}})
    if (given && root.empty()) throw line.usage(std::string{name} + " is about a dataset", "add --dataset_root");
  for (const auto& [name, given] : {std::pair{"--masks", !options.masks.empty()},
                                    {"--model", options.model.model != SegmenterSpec{}.model},
                                    {"--set", !settings.empty()},
                                    {"--frames", !frames.empty()},
                                    {"--max-size", options.max_size != 0},
                                    {"--continue", !options.resume.empty()},
                                    {"--dataset", !dataset.empty() || !root.empty()},
                                    {"--device", options.model.compute.device != Compute{}.device},
                                    {"--threads", options.model.compute.threads != Compute{}.threads},
                                    {"--precision", precision != "auto"}})
    if (given && !session.empty())
      throw line.usage("--session says all that decides the masks, so " + std::string{name} + " contradicts it",
                       "leave one of them out");
  options.model.weights = weights;
  options.model.compute.precision = precision_from(precision);
  if (!frames.empty()) options.frames = range_from(frames);
  if (!formats.empty()) {
    options.formats.clear();
    for (const auto& format : split(formats, ','))
      if (!options.writes(format)) options.formats.push_back(format);
  }
  for (const auto& setting : settings) {
    const auto equals = setting.find('=');
    options.model.options[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  check(options, line);
  return options;
}

}  // namespace vos::infer
