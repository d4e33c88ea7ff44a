#include "identity.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/parallel.hpp>
#include <vos/io/mots_labels.hpp>
#include <vos/metric/identity/ignored.hpp>
#include <vos/metric/identity/scores.hpp>

#include "comparison.hpp"
#include "identity_facts.hpp"
#include "report.hpp"
#include "scores.hpp"
#include "tracks.hpp"

namespace vos::eval {
namespace {

using Json = nlohmann::json;

/// Whole tracks are paired in a table of objects by tracks: this many of each are 128 MB.
constexpr std::size_t most_ids = 4096;

void expect_few(std::size_t ids, const std::string& where) {
  if (ids <= most_ids) return;
  throw Error({.what = "there are " + std::to_string(ids) + " ids, identity compares up to " + std::to_string(most_ids),
               .where = where,
               .mend = "is it a label map? It may be a picture, or have an id for each blob",
               .exit_code = exit_code::too_many_ids});
}

/// Scores that add up, with J&F as a mean over objects.
struct Scores {
  IdentityScores identity = {};
  double quality = 0;
  std::int64_t objects = 0;

  Scores& operator+=(const Scores& other) {
    identity += other.identity, quality += other.quality, objects += other.objects;
    return *this;
  }
};

struct ScoredVideo {
  std::string name;
  std::vector<std::string> stems = {};
  std::map<std::int64_t, Scores> categories = {};
  std::vector<IdentitySwitch> switches = {};

