#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>

#include <vos/train/run_log.hpp>

#include "common/memory.hpp"
#include "common/progress.hpp"

namespace vos::train {

/// How a run goes, for who watches: on a terminal a line that is written over, else a line now and then.
class Live final : public RunLog {
 public:
  Live(std::ostream& err, bool terminal, bool quiet) : err_(err), terminal_(terminal), quiet_(quiet) {}
  ~Live() override { wipe(); }

  void step(const StepReport& report) override {
    first_ = first_ < 0 ? report.step - 1 : first_;
    waited_ += report.waited;
    recent_ = recent_ > 0 ? 0.95 * recent_ + 0.05 * report.loss : report.loss;
    const auto now = Clock::now();
    const auto since = std::chrono::duration<double>(now - shown_).count();
    if (quiet_ || since < (terminal_ ? 0.2 : 10.0)) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const double a_step = seconds / static_cast<double>(report.step - first_);
    wipe();
    char text[256];
    std::snprintf(
        text, sizeof text,
        "step %lld/%lld  epoch %lld  loss %.3f  lr %.2e  |g| %.2f  %.2f s/step  data %.0f%%  %.1f GB  %s left",
        static_cast<long long>(report.step), static_cast<long long>(report.total),
        static_cast<long long>(report.epoch + 1), recent_, report.lr.empty() ? 0 : report.lr.begin()->second,
        report.gradient_norm, a_step, seconds > 0 ? 100 * waited_ / seconds : 0, tool::resident_mb() / 1000,
        tool::duration_text(a_step * static_cast<double>(report.total - report.step)).c_str());
    err_ << text;
    if (terminal_) drawn_ = true;
    else err_ << '\n';
    err_ << std::flush;
  }

  void validation(const ValidationReport& report) override {
    if (quiet_) return;
    wipe();
    char number[64];
    std::snprintf(number, sizeof number, "step %lld  validated", static_cast<long long>(report.step));
    std::string text = number;
    for (const auto& [name, value] : report.metrics) {
      std::snprintf(number, sizeof number, "  %s %.4g", name.c_str(), value);
      text += number;
    }
    err_ << text << (report.best ? "  best" : "") << "  (" << tool::duration_text(report.seconds) << ")" << std::endl;
  }

  void message(const std::string& text) override {
    wipe();
    err_ << "vos-train: " << text << std::endl;
  }

 private:
  using Clock = std::chrono::steady_clock;
  void wipe() {
    if (drawn_) err_ << "\r\033[K";
    drawn_ = false;
  }

  std::ostream& err_;
  bool terminal_, quiet_, drawn_ = false;
  std::int64_t first_ = -1;
  double waited_ = 0, recent_ = 0;
  Clock::time_point begun_ = Clock::now(), shown_ = begun_;
};

}  // namespace vos::train
