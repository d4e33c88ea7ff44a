#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/model/flow/affine.hpp>
#include <vos/model/flow/colour.hpp>
#include <vos/model/flow/matching.hpp>
#include <vos/model/flow/motion.hpp>
#include <vos/model/flow/options.hpp>
#include <vos/model/flow/picture.hpp>
#include <vos/model/flow/track.hpp>

namespace vos::detail::flow {

/// Evidence is log odds throughout: positive for the object, 0 for no opinion.
struct Belief {
  Prior prior;
  cv::Mat evidence;  // CV_32F, all terms together
  cv::Mat looks;     // CV_32F, colour and matching alone: what does not come from where the object was

  cv::Rect box() const { return prior.box(); }
};

inline constexpr float out_of_reach = -30;

/// The colours of the last frames, carried to the present: shared by all objects.
class NearbyColours {
 public:
  NearbyColours(const std::vector<std::shared_ptr<const Picture>>& past, const Motion& motion, const cv::Size& size)
      : size_(size) {
    for (std::size_t age = 0; age < past.size() && !motion.where[age].empty(); ++age)
      cv::remap(past[age]->local, bins_[age], motion.where[age], cv::noArray(), cv::INTER_NEAREST, cv::BORDER_CONSTANT,
                cv::Scalar(ColourGrid::nowhere));
  }

  /// Log odds at each pixel of `box` for an object with `masks` in the last frames.
  cv::Mat evidence(const std::vector<Patch>& masks, const Motion& motion, const cv::Mat& local, const cv::Rect& box,
                   const cv::Rect& object) {
    std::size_t depth = 0;
    while (depth < masks.size() && !bins_[depth].empty()) ++depth;
    cv::Mat odds = cv::Mat::zeros(box.size(), CV_32F);
    if (depth == 0 || object.empty()) return odds;
    ColourGrid inside(object, size_);
    for (std::size_t age = 0; age < depth; ++age)
      inside.add(bins_[age], carried(masks[age], motion.where[age], object), object, memory_weight[age]);
    inside.blur();
    const ColourGrid& all = total(depth);
    constexpr float floor = 0.05F;
    for (int y = 0; y < box.height; ++y) {
      const auto* bin = local.ptr<std::uint16_t>(y + box.y) + box.x;
      auto* out = odds.ptr<float>(y);
      for (int x = 0; x < box.width; ++x) {
        const float in = inside.at(x + box.x, y + box.y, bin[x]), both = all.at(x + box.x, y + box.y, bin[x]);
        out[x] = std::clamp(std::log((in + floor) / (std::max(both - in, 0.0F) + floor)), -3.0F, 3.0F);
      }
    }
    return odds;
  }

 private:
  /// All colours of the last `depth` frames. Almost always one depth is asked for: objects that were just given have
  /// fewer masks than others for two frames.
  const ColourGrid& total(std::size_t depth) {
    auto& grid = totals_[depth - 1];
    if (!grid) {
      const cv::Rect everything({}, size_);
      grid.emplace(everything, size_);
      for (std::size_t age = 0; age < depth; ++age) grid->add(bins_[age], {}, everything, memory_weight[age]);
      grid->blur();
    }
    return *grid;
  }

