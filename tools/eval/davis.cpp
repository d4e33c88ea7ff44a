#include "davis.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <vos/data/catalog/davis.hpp>
#include <vos/metric/proposals.hpp>

#include "comparison.hpp"
#include "report.hpp"
#include "scores.hpp"

namespace vos::eval {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr ObjectId void_label = 255, object_limit = 254, proposal_limit = 20;

struct Frame {
  std::vector<ObjectScore> scores = {};
  ProposalScores proposals = {};
  ObjectId largest = 0;  ///< id in the guess
};

bool unsupervised(const Options& options) { return options.protocol == "unsupervised"; }

/// Where the truth lies: the benchmark's own folder below ROOT, or ROOT itself where it is a folder of sequences.
fs::path annotations(const Options& options) {
  const auto folder = options.gt / (unsupervised(options) ? "Annotations_unsupervised" : "Annotations");
  if (!fs::is_directory(folder)) {
    if (unsupervised(options) && fs::is_directory(options.gt / "Annotations"))
      throw Error({.what = "the unsupervised protocol has a truth of its own, which is not there",
                   .where = folder.string(),
                   .mend = "unpack DAVIS-2017-Unsupervised beside Annotations, or give the folder that holds the "
                           "sequences as --gt"});
    return options.gt;
  }
  if (!options.resolution.empty()) {
    if (fs::is_directory(folder / options.resolution)) return folder / options.resolution;
    throw Error({.what = "there is no resolution '" + options.resolution + "'",
                 .where = folder.string(),
                 .mend = "name one of the folders in it with --resolution"});
  }
  for (const char* name : {"480p", "Full-Resolution"})
    if (fs::is_directory(folder / name)) return folder / name;
  return folder;
}

/// The sequences of the list, or all where there is none.
std::vector<std::string> listed(const fs::path& file, const LabelStore& truth, Json& report, std::ostream& err) {
  if (file.empty()) {
    warn(report, "no ImageSets: all " + std::to_string(truth.frames().size()) + " sequences of the truth are scored",
         err);
    return names_in(truth);
  }
  report["settings"]["list"] = file.string();
  auto names = detail::davis_list(read_text(file), file.string()).videos;
  if (names.empty())
    throw Error({.what = "the list is empty", .where = file.string(), .mend = "write a sequence's name a line"});
  std::set<std::string> once;
  std::vector<std::string> unknown, twice;
  for (const auto& name : names) {
    if (!once.insert(name).second) twice.push_back(name);
    if (!truth.frames().contains(name)) unknown.push_back(name);
  }
  if (!twice.empty())
    refuse_all(twice, "the list names sequences more than once", "leave each in once: " + file.string());
  if (!unknown.empty())
    refuse_all(unknown, "the list names sequences that the truth lacks",
               "complete the dataset, or choose another --split", exit_code::frames_missing);
  return names;
}

/// How many objects a sequence has: DAVIS takes the largest id of the first frame.
ObjectId objects_in_first_frame(const LabelStore& truth, const std::string& sequence, bool merge) {
  ObjectId largest = 0;
  for (const auto id : truth.read(sequence, truth.frames().at(sequence).front()).ids)
    if (id != void_label || merge) largest = std::max(largest, id);
  if (merge) return std::min(largest, ObjectId{1});
  if (largest > object_limit)
    throw Error({.what = "the truth's first frame has id " + std::to_string(largest) + ", DAVIS' ids end at 254",
                 .where = sequence,
                 .mend = "use vos-eval generic, which takes any ids",
                 .exit_code = exit_code::too_many_ids});
  return largest;
}

/// Objects of the truth that the first frame does not count.
std::set<ObjectId> late_ids(const std::vector<std::vector<ObjectScore>>& frames, ObjectId objects) {
  std::set<ObjectId> late;
  for (const auto& frame : frames)
    for (const auto& score : frame)
      if (score.in_truth && score.id > objects) late.insert(score.id);
  return late;
}

void check_ids(const std::vector<std::string>& offences, bool proposals) {
  if (offences.empty()) return;
  refuse_all(offences, proposals ? "more proposals than the 20 that DAVIS allows" : "ids that the truth does not have",
             proposals ? "keep the 20 best of each sequence, numbered from 1"
                       : "results must use the ids of the first frame's label map; DAVIS counts objects there",
             exit_code::too_many_ids);
}

/// Objects with their matched proposals' values, in the order of the objects or, with --compat-order, of the proposals.
std::vector<ScoredObject> matched(std::vector<Frame>&& frames, ObjectId objects, ObjectId largest,
                                  const Options& options) {
  std::vector<ProposalScores> scores;
  for (auto& frame : frames) scores.push_back(std::move(frame.proposals));
  const auto proposal_of = matched_proposals(scores, objects, std::max(objects, largest));
  std::vector<std::pair<std::int64_t, ScoredObject>> found;
  for (ObjectId g = 0; g < objects; ++g) {
    const auto p = proposal_of[static_cast<std::size_t>(g)];
    ObjectSeries series{.id = g + 1};
    for (std::size_t t = 0; t < scores.size(); ++t) {
      series.frames.push_back(static_cast<std::int64_t>(t));
      series.j.push_back(scores[t].j[scores[t].at(g, p)]);
      series.f.push_back(scores[t].f[scores[t].at(g, p)]);
    }
    found.emplace_back(p, ScoredObject(std::move(series), options.compat_uint8));
    found.back().second.proposal = p + 1;
  }
  if (options.compat_order)
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ScoredObject> all;
  for (auto& [proposal, object] : found) all.push_back(std::move(object));
  return all;
}

/// "2016: train, val; 2017: val": what could be asked for.
std::string lists_in(const fs::path& folder) {
  std::map<std::string, std::set<std::string>> splits;
  for (const auto& year : fs::directory_iterator(folder)) {
    if (!year.is_directory()) continue;
    for (const auto& file : fs::directory_iterator(year.path()))
      if (file.path().extension() == ".txt")
        splits[year.path().filename().string()].insert(file.path().stem().string());
  }
  std::vector<std::string> pieces;
  for (const auto& [year, names] : splits) pieces.push_back(year + ": " + join(names, ", "));
  return pieces.empty() ? "none" : join(pieces, "; ");
}

}  // namespace

