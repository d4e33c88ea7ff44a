#pragma once

#include <algorithm>

#include <opencv2/core.hpp>

namespace vos::detail::flow {

/// A float map over part of a picture, 0 outside: what an object costs depends on its own size, not on the picture's.
/// Its values are shared between copies and never written once it is part of a track.
struct Patch {
  cv::Rect box;
  cv::Mat values;  // CV_32F, of the box's size

  bool empty() const { return box.empty(); }
};

/// The box with a margin, inside the picture; an empty box stays empty.
inline cv::Rect grown(const cv::Rect& box, int margin, const cv::Size& picture) {
  if (box.empty()) return {};
  const cv::Rect wide{box.x - margin, box.y - margin, box.width + 2 * margin, box.height + 2 * margin};
  return wide & cv::Rect({}, picture);
}

/// The patch's values over another rectangle.
inline cv::Mat over(const Patch& patch, const cv::Rect& box) {
  if (patch.box == box) return patch.values;
  cv::Mat values = cv::Mat::zeros(box.size(), CV_32F);
  const cv::Rect shared = patch.box & box;
  if (!shared.empty()) patch.values(shared - patch.box.tl()).copyTo(values(shared - box.tl()));
  return values;
}

/// Tight rectangle around the values above `threshold`, in the picture's coordinates.
inline cv::Rect box_above(const Patch& patch, float threshold) {
  int x0 = patch.box.width, y0 = patch.box.height, x1 = 0, y1 = 0;
  for (int y = 0; y < patch.box.height; ++y) {
    const auto* row = patch.values.ptr<float>(y);
    for (int x = 0; x < patch.box.width; ++x)
      if (row[x] > threshold) {
        x0 = std::min(x0, x), x1 = std::max(x1, x + 1);
        y0 = std::min(y0, y), y1 = y + 1;
      }
  }
  return x1 > x0 ? cv::Rect{patch.box.x + x0, patch.box.y + y0, x1 - x0, y1 - y0} : cv::Rect{};
}

/// The patch without the empty rows and columns around it.
inline Patch trimmed(const Patch& patch, float threshold) {
  const cv::Rect box = box_above(patch, threshold);
  return box.empty() ? Patch{} : Patch{box, patch.values(box - patch.box.tl()).clone()};
}

/// Sum of the values.
inline float mass(const Patch& patch) { return patch.empty() ? 0.0F : static_cast<float>(cv::sum(patch.values)[0]); }

/// Centre of mass; the box's centre where there is no mass.
inline cv::Point2f centre(const Patch& patch) {
  double sum = 0, sum_x = 0, sum_y = 0;
  for (int y = 0; y < patch.box.height; ++y) {
    const auto* row = patch.values.ptr<float>(y);
    double row_sum = 0;
    for (int x = 0; x < patch.box.width; ++x) {
      row_sum += row[x];
      sum_x += static_cast<double>(row[x]) * x;
    }
    sum += row_sum;
    sum_y += row_sum * y;
  }
  const auto corner = cv::Point2f(patch.box.tl());
  if (sum <= 0) return corner + cv::Point2f(cv::Size2f(patch.box.size()) * 0.5F);
  return corner + cv::Point2f(static_cast<float>(sum_x / sum), static_cast<float>(sum_y / sum));
}

}  // namespace vos::detail::flow
