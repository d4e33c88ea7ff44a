#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/fwd.hpp>
#include <vos/model/flow/colour.hpp>
#include <vos/model/flow/matching.hpp>
#include <vos/model/flow/motion.hpp>
#include <vos/model/flow/patch.hpp>
#include <vos/model/flow/picture.hpp>

namespace vos::detail::flow {

/// One object: what was given, and what has been seen since. A value; what it points to is shared and never written.
struct Track {
  ObjectId id = 0;
  std::shared_ptr<const Histogram> given_colours, recent_colours;  // recent: a running mean
  std::shared_ptr<const Histogram> given_among;                    // all colours of the frame it was given in
  std::shared_ptr<const Examples> given_cells, recent_cells;       // recent: of the last frame, where it was sure
  std::vector<Patch> masks;  // soft masks of the last frames, newest first, at most memory_depth
  std::vector<float> areas;  // of the last frames in which it was seen
  int frames_lost = 0;
  float score = 0;

  bool lost() const { return frames_lost > 0; }
  /// Median of its recent areas.
  float usual_area() const {
    auto sorted = areas;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return sorted.empty() ? 0.0F : *middle;
  }
};

/// 1 for an object that is large beside cells and bins, less for a small one: it then stands on its carried mask rather
/// than on cells that hold more background than object, and its outline costs less, which would else outweigh its inside.
inline float fineness_of(const Track& track) { return std::clamp(std::sqrt(track.usual_area()) / 40, 0.1F, 1.0F); }

/// How far from its carried mask an object is looked for; small ones have little to change.
inline float reach_of(const Track& track, const FlowOptions& options) {
  return static_cast<float>(options.reach) * std::max(fineness_of(track), 0.3F);
}

inline constexpr std::size_t areas_kept = 30;
inline constexpr int given_margin = 60, recent_margin = 30;  // pixels around an object from which examples are taken

/// The cells within `margin` of a box.
inline cv::Rect cells_near(const cv::Rect& box, int margin, const Cells& cells) {
  const cv::Rect wide = grown(box, margin, cells.grid * Cells::side);
  const cv::Point first = wide.tl() / Cells::side, last = (wide.br() - cv::Point(1, 1)) / Cells::side;
  return cv::Rect(first, last + cv::Point(1, 1)) & cv::Rect({}, cells.grid);
}

/// How far apart examples are taken, so that an object of the whole picture does not cost more than there is to learn.
inline int sampling_stride(const cv::Rect& cells) {
  constexpr double enough = 2000;
  return std::max(1, cvCeil(std::sqrt(cells.area() / enough)));
}

/// An object's mask in a frame where somebody drew it. What else is known of it (its areas) is begun anew.
inline Track track_from(ObjectId id, const Patch& mask, const Picture& picture, const FlowOptions& options) {
  Track track;
  track.id = id;
  track.masks = {mask};
  track.areas = {mass(mask)};
  track.score = 1;
  track.given_colours = track.recent_colours = std::make_shared<const Histogram>(picture.global, mask);
  track.given_among = std::make_shared<const Histogram>(picture.colours);
  if (options.matching > 0) {
    Examples examples;
    const auto near = cells_near(mask.box, given_margin, picture.cells);
    const cv::Mat share = cell_means(mask, near);
    const Pose pose(mask);
    const int stride = sampling_stride(near);
    for (int y = 0; y < near.height; y += stride)
      for (int x = 0; x < near.width; x += stride)
        examples.add(picture.cells, near.tl() + cv::Point(x, y), pose, share.at<float>(y, x), 0);
    track.given_cells = std::make_shared<const Examples>(std::move(examples));
    track.recent_cells = std::make_shared<const Examples>();
  }
  return track;
}

/// Where an object is expected before its picture is looked at.
struct Prior {
  Patch mask;        // soft, over the part of the picture where the object may be
  cv::Mat distance;  // CV_32F signed distance to its outline, positive inside

  cv::Rect box() const { return mask.box; }
};

inline cv::Mat signed_distance(const cv::Mat& soft) {
  const cv::Mat inside = soft > 0.5F;
  const int count = cv::countNonZero(inside);
  if (count == 0 || count == soft.rows * soft.cols)
    return cv::Mat(soft.size(), CV_32F, cv::Scalar(count > 0 ? 1e4 : -1e4));
  cv::Mat to_outside, to_inside;
  cv::distanceTransform(inside, to_outside, cv::DIST_L2, cv::DIST_MASK_5);
  cv::distanceTransform(~inside, to_inside, cv::DIST_L2, cv::DIST_MASK_5);
  return to_outside - to_inside;
}

/// The masks of the last frames, carried here by the flow and averaged.
inline Prior carried_prior(const Track& track, const Motion& motion, const FlowOptions& options) {
  const int reach = cvCeil(reach_of(track, options));
  Prior prior;
  prior.mask.box = grown(moved_box(track.masks.front(), motion.forward), reach, motion.forward.size());
  if (prior.box().empty()) return prior;
  float total = 0;
  prior.mask.values = cv::Mat::zeros(prior.box().size(), CV_32F);
  for (std::size_t age = 0; age < track.masks.size() && !motion.where[age].empty(); ++age) {
    prior.mask.values += memory_weight[age] * carried(track.masks[age], motion.where[age], prior.box());
    total += memory_weight[age];
  }
  prior.mask.values /= total;
  prior.distance = signed_distance(prior.mask.values);
  return prior;
}

/// Where to look for a lost object: around the place it was last seen, wider from frame to frame.
inline Prior search_prior(const Track& track, const cv::Size& picture, const FlowOptions& options) {
  constexpr int wider = 4, at_most = 20;
  const int reach = cvCeil(reach_of(track, options)) + wider * std::min(track.frames_lost, at_most);
  Prior prior;
  prior.mask.box = grown(box_above(track.masks.front(), 0.5F), reach, picture);
  if (prior.box().empty()) return prior;
  prior.mask.values = over(track.masks.front(), prior.box());
  prior.distance = signed_distance(prior.mask.values);
  return prior;
}

}  // namespace vos::detail::flow
