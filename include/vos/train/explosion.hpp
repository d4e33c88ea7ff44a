#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace vos {

/// Watches the length of gradients for explosions: several steps on end with one that is far above what has been usual.
class ExplosionWatch {
 public:
  static constexpr int patience = 5;  ///< steps

  /// `times` the running median is far; 0: nothing ever is.
  explicit ExplosionWatch(double times) : times_(times) {}

  /// Takes a step's length. Gives how many times the usual it is, once for each explosion, else 0.
  double step(double length) {
    if (times_ <= 0 || !std::isfinite(length)) return 0;
    const auto usual = median();
    const bool far = known_.size() >= least_known && length > times_ * usual && usual > 0;
    in_a_row_ = far ? in_a_row_ + 1 : 0;
    if (known_.size() < window) known_.push_back(length);
    else known_[next_++ % window] = length;
    return in_a_row_ == patience ? length / usual : 0;
  }

 private:
  static constexpr std::size_t window = 100, least_known = 20;

  double median() const {
    if (known_.empty()) return 0;
    auto sorted = known_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
  }

  double times_;
  std::vector<double> known_;  // the last ones, in no order
  std::size_t next_ = 0;
  int in_a_row_ = 0;
};

inline std::string explosion_text(std::int64_t step, double length, double times) {
  char text[256];
  std::snprintf(
      text, sizeof text,
      "step %lld: gradients explode: their length, %.3g, is %.3g times the usual, for %d steps now; a smaller "
      "optim.lr or optim.clip_norm or a longer optim.warmup helps",
      static_cast<long long>(step), length, times, ExplosionWatch::patience);
  return text;
}

}  // namespace vos
