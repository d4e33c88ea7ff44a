#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <vos/metric/boundary.hpp>
#include <vos/metric/label_view.hpp>
#include <vos/metric/region.hpp>

namespace vos {

/// How ids of two label maps are read before they are compared.
struct LabelRules {
  enum class Void : std::uint8_t { background, hidden };
  ObjectId void_id = 0;            ///< in the truth; 0: none
  Void void_means = Void::hidden;  ///< hidden: such pixels count in neither map
  bool merge = false;              ///< any id is object 1
};

/// An object of one label map: its area, its box, and its runs from left to right, row by row.
struct ObjectRuns {
  struct Run {
    std::int32_t y, begin, end;
  };
  ObjectId id = 0;
  std::int64_t area = 0;
  std::int32_t top = 0, bottom = 0, left = 0, right = 0;  ///< half-open; empty where there are no runs
  std::vector<Run> runs = {};

  void add(std::int32_t y, std::int32_t begin, std::int32_t end) {
    if (runs.empty()) top = y, left = begin, right = end;
    bottom = y + 1;
    left = std::min(left, begin);
    right = std::max(right, end);
    area += end - begin;
    runs.push_back({y, begin, end});
  }
};

/// The boundary of an object in a picture of this size, drawn in a window around the object.
inline Contour contour_of(const ObjectRuns& object, std::int64_t height, std::int64_t width, const Disk& disk) {
  if (object.runs.empty()) return {};
  const auto margin = disk.reach() + 1;
  const auto y0 = std::max<std::int64_t>(object.top - margin, 0), y1 = std::min(object.bottom + margin, height);
  const auto x0 = std::max<std::int64_t>(object.left - margin, 0) / 64 * 64;  // windows meet word by word
  const auto x1 = std::min(object.right + margin, width);
  BitPlane mask(y1 - y0, x1 - x0);
  for (const auto& run : object.runs) mask.set(run.y - y0, run.begin - x0, run.end - x0);
  return {mask, disk, y0, x0};
}

/// Two label maps of one frame, taken apart in one pass: the objects of each, and how many pixels any two of them share.
/// Memory grows with the number of runs, whatever the ids.
class LabelPair {
 public:
  LabelPair(LabelView truth, LabelView guess, const LabelRules& rules = {})
      : height_(truth.height), width_(truth.width) {
    assert(truth.height == guess.height && truth.width == guess.width);
    Shelf truths(truth_), guesses(guess_);
    for (std::int64_t y = 0; y < height_; ++y) {
      const auto* t = truth.ids.data() + y * width_;
      const auto* g = guess.ids.data() + y * width_;
      for (std::int64_t x = 0; x < width_;) {
        const auto begin = x;
        x = run_end(t, g, x, width_);
        auto true_id = t[begin], id = g[begin];
        if (true_id != 0 && true_id == rules.void_id) {
          true_id = 0;
          if (rules.void_means == LabelRules::Void::hidden) continue;
        }
        if (rules.merge) true_id = true_id != 0, id = id != 0;
        if (true_id == 0 && id == 0) continue;
        const auto row = static_cast<std::int32_t>(y);
        const auto from = static_cast<std::int32_t>(begin), to = static_cast<std::int32_t>(x);
        if (true_id != 0) truths[true_id].add(row, from, to);
        if (id != 0) guesses[id].add(row, from, to);
        if (true_id != 0 && id != 0) both_[key(true_id, id)] += to - from;
      }
    }
    const auto by_id = [](const ObjectRuns& a, const ObjectRuns& b) { return a.id < b.id; };
    std::sort(truth_.begin(), truth_.end(), by_id);
    std::sort(guess_.begin(), guess_.end(), by_id);
  }

  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }

  /// The objects that have pixels, in rising ids.
  const std::vector<ObjectRuns>& truth() const { return truth_; }
  const std::vector<ObjectRuns>& guess() const { return guess_; }

  /// An object of a map, empty where it has no pixel.
  static const ObjectRuns& find(const std::vector<ObjectRuns>& objects, ObjectId id) {
    static const ObjectRuns nothing;
    const auto at = std::lower_bound(objects.begin(), objects.end(), id,
                                     [](const ObjectRuns& object, ObjectId value) { return object.id < value; });
    return at != objects.end() && at->id == id ? *at : nothing;
  }

  /// Pixels that are `truth` in one map and `guess` in the other.
  std::int64_t both(ObjectId truth, ObjectId guess) const {
    const auto at = both_.find(key(truth, guess));
    return at != both_.end() ? at->second : 0;
  }

  /// Pixels that they share and that they cover together.
  Overlap overlap(const ObjectRuns& truth, const ObjectRuns& guess) const {
    const auto shared = both(truth.id, guess.id);
    return {shared, truth.area + guess.area - shared};
  }

 private:
  /// Objects by id; neighbouring runs mostly ask for the same one.
  class Shelf {
   public:
    explicit Shelf(std::vector<ObjectRuns>& objects) : objects_(objects) {}
    ObjectRuns& operator[](ObjectId id) {
      if (!objects_.empty() && objects_[last_].id == id) return objects_[last_];
      const auto [at, added] = index_.try_emplace(id, objects_.size());
      if (added) objects_.push_back({.id = id});
      return objects_[last_ = at->second];
    }

   private:
    std::vector<ObjectRuns>& objects_;
    std::unordered_map<ObjectId, std::size_t> index_;
    std::size_t last_ = 0;
  };

  static std::uint64_t key(ObjectId truth, ObjectId guess) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(truth)) << 32 | static_cast<std::uint32_t>(guess);
  }

  /// The first column behind x where either map changes.
  static std::int64_t run_end(const ObjectId* t, const ObjectId* g, std::int64_t x, std::int64_t width) {
    constexpr std::int64_t stride = 32;  // compared without a branch: the compiler makes vectors of it
    const auto true_id = t[x], id = g[x];
    for (; x + stride <= width; x += stride) {
      ObjectId changes = 0;
      for (std::int64_t i = 0; i < stride; ++i) changes |= (t[x + i] ^ true_id) | (g[x + i] ^ id);
      if (changes != 0) break;
    }
    while (x < width && t[x] == true_id && g[x] == id) ++x;
    return x;
  }

  std::int64_t height_, width_;
  std::vector<ObjectRuns> truth_, guess_;
  std::unordered_map<std::uint64_t, std::int64_t> both_;
};

}  // namespace vos
