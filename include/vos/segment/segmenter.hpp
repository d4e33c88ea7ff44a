#pragma once

#include <concepts>
#include <cstdint>
#include <limits>

#include <vos/frame/frame.hpp>
#include <vos/segment/results.hpp>
#include <vos/segment/work.hpp>

namespace vos {

/// How far a model's results stay behind its frames.
struct Latency {
  static constexpr std::int64_t whole_video = std::numeric_limits<std::int64_t>::max();
  std::int64_t frames = 0;  ///< 0: online, one result a push. n: at most n frames late. whole_video: in finish()
  bool online() const { return frames == 0; }
  bool operator==(const Latency&) const = default;
};

/// The middle of the picture: frames in, tracked masks out. Every family offers one.
///
///   prompt(frame, labels)  labels int32 [H,W]: adds the objects named there, or corrects those already known; 0 means
///                          unchanged, and an id that is absent is kept. The frame is the next to be pushed, or the
///                          last that was.
///   remove(id)             forgets a known object
///   push(frame, work)      results that are ready, in frame order; an online model gives exactly one
///   finish(work)           the results still owed; afterwards only reset() or restore()
///   reset()                as newly made: the next frame begins another video
///   snapshot(), restore()  the whole state as a value, cheap to copy (tensors are shared and never written in place)
///
/// A model may rely on what AnySegmenter checks for all of them: frames rise and have one size between resets, ids are
/// positive, labels have the frame's size, prompts name the next or the last frame. It keeps memory and time per frame
/// flat, and gives bit-equal results for equal calls. One thread at a time.
///
/// Models: HoldSegmenter, FlowSegmenter, OnlineSegmenter, BenchmarkSegmenter. Consumer: AnySegmenter.
template <class S>
concept Segmenter =
    std::movable<S> && requires(S& segment, const S& present, const Frame& frame, const at::Tensor& labels, ObjectId id,
                                const Work& work, const typename S::State& state) {
      requires std::copyable<typename S::State>;
      { segment.prompt(frame, labels) } -> std::same_as<void>;
      { segment.remove(id) } -> std::same_as<void>;
      { segment.push(frame, work) } -> std::same_as<Results>;
      { segment.finish(work) } -> std::same_as<Results>;
      { segment.reset() } -> std::same_as<void>;
      { present.snapshot() } -> std::same_as<typename S::State>;
      { segment.restore(state) } -> std::same_as<void>;
      { present.latency() } -> std::same_as<Latency>;
    };

}  // namespace vos
