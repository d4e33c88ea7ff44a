#pragma once

#include <cstdint>
#include <map>

#include <vos/frame/frame.hpp>

namespace vos {

/// What results say of an object through a video, from what each frame says of it: the mean score over the frames with a mask,
/// and the class given most often, the smallest of equals.
class TrackWord {
 public:
  /// A frame with a mask of it; null where the model says no more of the object than that.
  void add(const FrameObject* object) {
    score_ += object != nullptr ? object->score : 0;
    ++classes_[object != nullptr ? object->category : -1];
    ++masks_;
  }
  /// It is known, though perhaps never seen.
  void know(const FrameObject& object) { classes_.try_emplace(object.category, 0); }

  std::int64_t masks() const { return masks_; }
  double score() const { return masks_ > 0 ? score_ / static_cast<double>(masks_) : 0; }
  std::int32_t category() const {
    std::int32_t category = -1;
    std::int64_t most = -1;  // one that was never seen has its class, too
    for (const auto& [value, count] : classes_)
      if (count > most) category = value, most = count;
    return category;
  }

 private:
  std::int64_t masks_ = 0;
  double score_ = 0;
  std::map<std::int32_t, std::int64_t> classes_;
};

}  // namespace vos
