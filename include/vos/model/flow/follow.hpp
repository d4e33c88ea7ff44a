#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <opencv2/core.hpp>

#include <vos/model/flow/advance.hpp>
#include <vos/model/flow/affine.hpp>
#include <vos/model/flow/contest.hpp>
#include <vos/model/flow/cut.hpp>
#include <vos/model/flow/evidence.hpp>
#include <vos/model/flow/labels.hpp>
#include <vos/model/flow/motion.hpp>
#include <vos/model/flow/options.hpp>
#include <vos/model/flow/picture.hpp>
#include <vos/model/flow/track.hpp>
#include <vos/segment/work.hpp>

namespace vos {

/// Everything a FlowSegmenter knows, as a value. Copies share what they point to, and nobody writes to it.
struct FlowState {
  std::vector<detail::flow::Track> tracks;                         // ids rising
  std::vector<std::shared_ptr<const detail::flow::Picture>> past;  // newest first, at most detail::flow::memory_depth
  detail::flow::Motion motion;                                     // of the newest
  std::shared_ptr<const detail::flow::Histogram> colours;          // of all pixels, a running mean
  std::int64_t last_index = -1;
  at::Tensor awaited;  // int32 [H,W]: what was prompted for the frame to come, undefined for nothing
};

namespace detail::flow {

/// Takes the objects drawn in `labels` as they are in the newest picture; they hide what else was there.
inline void draw(FlowState& state, const at::Tensor& labels, const FlowOptions& options) {
  const Picture& picture = *state.past.front();
  auto given = patches_of(labels, picture);
  for (const auto& [id, mask] : given)
    for (auto& track : state.tracks) {
      if (track.id == id) continue;
      const Patch rest = hidden_by(track.masks.front(), mask);
      // Hidden altogether: it will be looked for where it was.
      if (box_above(rest, 0.5F).empty()) track.frames_lost = std::max(track.frames_lost, 1);
      else track.masks.front() = rest;
    }
  for (auto& [id, mask] : given) {
    auto place = std::lower_bound(state.tracks.begin(), state.tracks.end(), id,
                                  [](const Track& track, ObjectId other) { return track.id < other; });
    if (place == state.tracks.end() || place->id != id) place = state.tracks.insert(place, Track{});
    *place = track_from(id, mask, picture, options);
  }
  if (!state.colours) state.colours = std::make_shared<const Histogram>(picture.colours);
}

/// Where each object is expected. One of which the flow leaves too little is lost, and will be searched for.
inline std::vector<Prior> expected(std::vector<Track>& tracks, const Motion& motion, const cv::Size& size,
                                   const FlowOptions& options) {
  std::vector<Prior> priors;
  for (auto& track : tracks) {
    Prior prior;
    if (!track.lost()) {
      prior = carried_prior(track, motion, options);
      const float area = prior.box().empty() ? 0.0F : static_cast<float>(cv::countNonZero(prior.mask.values > 0.5F));
      if (area < std::max(0.5F, static_cast<float>(options.lost_area) * track.usual_area())) track.frames_lost = 1;
    }
    priors.push_back(track.lost() ? search_prior(track, size, options) : std::move(prior));
  }
  return priors;
}

/// The motion of what is away from every object; nothing where too little is.
inline std::optional<Affine> background_motion(const std::vector<Track>& tracks, const std::vector<Prior>& priors,
                                               const Motion& motion, const cv::Size& size) {
  cv::Mat away(size, CV_8U, cv::Scalar(255));
  for (std::size_t i = 0; i < tracks.size(); ++i)
    if (!tracks[i].lost()) away(priors[i].box()).setTo(0, priors[i].distance > -6);
  const auto chosen = [&](int y, int x) { return away.at<uchar>(y, x) != 0; };
  return common_motion(correspondences(motion.where[0], cv::Rect({}, size), chosen), 1.0F);
}

/// Finds every known object in the picture that comes next, of which `state.motion` tells already.
inline void follow(FlowState& state, const Picture& now, const FlowOptions& options, const Work& work) {
  if (state.tracks.empty()) return;
  constexpr const char* where = "FlowSegmenter::push";
  const auto count = state.tracks.size();
  const auto step = [&](double from, double to, std::size_t object) {
    work.step(from + (to - from) * static_cast<double>(object) / static_cast<double>(count), where);
  };
  const auto priors = expected(state.tracks, state.motion, now.size(), options);
  const auto background = background_motion(state.tracks, priors, state.motion, now.size());

  NearbyColours nearby(state.past, state.motion, now.size());
  std::vector<Belief> beliefs(count);
  Claims claims(now.size());
  for (std::size_t i = 0; i < count; ++i) {
    step(0.5, 0.75, i);
    if (priors[i].box().empty()) continue;
    beliefs[i] = belief_of(state.tracks[i], priors[i], now, state.motion, nearby, *state.colours, background, options);
    claims.add(beliefs[i]);
  }

  Owners owners(now.size());
  for (std::size_t i = 0; i < count; ++i) {
    step(0.75, 1, i);
    const Belief& belief = beliefs[i];
    if (belief.box().empty()) continue;
    const cv::Mat lead = claims.lead(belief) / fineness_of(state.tracks[i]);
    const cv::Mat outline = Outline(lead, now.contrast, belief.box()).best();
    owners.add(static_cast<int>(i), tidied(outline, belief.prior, state.tracks[i].lost()), lead, belief.box());
  }

  auto colours = *state.colours;
  colours.blend(now.colours, 0.9F);
  state.colours = std::make_shared<const Histogram>(std::move(colours));
  for (std::size_t i = 0; i < count; ++i) {
    const cv::Mat own = owners.of(static_cast<int>(i), beliefs[i].box());
    advance(state.tracks[i], beliefs[i], own, now, state.motion, options);
  }
}

}  // namespace detail::flow
}  // namespace vos
