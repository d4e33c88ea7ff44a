#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include <vos/serve/shared_frame.hpp>

namespace vos::serve {

/// The frames that a session sent last, up to so many bytes: to be shown again, and for who lost the connection.
class FrameStore {
 public:
  explicit FrameStore(std::size_t most_bytes) : most_(most_bytes) {}

  void add(Content content) {
    bytes_ += content->bytes();
    const auto index = content->frame.index;
    sent_.push_back({std::move(content), index});
    newest_[index] = first_ + sent_.size() - 1;
    while (sent_.size() > 1 && bytes_ > most_) forget_oldest();
  }

  /// The frame as it was sent last; null where it is gone or an edit came since.
  Content find(std::int64_t index) const {
    const auto found = newest_.find(index);
    return found == newest_.end() ? nullptr : sent_[found->second - first_].content;
  }

  /// What was sent behind the frame `index`, in order; nothing where that one is gone.
  std::vector<Content> after(std::int64_t index) const {
    std::vector<Content> missed;
    for (auto at = sent_.rbegin(); at != sent_.rend(); ++at) {
      if (at->index == index) return {missed.rbegin(), missed.rend()};
      missed.push_back(at->content);
    }
    return {};
  }

  /// An edit changed what holds from frame `index` on, or in all frames.
  void outdate() { newest_.clear(); }

  std::size_t bytes() const { return bytes_; }

 private:
  struct Sent {
    Content content;
    std::int64_t index;
  };

  void forget_oldest() {
    const auto& oldest = sent_.front();
    bytes_ -= oldest.content->bytes();
    if (const auto found = newest_.find(oldest.index); found != newest_.end() && found->second == first_)
      newest_.erase(found);
    sent_.pop_front();
    ++first_;
  }

  std::size_t most_, bytes_ = 0;
  std::deque<Sent> sent_;
  std::size_t first_ = 0;                       // the number of the oldest
  std::map<std::int64_t, std::size_t> newest_;  // by index: the number of the one sent last, where it holds
};

}  // namespace vos::serve
