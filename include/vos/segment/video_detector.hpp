#pragma once

#include <concepts>
#include <cstdint>

#include <vos/data/resize/size.hpp>
#include <vos/frame/detector.hpp>
#include <vos/frame/frame.hpp>

namespace vos {

/// A frame's detections (N = 1), and what their masks lie on: the picture as the detector saw it.
///
/// Masks begin where the picture does, but may reach beyond its lower and right border, as its size need not be a multiple
/// of `stride`.
struct DetectedFrame {
  FrameDetections detections = {};
  PictureSize seen = {};    ///< what the detector looked at, without padding: the frame itself, or that at another size
  std::int64_t stride = 1;  ///< pixels of it that a pixel of a mask stands for
  PictureSize frame = {};   ///< the frame's own size

  /// Pixels of the frame that a pixel of a mask stands for.
  double rows_per_cell() const { return static_cast<double>(stride * frame.height) / static_cast<double>(seen.height); }
  double columns_per_cell() const {
    return static_cast<double>(stride * frame.width) / static_cast<double>(seen.width);
  }
};

/// Finds objects in a video's frames, one after the other.
///
///   detect(frame, memory)  `memory` is all that is carried from frame to frame: a value, whose copy is a snapshot (tensors
///                          are shared and never written in place), new at a video's beginning, bounded in time
///
/// One that sees each frame by itself has an empty memory. Models: VitaTcovisDetector. Consumers: OnlineSegmenter,
/// BenchmarkSegmenter.
template <class D>
concept VideoDetector =
    std::copyable<typename D::Memory> && requires(D& detect, const Frame& frame, typename D::Memory& memory) {
      { detect(frame, memory) } -> std::same_as<DetectedFrame>;
    };

}  // namespace vos
