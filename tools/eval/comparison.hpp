#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <ostream>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/parallel.hpp>
#include <vos/io/open_labels.hpp>
#include <vos/metric/label_pair.hpp>
#include <vos/metric/object_scores.hpp>

#include "common/progress.hpp"
#include "options.hpp"

namespace vos::eval {

/// A sequence and the frames of it that are scored.
struct ScoredSequence {
  std::string name;
  std::vector<std::string> stems = {};
};

/// What is compared with what.
struct Comparison {
  std::unique_ptr<LabelStore> truth, guess;
  std::vector<ScoredSequence> sequences = {};
};

/// Opens the truth, and notes in the report where its label maps lie.
Comparison open_comparison(const std::filesystem::path& truth, nlohmann::json& report);

/// All frames of the truth's sequences, but for the first and the last ones where `inner`.
std::vector<ScoredSequence> scored_sequences(const LabelStore& truth, const std::vector<std::string>& names,
                                             bool inner);

/// Where a dataset's split lies: GT itself where that has Annotations/ or is no dataset's root, else --split in it, or the
/// first of `usual` that is there.
std::filesystem::path split_folder(const Options& options, const std::vector<std::string>& usual);

/// Refuses a truth that has the first masks alone, which is what benchmarks give away of their test sets.
void expect_more_than_first_masks(const Comparison& comparison, const std::vector<std::string>& names);

/// "3 of 90 frames: 00001, 00003 to 00004": frames that follow one another in `all` are drawn together.
std::string frames_text(const std::vector<std::string>& missing, const std::vector<std::string>& all);

/// Refuses names given by --unseen that the dataset does not have.
void expect_known(const std::vector<std::string>& names, const std::set<std::string>& known, const std::string& kind);

/// Names from the command line: a file with one a line, or the names themselves with commas between.
std::vector<std::string> names_from(const std::string& file_or_names);

/// The names of all sequences of a store.
std::vector<std::string> names_in(const LabelStore& store);

/// Sees to it that the guess has each scored frame and no other sequences: throws one Error that lists every offence.
/// Unexpected sequences are a warning with --lenient. Sequences that are missing as a whole are taken out of
/// `comparison` with a warning, and returned, where `missing_is_zero`.
std::vector<ScoredSequence> expect_complete(Comparison& comparison, const Options& options, bool missing_is_zero,
                                            nlohmann::json& report, std::ostream& err);

/// Opens the guess and sees to it that it is complete, as above.
std::vector<ScoredSequence> open_guess(Comparison& comparison, const Options& options, bool missing_is_zero,
                                       nlohmann::json& report, std::ostream& err);

/// Throws the Error of size mismatches or too many ids: one line for each offence.
[[noreturn]] void refuse_all(const std::vector<std::string>& offences, const std::string& what, const std::string& mend,
                             int exit_code = exit_code::error);

inline LabelView view_of(const LabelImage& image) { return {image.ids, image.height, image.width}; }

/// Reads both label maps of each scored frame and calls `score(truth, guess, sequence)`, on several threads; at most a frame
/// a thread is in memory. Results stand in the order of the frames, so that what follows does not depend on threads.
template <class Score>
auto score_frames(const Comparison& comparison, const Options& options, std::ostream& err, std::stop_token stop,
                  const Score& score) {
  using Result = decltype(score(LabelImage{}, LabelImage{}, std::size_t{}));
  std::vector<std::vector<Result>> results;
  std::vector<std::pair<std::size_t, std::size_t>> tasks;
  for (std::size_t s = 0; s < comparison.sequences.size(); ++s) {
    results.emplace_back(comparison.sequences[s].stems.size());
    for (std::size_t t = 0; t < results.back().size(); ++t) tasks.emplace_back(s, t);
  }
  std::vector<std::pair<std::size_t, std::string>> mismatches;
  tool::Progress progress(err, options.progress, "measuring", static_cast<std::int64_t>(tasks.size()));
  std::mutex mutex;
  for_each_parallel(tasks.size(), options.thread_count(), stop, [&](std::size_t i) {
    const auto [s, t] = tasks[i];
    const auto& [name, stems] = comparison.sequences[s];
    auto truth = comparison.truth->read(name, stems[t]);
    auto guess = comparison.guess->read(name, stems[t]);
    if (truth.ids.empty()) truth = {guess.height, guess.width, std::vector<ObjectId>(guess.ids.size())};
    if (guess.ids.empty()) guess = {truth.height, truth.width, std::vector<ObjectId>(truth.ids.size())};
    const bool fits = guess.height == truth.height && guess.width == truth.width;
    if (fits) results[s][t] = score(truth, guess, s);
    const std::scoped_lock lock(mutex);
    progress.step();
    if (!fits)
      mismatches.emplace_back(i, comparison.guess->where(name, stems[t]) + ": " + std::to_string(guess.width) + "x" +
                                     std::to_string(guess.height) + ", the truth is " + std::to_string(truth.width) +
                                     "x" + std::to_string(truth.height));
  });
  if (stop.stop_requested()) throw Cancelled("vos-eval " + options.command);
  if (!mismatches.empty()) {
    std::sort(mismatches.begin(), mismatches.end());
    std::vector<std::string> offences;
    for (auto& [task, text] : mismatches) offences.push_back(std::move(text));
    refuse_all(offences, "label maps have another size than the truth",
               "write results at the size of the truth; nothing is resized, since that would shift edges",
               exit_code::sizes_differ);
  }
  return results;
}

/// J and F of each id that either map shows, in each scored frame, id against id.
std::vector<std::vector<std::vector<ObjectScore>>> score_ids(const Comparison& comparison, const Options& options,
                                                             std::ostream& err, std::stop_token stop);

}  // namespace vos::eval
