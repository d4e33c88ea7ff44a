#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace vos::tool {

/// This process's resident memory now, in MB (10^6 bytes).
inline double resident_mb() {
  std::int64_t total = 0, resident = 0;
  std::ifstream{"/proc/self/statm"} >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// Its largest ever.
inline double peak_resident_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

/// Does memory grow with the frames? Samples are thinned out as they come to be many, so that this does not grow either.
///
/// The first tenth of the frames, at least 100 and at most half of them, is warm-up: caches fill, allocators reserve.
class MemoryTrend {
 public:
  /// Call once a frame; looks at the memory now and then.
  void step() {
    if (is_due()) record(resident_mb());
    ++frames_;
  }

  /// The same, with the memory given.
  void step(double mb) {
    if (is_due()) record(mb);
    ++frames_;
  }

  /// Mean of the last tenth of the samples after warm-up minus that of their first tenth.
  double growth_mb() const {
    const auto warm = after_warm_up();
    if (warm.empty()) return 0;
    const auto tenth = std::max<std::size_t>(1, warm.size() / 10);
    double growth = 0;
    for (std::size_t i = 0; i < tenth; ++i) growth += warm[warm.size() - 1 - i].mb - warm[i].mb;
    return growth / static_cast<double>(tenth);
  }

  /// Slope of the line through the samples after warm-up (least squares); nothing for a run too short to have one.
  std::optional<double> slope_mb_per_10k_frames() const {
    const auto warm = after_warm_up();
    if (warm.size() < 100 || warm.back().frame - warm.front().frame < 500) return std::nullopt;
    double frame = 0, mb = 0, together = 0, apart = 0;
    for (const auto& sample : warm) frame += sample.frame, mb += sample.mb;
    frame /= static_cast<double>(warm.size()), mb /= static_cast<double>(warm.size());
    for (const auto& sample : warm) {
      together += (sample.frame - frame) * (sample.mb - mb);
      apart += (sample.frame - frame) * (sample.frame - frame);
    }
    return 10'000 * together / apart;
  }

 private:
  struct Sample {
    double frame, mb;
  };

  bool is_due() const { return frames_ % stride_ == 0; }

  void record(double mb) {
    samples_.push_back({static_cast<double>(frames_), mb});
    if (samples_.size() < 1024) return;
    for (std::size_t i = 0; 2 * i < samples_.size(); ++i) samples_[i] = samples_[2 * i];
    samples_.resize(samples_.size() / 2);
    stride_ *= 2;
  }

  std::vector<Sample> after_warm_up() const {
    if (samples_.empty()) return {};
    const double frames = samples_.back().frame;
    const double begin = std::min(frames / 2, std::max(100.0, frames / 10));
    std::vector<Sample> warm;
    for (const auto& sample : samples_)
      if (sample.frame >= begin) warm.push_back(sample);
    return warm;
  }

  std::vector<Sample> samples_;
  std::int64_t frames_ = 0, stride_ = 1;
};

}  // namespace vos::tool
