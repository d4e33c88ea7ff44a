#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/core/box.hpp>
#include <vos/fwd.hpp>

namespace vos {

/// One picture of a video.
struct Frame {
  std::int64_t index = 0;  ///< rises from frame to frame, need not be dense; unique between two resets
  double seconds = 0;      ///< presentation time
  at::Tensor rgb = {};     ///< uint8 [H,W,3], RGB, CPU, contiguous; shared, never written by who receives it

  std::int64_t height() const { return rgb.size(0); }
  std::int64_t width() const { return rgb.size(1); }
};

/// What a segmenter knows about an object in a frame.
enum class ObjectState : std::uint8_t {
  visible,  ///< it covers at least one pixel
  lost,     ///< it covers none: hidden, outside, or not found; it keeps its id and may come back
};

/// One object in one frame.
struct FrameObject {
  ObjectId id = 0;
  std::int32_t category = -1;  ///< the model's class, -1 where it knows none
  float score = 0;             ///< 0..1, how sure the model is of this mask; 0 for a lost object
  Box box = {};                ///< tight around the mask, empty for a lost object
  ObjectState state = ObjectState::lost;
  bool operator==(const FrameObject&) const = default;
};

/// The answer for one frame, at the frame's own size.
struct FrameResult {
  std::int64_t index = 0;
  double seconds = 0;
  std::vector<FrameObject> objects = {};  ///< every object known so far and not removed, ids rising
  at::Tensor labels = {};                 ///< int32 [H,W], CPU, contiguous: the id that owns each pixel, 0 for none
  at::Tensor masks = {};  ///< bool [objects,H,W] where masks may overlap, else undefined: labels say it all

  std::int64_t height() const { return labels.size(0); }
  std::int64_t width() const { return labels.size(1); }

  /// The object with this id, or null.
  const FrameObject* find(ObjectId id) const {
    for (const auto& object : objects)
      if (object.id == id) return &object;
    return nullptr;
  }
};

}  // namespace vos
