#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/parallel.hpp>
#include <vos/data/annotated.hpp>
#include <vos/data/mask_rle.hpp>
#include <vos/metric/run_track.hpp>

namespace vos {

/// The thresholds of the IoU, as NumPy's linspace gives them: the ninth lies just below .9, which decides ties.
inline std::array<double, 10> ap_thresholds() {
  std::array<double, 10> thresholds{};
  for (std::size_t i = 0; i < thresholds.size(); ++i)
    thresholds[i] = i == 9 ? 0.95 : 0.5 + static_cast<double>(i) * ((0.95 - 0.5) / 9);
  return thresholds;
}

/// Objects by their mean area: all, and below 128², up to 256² and beyond (not COCO's 32² and 96²), both ends included.
enum class ApArea : std::uint8_t { all, small, medium, large };
inline constexpr std::array<std::array<double, 2>, 4> ap_area_ranges{
    {{0, 1e10}, {0, 128.0 * 128}, {128.0 * 128, 256.0 * 256}, {256.0 * 256, 1e10}}};

/// AP and recall of one category at each threshold; -1 where no object counts.
struct ApCurve {
  std::array<double, 10> ap, recall;
  ApCurve() { ap.fill(-1), recall.fill(-1); }
  bool counts() const { return recall[0] >= 0; }
};

/// The twelve numbers of the benchmark, each -1 where no object counts.
struct ApSummary {
  double ap = -1, ap50 = -1, ap75 = -1, ap_small = -1, ap_medium = -1, ap_large = -1;
  double ar1 = -1, ar10 = -1, ar100 = -1, ar_small = -1, ar_medium = -1, ar_large = -1;
};

struct VideoApOptions {
  /// Masks of another size than their video add nothing, as the official code has it; else they are an Error.
  bool lenient = false;
  std::size_t threads = 1;
  std::string truth_name = "ground truth", results_name = "results";  ///< of the files, for an Error
  std::stop_token stop = {};
};

/// Average precision over videos by the rules of YouTube-VIS and OVIS. The constructor compares masks and matches; what is
/// left, a few bits for each detection, is summed up as often as one likes: the whole set, or resamples of its videos.
class VideoAp {
 public:
  VideoAp(const Annotations& truth, std::span<const AnnotatedTrack> results, const VideoApOptions& options = {}) {
    std::map<std::int64_t, std::size_t> category_at;  // ascending ids
    for (const auto& category : truth.categories) category_at.emplace(category.id, 0);
    for (auto& [id, at] : category_at) at = categories_.size(), categories_.push_back(id);
    cells_.resize(categories_.size());

    std::vector<std::size_t> rank(truth.videos.size()), order(truth.videos.size());  // videos in ascending ids
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return truth.videos[a].id < truth.videos[b].id; });
    for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = i;

    // Tracks of one video and one category; only within such a cell can anything match.
    struct Work {
      std::vector<std::size_t> objects = {}, found = {};
    };
    std::map<std::pair<std::size_t, std::size_t>, Work> work;
    const auto gather = [&](std::span<const AnnotatedTrack> tracks, auto member) {
      for (std::size_t i = 0; i < tracks.size(); ++i)  // a category that is not listed counts nowhere
        if (const auto at = category_at.find(tracks[i].category); at != category_at.end())
          (work[{at->second, rank[static_cast<std::size_t>(tracks[i].video)]}].*member).push_back(i);
    };
    gather(truth.tracks, &Work::objects);
    gather(results, &Work::found);

