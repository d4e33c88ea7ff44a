#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include <vos/serve/options.hpp>
#include <vos/serve/viewer.hpp>

namespace vos::serve {

/// What waits for one viewer. Bounded: the oldest frame gives way to a new one, and the viewer is told how many it missed.
class ViewerQueue {
 public:
  explicit ViewerQueue(ViewerLimits limits) : limits_(limits) {}

  /// False: there are too many messages; the viewer is past help.
  bool push(Shared message) {
    if (items_.size() - frames_ >= limits_.messages || bytes_ + message->size() > limits_.bytes) return false;
    bytes_ += message->size();
    items_.push_back({std::move(message), nullptr});
    return true;
  }

  void push(std::shared_ptr<const OutgoingFrame> frame) {
    if (frames_ >= limits_.frames) {
      items_.erase(std::find_if(items_.begin(), items_.end(), [](const Item& item) { return item.frame != nullptr; }));
      --frames_;
      ++dropped_;
      ++untold_;
    }
    items_.push_back({nullptr, std::move(frame)});
    ++frames_;
  }

  /// What is sent next, or null. A frame is written now: as the difference to the one that was given out last.
  Shared next() {
    if (items_.empty()) return nullptr;
    if (untold_ > 0 && items_.front().frame) {
      wire::DroppedT dropped;
      dropped.frames = static_cast<std::uint32_t>(std::exchange(untold_, 0));
      return std::make_shared<const wire::Written>(wire::message_of(std::move(dropped)));
    }
    const auto item = std::move(items_.front());
    items_.pop_front();
    if (!item.frame) {
      bytes_ -= item.message->size();
      return item.message;
    }
    --frames_;
    auto bytes = item.frame->bytes(shown_, pictures_);
    shown_ = item.frame->serial();
    return bytes;
  }

  bool has_room() const { return frames_ < limits_.frames; }
  void want_key_frame() { shown_ = 0; }
  void want_pictures(bool wanted) { pictures_ = wanted; }
  std::size_t size() const { return items_.size(); }
  std::uint64_t dropped() const { return dropped_; }
  void clear() {
    items_.clear();
    frames_ = bytes_ = 0;
  }

 private:
  struct Item {
    Shared message;
    std::shared_ptr<const OutgoingFrame> frame;  // one of the two
  };

  ViewerLimits limits_;
  std::deque<Item> items_;
  std::size_t frames_ = 0, bytes_ = 0;  // waiting frames; bytes of waiting messages
  std::uint64_t dropped_ = 0, untold_ = 0, shown_ = 0;
  bool pictures_ = false;
};

}  // namespace vos::serve