  Scores total() const {
    Scores sum;
    for (const auto& [category, scores] : categories) sum += scores;
    return sum;
  }
};

ScoredVideo score_video(std::string name, std::vector<std::string> stems, const std::vector<FrameFacts>& frames,
                        bool given_ids) {
  ScoredVideo video{std::move(name), std::move(stems)};
  std::set<std::int64_t> categories, object_ids, track_ids;
  for (const auto& frame : frames) {
    for (const auto& object : frame.objects) object_ids.insert(object.id);
    for (const auto& track : frame.tracks) track_ids.insert(track.id);
    categories.insert(frame.object_categories.begin(), frame.object_categories.end());
    categories.insert(frame.track_categories.begin(), frame.track_categories.end());
  }
  expect_few(std::max(object_ids.size(), track_ids.size()), video.name);
  for (const auto category : categories) {
    IdentitySequence sequence;
    Quality quality;
    for (const auto& frame : frames) {
      const auto members = [&](const std::vector<Seen>& all, const std::vector<std::int64_t>& of) {
        std::pair<std::vector<Seen>, std::vector<std::size_t>> chosen;
        for (std::size_t i = 0; i < all.size(); ++i)
          if (of[i] == category) chosen.first.push_back(all[i]), chosen.second.push_back(i);
        return chosen;
      };
      const auto [objects, rows] = members(frame.objects, frame.object_categories);
      const auto [tracks, columns] = members(frame.tracks, frame.track_categories);
      std::vector<std::int64_t> ignored;
      for (const auto column : columns) ignored.push_back(frame.ignored[column]);
      add_without_ignored(
          sequence, objects, tracks,
          [&, &rows = rows, &columns = columns](std::size_t i, std::size_t j) {
            return frame.shared(rows[i], columns[j]);
          },
          ignored);
      quality.add(frame, category);
    }
    auto [scores, switches] = identity_scores(sequence);
    auto& entry = video.categories[category];
    entry.identity = scores;
    for (const double value : given_ids ? quality.by_id() : quality.by_assignment())
      entry.quality += value, ++entry.objects;
    video.switches.insert(video.switches.end(), switches.begin(), switches.end());
  }
  std::stable_sort(video.switches.begin(), video.switches.end(),
                   [](const auto& a, const auto& b) { return a.frame < b.frame; });
  return video;
}

Numbers numbers_of(const Scores& scores, const Options& options) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const auto& [clear, identity, hota, tracks, given, recovered, ghosts, severity] = scores.identity;
  const auto count = [](std::int64_t value) { return static_cast<double>(value); };
  Numbers numbers{
      {"IDSW/1k", clear.switches_per_1k()},
      {"IDSW", count(clear.switches)},
      {"IDSW_weighted", severity},
      {"AssA", hota.assa()},
      {"IDF1", identity.idf1()},
      {"J&F", scores.objects > 0 ? scores.quality / count(scores.objects) : unknown},
      {"sMOTSA", clear.smotsa()},
      {"HOTA", hota.hota()},
      {"recovery", recovered.rate(unknown)},
      {"ghosts/1k", 1000 * ghosts.rate(0)},
      {"DetA", hota.deta()},
      {"DetRe", hota.detre()},
      {"DetPr", hota.detpr()},
      {"AssRe", hota.assre()},
      {"AssPr", hota.asspr()},
      {"LocA", hota.loca()},
      {"HOTA(0)", hota.hota_0()},
      {"OWTA", hota.owta()},
      {"IDP", identity.idp()},
      {"IDR", identity.idr()},
      {"IDTP", count(identity.right)},
      {"IDFP", count(identity.wrong)},
      {"IDFN", count(identity.missed)},
      {"MOTA", clear.mota()},
      {"MOTSP", clear.motsp()},
      {"MODSA", clear.modsa()},
      {"MOTAL", clear.motal()},
      {"TP", count(clear.right)},
      {"FP", count(clear.wrong)},
      {"FN", count(clear.missed)},
      {"Frag", count(clear.fragments)},
      {"MT", count(clear.mostly_tracked)},
      {"PT", count(clear.partly_tracked)},
      {"ML", count(clear.mostly_lost)},
      {"ATA", tracks.ata()},
      {"masks", count(clear.masks())},
  };
  if (options.task == "vos") {
    numbers["IDSW_vos"] = count(given.switches);
    numbers["IDSW_vos/1k"] = clear.masks() > 0 ? 1000 * count(given.switches) / count(clear.masks()) : 0;
    numbers["IDC"] = given.confused.rate(0);
  }
  return numbers;
}

/// Counts are whole numbers in the report.
Json to_json(const Numbers& numbers) {
  static const std::set<std::string> counts{"IDSW", "IDTP", "IDFP", "IDFN", "TP",    "FP",      "FN",
                                            "Frag", "MT",   "PT",   "ML",   "masks", "IDSW_vos"};
  Json json = Json::object();
  for (const auto& [name, value] : numbers) {
    if (counts.contains(name)) json[name] = static_cast<std::int64_t>(value);
    else json[name] = value;
  }
  return json;
}

/// Label maps of both sides. In MOTS files ids tell classes, and a frame that one side does not list is empty.
std::vector<ScoredVideo> videos_of_labels(const Options& options, Json& report, std::ostream& err,
                                          std::stop_token stop) {
  Comparison comparison{open_labels(options.gt), nullptr};
  comparison.guess = open_labels(options.pred, comparison.truth.get());
  const bool mots = options.mots || dynamic_cast<const MotsLabels*>(comparison.truth.get()) != nullptr;
  comparison.sequences = scored_sequences(*comparison.truth, names_in(*comparison.truth), false);
  if (mots) report["settings"]["ids"] = "class * 1000 + instance, 10000 ignored";
  if (dynamic_cast<const MotsLabels*>(comparison.truth.get()) != nullptr) {
    for (auto& [name, stems] : comparison.sequences) {
      const auto guess = comparison.guess->frames().find(name);
      if (guess == comparison.guess->frames().end()) continue;
      std::set<std::string, NaturalLess> all(stems.begin(), stems.end());
      all.insert(guess->second.begin(), guess->second.end());
      stems.assign(all.begin(), all.end());
    }
  }
  expect_complete(comparison, options, false, report, err);
  const auto frames = score_frames(comparison, options, err, stop,
                                   [&](const LabelImage& truth, const LabelImage& guess, std::size_t sequence) {
                                     const LabelPair pair(view_of(truth), view_of(guess));
                                     expect_few(std::max(pair.truth().size(), pair.guess().size()),
                                                "a frame of " + comparison.sequences[sequence].name);
                                     const auto disk = Disk::of(boundary_tolerance(pair.height(), pair.width()));
                                     const auto shown = [&](const std::vector<ObjectRuns>& objects) {
                                       std::vector<Shown> all;
                                       for (const auto& object : objects)
                                         if (!mots || object.id != mots_ignored)
                                           all.push_back({{object.id, object.area},
                                                          mots ? mots_class_of(object.id) : 0,
                                                          contour_of(object, pair.height(), pair.width(), disk)});
                                       return all;
                                     };
                                     const auto objects = shown(pair.truth()), tracks = shown(pair.guess());
                                     const auto shared = [&](std::int64_t object, std::int64_t track) {
                                       return pair.both(static_cast<ObjectId>(object), static_cast<ObjectId>(track));
                                     };
                                     auto facts = facts_of(objects, tracks, [&](std::size_t i, std::size_t j) {
                                       return shared(objects[i].seen.id, tracks[j].seen.id);
                                     });
                                     if (mots)
                                       for (std::size_t j = 0; j < tracks.size(); ++j)
                                         facts.ignored[j] = shared(mots_ignored, tracks[j].seen.id);
                                     return facts;
                                   });
  std::vector<ScoredVideo> videos;
  for (std::size_t s = 0; s < frames.size(); ++s)
    videos.push_back(
        score_video(comparison.sequences[s].name, comparison.sequences[s].stems, frames[s], options.task == "vos"));
  return videos;
}

ObjectRuns runs_of(const Rle& rle, std::int64_t id) {
  ObjectRuns runs{.id = static_cast<ObjectId>(id)};
  const auto mask = mask_from_rle(rle);
  for (std::int64_t y = 0; y < rle.height; ++y) {
    const auto* row = mask.data() + y * rle.width;
    for (auto begin = std::find(row, row + rle.width, 1); begin != row + rle.width;) {
      const auto end = std::find(begin, row + rle.width, 0);
      runs.add(static_cast<std::int32_t>(y), static_cast<std::int32_t>(begin - row),
               static_cast<std::int32_t>(end - row));
      begin = std::find(end, row + rle.width, 1);
    }
  }
  return runs;
}

/// An annotation file and results: masks may overlap, and categories are told apart.
std::vector<ScoredVideo> videos_of_tracks(const Options& options, Json& report, std::ostream& err,
                                          std::stop_token stop) {
  const auto truth = load_truth(options.gt);
  const auto results = load_results(options.pred, truth.videos);
  std::vector<std::vector<const AnnotatedTrack*>> objects(truth.videos.size()), tracks(truth.videos.size());
  for (const auto& track : truth.tracks) objects[static_cast<std::size_t>(track.video)].push_back(&track);
  std::size_t weak = 0;
  for (const auto& track : results.tracks) {
    if (track.score >= options.min_score) tracks[static_cast<std::size_t>(track.video)].push_back(&track);
    else ++weak;
  }
  if (weak > 0)
    warn(report,
         "--min-score leaves out " + std::to_string(weak) + " of " + std::to_string(results.tracks.size()) + " results",
         err);

  std::vector<ScoredVideo> videos(truth.videos.size());
  tool::Progress progress(err, options.progress, "measuring", static_cast<std::int64_t>(videos.size()));
  std::mutex mutex;
  for_each_parallel(videos.size(), options.thread_count(), stop, [&](std::size_t v) {
    const auto& video = truth.videos[v];
    expect_few(std::max(objects[v].size(), tracks[v].size()), video.name);
    const auto disk = Disk::of(boundary_tolerance(video.height, video.width));
    std::vector<FrameFacts> frames;
    std::vector<std::string> stems;
    for (std::size_t t = 0; t < static_cast<std::size_t>(video.length); ++t) {
      stems.push_back(t < video.files.size() ? std::filesystem::path{video.files[t]}.stem().string()
                                             : std::to_string(t));
      const auto shown = [&](const std::vector<const AnnotatedTrack*>& all, const std::filesystem::path& file) {
        std::pair<std::vector<Shown>, std::vector<Rle>> masks;
        for (const auto* track : all) {
          if (!track->mask_at(t).present()) continue;
          auto rle = rle_from(track->mask_at(t), video.height, video.width,
                              file.string() + ", object " + std::to_string(track->id) + ", frame " + stems.back());
          const auto runs = runs_of(rle, track->id);
          if (runs.area == 0) continue;
          masks.first.push_back(
              {{track->id, runs.area}, track->category, contour_of(runs, video.height, video.width, disk)});
          masks.second.push_back(std::move(rle));
        }
        return masks;
      };
      const auto [seen_objects, object_masks] = shown(objects[v], options.gt);
      const auto [seen_tracks, track_masks] = shown(tracks[v], options.pred);
      frames.push_back(
          facts_of(seen_objects, seen_tracks,
                   [&, &object_masks = object_masks, &track_masks = track_masks](std::size_t i, std::size_t j) {
                     return area(intersection(object_masks[i], track_masks[j]));
                   }));
    }
    videos[v] = score_video(video.name, std::move(stems), frames, options.task == "vos");
    const std::scoped_lock lock(mutex);
    progress.step();
  });
  if (stop.stop_requested()) throw Cancelled("vos-eval identity");
  return videos;
}

}  // namespace