  cv::Size size_;
  std::array<cv::Mat, memory_depth> bins_;
  std::array<std::optional<ColourGrid>, memory_depth> totals_;
};

/// Pairs of places now and a frame ago, at most about a thousand, where `chosen(y, x)` of the box.
template <class Chosen>
std::vector<Correspondence> correspondences(const cv::Mat& where, const cv::Rect& box, Chosen chosen) {
  std::vector<Correspondence> pairs;
  const int step = std::max(2, static_cast<int>(std::sqrt(static_cast<double>(box.area()) / 1000)));
  for (int y = 0; y < box.height; y += step)
    for (int x = 0; x < box.width; x += step)
      if (chosen(y, x)) {
        const cv::Point at = box.tl() + cv::Point(x, y);
        pairs.push_back({cv::Point2f(at), where.at<cv::Point2f>(at)});
      }
  return pairs;
}

/// Adds to `evidence`: pixels that move as the object does rather than as the background.
inline void add_motion(cv::Mat& evidence, const Prior& prior, const Motion& motion,
                       const std::optional<Affine>& background, float weight) {
  if (!background) return;
  const auto own = common_motion(
      correspondences(motion.where[0], prior.box(), [&](int y, int x) { return prior.distance.at<float>(y, x) > 1; }),
      1.5F);
  if (!own) return;
  for (int y = 0; y < evidence.rows; ++y) {
    const auto* before = motion.where[0].ptr<cv::Point2f>(y + prior.box().y) + prior.box().x;
    auto* out = evidence.ptr<float>(y);
    for (int x = 0; x < evidence.cols; ++x) {
      const cv::Point2f now(static_cast<float>(x + prior.box().x), static_cast<float>(y + prior.box().y));
      const cv::Point2f as_background = apply(*background, now) - before[x], as_object = apply(*own, now) - before[x];
      const float difference = std::sqrt(as_background.dot(as_background)) - std::sqrt(as_object.dot(as_object));
      out[x] += weight * std::clamp(difference, -2.0F, 2.0F);
    }
  }
}

/// Log odds by likeness to the given mask's frame and to the last one, over the prior's box.
inline cv::Mat matching_evidence(const Track& track, const Prior& prior, const Picture& now,
                                 const FlowOptions& options) {
  Examples examples = *track.given_cells;
  examples.append(*track.recent_cells);
  const auto cells = cells_near(prior.box(), 0, now.cells);
  const Pose pose(prior.mask);
  Examples queries;
  std::vector<cv::Point> asked;
  for (int y = 0; y < cells.height; ++y)
    for (int x = 0; x < cells.width; ++x) {
      const cv::Point cell = cells.tl() + cv::Point(x, y);
      const cv::Point middle(
          std::clamp(cell.x * Cells::side + Cells::side / 2 - prior.box().x, 0, prior.box().width - 1),
          std::clamp(cell.y * Cells::side + Cells::side / 2 - prior.box().y, 0, prior.box().height - 1));
      if (!track.lost() && std::abs(prior.distance.at<float>(middle)) > reach_of(track, options)) continue;
      queries.add(now.cells, cell, pose);
      asked.push_back({x, y});
    }
  const auto votes = voted(queries.descriptors, examples);
  cv::Mat odds = cv::Mat::zeros(cells.size(), CV_32F);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const float p = std::clamp(votes[i], 0.03F, 0.97F);
    odds.at<float>(asked[i]) = std::log(p / (1 - p));
  }
  cv::Mat smooth;
  cv::resize(odds, smooth, cells.size() * Cells::side, 0, 0, cv::INTER_LINEAR);
  return over(Patch{{cells.tl() * Cells::side, smooth.size()}, smooth}, prior.box());
}

/// All that speaks for and against the object around its prior.
inline Belief belief_of(const Track& track, const Prior& prior, const Picture& now, const Motion& motion,
                        NearbyColours& nearby, const Histogram& recent_among, const std::optional<Affine>& background,
                        const FlowOptions& options) {
  Belief belief{prior, {}, {}};
  const cv::Rect box = prior.box();
  const float fineness = fineness_of(track);
  belief.looks = cv::Mat::zeros(box.size(), CV_32F);
  if (options.global_colour > 0) {
    const auto given = log_odds(*track.given_colours, *track.given_among);
    const auto recent = log_odds(*track.recent_colours, recent_among);
    const auto weight = static_cast<float>(options.global_colour) / 2;
    for (int y = 0; y < box.height; ++y) {
      const auto* bin = now.global.ptr<std::uint16_t>(y + box.y) + box.x;
      auto* out = belief.looks.ptr<float>(y);
      for (int x = 0; x < box.width; ++x) out[x] += weight * (given[bin[x]] + recent[bin[x]]);
    }
  }
  if (options.matching > 0) belief.looks += options.matching * fineness * matching_evidence(track, prior, now, options);
  if (options.local_colour > 0 && !track.lost())
    belief.looks += options.local_colour * fineness *
                    nearby.evidence(track.masks, motion, now.local, box, box_above(prior.mask, 0.02F));

  belief.evidence = belief.looks.clone();
  const auto weight = static_cast<float>(options.shape), reach = reach_of(track, options);
  for (int y = 0; y < box.height; ++y) {
    const auto* distance = prior.distance.ptr<float>(y);
    const auto* error = motion.error.ptr<float>(y + box.y) + box.x;
    auto* out = belief.evidence.ptr<float>(y);
    for (int x = 0; x < box.width; ++x) {
      // A mask carried by flow that contradicts itself says less.
      const float trust = 0.5F + 0.5F * std::exp(-error[x] / flow_error_scale);
      out[x] += track.lost() ? -weight : weight * std::clamp(distance[x] / (5 * fineness), -3.0F, 3.0F) * trust;
      if (!track.lost() && distance[x] < -reach) out[x] = out_of_reach;
    }
  }
  if (options.motion > 0 && !track.lost())
    add_motion(belief.evidence, prior, motion, background, static_cast<float>(options.motion));
  return belief;
}

}  // namespace vos::detail::flow
