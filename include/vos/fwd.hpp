#pragma once

/// Names without definitions: the cheap include (0.1 s where <ATen/ATen.h> costs 6).

#include <cstdint>

namespace at {
class Tensor;
}  // namespace at

namespace vos {

/// An object's id: positive, chosen by the caller (propagation) or by the tracker (detection), never reused.
using ObjectId = std::int32_t;

struct Box;
struct Compute;
class Error;
struct Frame;
struct FrameDetections;
struct FrameResult;
struct Match;
struct Sample;
struct SampleKey;
struct SegmenterSpec;
struct VideoPrediction;
class AnySegmenter;
class FrameSource;
class Results;
class Snapshot;

}  // namespace vos

/// The few functions behind <vos/vos.hpp> that pull in whole models or OpenCV are declared with VOS_INLINE. They are
/// inline, defined by <vos/models.hpp>, for who uses headers only; and ordinary functions of the compiled `vos-torch` for
/// who links it (VOS_TORCH_LIBRARY), so that such a program never parses a model. No other means keeps both uses.
#ifdef VOS_TORCH_LIBRARY
#define VOS_INLINE
#else
#define VOS_INLINE inline
#endif