Json evaluate_identity(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  report["settings"]["task"] = options.task == "vos" ? "vos: ids are given" : "vis: ids are free";
  const bool json = lower_case(options.gt.extension().string()) == ".json";
  const auto refuse = [](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = "vos-eval identity", .mend = mend, .exit_code = exit_code::usage});
  };
  if (json && options.task == "vos")
    refuse("--task vos goes by ids, which results of an annotation file do not have", "compare label maps");
  if (!json && options.min_score > -std::numeric_limits<double>::infinity())
    refuse("--min-score goes by scores, which label maps do not have", "leave it out");
  const auto videos =
      json ? videos_of_tracks(options, report, err, stop) : videos_of_labels(options, report, err, stop);

  Scores total;
  std::map<std::int64_t, Scores> categories;
  report["sequences"] = Json::array();
  report["switches"] = Json::array();
  for (const auto& video : videos) {
    total += video.total();
    for (const auto& [category, scores] : video.categories) categories[category] += scores;
    auto entry = to_json(numbers_of(video.total(), options));
    entry["name"] = video.name;
    entry["frames"] = video.stems;
    report["sequences"].push_back(std::move(entry));
    for (const auto& each : video.switches)
      report["switches"].push_back({{"sequence", video.name},
                                    {"frame", video.stems[each.frame]},
                                    {"object", each.object},
                                    {"from", each.from},
                                    {"to", each.to},
                                    {"kind", name_of(each.kind)}});
  }
  report["global"] = to_json(numbers_of(total, options));
  report["settings"]["sequences"] = videos.size();
  report["settings"]["objects"] = total.objects;
  report["settings"]["averaging"] =
      "micro: counts are summed over sequences, association is weighted by true positives; J&F is a mean over objects";
  if (categories.size() > 1) {
    report["categories"] = Json::array();
    Numbers mean;
    for (const auto& [category, scores] : categories) {
      const auto numbers = numbers_of(scores, options);
      auto entry = to_json(numbers);
      entry["id"] = category;
      report["categories"].push_back(std::move(entry));
      for (const char* name : {"HOTA", "DetA", "AssA", "IDF1", "MOTA", "sMOTSA"})
        mean[name] += numbers.at(name) / static_cast<double>(categories.size());
    }
    report["category_mean"] = mean;
  }
  if (options.bootstrap) {
    std::vector<Scores> each;
    for (const auto& video : videos) each.push_back(video.total());
    report["bootstrap"] = bootstrap(options, each.size(), stop, [&](std::span<const std::size_t> picks) {
      Scores drawn;
      for (const auto pick : picks) drawn += each[pick];
      const auto all = numbers_of(drawn, options);
      Numbers headline;
      for (const char* name : {"IDSW/1k", "AssA", "IDF1", "J&F", "sMOTSA", "HOTA", "recovery", "ghosts/1k"})
        headline[name] = all.at(name);
      if (options.task == "vos") headline["IDC"] = all.at("IDC"), headline["IDSW_vos/1k"] = all.at("IDSW_vos/1k");
      return headline;
    });
  }
  return report;
}

}  // namespace vos::eval
