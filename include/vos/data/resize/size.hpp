#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vos {

struct PictureSize {
  std::int64_t height = 0, width = 0;
  bool operator==(const PictureSize&) const = default;
};

/// How a size with a given shorter edge is rounded. The frameworks differ by a pixel.
enum class EdgeRule : std::uint8_t {
  detectron,  ///< scale both in double, then the cap, then floor(x + 0.5): Mask2Former, VITA, GenVIS
  detr,       ///< the cap first, on the edge, rounded half to even; the longer side rounded down: DETR, DeVIS
};

/// The size of a picture whose shorter edge becomes `edge`, its longer one at most `longest` (0: no limit).
inline PictureSize with_shorter_edge(PictureSize size, std::int64_t edge, std::int64_t longest, EdgeRule rule) {
  const auto height = static_cast<double>(size.height), width = static_cast<double>(size.width);
  const double least = std::min(height, width), most = std::max(height, width), cap = static_cast<double>(longest);
  const auto pixels = [](double side) { return std::max<std::int64_t>(1, static_cast<std::int64_t>(side)); };
  if (rule == EdgeRule::detectron) {
    const double scale = static_cast<double>(edge) / least;
    double h = height < width ? static_cast<double>(edge) : scale * height;
    double w = height < width ? scale * width : static_cast<double>(edge);
    if (longest > 0 && std::max(h, w) > cap) {
      const double shrink = cap / std::max(h, w);
      h *= shrink, w *= shrink;
    }
    return {pixels(h + 0.5), pixels(w + 0.5)};
  }
  double shorter = static_cast<double>(edge);
  if (longest > 0 && most / least * shorter > cap) shorter = std::nearbyint(cap * least / most);
  if (shorter == least) return size;
  const auto longer = pixels(shorter * most / least);
  return height < width ? PictureSize{pixels(shorter), longer} : PictureSize{longer, pixels(shorter)};
}

}  // namespace vos
