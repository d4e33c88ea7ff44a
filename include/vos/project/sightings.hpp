#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>

#include <vos/frame/frame.hpp>

namespace vos {

/// Where each object was seen last, and whether it is likely to be another one now. A rule of thumb over boxes, for a person
/// to look at, and wrong at times: an object is suspect in a frame
///
///   where it comes back after being hidden, farther from where it was last seen than its own size and what it may have
///   moved since (a tenth of its size a frame) allow;
///   where from one frame to the next its box has nothing in common with the one before, or more than three times, or less
///   than a third, of its area, though it did not touch the border.
///
/// What a person says in a frame is never suspect there.
class Sightings {
 public:
  /// The objects that are suspect in this frame; `given`: those that a person named.
  std::set<ObjectId> see(const FrameResult& result, const std::set<ObjectId>& given) {
    std::set<ObjectId> suspect;
    for (const auto& object : result.objects) {
      if (object.state != ObjectState::visible) continue;
      const Sight now{result.index, object.box, touches_border(object.box, result)};
      const auto [last, fresh] = last_.try_emplace(object.id, now);
      if (!fresh && !given.contains(object.id) && differs(last->second, now)) suspect.insert(object.id);
      last->second = now;
    }
    if (last_.size() > 4 * result.objects.size() + 64)  // a model that finds and forgets objects without end
      std::erase_if(last_, [&](const auto& each) { return result.find(each.first) == nullptr; });
    return suspect;
  }

 private:
  struct Sight {
    std::int64_t index;
    Box box;
    bool border;
  };

  static bool touches_border(const Box& box, const FrameResult& result) {
    return box.x0 <= 1 || box.y0 <= 1 || box.x1 + 1 >= static_cast<float>(result.width()) ||
           box.y1 + 1 >= static_cast<float>(result.height());
  }

  static bool differs(const Sight& before, const Sight& now) {
    const auto& a = before.box;
    const auto& b = now.box;
    const auto frames = now.index - before.index;
    if (frames > 1) {
      const float size = std::max({a.width(), a.height(), b.width(), b.height()});
      const float x = (a.x0 + a.x1 - b.x0 - b.x1) / 2, y = (a.y0 + a.y1 - b.y0 - b.y1) / 2;
      return std::hypot(x, y) > size * (1 + 0.1F * static_cast<float>(std::min<std::int64_t>(frames, 50)));
    }
    if (iou(a, b) == 0) return true;
    const float ratio = b.area() / a.area();
    return !before.border && !now.border && (ratio > 3 || ratio < 1.0F / 3);
  }

  std::map<ObjectId, Sight> last_;
};

}  // namespace vos
