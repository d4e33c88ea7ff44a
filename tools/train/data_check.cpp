#include "data_check.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#if VOS_OPENCV
#include <vos/io/lint/lint.hpp>
#endif

namespace vos::train {
#if VOS_OPENCV
namespace {

constexpr std::size_t most_videos = 100, most_places = 3;

/// Evenly chosen videos, at most so many.
Catalog sample_of(Catalog catalog) {
  const auto count = catalog.videos.size();
  if (count <= most_videos) return catalog;
  std::vector<CatalogVideo> chosen;
  for (std::size_t i = 0; i < most_videos; ++i) chosen.push_back(std::move(catalog.videos[i * count / most_videos]));
  catalog.videos = std::move(chosen);
  return catalog;
}

/// The errors as `vos-data check` tells them, a few places of each kind.
std::string faults_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& kind : finding_kinds) {
    if (kind.level != Finding::Level::error) continue;
    std::vector<const Finding*> found;
    for (const auto& finding : findings)
      if (finding.code == kind.code) found.push_back(&finding);
    if (found.empty()) continue;
    text += "\n  " + std::string{kind.code} + " (" + std::to_string(found.size()) + "): " + std::string{kind.meaning};
    text += "\n    " + join_first(found, most_places, "\n    ",
                                  [](const Finding* each) { return printable(each->where + ": " + each->what, 300); });
    if (!kind.mend.empty()) text += "\n    mend: " + std::string{kind.mend};
  }
  return text;
}

}  // namespace

std::string check_data(const CatalogSpec& spec, std::size_t threads, std::stop_token stop) {
  const auto catalog = sample_of(open_catalog(spec));
  const auto report = lint(catalog, {.quick = true, .threads = threads}, stop);
  if (stop.stop_requested()) throw Cancelled("looking at the data");
  const auto counted = [](std::int64_t count, const std::string& name) {
    return std::to_string(count) + " " + name + (count == 1 ? "" : "s");
  };
  const auto errors = report.count(Finding::Level::error), warnings = report.count(Finding::Level::warning);
  if (errors > 0)
    throw Error({.what = "the data have " + counted(errors, "fault") + " that would break the training or teach it " +
                         "something wrong:" + faults_text(report.findings),
                 .where = spec.root.string(),
                 .mend = "mend them ('vos-data check " + spec.root.string() +
                         "' looks at every frame), or train on the data as they are: --no-lint"});
  return "the data were looked at, " + counted(report.tally.images_read, "frame") + " of " +
         counted(static_cast<std::int64_t>(catalog.videos.size()), "video") + ": no fault" +
         (warnings > 0 ? ", " + counted(warnings, "warning") + " ('vos-data check " + spec.root.string() + "' tells)"
                       : std::string{});
}
#else
std::string check_data(const CatalogSpec&, std::size_t, std::stop_token) { return {}; }  // nor can it be trained on
#endif

}  // namespace vos::train