    std::vector<std::pair<Cell*, const Work*>> list;
    for (auto& [at, cell_work] : work) cells_[at.first].push_back({.video = order[at.second]});
    for (std::size_t c = 0, k = 0; auto& [at, cell_work] : work) {
      if (at.first != c) c = at.first, k = 0;
      list.emplace_back(&cells_[c][k++], &cell_work);
    }
    for_each_parallel(list.size(), options.threads, options.stop, [&](std::size_t i) {
      match(*list[i].first, truth, list[i].second->objects, results, list[i].second->found, options);
    });
    sort_detections();
  }

  /// Ids of the categories, ascending.
  const std::vector<std::int64_t>& categories() const { return categories_; }

  /// One category, by its place in `categories`. `weights`: how often each video counts; empty: once each.
  ApCurve curve(std::size_t category, ApArea area = ApArea::all, std::size_t max_found = 100,
                std::span<const std::int64_t> weights = {}) const {
    const auto a = static_cast<std::size_t>(area);
    const auto weight = [&](std::size_t video) { return weights.empty() ? 1 : weights[video]; };
    std::int64_t objects = 0;
    for (const auto& cell : cells_[category]) objects += weight(cell.video) * cell.objects[a];
    ApCurve curve;
    if (objects == 0) return curve;

    std::vector<double> recall, precision;
    for (std::size_t t = 0; t < 10; ++t) {
      recall.clear(), precision.clear();
      double right = 0, wrong = 0;
      for (const auto& [cell, index] : sorted_[category]) {
        const auto& found = cells_[category][cell].found[index];
        if (index >= max_found || (found.ignored[a] >> t & 1) != 0) continue;
        for (auto times = weight(cells_[category][cell].video); times > 0; --times) {
          ((found.matched[a] >> t & 1) != 0 ? right : wrong) += 1;
          recall.push_back(right / static_cast<double>(objects));
          precision.push_back(right / (wrong + right + std::numeric_limits<double>::epsilon()));
        }
      }
      for (std::size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
      double sum = 0;
      for (std::size_t r = 0, at = 0; r <= 100; ++r) {
        while (at < recall.size() && recall[at] < static_cast<double>(r) * 0.01) ++at;
        if (at == recall.size()) break;
        sum += precision[at];
      }
      curve.ap[t] = sum / 101;
      curve.recall[t] = recall.empty() ? 0 : recall.back();
    }
    return curve;
  }

  /// Means over the categories that count: those in `only`, or all.
  ApSummary summary(std::span<const std::int64_t> weights = {}, std::span<const std::size_t> only = {}) const {
    std::vector<std::size_t> chosen(only.begin(), only.end());
    if (only.empty()) {
      chosen.resize(categories_.size());
      std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    }
    const auto curves = [&](ApArea area, std::size_t max_found) {
      std::vector<ApCurve> all;
      for (const auto category : chosen)
        if (const auto one = curve(category, area, max_found, weights); one.counts()) all.push_back(one);
      return all;
    };
    const auto mean = [](const std::vector<ApCurve>& all, auto member, std::size_t first = 0, std::size_t last = 10) {
      double sum = 0;
      for (const auto& one : all)
        for (auto t = first; t < last; ++t) sum += (one.*member)[t];
      return all.empty() ? -1 : sum / static_cast<double>(all.size() * (last - first));
    };
    ApSummary s;
    const auto all = curves(ApArea::all, 100), small = curves(ApArea::small, 100), medium = curves(ApArea::medium, 100),
               large = curves(ApArea::large, 100);
    s.ap = mean(all, &ApCurve::ap);
    s.ap50 = mean(all, &ApCurve::ap, 0, 1);
    s.ap75 = mean(all, &ApCurve::ap, 5, 6);
    s.ap_small = mean(small, &ApCurve::ap);
    s.ap_medium = mean(medium, &ApCurve::ap);
    s.ap_large = mean(large, &ApCurve::ap);
    s.ar1 = mean(curves(ApArea::all, 1), &ApCurve::recall);
    s.ar10 = mean(curves(ApArea::all, 10), &ApCurve::recall);
    s.ar100 = mean(all, &ApCurve::recall);
    s.ar_small = mean(small, &ApCurve::recall);
    s.ar_medium = mean(medium, &ApCurve::recall);
    s.ar_large = mean(large, &ApCurve::recall);
    return s;
  }

 private:
  /// Of one detection, a bit for each threshold, for each range of areas.
  struct Found {
    double score = 0;
    std::array<std::uint16_t, 4> matched{}, ignored{};
  };
  struct Cell {
    std::size_t video = 0;
    std::array<std::int64_t, 4> objects{};  ///< that count, by area
    std::vector<Found> found = {};          ///< the hundred best, best first
  };
  struct Object {
    RunTrack masks = {};
    double area = 0;
    bool crowd = false;
  };

  static bool outside(double area, std::size_t range) {
    return area < ap_area_ranges[range][0] || area > ap_area_ranges[range][1];
  }

  static RunTrack decode(const AnnotatedTrack& track, const AnnotatedVideo& video, bool lenient,
                         const std::string& where) {
    RunTrack runs;
    for (std::size_t t = 0; t < track.masks.size(); ++t) {
      const auto& mask = track.masks[t];
      if (!mask.present()) {
        runs.add_absent();
        continue;
      }
      try {
        runs.add(lenient ? rle_at_own_size(mask, video.height, video.width, where)
                         : rle_from(mask, video.height, video.width, where));
      } catch (const Error& error) {
        auto parts = error.parts();  // which frame: said only where it is needed
        parts.where += ", video " + std::to_string(video.id) + ", frame " + std::to_string(t);
        throw Error(std::move(parts));
      }
    }
    return runs;
  }

  static Object object_of(const AnnotatedTrack& track, const AnnotatedVideo& video, const VideoApOptions& options) {
    Object object{
        decode(track, video, options.lenient, options.truth_name + ", annotation " + std::to_string(track.id)), 0,
        track.crowd};
    object.area = object.masks.mean_area();
    if (track.areas.empty()) return object;
    double sum = 0, count = 0;  // what the file says counts, even where its masks say otherwise
    for (const double area : track.areas)
      if (area != 0) sum += area, count += 1;
    object.area = count > 0 ? sum / count : 0;
    return object;
  }

  static void match(Cell& cell, const Annotations& truth, const std::vector<std::size_t>& objects_at,
                    std::span<const AnnotatedTrack> results, std::vector<std::size_t> found_at,
                    const VideoApOptions& options) {
    const auto& video = truth.videos[cell.video];
    std::stable_sort(found_at.begin(), found_at.end(),
                     [&](std::size_t a, std::size_t b) { return results[a].score > results[b].score; });
    if (found_at.size() > 100) found_at.resize(100);
    std::vector<Object> objects;
    for (const auto i : objects_at) objects.push_back(object_of(truth.tracks[i], video, options));

    const auto thresholds = ap_thresholds();
    std::vector<double> iou(found_at.size() * objects.size()), areas(found_at.size());
    for (std::size_t d = 0; d < found_at.size(); ++d) {
      const auto& track = results[found_at[d]];
      cell.found.push_back({.score = track.score});
      const auto masks =
          decode(track, video, options.lenient, options.results_name + ", record " + std::to_string(track.id));
      areas[d] = masks.mean_area();
      for (std::size_t g = 0; g < objects.size(); ++g) iou[d * objects.size() + g] = track_iou(masks, objects[g].masks);
    }

    for (std::size_t a = 0; a < ap_area_ranges.size(); ++a) {
      std::vector<std::uint8_t> ignored(objects.size());
      for (std::size_t g = 0; g < objects.size(); ++g) ignored[g] = objects[g].crowd || outside(objects[g].area, a);
      std::vector<std::size_t> order(objects.size());  // those that count first
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t x, std::size_t y) { return ignored[x] < ignored[y]; });
      cell.objects[a] = std::count(ignored.begin(), ignored.end(), 0);

      for (std::size_t t = 0; t < thresholds.size(); ++t) {
        const auto bit = static_cast<std::uint16_t>(1U << t);
        std::vector<std::uint8_t> taken(objects.size());
        for (std::size_t d = 0; d < found_at.size(); ++d) {
          constexpr auto none = static_cast<std::size_t>(-1);
          double best = std::min(thresholds[t], 1 - 1e-10);
          std::size_t partner = none;
          for (const auto g : order) {
            if (taken[g] != 0 && !objects[g].crowd) continue;
            if (partner != none && ignored[partner] == 0 && ignored[g] != 0) break;
            if (const double value = iou[d * objects.size() + g]; value >= best)
              best = value, partner = g;  // later wins
          }
          auto& found = cell.found[d];
          if (partner != none) {
            taken[partner] = 1;
            found.matched[a] |= bit;
            if (ignored[partner] != 0) found.ignored[a] |= bit;
          } else if (outside(areas[d], a)) {
            found.ignored[a] |= bit;
          }
        }
      }
    }
  }

  /// Best first; among equals the video with the smaller id, then the earlier record.
  void sort_detections() {
    sorted_.resize(cells_.size());
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      auto& all = sorted_[c];
      for (std::size_t k = 0; k < cells_[c].size(); ++k)
        for (std::size_t i = 0; i < cells_[c][k].found.size(); ++i) all.emplace_back(k, i);
      std::stable_sort(all.begin(), all.end(), [&](const auto& x, const auto& y) {
        return cells_[c][x.first].found[x.second].score > cells_[c][y.first].found[y.second].score;
      });
    }
  }

  std::vector<std::int64_t> categories_;
  std::vector<std::vector<Cell>> cells_;                                  // of each category, by ascending video ids
  std::vector<std::vector<std::pair<std::size_t, std::size_t>>> sorted_;  // of each category: cell, place in it
};

}  // namespace vos
