#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include <vos/model/flow/patch.hpp>

namespace vos::detail::flow {

/// How many frames back masks and colours are carried from.
inline constexpr int memory_depth = 3;
/// What a frame 1, 2, 3 back weighs.
inline constexpr std::array<float, memory_depth> memory_weight{1.0F, 0.5F, 0.25F};

/// The forward-backward error, in pixels, at which flow is believed by 1/e.
inline constexpr float flow_error_scale = 1.5F;

/// For every pixel of `to`: where it was in `from`, as an offset. CV_32FC2.
inline cv::Mat dense_flow(const cv::Mat& to, const cv::Mat& from) {
  // The search needs a few patches in each direction, so tiny pictures are given a margin.
  constexpr int least = 64;
  const int right = std::max(0, least - to.cols), below = std::max(0, least - to.rows);
  cv::Mat wide_to = to, wide_from = from, field;
  if (right > 0 || below > 0) {
    cv::copyMakeBorder(to, wide_to, 0, below, 0, right, cv::BORDER_REPLICATE);
    cv::copyMakeBorder(from, wide_from, 0, below, 0, right, cv::BORDER_REPLICATE);
  }
  // Made anew each time: it keeps buffers, and nothing may depend on what ran before.
  cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_MEDIUM)->calc(wide_to, wide_from, field);
  return field(cv::Rect({}, to.size())).clone();
}

/// The absolute positions that offsets point to, as cv::remap wants them.
inline cv::Mat positions(const cv::Mat& field) {
  cv::Mat map(field.size(), CV_32FC2);
  for (int y = 0; y < field.rows; ++y) {
    const auto* from = field.ptr<cv::Point2f>(y);
    auto* to = map.ptr<cv::Point2f>(y);
    for (int x = 0; x < field.cols; ++x) to[x] = from[x] + cv::Point2f(static_cast<float>(x), static_cast<float>(y));
  }
  return map;
}

/// Offsets of two steps in one: first `near`, then `far` from where that leads.
inline cv::Mat chained(const cv::Mat& near, const cv::Mat& near_positions, const cv::Mat& far) {
  cv::Mat there;
  cv::remap(far, there, near_positions, cv::noArray(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return there + near;
}

/// Motion between a frame and the ones before it, shared by all objects.
struct Motion {
  std::array<cv::Mat, memory_depth> back;   // offsets to the frame 1, 2, 3 before; empty where there is none
  std::array<cv::Mat, memory_depth> where;  // the same as positions
  cv::Mat forward;                          // offsets of the frame before to this one
  cv::Mat error;                            // CV_32F: how far a pixel misses itself after going back and forth

  bool known() const { return !forward.empty(); }
};

/// `earlier` is the motion of the frame before; its own chain grows by one step.
inline Motion motion_between(const cv::Mat& grey, const cv::Mat& grey_before, const Motion& earlier) {
  Motion motion;
  motion.back[0] = dense_flow(grey, grey_before);
  motion.where[0] = positions(motion.back[0]);
  motion.forward = dense_flow(grey_before, grey);
  const cv::Mat loop = chained(motion.back[0], motion.where[0], motion.forward);
  motion.error.create(loop.size(), CV_32F);
  for (int y = 0; y < loop.rows; ++y) {
    const auto* miss = loop.ptr<cv::Point2f>(y);
    auto* error = motion.error.ptr<float>(y);
    for (int x = 0; x < loop.cols; ++x) error[x] = std::sqrt(miss[x].dot(miss[x]));
  }
  for (std::size_t age = 1; age < memory_depth && !earlier.back[age - 1].empty(); ++age) {
    motion.back[age] = chained(motion.back[0], motion.where[0], earlier.back[age - 1]);
    motion.where[age] = positions(motion.back[age]);
  }
  return motion;
}

/// Where a mask of the frame before lies now: its pixels' box after their motion, without the odd stray one.
inline cv::Rect moved_box(const Patch& mask, const cv::Mat& forward) {
  const cv::Rect box = box_above(mask, 0.5F);
  if (box.empty()) return box;
  // The middle 96 % of the motion in each direction: a single wrong vector must not widen the search.
  std::vector<float> dx, dy;
  const int step = std::max(1, static_cast<int>(std::sqrt(static_cast<double>(box.area()) / 1000)));
  for (int y = box.y; y < box.y + box.height; y += step) {
    const auto* row = mask.values.ptr<float>(y - mask.box.y) - mask.box.x;
    const auto* offset = forward.ptr<cv::Point2f>(y);
    for (int x = box.x; x < box.x + box.width; x += step)
      if (row[x] > 0.5F) dx.push_back(offset[x].x), dy.push_back(offset[x].y);
  }
  if (dx.empty()) return box;
  const auto range = [](std::vector<float>& values) {
    std::sort(values.begin(), values.end());
    const auto skip = values.size() / 50;
    return std::pair{values[skip], values[values.size() - 1 - skip]};
  };
  const auto [left, right] = range(dx);
  const auto [up, down] = range(dy);
  const cv::Point low(cvFloor(static_cast<float>(box.x) + left), cvFloor(static_cast<float>(box.y) + up));
  const cv::Point high(cvCeil(static_cast<float>(box.br().x) + right), cvCeil(static_cast<float>(box.br().y) + down));
  return cv::Rect(low, high) & cv::Rect({}, forward.size());
}

/// A patch of an earlier frame as it lies now over `box`; `where` holds positions in that frame.
inline cv::Mat carried(const Patch& patch, const cv::Mat& where, const cv::Rect& box) {
  cv::Mat local = where(box).clone(), values;
  if (patch.empty()) return cv::Mat::zeros(box.size(), CV_32F);
  local -= cv::Scalar(patch.box.x, patch.box.y);
  cv::remap(patch.values, values, local, cv::noArray(), cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  return values;
}

}  // namespace vos::detail::flow
