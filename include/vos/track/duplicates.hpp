#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/embedding_products.hpp>

namespace vos {

struct DuplicateOptions {
  double overlap = 0.8;
  std::int64_t frames = 3;
  double at_birth = 0.6;
  double cosine = 0.6;

  void visit(auto&& field) {
    field("overlap", overlap, "two objects with a larger IoU than this are one");
    field("frames", frames, "if so for this many frames on end: then the younger is dropped");
    field("at_birth", at_birth, "nothing is born where a living object overlaps by this IoU");
    field("cosine", cosine, "and if their looks, where both have one, have at least this cosine");
  }
};

/// Two tracks on one object: a detector that says everything twice.
class Duplicates {
 public:
  struct Living {
    ObjectId id = 0;
    std::int64_t born = 0;  ///< the higher the younger
    bool pinned = false;    ///< the user's: never dropped
    const CoarseMask* mask = nullptr;
    std::span<const float> look = {};
  };

  /// Looks at the next frame's visible tracks. Gives those to drop.
  std::vector<ObjectId> step(std::span<const Living> living, const DuplicateOptions& options) {
    std::map<std::pair<ObjectId, ObjectId>, std::int64_t> now;
    std::vector<ObjectId> drop;
    for (std::size_t i = 0; i < living.size(); ++i)
      for (std::size_t j = i + 1; j < living.size(); ++j) {
        const auto &a = living[i], &b = living[j];
        if (!overlap(*a.mask, *b.mask, options.overlap) || !alike(a.look, b.look, options.cosine)) continue;
        const auto pair = std::minmax(a.id, b.id);
        const auto before = seen_.find(pair);
        const auto count = before == seen_.end() ? 1 : before->second + 1;
        now[pair] = count;
        if (count < options.frames) continue;
        const auto& younger = b.pinned || (!a.pinned && a.born > b.born) ? a : b;
        if (!younger.pinned) drop.push_back(younger.id);
      }
    seen_ = std::move(now);
    return drop;
  }

 private:
  /// One object that passes in front of another covers it too, but looks otherwise.
  static bool alike(std::span<const float> a, std::span<const float> b, double least) {
    return a.empty() || a.size() != b.size() || cosine(a, b) >= least;
  }

  static bool overlap(const CoarseMask& a, const CoarseMask& b, double threshold) {
    const auto [smaller, larger] = std::minmax(a.area, b.area);
    // The IoU is at most the ratio of the areas: most pairs need no look at their cells.
    return static_cast<double>(smaller) > threshold * static_cast<double>(larger) && iou(a, b) > threshold;
  }

  std::map<std::pair<ObjectId, ObjectId>, std::int64_t> seen_;  // frames on end; only pairs that overlap now
};

}  // namespace vos
