#include "check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iomanip>
#include <mutex>

#include <vos/data/catalog/recognise.hpp>
#include <vos/version.hpp>

#include "common/progress.hpp"

namespace vos::data {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t frames_in(const Catalog& catalog) {
  std::int64_t frames = 0;
  for (const auto& video : catalog.videos) frames += static_cast<std::int64_t>(video.frames.size());
  return frames;
}

/// The catalogue; a fault in its lists, or that none of its videos is there, becomes a finding. A folder that is no
/// dataset, or not the one asked for, stays an Error.
Catalog opened(const CatalogSpec& spec) {
  const auto found = vos::detail::recognise_one(spec);
  const auto& [reader, sign] = found.layouts[0];
  Catalog catalog{
      .layout = reader->layout, .taken_for = std::string{reader->name} + " (" + sign + ")", .root = found.root->path()};
  try {
    catalog = vos::detail::read_recognised(found, spec);
    vos::detail::expect_videos(catalog, found);
  } catch (const Error& error) {
    if (error.parts().exit_code == exit_code::usage) throw;
    catalog.findings.push_back(finding("unreadable-list", error.parts().where, error.parts().what));
    catalog.findings.back().mend = error.parts().mend;
  }
  return catalog;
}

void print_bars(std::ostream& out, const Histogram& histogram) {
  constexpr std::size_t most = 12;
  const auto total = std::max<std::int64_t>(1, *std::max_element(histogram.counts.begin(), histogram.counts.end()));
  out << "\n  " << histogram.title << '\n';
  for (std::size_t i = 0; i < std::min(most, histogram.bins.size()); ++i) {
    const auto length = static_cast<std::size_t>(
        std::llround(40.0 * static_cast<double>(histogram.counts[i]) / static_cast<double>(total)));
    out << "    " << std::left << std::setw(16) << histogram.bins[i] << std::right << std::setw(9)
        << histogram.counts[i]
        << (histogram.counts[i] > 0 ? "  " + std::string(std::max<std::size_t>(1, length), '#') : "") << '\n';
  }
  if (histogram.bins.size() > most) out << "    and " << histogram.bins.size() - most << " more\n";
}

}  // namespace

Checked check(const Options& options, std::ostream& err, std::stop_token stop) {
  const auto begin = std::chrono::steady_clock::now();
  Checked checked{.catalog = opened(options.dataset)};
  tool::Progress progress(err, options.progress, checked.catalog.root.filename().string(), frames_in(checked.catalog));
  std::mutex mutex;
  checked.report = lint(checked.catalog, {.quick = options.quick, .threads = options.thread_count()}, stop, [&] {
    const std::scoped_lock lock(mutex);
    progress.step();
  });
  checked.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return checked;
}

std::vector<FindingGroup> grouped(const std::vector<Finding>& findings) {
  std::vector<FindingGroup> groups;
  for (const auto level : {Finding::Level::error, Finding::Level::warning, Finding::Level::note})
    for (const auto& kind : finding_kinds) {
      if (kind.level != level) continue;
      FindingGroup group{&kind, {}};
      for (const auto& finding : findings)
        if (finding.code == kind.code) group.second.push_back(&finding);
      if (!group.second.empty()) groups.push_back(std::move(group));
    }
  return groups;
}

std::string verdict(const LintReport& report) {
  const auto part = [&](Finding::Level level) {
    return vos::detail::counted(static_cast<std::size_t>(report.count(level)), std::string{level_name(level)});
  };
  return part(Finding::Level::error) + ", " + part(Finding::Level::warning) + ", " + part(Finding::Level::note);
}

std::vector<Histogram> histograms_of(const Checked& checked) {
  std::vector<std::string> names;
  for (const auto& category : checked.catalog.categories) names.push_back(category.name);
  return vos::histograms_of(checked.report.tally, names);
}

