#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace vos {

/// Calls `act(i)` for each i below `count` on up to `threads` threads, the caller's among them, in rising order of begin.
/// At most `threads` calls are under way, so that what they hold is bounded. After a failure or a stop no call begins any
/// more; of several failures the one with the smallest i is thrown, whatever the threads did.
template <class Act>
void for_each_parallel(std::size_t count, std::size_t threads, std::stop_token stop, const Act& act) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::size_t failed_at = std::numeric_limits<std::size_t>::max();
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i; !failed && !stop.stop_requested() && (i = next++) < count;) {
      try {
        act(i);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failed = true;
        if (i < failed_at) failed_at = i, failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace vos
