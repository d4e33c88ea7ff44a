#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>

#include <vos/core/choice.hpp>
#include <vos/core/full_precision.hpp>
#include <vos/error.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/segment/benchmark_options.hpp>
#include <vos/segment/segmenter.hpp>
#include <vos/segment/video_detector.hpp>
#include <vos/track/tracker.hpp>

namespace vos {

/// The same detector and tracker as benchmarks want them: everything that might be an object, ranked, when the video is over.
///
/// Where queries propagate (a SlotFollower), as GenVIS does it: each query is an identity, and its probability of
/// a class the largest of all frames. Else the tracker's tracks are the identities, with the mean over the frames in which
/// they were found, as in MinVIS and CTVIS. The best `top` pairs of identity and class are the results, so that an identity
/// may appear under two classes. Their score is multiplied by the mask's quality: the mean probability of its pixels above
/// one half, at the detector's size.
///
/// Masks may overlap; `labels` has the better one in front. It takes no prompts. Memory grows with the video: a mask at the
/// detector's stride for each identity and frame, and in the end H*W bytes for each result and frame. A little of
/// each push's time grows too: a snapshot lists the frames so far.
template <VideoDetector Detector, Tracker Track>
class BenchmarkSegmenter {
  static constexpr bool by_slot = SlotFollower<Track>;

  /// One frame's masks, by identity.
  struct Seen {
    std::int64_t index = 0;
    double seconds = 0;
    DetectedFrame where = {};                   // without its detections
    std::vector<std::int64_t> identities = {};  // rising
    at::Tensor masks = {};                      // [identities,h,w] logits
  };

  /// What is known of an identity's class.
  struct Votes {
    std::vector<double> classes = {};  // by_slot: the largest, else the sum
    std::int64_t frames = 0;
  };

  struct Moment {
    typename Detector::Memory memory = {};
    Track tracker;
    std::vector<std::shared_ptr<const Seen>> frames = {};
    std::map<std::int64_t, Votes> votes = {};
  };

 public:
  using State = std::shared_ptr<const Moment>;

  explicit BenchmarkSegmenter(Detector detect, Track tracker = Track{}, BenchmarkOptions options = {})
      : detect_(std::move(detect)),
        options_(options),
        beginning_(std::make_shared<const Moment>(Moment{.tracker = std::move(tracker)})),
        state_(beginning_) {
    expect_within("top", static_cast<double>(options_.top), 1);
  }

  void prompt(const Frame&, const at::Tensor&) { refuse("prompt()"); }
  void remove(ObjectId) { refuse("remove()"); }

  Results push(const Frame& frame, const Work& work = {}) {
    constexpr const char* where = "BenchmarkSegmenter::push";
    work.step(0, where);
    Moment next = *state_;
    auto seen_frame = detect_(frame, next.memory);
    const auto found = std::exchange(seen_frame.detections, {});
    auto seen = std::make_shared<Seen>(Seen{.index = frame.index, .seconds = frame.seconds, .where = seen_frame});
    std::vector<std::int64_t> queries;
    if constexpr (by_slot)
      for (std::int64_t slot = 0; slot < found.logits.size(1); ++slot)
        seen->identities.push_back(slot), queries.push_back(slot);
    else
      for (const auto& track : next.tracker.step(found))
        if (track.query >= 0) seen->identities.push_back(track.id), queries.push_back(track.query);
    const auto rows = at::from_blob(queries.data(), {std::ssize(queries)}, at::kLong).to(found.logits.device());
    seen->masks = found.masks[0].index_select(0, rows).cpu();
    vote(next.votes, seen->identities, found.logits[0].index_select(0, rows));
    next.frames.push_back(std::move(seen));
    work.step(1, where);
    state_ = std::make_shared<const Moment>(std::move(next));
    return {};
  }

  Results finish(const Work& work = {}) {
    const auto chosen = best_pairs();
    std::map<std::int64_t, std::int64_t> place;  // of an identity among those that are drawn
    for (const auto& pair : chosen) place.emplace(pair.identity, std::ssize(place));
    std::vector<double> sure(place.size()), inside(place.size());
    std::vector<FrameResult> results;
    const auto count = static_cast<double>(state_->frames.size());
    for (const auto& seen : state_->frames) {
      work.step(static_cast<double>(results.size()) / count, "BenchmarkSegmenter::finish");
      const auto masks = drawn(*seen, place, sure, inside);
      results.push_back(result_of(*seen, chosen, place, masks));
    }
    for (auto& result : results)
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        const auto row = static_cast<std::size_t>(place.at(chosen[i].identity));
        auto& object = result.objects[i];
        if (object.state == ObjectState::visible)
          object.score = static_cast<float>(chosen[i].score * sure[row] / (inside[row] + 1e-6));
      }
    return Results(std::move(results));
  }

