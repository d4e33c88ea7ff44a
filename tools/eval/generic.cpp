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
  open_guess(comparison, options, false, report, err);

  const auto frames = score_ids(comparison, options, err, stop);
  ScoredObjects scored;
  for (const auto& sequence : frames) {
    auto& objects = scored.emplace_back();
    for (auto& series : growing_series(sequence)) objects.emplace_back(std::move(series), options.compat_uint8);
  }
  fill(report, options, comparison.sequences, scored, stop);
  return report;
}

}  // namespace vos::eval