DavisChoice choose_list(const Options& options) {
  const auto split = options.split.empty() ? "val" : options.split;
  const auto lists = options.gt / "ImageSets";
  if (!fs::is_directory(lists)) {
    if (!options.split.empty())
      throw Error({.what = "there are no lists, so no split '" + options.split + "'",
                   .where = lists.string(),
                   .mend = "leave out --split to take all sequences, or name the root of DAVIS as --gt"});
    return {options.year.empty() ? "2017" : options.year};
  }
  // 2019 has the test splits of the unsupervised benchmark; those of 2017 are named alike, with other videos.
  std::vector<std::string> years{options.year};
  if (unsupervised(options)) years = {split.starts_with("test") ? "2019" : "2017"};
  else if (options.year.empty()) years = {"2017", "2016"};
  for (const auto& year : years)
    if (const auto file = lists / year / (split + ".txt"); fs::is_regular_file(file)) return {year, file};
  throw Error({.what = "there is no list of the split '" + split + "' of " + join(years, " or "),
               .where = lists.string(),
               .mend = "name another --split or --year; there are " + lists_in(lists)});
}

Json evaluate_davis(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  const auto choice = choose_list(options);
  const bool free_ids = unsupervised(options), merge = choice.year == "2016";
  report["settings"]["year"] = choice.year;
  report["settings"]["protocol"] = merge ? "single object" : free_ids ? "unsupervised" : "semi-supervised";

  auto comparison = open_comparison(annotations(options), report);
  const auto names = listed(choice.file, *comparison.truth, report, err);
  expect_more_than_first_masks(comparison, names);
  comparison.sequences = scored_sequences(*comparison.truth, names, !free_ids);
  open_guess(comparison, options, false, report, err);

  std::vector<ObjectId> objects;
  for (const auto& name : names) objects.push_back(objects_in_first_frame(*comparison.truth, name, merge));
  const LabelRules rules{.void_id = merge ? 0 : void_label,
                         .void_means = free_ids ? LabelRules::Void::hidden : LabelRules::Void::background,
                         .merge = merge};
  auto frames = score_frames(
      comparison, options, err, stop, [&](const LabelImage& truth, const LabelImage& guess, std::size_t sequence) {
        const LabelPair pair(view_of(truth), view_of(guess), rules);
        Frame frame{.largest = guess.ids.empty() ? 0 : *std::max_element(guess.ids.begin(), guess.ids.end())};
        if (free_ids && frame.largest <= proposal_limit)
          frame.proposals = proposal_scores(pair, objects[sequence], std::max(objects[sequence], proposal_limit));
        else if (!free_ids) frame.scores = object_scores(pair);
        return frame;
      });

  ScoredObjects scored;
  std::vector<std::string> offences;
  for (std::size_t s = 0; s < frames.size(); ++s) {
    ObjectId largest = 0;
    for (const auto& frame : frames[s]) largest = std::max(largest, frame.largest);
    if (!merge && largest > (free_ids ? proposal_limit : objects[s])) {
      offences.push_back(names[s] + ": id " + std::to_string(largest) + ", the largest allowed is " +
                         std::to_string(free_ids ? proposal_limit : objects[s]));
      continue;
    }
    if (free_ids) {
      scored.push_back(matched(std::move(frames[s]), objects[s], largest, options));
      continue;
    }
    std::vector<std::vector<ObjectScore>> scores;
    for (auto& frame : frames[s]) scores.push_back(std::move(frame.scores));
    for (const auto id : late_ids(scores, objects[s]))
      warn(report,
           "object " + std::to_string(id) + " of " + names[s] +
               " is not in the first frame: DAVIS does not score it; vos-eval generic does",
           err);
    auto& sequence = scored.emplace_back();
    for (auto& series : davis_series(scores, objects[s]))
      sequence.emplace_back(std::move(series), options.compat_uint8);
  }
  check_ids(offences, free_ids);
  fill(report, options, comparison.sequences, scored, stop);
  return report;
}

}  // namespace vos::eval
