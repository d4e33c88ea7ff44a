#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/model/flow/evidence.hpp>
#include <vos/model/flow/track.hpp>

namespace vos::detail::flow {

/// A cut without its stray pieces: those that lie mostly where the object was not expected, and crumbs.
inline cv::Mat tidied(const cv::Mat& cut, const Prior& prior, bool lost) {
  cv::Mat piece, statistics, centres;
  const int count = cv::connectedComponentsWithStats(cut, piece, statistics, centres, 8, CV_32S);
  if (count <= 1) return cut;
  std::vector<int> expected(static_cast<std::size_t>(count));
  for (int y = 0; y < cut.rows; ++y) {
    const auto* label = piece.ptr<int>(y);
    const auto* value = prior.mask.values.ptr<float>(y);
    for (int x = 0; x < cut.cols; ++x) expected[static_cast<std::size_t>(label[x])] += value[x] > 0.5F;
  }
  const auto area = [&](int i) { return statistics.at<int>(i, cv::CC_STAT_AREA); };
  int largest = 0;
  for (int i = 1; i < count; ++i) largest = std::max(largest, area(i));
  cv::Mat kept = cut.clone();
  for (int y = 0; y < cut.rows; ++y) {
    const auto* label = piece.ptr<int>(y);
    auto* out = kept.ptr<uchar>(y);
    for (int x = 0; x < cut.cols; ++x) {
      const int i = label[x];
      const bool stray = !lost && 10 * expected[static_cast<std::size_t>(i)] < 3 * area(i);
      if (i > 0 && (stray || 100 * area(i) < largest)) out[x] = 0;
    }
  }
  return kept;
}

/// Mean of a map's values where `mask` is set, after `squash`.
template <class Squash>
float mean_within(const cv::Mat& values, const cv::Mat& mask, Squash squash) {
  double sum = 0;
  int count = 0;
  for (int y = 0; y < values.rows; ++y)
    for (int x = 0; x < values.cols; ++x)
      if (mask.at<uchar>(y, x) != 0) sum += static_cast<double>(squash(values.at<float>(y, x))), ++count;
  return count > 0 ? static_cast<float>(sum / count) : 0.0F;
}

/// Takes a frame's outline `own` (CV_8U over the belief's box) into the track, or finds the object lost.
inline void advance(Track& track, const Belief& belief, const cv::Mat& own, const Picture& now, const Motion& motion,
                    const FlowOptions& options) {
  // A lost object must look much like itself to be believed in again; one that is carried must only not look wholly
  // unlike itself, and the flow that carried it must lead back to where it came from (a cut to another scene does not).
  constexpr float found_likeness = 0.85F, least_likeness = 0.15F, least_steadiness = 0.1F;
  const auto logistic = [](float odds) { return 1 / (1 + std::exp(-odds)); };
  const auto closeness = [](float error) { return std::exp(-error / flow_error_scale); };
  const cv::Rect box = belief.box();
  const auto area = own.empty() ? 0.0F : static_cast<float>(cv::countNonZero(own));
  const float usual = track.usual_area();
  const float likeness = area > 0 ? mean_within(belief.looks, own, logistic) : 0.0F;
  const float steadiness = area > 0 ? mean_within(motion.error(box), own, closeness) : 0.0F;
  const float least_area = static_cast<float>(track.lost() ? options.found_area : options.lost_area) * usual;
  const bool seen =
      area >= std::max(least_area, 1.0F) &&
      (track.lost() ? likeness > found_likeness : likeness > least_likeness && steadiness > least_steadiness);
  if (!seen) {
    ++track.frames_lost;
    track.score = 0;
    return;
  }
  track.score = track.lost() ? likeness / 2 : (likeness + steadiness) / 2;

  cv::Mat soft;
  own.convertTo(soft, CV_32F, 0.8 / 255);
  if (!track.lost()) soft += 0.2 * belief.prior.mask.values;
  else soft *= 1.25;
  if (track.lost()) track.masks.clear();
  track.frames_lost = 0;
  track.masks.insert(track.masks.begin(), trimmed({box, soft}, 0.02F));
  if (track.masks.size() > memory_depth) track.masks.pop_back();
  if (area < static_cast<float>(options.found_area) * usual) return;  // too little of it to learn from

  track.areas.push_back(area);
  if (track.areas.size() > areas_kept) track.areas.erase(track.areas.begin());
  const Patch& mask = track.masks.front();
  auto colours = *track.recent_colours;
  colours.blend(Histogram(now.global, mask), 0.9F);
  track.recent_colours = std::make_shared<const Histogram>(std::move(colours));
  if (options.matching <= 0) return;
  Examples examples;
  const auto near = cells_near(mask.box, recent_margin, now.cells);
  const cv::Mat share = cell_means(mask, near), sure = cell_means({box, cv::abs(belief.evidence)}, near);
  const Pose pose(mask);
  const int stride = sampling_stride(near);
  for (int y = 0; y < near.height; y += stride)
    for (int x = 0; x < near.width; x += stride)
      // The handicap and the doubt about unsure cells stop it from confirming its own mistakes.
      if (sure.at<float>(y, x) > 1.5F)
        examples.add(now.cells, near.tl() + cv::Point(x, y), pose, share.at<float>(y, x), 0.3F);
  track.recent_cells = std::make_shared<const Examples>(std::move(examples));
}

}  // namespace vos::detail::flow