Histogram trimmed(const Histogram& histogram) {
  std::size_t begin = 0, end = histogram.counts.size();
  while (begin < end && histogram.counts[begin] == 0) ++begin;
  while (begin < end && histogram.counts[end - 1] == 0) --end;
  const auto part = [&]<class Value>(const std::vector<Value>& all) {
    return std::vector<Value>(all.begin() + static_cast<std::ptrdiff_t>(begin),
                              all.begin() + static_cast<std::ptrdiff_t>(end));
  };
  return {histogram.title, part(histogram.bins), part(histogram.counts)};
}

Json to_json(const Checked& checked) {
  const auto& [catalog, report, seconds] = checked;
  const auto& tally = report.tally;
  Json json{{"tool", "vos-data"},
            {"version", vos::version},
            {"root", catalog.root.string()},
            {"layout", layout_name(catalog.layout)},
            {"split", catalog.split},
            {"taken_for", catalog.taken_for},
            {"complete", report.complete},
            {"errors", report.count(Finding::Level::error)},
            {"warnings", report.count(Finding::Level::warning)},
            {"notes", report.count(Finding::Level::note)},
            {"videos", tally.videos},
            {"frames", tally.frames},
            {"images_read", tally.images_read},
            {"masks", tally.masks},
            {"objects", tally.objects},
            {"videos_without_objects", tally.videos_without_objects},
            {"seconds", std::round(seconds * 1000) / 1000}};
  json["codes"] = Json::array();
  json["findings"] = Json::array();
  for (const auto& [kind, findings] : grouped(report.findings)) {
    json["codes"].push_back({{"code", kind->code},
                             {"level", level_name(kind->level)},
                             {"count", findings.size()},
                             {"meaning", kind->meaning},
                             {"mend", kind->mend}});
    for (const auto* finding : findings)
      json["findings"].push_back({{"code", finding->code},
                                  {"level", level_name(finding->level)},
                                  {"where", finding->where},
                                  {"what", finding->what},
                                  {"mend", finding->mend}});
  }
  json["histograms"] = Json::array();
  for (const auto& histogram : histograms_of(checked))
    json["histograms"].push_back({{"title", histogram.title}, {"bins", histogram.bins}, {"counts", histogram.counts}});
  return json;
}

void print(std::ostream& out, const Checked& checked, bool all) {
  const auto& [catalog, report, seconds] = checked;
  const auto& tally = report.tally;
  const auto number = [](std::int64_t count, const char* thing) {
    return vos::detail::counted(static_cast<std::size_t>(count), thing);
  };
  out << catalog.root.string() << "\n  taken for " << catalog.taken_for << "\n  " << number(tally.videos, "video")
      << ", " << number(tally.frames, "frame") << ", " << number(tally.masks, "mask") << ", "
      << number(tally.objects, "object") << "; looked at in " << tool::duration_text(seconds)
      << (report.complete ? "\n" : ", stopped before the end\n");
  const std::size_t most = all ? SIZE_MAX : 3;
  for (const auto& [kind, findings] : grouped(report.findings)) {
    out << '\n'
        << level_name(kind->level) << ' ' << kind->code << " (" << findings.size() << "): " << kind->meaning << '\n';
    for (std::size_t i = 0; i < std::min(most, findings.size()); ++i)
      out << "  " << findings[i]->where << ": " << findings[i]->what << '\n';
    if (findings.size() > most) out << "  ... and " << findings.size() - most << " more; --verbose lists them\n";
    if (const auto& mend = findings[0]->mend; !mend.empty()) out << "  mend: " << mend << '\n';
  }
  if (tally.videos > 0)
    for (const auto& all : histograms_of(checked))
      if (const auto histogram = trimmed(all); !histogram.counts.empty()) print_bars(out, histogram);
  out << '\n' << verdict(report) << '\n';
}

int exit_code_of(const Checked& checked, bool strict) {
  if (!checked.report.complete) return exit_code::interrupted;
  const bool bad =
      checked.report.count(Finding::Level::error) > 0 || (strict && checked.report.count(Finding::Level::warning) > 0);
  return bad ? exit_code::error : exit_code::done;
}

}  // namespace vos::data
