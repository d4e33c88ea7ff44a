#include "vis.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <vos/metric/video_ap.hpp>

#include "report.hpp"
#include "scores.hpp"
#include "tracks.hpp"

namespace vos::eval {
namespace {

using Json = nlohmann::json;

/// The official code says -1 where no object counts; in a report that is no number.
double value_of(double number) { return number < 0 ? std::numeric_limits<double>::quiet_NaN() : number; }

Numbers numbers_of(const ApSummary& s) {
  Numbers numbers{{"AP", s.ap},         {"AP50", s.ap50},    {"AP75", s.ap75},     {"APs", s.ap_small},
                  {"APm", s.ap_medium}, {"APl", s.ap_large}, {"AR1", s.ar1},       {"AR10", s.ar10},
                  {"AR100", s.ar100},   {"ARs", s.ar_small}, {"ARm", s.ar_medium}, {"ARl", s.ar_large}};
  for (auto& [name, number] : numbers) number = value_of(number);
  return numbers;
}

/// What --bootstrap tells bounds of: the numbers over all areas, which take half as many passes over the detections.
Numbers headline_of(const VideoAp& ap, std::span<const std::int64_t> weights) {
  const auto curves = [&](std::size_t max_found) {
    std::vector<ApCurve> all;
    for (std::size_t c = 0; c < ap.categories().size(); ++c)
      if (auto curve = ap.curve(c, ApArea::all, max_found, weights); curve.counts()) all.push_back(curve);
    return all;
  };
  const auto mean = [](const std::vector<ApCurve>& all, auto member, std::size_t first = 0, std::size_t last = 10) {
    double sum = 0;
    for (const auto& curve : all)
      for (auto t = first; t < last; ++t) sum += (curve.*member)[t];
    return sum / static_cast<double>(all.size() * (last - first));  // NaN where nothing counts
  };
  const auto all = curves(100);
  return {{"AP", mean(all, &ApCurve::ap)},
          {"AP50", mean(all, &ApCurve::ap, 0, 1)},
          {"AP75", mean(all, &ApCurve::ap, 5, 6)},
          {"AR1", mean(curves(1), &ApCurve::recall)},
          {"AR10", mean(curves(10), &ApCurve::recall)},
          {"AR100", mean(all, &ApCurve::recall)}};
}

/// What is left out without a word by the official rules is said here.
void warn_of_strangers(const Annotations& truth, const ResultTracks& results, Json& report, std::ostream& err) {
  std::set<std::int64_t> known, strange;
  for (const auto& category : truth.categories) known.insert(category.id);
  std::size_t records = 0;
  for (const auto& track : results.tracks)
    if (!known.contains(track.category)) strange.insert(track.category), ++records;
  if (records == 0) return;
  std::vector<std::string> names;
  for (const auto id : strange) names.push_back(std::to_string(id));
  names.resize(std::min<std::size_t>(names.size(), 20));
  warn(report,
       std::to_string(records) +
           " results have a category that the truth does not list, and count nowhere: " + join(names, ", "),
       err);
}

}  // namespace

Json evaluate_vis(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  const auto truth = load_truth(options.gt);
  const auto results = load_results(options.pred, truth.videos);
  warn_of_strangers(truth, results, report, err);
  const VideoAp ap{truth,
                   results.tracks,
                   {.lenient = options.lenient,
                    .threads = options.thread_count(),
                    .truth_name = options.gt.string(),
                    .results_name = options.pred.string(),
                    .stop = stop}};
  if (stop.stop_requested()) throw Cancelled("vos-eval vis");

  report["settings"]["videos"] = truth.videos.size();
  report["settings"]["objects"] = truth.tracks.size();
  report["settings"]["results"] = results.tracks.size();
  report["settings"]["averaging"] = "over categories, then thresholds of the IoU";
  report["global"] = numbers_of(ap.summary());
  report["categories"] = Json::array();
  for (std::size_t c = 0; c < ap.categories().size(); ++c) {
    const std::size_t one[] = {c};
    Json entry = numbers_of(ap.summary({}, one));
    const auto id = ap.categories()[c];
    entry["id"] = id;
    entry["name"] = std::find_if(truth.categories.begin(), truth.categories.end(), [&](const auto& category) {
                      return category.id == id;
                    })->name;
    const auto curve = ap.curve(c);
    if (curve.counts()) entry["AP_by_threshold"] = curve.ap;
    report["categories"].push_back(std::move(entry));
  }
  if (options.bootstrap)
    report["bootstrap"] = bootstrap(options, truth.videos.size(), stop, [&](std::span<const std::size_t> picks) {
      std::vector<std::int64_t> weights(truth.videos.size());
      for (const auto pick : picks) ++weights[pick];
      return headline_of(ap, weights);
    });
  return report;
}

}  // namespace vos::eval
