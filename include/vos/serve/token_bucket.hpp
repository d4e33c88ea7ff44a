#pragma once

#include <algorithm>
#include <chrono>

namespace vos::serve {

/// Lets through `per_second` in the long run and `burst` at once.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), left_(burst) {}

  bool take(Clock::time_point now = Clock::now()) {
    if (!has(now)) return false;
    left_ -= 1;
    return true;
  }
  /// Whether `take` would let one through.
  bool has(Clock::time_point now = Clock::now()) {
    left_ = std::min(burst_, left_ + per_second_ * std::chrono::duration<double>(now - last_).count());
    last_ = now;
    return left_ >= 1;
  }

 private:
  double per_second_, burst_, left_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace vos::serve
