#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include <vos/io/source.hpp>
#include <vos/project/file_frames.hpp>

namespace vos {

/// The last frames of a source that brings them in its own time: a camera, read on a thread of its own, or whoever calls
/// `add`. The oldest make room.
class LiveFrames {
 public:
  /// `first`: the number of the source's first frame here.
  LiveFrames(std::unique_ptr<FrameSource> source, std::size_t bytes, std::int64_t max_pixels, std::int64_t first = 0)
      : max_pixels_(max_pixels), most_bytes_(bytes), first_(first), source_(std::move(source)) {
    if (source_) reader_ = std::jthread([this](const std::stop_token& stop) { read(stop); });
  }

  void add(Frame frame) {
    expect_pixels(frame, max_pixels_);
    const std::lock_guard lock{mutex_};
    bytes_ += bytes_of(frame);
    frames_.push_back(std::move(frame));
    while (bytes_ > most_bytes_ && frames_.size() > 2) {
      bytes_ -= bytes_of(frames_.front());
      frames_.pop_front();
    }
  }

  std::optional<Frame> find(std::int64_t index) const {
    const std::lock_guard lock{mutex_};
    for (const auto& frame : frames_)
      if (frame.index == index) return frame;
    return std::nullopt;
  }
  /// The first frame with at least this index; nothing where there is none yet. Throws, once, what the source ended with.
  std::optional<Frame> first_from(std::int64_t index) {
    const std::lock_guard lock{mutex_};
    for (const auto& frame : frames_)
      if (frame.index >= index) return frame;
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return std::nullopt;
  }
  /// -1: none.
  std::int64_t newest() const {
    const std::lock_guard lock{mutex_};
    return frames_.empty() ? -1 : frames_.back().index;
  }
  std::size_t bytes() const {
    const std::lock_guard lock{mutex_};
    return bytes_;
  }
  bool ended() const {
    const std::lock_guard lock{mutex_};
    return ended_;
  }

 private:
  void read(const std::stop_token& stop) {
    std::exception_ptr error;
    for (int failures = 0; !stop.stop_requested() && failures < 100;) try {
        auto frame = source_->next();
        if (!frame) break;
        frame->index += first_;
        add(std::move(*frame));
        failures = 0;
        error = nullptr;
      } catch (...) {  // one frame that cannot be read; the next may be
        error = std::current_exception();
        ++failures;
      }
    const std::lock_guard lock{mutex_};
    error_ = error;
    ended_ = true;
  }

  const std::int64_t max_pixels_;
  const std::size_t most_bytes_;
  const std::int64_t first_;
  mutable std::mutex mutex_;
  std::deque<Frame> frames_;
  std::size_t bytes_ = 0;
  std::exception_ptr error_;
  bool ended_ = false;
  std::unique_ptr<FrameSource> source_;
  std::jthread reader_;  // last: it uses the others from its first moment
};

}  // namespace vos
