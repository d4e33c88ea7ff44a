#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace vos::serve {

/// When which frame is shown.
class Playback {
 public:
  using Clock = std::chrono::steady_clock;

  bool playing = false;
  double speed = 1;  ///< 0: as fast as can be
  double fps = 25;
  std::int64_t index = -1;  ///< the frame that is shown; -1: none yet

  void start(Clock::time_point now) {
    playing = true;
    due_ = now;
  }
  /// When the next frame is to be shown.
  Clock::time_point due() const { return due_; }
  /// It was shown. Who is late does not hurry to catch up: the next one comes a period later.
  void shown(std::int64_t at, Clock::time_point now) {
    index = at;
    const auto period = speed > 0 ? std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(1 / (std::max(fps, 0.1) * speed)))
                                  : Clock::duration::zero();
    due_ = std::max(due_ + period, now);
    if (due_ > now + period) due_ = now + period;  // the speed was changed
  }

 private:
  Clock::time_point due_ = {};
};

}  // namespace vos::serve