  void reset() { state_ = beginning_; }
  State snapshot() const { return state_; }
  void restore(const State& state) { state_ = state; }
  Latency latency() const { return {.frames = Latency::whole_video}; }

 private:
  struct Pair {
    double score;
    std::int64_t identity;
    std::int32_t category;
  };

  [[noreturn]] static void refuse(const std::string& call) {
    throw Error({.what = "the benchmark's rules know no prompts: the model finds objects by itself",
                 .where = call + " in mode=benchmark",
                 .mend = "leave the masks out, or use mode=stream"});
  }

  /// `logits` [identities,K+1].
  static void vote(std::map<std::int64_t, Votes>& votes, const std::vector<std::int64_t>& identities,
                   const at::Tensor& logits) {
    const auto classes = logits.size(1) - 1;
    const auto shares = full_precision(logits).softmax(1).to(at::kCPU, at::kFloat).contiguous();
    const auto* share = shares.template const_data_ptr<float>();
    for (const auto identity : identities) {
      auto& entry = votes[identity];
      entry.classes.resize(static_cast<std::size_t>(classes));
      ++entry.frames;
      for (auto& vote : entry.classes) {
        if constexpr (by_slot) vote = std::max(vote, static_cast<double>(*share));
        else vote += static_cast<double>(*share);
        ++share;
      }
      ++share;  // ∅
    }
  }

  /// The best pairs, the best one first.
  std::vector<Pair> best_pairs() const {
    std::vector<Pair> pairs;
    for (const auto& [identity, votes] : state_->votes)
      for (std::size_t c = 0; c < votes.classes.size(); ++c)
        pairs.push_back({by_slot ? votes.classes[c] : votes.classes[c] / static_cast<double>(votes.frames), identity,
                         static_cast<std::int32_t>(c)});
    const auto kept = std::min(pairs.size(), static_cast<std::size_t>(options_.top));
    std::partial_sort(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(kept), pairs.end(),
                      [](const Pair& a, const Pair& b) {
                        return std::tie(b.score, a.identity, a.category) < std::tie(a.score, b.identity, b.category);
                      });
    pairs.resize(kept);
    return pairs;
  }

  /// Masks bool [places,H,W] of those identities that are in this frame, and empty ones of the others. Two resizings, to the
  /// detector's picture and from there to the frame, since quality is measured on the former: one alone would be another mask.
  static at::Tensor drawn(const Seen& seen, const std::map<std::int64_t, std::int64_t>& place,
                          std::vector<double>& sure, std::vector<double>& inside) {
    const auto [height, width] = seen.where.frame;
    auto masks = at::zeros({std::ssize(place), height, width}, at::kBool);
    for (const auto& [identity, row] : place) {
      const auto found = std::lower_bound(seen.identities.begin(), seen.identities.end(), identity);
      if (found == seen.identities.end() || *found != identity) continue;
      const auto logits = seen.masks[found - seen.identities.begin()].to(at::kFloat).unsqueeze(0).unsqueeze(0);
      const auto scale = static_cast<double>(seen.where.stride);
      const auto large = at::upsample_bilinear2d(logits, {seen.where.seen.height, seen.where.seen.width}, false, scale,
                                                 scale);  // [1,1,h,w]
      const auto shares = large.sigmoid();
      const auto above = shares.gt(0.5);
      const auto i = static_cast<std::size_t>(row);
      sure[i] += shares.mul(above).sum(at::kDouble).template item<double>();
      inside[i] += above.sum().template item<double>();
      masks[row].copy_(at::upsample_bilinear2d(large, {height, width}, false).squeeze(0).squeeze(0).gt(0));
    }
    return masks;
  }

  static FrameResult result_of(const Seen& seen, const std::vector<Pair>& chosen,
                               const std::map<std::int64_t, std::int64_t>& place, const at::Tensor& masks) {
    const auto [height, width] = seen.where.frame;
    FrameResult result{.index = seen.index, .seconds = seen.seconds, .labels = at::zeros({height, width}, at::kInt)};
    if (chosen.empty()) return result;
    result.masks = at::empty({std::ssize(chosen), height, width}, at::kBool);
    for (auto i = std::ssize(chosen) - 1; i >= 0; --i) {  // the best is painted last
      const auto& pair = chosen[static_cast<std::size_t>(i)];
      const auto mask = masks[place.at(pair.identity)];
      result.masks[i].copy_(mask);
      result.labels.masked_fill_(mask, i + 1);
    }
    for (std::size_t i = 0; i < chosen.size(); ++i)
      result.objects.push_back({.id = static_cast<ObjectId>(i + 1), .category = chosen[i].category});
    measure_objects(result);
    return result;
  }

  Detector detect_;
  BenchmarkOptions options_;
  State beginning_, state_;
};

}  // namespace vos
