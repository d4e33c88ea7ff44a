#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace vos {

/// Counts the bytes of tensors on one device that are made while it lives, by this thread and by the backward passes that it
/// begins. What oneDNN, cuDNN and others allocate for themselves is theirs, and not counted. It takes the place of a profiler.
class MemoryMeter {
 public:
  explicit MemoryMeter(c10::Device device = c10::kCPU)
      : counter_(std::make_shared<Counter>(device)), guard_(c10::DebugInfoKind::PROFILER_STATE, counter_) {}

  std::int64_t live() const { return counter_->live; }  ///< made and not given back; below 0 where more went than came
  std::int64_t peak() const { return counter_->peak; }  ///< the most that there ever were

 private:
  struct Counter final : c10::MemoryReportingInfoBase {
    explicit Counter(c10::Device of) : device(of) {}
    void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device where) override {
      if (where.type() != device.type() || (device.has_index() && where.has_index() && where != device)) return;
      const auto now = live += bytes;
      auto most = peak.load();
      while (now > most && !peak.compare_exchange_weak(most, now)) {
      }
    }
    bool memoryProfilingEnabled() const override { return true; }

    const c10::Device device;
    std::atomic<std::int64_t> live{0}, peak{0};
  };

  std::shared_ptr<Counter> counter_;
  c10::DebugInfoGuard guard_;
};

}  // namespace vos
