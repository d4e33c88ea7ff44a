#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include <vos/project/project.hpp>
#include <vos/serve/audience.hpp>

namespace vos::serve {

/// Tells an audience how far some work is, four times a second, and only if it takes longer than that.
class ProgressTeller {
 public:
  using Clock = std::chrono::steady_clock;

  void tell(const Audience& audience, const std::string& task, std::int64_t done, std::int64_t total) {
    const auto now = Clock::now();
    if (begin_ == Clock::time_point{}) begin_ = last_ = now;
    if (now - last_ < std::chrono::milliseconds(250)) return;
    last_ = now;
    task_ = task;
    wire::ProgressT progress;
    progress.task = task;
    progress.done = done;
    progress.total = total;
    if (done > 0 && total >= done)
      progress.seconds_left = std::chrono::duration<float>(now - begin_).count() / static_cast<float>(done) *
                              static_cast<float>(total - done);
    total_ = total;
    audience.tell(std::move(progress));
  }

  /// Where something was told, also that it is done.
  void end(const Audience& audience) {
    if (!task_.empty()) {
      wire::ProgressT progress;
      progress.task = task_;
      progress.done = progress.total = total_ < 0 ? 0 : total_;
      progress.seconds_left = 0;
      audience.tell(std::move(progress));
    }
    *this = {};
  }

 private:
  Clock::time_point begin_ = {}, last_ = {};
  std::string task_;
  std::int64_t total_ = -1;
};

/// Results of frames that somebody wants, one after another.
template <class Asked>
struct Goal {
  Asked asked = {};
  std::int64_t at = 0, last = 0;  ///< the next frame and the last one, which may lie before it; -1: to the end
  std::int64_t first = 0;         ///< where it began
  bool shows = true;              ///< the frames are sent as they come
  int failed = 0;                 ///< frames that failed one after another
  std::string task = {};          ///< what people read beside the progress
  std::function<void()> done = [] {};
  std::stop_source stop = {};
  ProgressTeller progress = {};

  void tell(const Audience& audience, const ProjectStep& step) {
    if (last == first && at == first) return progress.tell(audience, task, step.done, step.total);
    progress.tell(audience, task, std::abs(at - first), last < 0 ? -1 : std::abs(last - first) + 1);
  }
};

/// A frame that one viewer asked for again, with or without its picture, whatever it wants of others.
class FetchedFrame final : public OutgoingFrame {
 public:
  FetchedFrame(std::shared_ptr<const OutgoingFrame> frame, bool picture)
      : frame_(std::move(frame)), picture_(picture) {}
  Shared bytes(std::uint64_t, bool) const override { return frame_->bytes(0, picture_); }
  std::uint64_t serial() const override { return frame_->serial(); }

 private:
  std::shared_ptr<const OutgoingFrame> frame_;
  bool picture_;
};

}  // namespace vos::serve
