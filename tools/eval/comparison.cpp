#include "comparison.hpp"

#include <set>

#include <vos/data/catalog/names.hpp>

#include "report.hpp"

namespace vos::eval {
std::string frames_text(const std::vector<std::string>& missing, const std::vector<std::string>& all) {
  if (missing.size() == all.size()) return "all " + std::to_string(all.size()) + " frames";
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < missing.size();) {
    auto at = std::find(all.begin(), all.end(), missing[i]);
    auto end = i;
    while (end < missing.size() && at != all.end() && *at == missing[end]) ++end, ++at;
    pieces.push_back(end - i > 2 ? missing[i] + " to " + missing[end - 1] : missing[i]);
    i = end - i > 2 ? end : i + 1;
  }
  return std::to_string(missing.size()) + " of " + std::to_string(all.size()) + " frames: " + join(pieces, ", ");
}

Comparison open_comparison(const std::filesystem::path& truth, nlohmann::json& report) {
  report["truth"] = truth.string();
  return {open_labels(truth), nullptr};
}

std::filesystem::path split_folder(const Options& options, const std::vector<std::string>& usual) {
  namespace fs = std::filesystem;
  if (!options.split.empty()) {
    if (fs::is_directory(options.gt / options.split)) return options.gt / options.split;
    throw Error({.what = "there is no split '" + options.split + "'",
                 .where = (options.gt / options.split).string(),
                 .mend = "name a folder in " + options.gt.string() + " with --split"});
  }
  if (fs::is_directory(options.gt / "Annotations")) return options.gt;
  for (const auto& name : usual)
    if (fs::is_directory(options.gt / name / "Annotations")) return options.gt / name;
  return options.gt;
}

std::vector<std::string> names_from(const std::string& file_or_names) {
  if (!std::filesystem::is_regular_file(file_or_names)) {
    if (file_or_names.ends_with(".txt"))
      throw Error({.what = "there is no such list",
                   .where = file_or_names,
                   .mend = "name a file with a name a line, or the names themselves with commas between",
                   .exit_code = exit_code::usage});
    return split(file_or_names, ',');
  }
  const auto text = read_text(file_or_names);
  std::vector<std::string> names;
  for (const auto& line : detail::lines_of(text, file_or_names)) names.emplace_back(line.text);
  return names;
}

void expect_known(const std::vector<std::string>& names, const std::set<std::string>& known, const std::string& kind) {
  std::vector<std::string> unknown;
  for (const auto& name : names)
    if (!known.contains(name)) unknown.push_back(name + did_you_mean(name, known));
  if (!unknown.empty())
    refuse_all(unknown, "--unseen names what is no " + kind + " of the dataset", "take the names from its meta.json",
               exit_code::usage);
}

void expect_more_than_first_masks(const Comparison& comparison, const std::vector<std::string>& names) {
  const auto& frames = comparison.truth->frames();
  if (names.empty() ||
      std::any_of(names.begin(), names.end(), [&](const auto& name) { return frames.at(name).size() > 1; }))
    return;
  throw Error({.what = "the truth has one frame a video: that is what benchmarks give away of valid and test",
               .where = comparison.truth->where(names.front(), frames.at(names.front()).front()),
               .mend = "send the results to the server (vos-eval --pack), or measure on videos held out of train"});
}

std::vector<std::string> names_in(const LabelStore& store) {
  std::vector<std::string> names;
  for (const auto& [name, stems] : store.frames()) names.push_back(name);
  return names;
}

std::vector<ScoredSequence> scored_sequences(const LabelStore& truth, const std::vector<std::string>& names,
                                             bool inner) {
  std::vector<ScoredSequence> sequences;
  for (const auto& name : names) {
    auto stems = truth.frames().at(name);
    if (inner) {
      stems.erase(stems.begin());
      if (!stems.empty()) stems.pop_back();
    }
    sequences.push_back({name, std::move(stems)});
  }
  return sequences;
}

void refuse_all(const std::vector<std::string>& offences, const std::string& what, const std::string& mend,
                int exit_code) {
  throw Error({.what = what + " (" + std::to_string(offences.size()) + ")",
               .where = join(offences, "\n         "),
               .mend = mend,
               .exit_code = exit_code});
}

std::vector<ScoredSequence> expect_complete(Comparison& comparison, const Options& options, bool missing_is_zero,
                                            nlohmann::json& report, std::ostream& err) {
  std::vector<ScoredSequence> absent;
  std::vector<std::string> missing;
  std::set<std::string> expected;
  for (const auto& sequence : comparison.sequences) {
    expected.insert(sequence.name);
    std::vector<std::string> stems;
    for (const auto& stem : sequence.stems)
      if (!comparison.guess->has(sequence.name, stem)) stems.push_back(stem);
    if (stems.empty()) continue;
    if (missing_is_zero && !comparison.guess->frames().contains(sequence.name)) absent.push_back(sequence);
    else missing.push_back(sequence.name + ": " + frames_text(stems, sequence.stems));
  }
  std::vector<std::string> unexpected;
  for (const auto& [name, stems] : comparison.guess->frames())
    if (!expected.contains(name)) unexpected.push_back(name);

  const auto pred = options.pred.string();
  if (!missing.empty()) {
    if (!options.lenient)
      for (const auto& name : unexpected) missing.push_back(name + ": not asked for");
    refuse_all(missing, "label maps are missing in " + pred,
               "write a label map for each frame that is scored, under the name that it has in the truth",
               exit_code::frames_missing);
  }
  if (!unexpected.empty() && !options.lenient)
    refuse_all(unexpected, pred + " has sequences that the truth does not ask for",
               "remove them, name another --split, or pass --lenient to leave them out",
               exit_code::unexpected_sequences);
  for (const auto& name : unexpected) warn(report, "sequence " + name + " is not asked for: left out", err);
  for (const auto& sequence : absent) {
    warn(report, "sequence " + sequence.name + " is missing: it scores 0", err);
    std::erase_if(comparison.sequences, [&](const auto& each) { return each.name == sequence.name; });
  }
  return absent;
}

std::vector<ScoredSequence> open_guess(Comparison& comparison, const Options& options, bool missing_is_zero,
                                       nlohmann::json& report, std::ostream& err) {
  comparison.guess = open_labels(options.pred, comparison.truth.get());
  return expect_complete(comparison, options, missing_is_zero, report, err);
}

std::vector<std::vector<std::vector<ObjectScore>>> score_ids(const Comparison& comparison, const Options& options,
                                                             std::ostream& err, std::stop_token stop) {
  return score_frames(comparison, options, err, stop,
                      [](const LabelImage& truth, const LabelImage& guess, std::size_t) {
                        return object_scores(LabelPair(view_of(truth), view_of(guess)));
                      });
}

}  // namespace vos::eval
