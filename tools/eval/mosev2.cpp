#include "mosev2.hpp"

#include <set>

#include <vos/metric/mosev2.hpp>

#include "comparison.hpp"
#include "report.hpp"
#include "scores.hpp"

namespace vos::eval {
namespace {

using Frames = std::vector<std::vector<AdaptiveScore>>;

/// An object through the frames of its sequence.
ScoredObject follow(ObjectId id, const Frames& frames, bool wrap_edges) {
  ObjectSeries series{.id = id};
  std::vector<double> adaptive, both;
  std::vector<bool> in_truth;
  for (std::size_t t = 0; t < frames.size(); ++t) {
    AdaptiveScore score{.id = id};
    for (const auto& each : frames[t])
      if (each.id == id) score = each;
    series.frames.push_back(static_cast<std::int64_t>(t));
    series.j.push_back(score.j);
    series.f.push_back(score.f);
    adaptive.push_back(score.f_dot);
    both.push_back(score.j_and_f_dot());
    in_truth.push_back(score.in_truth);
  }
  ScoredObject object(std::move(series), wrap_edges);
  const auto absence = absence_scores(both, in_truth);
  object.extra = {{"F_dot", mean_of(adaptive)},
                  {"J&F_dot", mean_of(both)},
                  {"J&F_disappear", absence.disappear},
                  {"J&F_reappear", absence.reappear}};
  return object;
}

std::set<ObjectId> ids_of(const LabelImage& image) {
  std::set<ObjectId> ids(image.ids.begin(), image.ids.end());
  ids.erase(0);
  return ids;
}

/// The objects of a sequence: those of the first frame, and those that join in frames that are scored.
std::set<ObjectId> objects_of(const LabelStore& truth, const std::string& sequence, const Frames& frames) {
  auto ids = ids_of(truth.read(sequence, truth.frames().at(sequence).front()));
  for (const auto& frame : frames)
    for (const auto& score : frame)
      if (score.in_truth) ids.insert(score.id);
  return ids;
}

/// What a sequence without results scores: nothing, in each frame of each object.
Frames zeros(const LabelStore& truth, const ScoredSequence& sequence) {
  std::vector<std::set<ObjectId>> present;
  std::set<ObjectId> all = objects_of(truth, sequence.name, {});
  for (const auto& stem : sequence.stems) {
    present.push_back(ids_of(truth.read(sequence.name, stem)));
    all.insert(present.back().begin(), present.back().end());
  }
  Frames frames;
  for (const auto& ids : present) {
    auto& frame = frames.emplace_back();
    for (const auto id : all) frame.push_back({.id = id, .j = 0, .f_dot = 0, .f = 0, .in_truth = ids.contains(id)});
  }
  return frames;
}

}  // namespace

nlohmann::json evaluate_mosev2(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  report["settings"]["disk"] = options.compat_mosev2 ? "the reference's" : "whole pixels";
  auto comparison = open_comparison(split_folder(options, {"valid", "val"}), report);
  comparison.sequences = scored_sequences(*comparison.truth, names_in(*comparison.truth), true);
  expect_more_than_first_masks(comparison, names_in(*comparison.truth));
  const auto absent = open_guess(comparison, options, true, report, err);

  auto frames =
      score_frames(comparison, options, err, stop, [&](const LabelImage& truth, const LabelImage& guess, std::size_t) {
        return adaptive_scores(LabelPair(view_of(truth), view_of(guess)), options.compat_mosev2);
      });
  for (const auto& sequence : absent) {
    comparison.sequences.push_back(sequence);
    frames.push_back(zeros(*comparison.truth, sequence));
  }
  ScoredObjects scored;
  for (std::size_t s = 0; s < frames.size(); ++s) {
    auto& objects = scored.emplace_back();
    for (const auto id : objects_of(*comparison.truth, comparison.sequences[s].name, frames[s]))
      objects.push_back(follow(id, frames[s], options.compat_uint8));
  }
  fill(report, options, comparison.sequences, scored, stop, [](std::span<const ScoredObject* const> objects) {
    auto numbers = plain_numbers(objects);
    for (const char* name : {"F_dot", "J&F_dot", "J&F_disappear", "J&F_reappear"})
      numbers[name] = mean_over(objects, [&](const auto& object) { return object.extra.at(name); });
    return numbers;
  });
  return report;
}

}  // namespace vos::eval
