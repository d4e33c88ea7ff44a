#include "job.hpp"

#include <algorithm>
#include <map>

#include "journal.hpp"

namespace vos::infer {
namespace {

namespace fs = std::filesystem;

bool same_place(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  return fs::equivalent(a, b, absent) && !absent;
}

fs::path masks_for(const Options& options, std::size_t i, const std::string& name) {
  if (options.masks.empty()) return {};
  const fs::path masks = options.masks.size() > 1 ? options.masks[i] : options.masks[0];
  if (!fs::exists(masks))
    throw Error(
        {.what = "there is no '" + masks.string() + "'", .where = "--masks", .mend = "name a PNG or a folder of them"});
  if (options.masks.size() > 1 || !fs::is_directory(masks)) {
    if (options.masks.size() < options.inputs.size())
      throw Error({.what = "one label map for " + std::to_string(options.inputs.size()) + " inputs",
                   .where = "--masks " + masks.string(),
                   .mend = "give a folder that holds a mask or a folder of masks for each input, named like it",
                   .exit_code = exit_code::usage});
    return masks;
  }
  if (fs::is_directory(masks / name)) return masks / name;
  if (options.inputs.size() == 1) return masks;
  if (fs::is_regular_file(masks / (name + ".png"))) return masks / (name + ".png");
  throw Error({.what = "there are no masks for '" + name + "'",
               .where = masks.string(),
               .mend = "put a folder '" + name + "' or a file '" + name + ".png' there"});
}

nlohmann::ordered_json settings_of(const Options& options, const Job& job) {
  const auto& frames = job.source.frames;
  nlohmann::ordered_json settings{{"input", job.source.input},        {"masks", job.masks.string()},
                                  {"model", options.model.model},     {"weights", options.model.weights.string()},
                                  {"options", options.model.options}, {"max_size", job.source.max_size}};
  settings["frames"] = {frames.begin, nullptr, frames.step};
  if (frames.end != FrameRange{}.end) settings["frames"][1] = frames.end;
  if (options.from_dataset()) settings["split"] = job.catalog->split;
  return settings;
}

bool wanted(const Options& options, const std::string& name) {
  return options.sequences.empty() ||
         std::find(options.sequences.begin(), options.sequences.end(), name) != options.sequences.end();
}

/// The videos of a dataset, each with what the dataset knows of its objects.
std::vector<Job> plan_dataset(const Options& options) {
  const auto catalog = std::make_shared<const Catalog>(open_catalog(options.dataset));
  std::vector<std::string> names;
  for (const auto& video : catalog->videos) names.push_back(video.name);
  for (const auto& name : options.sequences)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error({.what = "the dataset has no video '" + name + "'" + did_you_mean(name, names),
                   .where = "--sequences, in " + catalog->root.string() + ", taken for " + catalog->taken_for,
                   .exit_code = exit_code::usage});
  std::vector<Job> jobs;
  for (const auto& video : catalog->videos) {
    if (!wanted(options, video.name)) continue;
    Job job;
    const auto folder = video.frames.empty() ? catalog->root : video.frames.front().image.parent_path();
    job.source = {.input = folder.string(), .frames = options.frames, .max_size = options.max_size};
    for (const auto& frame : video.frames) job.source.files.push_back(frame.image);
    job.number = video.number > 0 ? video.number : static_cast<std::int64_t>(jobs.size()) + 1;
    job.output = options.output / video.name;
    job.catalog = catalog;
    job.video = &video;
    job.settings = settings_of(options, job);
    check_output(job, options);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace

void check_output(const Job& job, const Options& options) {
  const auto& output = job.output;
  if (!fs::exists(output)) return;
  if (!fs::is_directory(output))
    throw Error({.what = "'" + output.string() + "' is a file", .where = "--output", .mend = "name a folder"});
  for (const fs::path& source : {fs::path{job.source.input}, job.masks})
    if (same_place(output, source) ||
        (fs::is_regular_file(source) && same_place(output, fs::absolute(source).parent_path())))
      throw Error({.what = "the results would go where their source lies",
                   .where = output.string(),
                   .mend = "name another --output",
                   .exit_code = exit_code::usage});
  if (fs::is_empty(output) || options.overwrite) return;
  if (options.resume.empty())
    throw Error({.what = "the folder is not empty",
                 .where = "--output " + output.string(),
                 .mend = "name another, or add --overwrite to replace an earlier run's results, or --continue to go on "
                         "with an interrupted run"});
  check_same_run(read_past(output), job.settings, output);
}

std::vector<Job> plan(const Options& options) {
  if (options.from_dataset()) return plan_dataset(options);
  const bool several = options.inputs.size() > 1;
  std::vector<Job> jobs;
  std::map<std::string, std::string> named;
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    Job job;
    job.source = {.input = options.inputs[i], .frames = options.frames, .max_size = options.max_size};
    job.number = static_cast<std::int64_t>(i) + 1;
    std::string name;
    if (several || (options.masks.size() == 1 && fs::is_directory(options.masks[0]))) {
      auto peek = job.source;
      peek.ahead = 0;  // only its name is wanted
      name = open_source(peek)->info().name;
    }
    if (several) {
      if (const auto [other, is_new] = named.emplace(name, job.source.input); !is_new)
        throw Error({.what = "both '" + other->second + "' and '" + job.source.input + "' are called '" + name + "'",
                     .where = "--input",
                     .mend = "track them in two calls, with two --output folders",
                     .exit_code = exit_code::usage});
    }
    job.output = several ? options.output / name : options.output;
    job.masks = masks_for(options, i, name);
    job.settings = settings_of(options, job);
    check_output(job, options);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace vos::infer
