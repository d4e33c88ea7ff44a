#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/frame/frame.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/model/flow/patch.hpp>
#include <vos/model/flow/picture.hpp>
#include <vos/model/flow/track.hpp>

namespace vos::detail::flow {

/// An id a pixel without copying. OpenCV has no read-only matrix; callers only read.
inline cv::Mat matrix_of(const at::Tensor& labels) {
  return {static_cast<int>(labels.size(0)), static_cast<int>(labels.size(1)), CV_32S,
          const_cast<std::int32_t*>(labels.const_data_ptr<std::int32_t>())};
}

/// The working pixel that each of `full` pixels falls into.
inline std::vector<int> bins_of(int full, int working) {
  std::vector<int> bins(static_cast<std::size_t>(full));
  for (int i = 0; i < full; ++i)
    bins[static_cast<std::size_t>(i)] =
        static_cast<int>((2 * static_cast<std::int64_t>(i) + 1) * working / (2 * static_cast<std::int64_t>(full)));
  return bins;
}

/// Every object of a full-size label map as a soft mask of the working size: the share of each working pixel it covers.
/// An object too small for half a pixel keeps its best one whole.
inline std::map<ObjectId, Patch> patches_of(const at::Tensor& labels, const Picture& picture) {
  const auto contiguous = labels.contiguous();
  const cv::Mat map = matrix_of(contiguous);
  const auto columns = bins_of(map.cols, picture.size().width), rows = bins_of(map.rows, picture.size().height);
  std::vector<float> across(static_cast<std::size_t>(picture.size().width)),
      down(static_cast<std::size_t>(picture.size().height));
  for (const int column : columns) across[static_cast<std::size_t>(column)] += 1;
  for (const int row : rows) down[static_cast<std::size_t>(row)] += 1;

  std::map<ObjectId, Patch> patches;
  for (const auto& [id, extent] : label_extents(contiguous)) {
    const cv::Rect box(cv::Point2f(extent.box.x0, extent.box.y0), cv::Point2f(extent.box.x1, extent.box.y1));
    const cv::Point first(columns[static_cast<std::size_t>(box.x)], rows[static_cast<std::size_t>(box.y)]);
    const cv::Point last(columns[static_cast<std::size_t>(box.br().x - 1)],
                         rows[static_cast<std::size_t>(box.br().y - 1)]);
    Patch patch{{first, last + cv::Point(1, 1)}, {}};
    patch.values = cv::Mat::zeros(patch.box.size(), CV_32F);
    for (int y = box.y; y < box.br().y; ++y) {
      const auto* from = map.ptr<std::int32_t>(y);
      const int row = rows[static_cast<std::size_t>(y)];
      auto* to = patch.values.ptr<float>(row - first.y);
      for (int x = box.x; x < box.br().x; ++x)
        if (from[x] == id) {
          const int column = columns[static_cast<std::size_t>(x)];
          to[column - first.x] += 1 / (across[static_cast<std::size_t>(column)] * down[static_cast<std::size_t>(row)]);
        }
    }
    cv::Point most;
    double value = 0;
    cv::minMaxLoc(patch.values, nullptr, &value, nullptr, &most);
    if (value <= 0.5) patch.values.at<float>(most) = 1;
    patches.emplace(id, std::move(patch));
  }
  return patches;
}

/// What remains of a mask where another now is.
inline Patch hidden_by(const Patch& mask, const Patch& other) {
  if ((mask.box & other.box).empty()) return mask;
  Patch rest{mask.box, mask.values - over(other, mask.box)};
  rest.values = cv::max(rest.values, 0.0);
  return rest;
}

/// The full-size label map of the tracks' newest masks: each pixel to the object that covers it most, if by half.
inline at::Tensor labels_of(const std::vector<Track>& tracks, const Picture& picture) {
  at::Tensor labels = at::zeros({picture.full.height, picture.full.width}, at::kInt);
  cv::Mat map = matrix_of(labels);
  cv::Mat best(picture.full, CV_32F, cv::Scalar(0.5));
  const double sx = static_cast<double>(picture.size().width) / picture.full.width;
  const double sy = static_cast<double>(picture.size().height) / picture.full.height;
  for (const auto& track : tracks) {
    if (track.lost()) continue;
    // A pixel more on each side, where the outline may lie after enlarging.
    const Patch& mask = track.masks.front();
    const cv::Rect small = grown(box_above(mask, 0.5F), 1, picture.size());
    if (small.empty()) continue;
    const cv::Point low(cvFloor(small.x / sx), cvFloor(small.y / sy)),
        high(cvCeil(small.br().x / sx), cvCeil(small.br().y / sy));
    const cv::Rect box = cv::Rect(low, high) & cv::Rect({}, picture.full);
    const cv::Matx23d to_small(sx, 0, (box.x + 0.5) * sx - 0.5 - small.x, 0, sy, (box.y + 0.5) * sy - 0.5 - small.y);
    cv::Mat cover;
    cv::warpAffine(over(mask, small), cover, to_small, box.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                   cv::BORDER_REPLICATE);
    for (int y = 0; y < box.height; ++y) {
      const auto* value = cover.ptr<float>(y);
      auto* most = best.ptr<float>(y + box.y) + box.x;
      auto* label = map.ptr<std::int32_t>(y + box.y) + box.x;
      for (int x = 0; x < box.width; ++x)
        if (value[x] > most[x]) most[x] = value[x], label[x] = track.id;
    }
  }
  return labels;
}

}  // namespace vos::detail::flow
