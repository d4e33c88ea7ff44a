#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include <vos/wire/mask_rows.hpp>
#include <vos/wire/message.hpp>

namespace vos::web {

/// A frame as the page keeps it.
struct KeptFrame {
  std::int64_t index = 0;
  double seconds = 0;
  std::uint32_t revision = 0, width = 0, height = 0;
  bool answered = false;  ///< the model's answer is in it; else it is the picture alone
  std::vector<wire::FrameObject> objects = {};
  MaskFrame masks = {};
  std::vector<std::uint8_t> jpeg = {};

  std::size_t bytes() const {
    std::size_t sum = sizeof *this + objects.size() * sizeof(wire::FrameObject) + jpeg.size();
    for (const auto& layer : masks.layers)
      sum += layer.ends.size() * sizeof(std::uint32_t) + layer.runs.size() * sizeof(MaskRun);
    return sum;
  }
};

/// The frames used last, up to a number of bytes. The newest one stays whatever its size.
class FrameRing {
 public:
  explicit FrameRing(std::size_t limit) : limit_(limit) {}

  /// Keeps a frame in place of the one with its index; the older picture stays where the new one has none.
  KeptFrame& put(KeptFrame frame) {
    if (const auto found = places_.find(frame.index); found != places_.end()) {
      auto& old = *found->second;
      // A picture alone may not say its size.
      const bool same_size = old.width == 0 || (old.width == frame.width && old.height == frame.height);
      if (frame.jpeg.empty() && same_size) frame.jpeg = std::move(old.jpeg);
      drop(found);
    }
    bytes_ += frame.bytes();
    frames_.push_front(std::move(frame));
    sizes_[frames_.front().index] = frames_.front().bytes();
    places_[frames_.front().index] = frames_.begin();
    while (bytes_ > limit_ && frames_.size() > 1) drop(places_.find(frames_.back().index));
    return frames_.front();
  }

  /// Null where it is not kept. A found one counts as used.
  KeptFrame* find(std::int64_t index) {
    const auto found = places_.find(index);
    if (found == places_.end()) return nullptr;
    frames_.splice(frames_.begin(), frames_, found->second);
    return &frames_.front();
  }

  /// Results of frames from `first` on no longer hold: their pictures stay.
  void forget_results(std::int64_t first) {
    for (auto place = places_.lower_bound(first); place != places_.end(); ++place) place->second->answered = false;
  }
  void clear() { *this = FrameRing{limit_}; }

  std::size_t size() const { return frames_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  using Places = std::map<std::int64_t, std::list<KeptFrame>::iterator>;
  void drop(Places::iterator place) {
    bytes_ -= sizes_[place->first];
    sizes_.erase(place->first);
    frames_.erase(place->second);
    places_.erase(place);
  }

  std::size_t limit_, bytes_ = 0;
  std::list<KeptFrame> frames_;  // used last first
  Places places_;
  std::map<std::int64_t, std::size_t> sizes_;  // as counted when put
};

}  // namespace vos::web
