#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace vos::serve {

/// One thread that owns the device and does the work of all sessions, in jobs of at most one frame. Each session has a lane;
/// the next job is of the lane that has had the least time, so that a session of slow frames takes no more of the thread than
/// one of fast frames wants.
class ComputeThread {
 public:
  /// Told how long it waited, in seconds. Must not throw.
  using Job = std::function<void(double waited)>;

  /// Jobs of one session, in order. Bounded: `post` refuses beyond that.
  class Lane {
   public:
    static constexpr std::size_t most = 16;

   private:
    friend ComputeThread;
    using Clock = std::chrono::steady_clock;
    std::deque<std::pair<Clock::time_point, Job>> jobs;
    double used = 0;  // seconds
  };

  ComputeThread() : thread_([this](std::stop_token stop) { run(stop); }) {}
  /// The job in hand is finished, those that wait are dropped.
  ~ComputeThread() {
    thread_.request_stop();
    arrived_.notify_all();
    thread_.join();
  }
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  std::shared_ptr<Lane> lane() { return std::make_shared<Lane>(); }

  /// False: the lane is full.
  bool post(const std::shared_ptr<Lane>& lane, Job job) {
    {
      const std::scoped_lock lock{mutex_};
      if (lane->jobs.size() >= Lane::most) return false;
      if (lane->jobs.empty()) {
        // Who comes back has no claim to the time that it left to others.
        lane->used = std::max(lane->used, floor_);
        waiting_.push_back(lane);
      }
      lane->jobs.emplace_back(Lane::Clock::now(), std::move(job));
    }
    arrived_.notify_one();
    return true;
  }

 private:
  void run(const std::stop_token& stop) {
    using std::chrono::duration;
    while (true) {
      std::shared_ptr<Lane> lane;
      std::pair<Lane::Clock::time_point, Job> job;
      {
        std::unique_lock lock{mutex_};
        arrived_.wait(lock, stop, [&] { return !waiting_.empty(); });
        if (stop.stop_requested()) return;
        const auto next = std::min_element(waiting_.begin(), waiting_.end(),
                                           [](const auto& a, const auto& b) { return a->used < b->used; });
        lane = *next;
        floor_ = lane->used;
        job = std::move(lane->jobs.front());
        lane->jobs.pop_front();
        waiting_.erase(next);
        if (!lane->jobs.empty()) waiting_.push_back(lane);  // behind those that have had as much
      }
      const auto begin = Lane::Clock::now();
      job.second(duration<double>(begin - job.first).count());
      job.second = nullptr;
      const auto took = duration<double>(Lane::Clock::now() - begin).count();
      const std::scoped_lock lock{mutex_};
      lane->used += took;
    }
  }

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::vector<std::shared_ptr<Lane>> waiting_;  // lanes with jobs
  double floor_ = 0;                            // what the lane chosen last had used
  std::jthread thread_;
};

}  // namespace vos::serve
