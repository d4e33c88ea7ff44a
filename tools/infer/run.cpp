#include "run.hpp"

#include <algorithm>

#include "job.hpp"
#include "join_results.hpp"
#include "list_models.hpp"
#include "report.hpp"
#include "sequence.hpp"
#include "session.hpp"

namespace vos::infer {
namespace {

int tell(const Report& report, const Options& options, std::ostream& out) {
  if (options.common.json) out << to_json(report).dump(2) << std::endl;
  else if (!options.common.quiet) print(out, report, options.common.verbose);
  if (!out.flush())
    throw Error({.what = "the report cannot be written", .where = "standard output", .mend = "check where it goes to"});
  return report.complete() ? exit_code::done : exit_code::interrupted;
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  if (options.action == Options::Action::print) {
    out << options.text;
    return exit_code::done;
  }
  if (options.action == Options::Action::list_models) {
    if (options.common.json) list_models_json(out);
    else list_models(out, options.common.verbose);
    return exit_code::done;
  }

  if (!options.session.empty()) {
    Report report{.model = "session", .inputs = 1};
    report.sequences.push_back(follow_session(options, report.memory, err, stop));
    return tell(report, options, out);
  }

  auto segmenter = make_segmenter(options.model);
  const auto models = vos::list_models();
  const auto info =
      std::find_if(models.begin(), models.end(), [&](const auto& m) { return m.name == options.model.model; });
  const bool needs_prompt = info == models.end() || info->needs_prompt;

  const auto jobs = plan(options);
  if (options.from_dataset() && !options.common.quiet && !jobs.empty()) {
    const auto& catalog = *jobs.front().catalog;
    err << "vos-infer: " << catalog.root.string() << " is taken for " << catalog.taken_for
        << (catalog.split.empty() ? "" : "; split '" + catalog.split + "'") << ", " << jobs.size()
        << (jobs.size() == 1 ? " video" : " videos") << '\n';
  }
  const auto joined = joined_results_file(jobs, options);
  Report report{.model = options.model.model, .inputs = jobs.size()};
  for (const auto& job : jobs) {
    if (stop.stop_requested()) break;
    report.sequences.push_back(follow(job, options, segmenter, needs_prompt, report.memory, err, stop));
  }
  if (report.complete() && !joined.empty()) join_results(jobs, joined);
  return tell(report, options, out);
}

}  // namespace vos::infer
