#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace vos {

/// Counts in bins with names.
struct Histogram {
  std::string title = {};
  std::vector<std::string> bins = {};
  std::vector<std::int64_t> counts = {};
};

/// Whole numbers counted between fixed bounds.
template <std::size_t Bounds>
class BoundedCounts {
 public:
  /// Bin i holds what is below `bounds[i]`; the last one the rest.
  explicit constexpr BoundedCounts(std::array<double, Bounds> bounds) : bounds_(bounds) {}
  void add(double value, std::int64_t times = 1) {
    counts_[static_cast<std::size_t>(std::upper_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin())] +=
        times;
  }
  void add(const BoundedCounts& others) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += others.counts_[i];
  }
  Histogram histogram(std::string title, std::vector<std::string> names) const {
    return {std::move(title), std::move(names), {counts_.begin(), counts_.end()}};
  }

 private:
  std::array<double, Bounds> bounds_;
  std::array<std::int64_t, Bounds + 1> counts_{};
};

/// What is counted over a dataset: sums, so that parts counted by several threads add up to the same whatever the order.
struct LintTally {
  std::int64_t videos = 0, frames = 0, images_read = 0, masks = 0, objects = 0, videos_without_objects = 0;
  BoundedCounts<7> lengths{{2, 11, 31, 61, 101, 201, 501}};
  BoundedCounts<7> objects_per_video{{1, 2, 3, 4, 6, 11, 21}};
  BoundedCounts<6> sizes{{0.001, 0.003, 0.01, 0.03, 0.1, 0.3}};  ///< of masks, as part of their picture
  std::map<std::int32_t, std::pair<std::int64_t, std::int64_t>> categories = {};  ///< objects, masks
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> pictures = {};    ///< width and height: how many

  void add(const LintTally& other) {
    videos += other.videos;
    frames += other.frames;
    images_read += other.images_read;
    masks += other.masks;
    objects += other.objects;
    videos_without_objects += other.videos_without_objects;
    lengths.add(other.lengths);
    objects_per_video.add(other.objects_per_video);
    sizes.add(other.sizes);
    for (const auto& [category, counts] : other.categories) {
      categories[category].first += counts.first;
      categories[category].second += counts.second;
    }
    for (const auto& [size, count] : other.pictures) pictures[size] += count;
  }
};

/// The histograms of a tally; `names` are the categories' by number.
inline std::vector<Histogram> histograms_of(const LintTally& tally, const std::vector<std::string>& names) {
  std::vector<Histogram> all;
  Histogram classes{.title = "objects by class"};
  std::vector<std::pair<std::int64_t, std::string>> ordered;
  for (const auto& [category, counts] : tally.categories)
    if (category >= 0 && static_cast<std::size_t>(category) < names.size())
      ordered.emplace_back(counts.first, names[static_cast<std::size_t>(category)]);
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [count, name] : ordered) classes.bins.push_back(std::move(name)), classes.counts.push_back(count);
  if (!classes.bins.empty()) all.push_back(std::move(classes));
  all.push_back(tally.sizes.histogram("masks by part of the picture", {"< 0.1 %", "0.1 - 0.3 %", "0.3 - 1 %", "1 - 3 %",
                                                                       "3 - 10 %", "10 - 30 %", "> 30 %"}));
  all.push_back(tally.lengths.histogram(
      "videos by frames", {"1", "2 - 10", "11 - 30", "31 - 60", "61 - 100", "101 - 200", "201 - 500", "> 500"}));
  all.push_back(tally.objects_per_video.histogram("videos by objects",
                                                  {"0", "1", "2", "3", "4 - 5", "6 - 10", "11 - 20", "> 20"}));
  Histogram pictures{.title = "frames by size"};
  std::vector<std::pair<std::int64_t, std::pair<std::int64_t, std::int64_t>>> sizes;
  for (const auto& [size, count] : tally.pictures) sizes.emplace_back(count, size);
  std::stable_sort(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  constexpr std::size_t most = 11;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i >= most) {
      if (i == most) pictures.bins.emplace_back("others"), pictures.counts.push_back(0);
      pictures.counts.back() += sizes[i].first;
      continue;
    }
    pictures.bins.push_back(std::to_string(sizes[i].second.first) + "x" + std::to_string(sizes[i].second.second));
    pictures.counts.push_back(sizes[i].first);
  }
  all.push_back(std::move(pictures));
  return all;
}

}  // namespace vos
