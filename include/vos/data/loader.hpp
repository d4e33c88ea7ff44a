#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>

#include <vos/core/random.hpp>
#include <vos/data/balance.hpp>
#include <vos/data/batch.hpp>
#include <vos/data/dataset.hpp>
#include <vos/error.hpp>

namespace vos {

struct LoaderOptions {
  std::uint64_t seed = 1;
  std::int64_t batch = 1;            ///< samples a step, of this process
  std::int64_t first_step = 0;       ///< where to begin: a resumed run sees the samples that it would have seen
  int workers = 2;                   ///< threads that make samples; 0: whoever asks makes them
  std::int64_t ahead = 2;            ///< batches that may be ready or under way beyond the one asked for
  bool shuffled = true;              ///< a new order each epoch, else by index
  std::int64_t rank = 0, ranks = 1;  ///< this process among those that share each step's samples
  CollateOptions collate = {};
};

/// Batches of a dataset, one epoch after another without end.
///
/// Step s of a run is a function of (dataset, options, s): not of the number of workers, nor of where the loader
/// began. Samples that do not fill a last step are left out of their epoch: where it is shuffled others are left out
/// of the next, by index always the same ones. Workers make single samples, so that a slow one holds up its batch and
/// no other; batches come out in order. An Error of a sample is thrown by the `next()` that would have given its
/// batch, and names its key; the call after that goes on with the next step. The destructor waits for the samples
/// that are being made, for no more.
template <Dataset D>
class Loader {
 public:
  Loader(D dataset, LoaderOptions options)
      : dataset_(std::move(dataset)),
        options_(options),
        next_sample_(options.first_step * options.batch),
        step_(options.first_step) {
    if (options_.ranks < 1 || options_.rank < 0 || options_.rank >= options_.ranks)
      refuse("process " + std::to_string(options_.rank) + " of " + std::to_string(options_.ranks),
             "ranks is how many processes there are, at least 1; rank counts them from 0");
    if (options_.first_step < 0)
      refuse("a run that begins at step " + std::to_string(options_.first_step), "steps count from 0");
    if (options_.batch < 1 || steps_per_epoch() < 1)
      refuse("a batch of " + std::to_string(options_.batch) + " on " + std::to_string(options_.ranks) +
                 " processes from a dataset of " + std::to_string(dataset_.size()) + " samples",
             "make the batch smaller, or the dataset larger: an epoch must have a step");
    start();
  }
  ~Loader() { stop_workers(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t steps_per_epoch() const { return dataset_.size() / (options_.batch * options_.ranks); }

  /// The number of the batch that `next()` gives.
  std::int64_t step() const { return step_; }

  Batch next() {
    if (workers_.empty()) {
      const auto step = step_++;
      Making making;
      for (std::int64_t b = 0; b < options_.batch; ++b) making.take(b, attempt(step, b));
      return finished(step, std::move(making));
    }
    Made made;
    {
      std::unique_lock lock{mutex_};
      const auto step = step_++;
      changed_.notify_all();  // one more batch may be begun
      changed_.wait(lock, [&] { return made_.contains(step); });
      made = std::move(made_.extract(step).mapped());
    }
    if (made.error) std::rethrow_exception(made.error);
    return std::move(made.batch);
  }

 private:
  struct Attempt {
    Sample sample;
    std::exception_ptr error;
  };

  /// A batch of which some samples are there.
  struct Making {
    std::map<std::int64_t, Attempt> samples;
    void take(std::int64_t place, Attempt attempt) { samples.emplace(place, std::move(attempt)); }
  };
  struct Made {
    Batch batch;
    std::exception_ptr error;
  };

  [[noreturn]] static void refuse(std::string what, std::string mend) {
    throw Error({.what = std::move(what), .where = "loading", .mend = std::move(mend), .exit_code = exit_code::usage});
  }

  void start() {
    if (options_.workers < 1) return;
    // ATen's own threads would make workers² of them. A thread's setting is its own but for what new threads begin with,
    // so that is put back once all workers are under way.
    const auto threads = at::get_num_threads();
    const auto ready = std::make_shared<std::latch>(options_.workers);  // outlives this call if it throws
    try {
      for (int i = 0; i < options_.workers; ++i)
        workers_.emplace_back([this, ready](const std::stop_token& stop) {
          at::get_num_threads();  // else the first parallel loop would undo the next line
          at::set_num_threads(1);
          ready->count_down();
          work(stop);
        });
      ready->wait();
    } catch (const std::system_error& error) {
      const auto started = workers_.size();
      stop_workers();  // those that had begun would undo the next line
      at::set_num_threads(threads);
      refuse("worker " + std::to_string(started + 1) + " of " + std::to_string(options_.workers) +
                 " cannot be started: " + error.what(),
             "ask for fewer workers, or raise the system's limits on threads and memory");
    }
    at::set_num_threads(threads);
  }

  /// Waits for the samples that are being made.
  void stop_workers() {
    for (auto& worker : workers_) worker.request_stop();
    workers_.clear();
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (true) {
      changed_.wait(lock, stop,
                    [&] { return next_sample_ / options_.batch <= step_ + std::max<std::int64_t>(0, options_.ahead); });
      if (stop.stop_requested()) return;
      const auto number = next_sample_++;
      const auto step = number / options_.batch, place = number % options_.batch;
      lock.unlock();
      auto attempted = attempt(step, place);
      lock.lock();
      auto& making = making_[step];
      making.take(place, std::move(attempted));
      if (static_cast<std::int64_t>(making.samples.size()) < options_.batch) continue;
      auto whole = std::move(making_.extract(step).mapped());
      lock.unlock();
      Made made;
      try {
        made.batch = finished(step, std::move(whole));
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      made_.emplace(step, std::move(made));
      changed_.notify_all();
    }
  }

  SampleKey key_of(std::int64_t step, std::int64_t place) {
    const auto epoch = step / steps_per_epoch(), in_epoch = step % steps_per_epoch();
    const auto index = (in_epoch * options_.ranks + options_.rank) * options_.batch + place;
    if (!options_.shuffled) return {options_.seed, epoch, index};
    const std::scoped_lock lock{order_mutex_};
    auto& order = orders_[epoch];
    if (order.empty())
      order = shuffled_order(dataset_.size(), CounterRandom{options_.seed, static_cast<std::uint64_t>(epoch), 0x0DE4});
    const auto sample = order[static_cast<std::size_t>(index)];
    while (orders_.size() > 3 && orders_.begin()->first < epoch)
      orders_.erase(orders_.begin());  // made again if need be
    return {options_.seed, epoch, sample};
  }

  Attempt attempt(std::int64_t step, std::int64_t place) {
    const auto key = key_of(step, place);
    try {
      return {dataset_(key), nullptr};
    } catch (const Error& error) {
      auto parts = error.parts();
      parts.where += (parts.where.empty() ? "" : ", ") + std::string{"sample "} + std::to_string(key.index) +
                     " of epoch " + std::to_string(key.epoch) + ", seed " + std::to_string(key.seed);
      return {{}, std::make_exception_ptr(Error(std::move(parts)))};
    } catch (...) {
      return {{}, std::current_exception()};
    }
  }

  Batch finished(std::int64_t step, Making making) {
    std::vector<Sample> samples;
    std::vector<SampleKey> keys;
    for (auto& [place, one] : making.samples) {
      if (one.error) std::rethrow_exception(one.error);
      samples.push_back(std::move(one.sample));
      keys.push_back(key_of(step, place));
    }
    auto batch = collated(std::move(samples), options_.collate);
    batch.step = step;
    batch.epoch = step / steps_per_epoch();
    batch.keys = std::move(keys);
    return batch;
  }

  const D dataset_;
  const LoaderOptions options_;
  std::mutex mutex_, order_mutex_;
  std::condition_variable_any changed_;  // wakes for a stop as well
  std::int64_t next_sample_, step_;      // the next to be begun, and the next to be given
  std::map<std::int64_t, Making> making_;
  std::map<std::int64_t, Made> made_;
  std::map<std::int64_t, std::vector<std::int64_t>> orders_;  // by epoch
  std::vector<std::jthread> workers_;                         // last: they use the others from their first moment
};

}  // namespace vos
