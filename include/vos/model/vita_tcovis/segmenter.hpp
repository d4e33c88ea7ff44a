#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <vos/core/choice.hpp>
#include <vos/core/compute.hpp>
#include <vos/data/resize.hpp>
#include <vos/data/transform/normalise.hpp>
#include <vos/model/vita_tcovis/network.hpp>
#include <vos/model/vita_tcovis/options.hpp>
#include <vos/segment/any.hpp>
#include <vos/segment/benchmark.hpp>
#include <vos/segment/online.hpp>
#include <vos/segment/video_detector.hpp>
#include <vos/track/global_tracker.hpp>
#include <vos/track/slot_tracker.hpp>

namespace vos {

/// VITA-TCOVIS as a detector of a video's frames. Pictures are scaled as the official models scale them (`size`, `max_size`)
/// and normalised by ImageNet's means.
class VitaTcovisDetector {
 public:
  using Memory = VitaTcovisImpl::State;  ///< empty for ever where nothing propagates

  /// `network` is at `place` already: see prepare_for_inference.
  VitaTcovisDetector(std::shared_ptr<VitaTcovisImpl> network, const VitaTcovisOptions& options, Place place)
      : network_(std::move(network)), size_(options.size), max_size_(options.max_size), place_(place) {
    expect_within("size", static_cast<double>(size_), 0);
    expect_within("max_size", static_cast<double>(max_size_), 0);
  }

  DetectedFrame operator()(const Frame& frame, Memory& memory) {
    const at::NoGradGuard no_grad;
    DetectedFrame seen{.stride = network_->options.mask_stride, .frame = {frame.height(), frame.width()}};
    seen.seen = seen_size(seen.frame);
    const auto picture = resize_frames(frame.rgb.unsqueeze(0), seen.seen, ResizeKernel::pillow_linear);  // [1,h,w,3]
    const auto image =
        normalised(picture).to(place_.device, place_.dtype).contiguous(at::MemoryFormat::ChannelsLast);  // [1,3,h,w]
    seen.detections = network_->options.propagate ? network_->step(image, memory) : network_->detect(image);
    return seen;
  }

  void begin_anew(Memory& memory, std::span<const std::int64_t> slots) {
    const at::NoGradGuard no_grad;
    network_->reset_slots(memory, slots);
  }

 private:
  PictureSize seen_size(PictureSize frame) const {
    if (size_ > 0) return with_shorter_edge(frame, size_, max_size_, EdgeRule::detectron);
    const auto shorter = std::min(frame.height, frame.width), longer = std::max(frame.height, frame.width);
    return max_size_ > 0 && longer > max_size_ ? with_shorter_edge(frame, shorter, max_size_, EdgeRule::detectron)
                                               : frame;
  }

  std::shared_ptr<VitaTcovisImpl> network_;
  std::int64_t size_, max_size_;
  Place place_;
};

static_assert(VideoDetector<VitaTcovisDetector>);

/// How the tracker is set for average precision, which rewards a true object however late in the list and hardly punishes a
/// false one behind all true ones: nearly everything lives. After CTVIS; not tuned.
inline void prefer_recall(GlobalTrackerOptions& tracker) {
  tracker.book.life = {.birth = 0.05, .births = 1, .window = 3, .keep = 0.02, .back = 0.05, .patience = 30};
}

/// A network of VITA-TCOVIS, prepared for inference at `place`, as the segmenter that the options ask for: in streams or for
/// benchmarks, by its tracker or, where queries propagate, by its slots. For benchmarks the caller
/// calls prefer_recall on the tracker's options first, as the registry does. `name` and `settings` tell snapshots of
/// different segmenters apart.
inline AnySegmenter vita_tcovis_segmenter(std::shared_ptr<VitaTcovisImpl> network, const VitaTcovisOptions& options,
                                          Place place, std::string name = "vita-tcovis", std::string settings = {}) {
  VitaTcovisDetector detector(std::move(network), options, place);
  const bool stream = choice("mode", options.mode, {"stream", "benchmark"}) == 0;
  const auto made = [&](auto tracker) {
    using Track = decltype(tracker);
    if (stream)
      return AnySegmenter(OnlineSegmenter(std::move(detector), std::move(tracker), options.online), std::move(name),
                          std::move(settings));
    return AnySegmenter(
        BenchmarkSegmenter<VitaTcovisDetector, Track>(std::move(detector), std::move(tracker), options.benchmark),
        std::move(name), std::move(settings));
  };
  if (options.network.propagate) return made(SlotTracker(options.tracker.book));
  return made(GlobalTracker(options.tracker));
}

}  // namespace vos
