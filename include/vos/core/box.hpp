#pragma once

#include <algorithm>

namespace vos {

/// Half-open pixel rectangle: columns [x0,x1), rows [y0,y1). Empty when it covers no pixel.
struct Box {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  float width() const { return std::max(0.0F, x1 - x0); }
  float height() const { return std::max(0.0F, y1 - y0); }
  float area() const { return width() * height(); }
  bool empty() const { return area() <= 0; }
  bool operator==(const Box&) const = default;
};

/// Intersection over union, 0 when both are empty.
inline float iou(const Box& a, const Box& b) {
  const Box both{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
  const float all = a.area() + b.area() - both.area();
  return all > 0 ? both.area() / all : 0.0F;
}

}  // namespace vos
