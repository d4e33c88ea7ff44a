#include "generic.hpp"

#include "comparison.hpp"
#include "report.hpp"
#include "scores.hpp"

namespace vos::eval {

nlohmann::json evaluate_generic(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  report["settings"]["frames"] = options.all_frames ? "all" : "without the first and the last";
  auto comparison = open_comparison(options.gt, report);
  comparison.sequences = scored_sequences(*comparison.truth, names_in(*comparison.truth), !options.all_frames);
  if (!options.all_frames) expect_more_than_first_masks(comparison, names_in(*comparison.truth));
  comparison.guess = open_labels(options.pred, comparison.truth.get());
  expect_complete(comparison, options, false, report, err);

  const auto frames =
      score_frames(comparison, options, err, stop, [](const LabelImage& truth, const LabelImage& guess, std::size_t) {
        return object_scores(LabelPair(view_of(truth), view_of(guess)));
      });
  ScoredObjects scored;
  for (const auto& sequence : frames) {
    auto& objects = scored.emplace_back();
    for (auto& series : growing_series(sequence)) objects.emplace_back(std::move(series), options.compat_uint8);
  }
  fill(report, options, comparison.sequences, scored, stop);
  return report;
}

}  // namespace vos::eval
