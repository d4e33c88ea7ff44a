#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <utility>

#include <vos/core/duration.hpp>

namespace vos::tool {

using vos::duration_text;

/// One line on a terminal that tells how far the work is, drawn anew ten times a second and wiped at the end.
class Progress {
 public:
  /// `live` false: draws nothing. `total` below 0: nobody knows.
  Progress(std::ostream& err, bool live, std::string what, std::int64_t total)
      : err_(err), live_(live), what_(std::move(what)), total_(total) {}
  ~Progress() {
    if (drawn_) err_ << "\r\033[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step() {
    ++done_;
    const auto now = Clock::now();
    if (!live_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    drawn_ = true;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double rate = static_cast<double>(done_) / seconds;
    char text[32];
    std::snprintf(text, sizeof text, "  %.1f frames/s", rate);
    err_ << "\r\033[K" << what_ << "  " << done_;
    if (total_ >= 0) err_ << '/' << total_;
    err_ << " frames" << text;
    if (total_ >= done_) err_ << "  " << duration_text(static_cast<double>(total_ - done_) / rate) << " left";
    err_ << std::flush;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream& err_;
  bool live_, drawn_ = false;
  std::string what_;
  std::int64_t total_, done_ = 0;
  Clock::time_point begin_ = Clock::now(), last_ = begin_;
};

}  // namespace vos::tool
