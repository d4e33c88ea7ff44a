#include "lvos.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <vos/core/text.hpp>
#include <vos/data/catalog/meta.hpp>
#include <vos/metric/lvos.hpp>

#include "comparison.hpp"
#include "report.hpp"
#include "scores.hpp"

namespace vos::eval {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::int64_t frame_step = 5, frame_limit = 10'000'000;

fs::path meta_in(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : detail::entries_of(folder))
    if (entry.path().filename().string().ends_with("meta.json")) found.push_back(entry.path().string());
  std::sort(found.begin(), found.end());
  if (found.size() > 1)
    refuse_all(found, "there are several files that end in meta.json", "leave the one of the split there");
  if (!found.empty()) return found.front();
  throw Error({.what = "there is no meta.json, which tells when each object is there",
               .where = folder.string(),
               .mend = "name the folder that holds SPLIT_meta.json and Annotations/"});
}

/// The frames of an object that are scored: every fifth from its first on, below its last, but for the first and the last
/// of these. Whatever a file says, none lies behind `end`, the last frame of the truth: what does is `beyond`.
std::vector<std::string> frames_of(const detail::MetaObject& object, std::int64_t end, const std::string& where,
                                   std::vector<std::string>& beyond) {
  const auto first = number_from<std::int64_t>(object.first), last = number_from<std::int64_t>(object.last);
  if (!first || !last || *first < 0 || *first > frame_limit || *last > frame_limit)
    throw Error({.what = "object " + std::to_string(object.id) + " has frames from '" + object.first + "' to '" +
                         object.last + "'",
                 .where = where,
                 .mend = "LVOS gives the numbers of the frames as frame_range {start, end}"});
  std::vector<std::string> stems;
  for (auto frame = *first + frame_step; frame + frame_step < *last; frame += frame_step) {
    if (frame > end) {
      beyond.push_back(where + ": object " + std::to_string(object.id) + " is said to last until frame " + object.last +
                       ", the truth ends at " + std::to_string(end));
      break;
    }
    const auto digits = std::to_string(frame);
    stems.push_back(std::string(object.first.size() - std::min(object.first.size(), digits.size()), '0') + digits);
  }
  return stems;
}

/// The videos whose categories training does not show.
std::set<std::string> unseen_videos(const Options& options, const fs::path& folder, const std::set<std::string>& known,
                                    Json& report, std::ostream& err) {
  auto list = options.unseen;
  for (const auto& place : {folder, options.gt, options.gt.parent_path()})
    if (const auto file = place / "unseen_videos.txt"; list.empty() && fs::is_regular_file(file)) list = file.string();
  if (list.empty()) {
    warn(report, "which videos are unseen is not known: all count as seen (give --unseen unseen_videos.txt)", err);
    return {};
  }
  report["settings"]["unseen"] = list;
  const auto names = names_from(list);
  if (!options.unseen.empty()) expect_known(names, known, "video");
  return {names.begin(), names.end()};
}

}  // namespace

Json evaluate_lvos(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  const auto folder = split_folder(options, {"valid", "val"});
  const auto meta = meta_in(folder);
  const auto videos = detail::MetaReader{detail::load_json(meta), meta.string()}.videos();

  std::set<std::string> known;
  for (const auto& video : videos) known.insert(video.name);
  const auto unseen = unseen_videos(options, folder, known, report, err);

  auto comparison = open_comparison(folder, report);
  std::vector<std::map<std::int64_t, std::set<std::string>>> counted;  // [video] object: its frames
  std::vector<std::string> missing;
  for (const auto& video : videos) {
    std::set<std::string, NaturalLess> stems;
    auto& objects = counted.emplace_back();
    const auto there = comparison.truth->frames().find(video.name);
    const auto end = there == comparison.truth->frames().end() || there->second.empty()
                         ? -1
                         : number_from<std::int64_t>(there->second.back()).value_or(-1);
    for (const auto& object : video.objects) {
      const auto frames = frames_of(object, end, meta.string() + ", video " + video.name, missing);
      objects[object.id] = {frames.begin(), frames.end()};
      stems.insert(frames.begin(), frames.end());
    }
    std::vector<std::string> lacking;
    for (const auto& stem : stems)
      if (!comparison.truth->has(video.name, stem)) lacking.push_back(stem);
    if (!lacking.empty()) missing.push_back(video.name + ": " + frames_text(lacking, {stems.begin(), stems.end()}));
    comparison.sequences.push_back({video.name, {stems.begin(), stems.end()}});
  }
  if (!missing.empty())
    refuse_all(missing, "the truth lacks frames that its meta.json names", "complete the dataset",
               exit_code::frames_missing);
  open_guess(comparison, options, false, report, err);

  const auto frames = score_ids(comparison, options, err, stop);
  ScoredObjects scored;
  for (std::size_t s = 0; s < frames.size(); ++s) {
    auto& objects = scored.emplace_back();
    const auto& [name, stems] = comparison.sequences[s];
    for (const auto& [id, own] : counted[s]) {
      ScoredObject object(series_of(static_cast<ObjectId>(id), frames[s],
                                    [&, &stems = stems, &own = own](std::int64_t t) {
                                      return own.contains(stems[static_cast<std::size_t>(t)]);
                                    }),
                          options.compat_uint8);
      object.group = unseen.contains(name) ? "unseen" : "seen";
      object.extra["V"] = variability(object.series.j, object.series.f);
      objects.push_back(std::move(object));
    }
  }
  fill(report, options, comparison.sequences, scored, stop, [](std::span<const ScoredObject* const> objects) {
    auto numbers = plain_numbers(objects);
    add_groups(numbers, objects, "J&F");  // the benchmark's: seen and unseen weigh the same
    numbers["V"] = mean_over(objects, [](const auto& object) { return object.extra.at("V"); });
    return numbers;
  });
  return report;
}

}  // namespace vos::eval
