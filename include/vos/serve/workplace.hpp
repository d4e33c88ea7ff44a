#pragma once

#include <cassert>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <vos/project/project.hpp>
#include <vos/serve/compute_thread.hpp>
#include <vos/serve/metrics.hpp>
#include <vos/serve/session_options.hpp>

namespace vos::serve {

/// What is measured of sessions.
struct SessionMetrics {
  explicit SessionMetrics(Metrics& metrics)
      : queue_wait(metrics.histogram("vos_queue_wait_seconds", "From asking for work on the device to its beginning")),
        decode(metrics.histogram("vos_decode_seconds", "Making the picture of a frame that is sent")),
        forward(metrics.histogram("vos_forward_seconds", "One frame through a model")),
        encode(metrics.histogram("vos_encode_seconds", "Writing a frame's message, once for all its viewers")),
        frames(metrics.counter("vos_frames_total", "Frames sent by sessions, each counted once")),
        failures(metrics.counter("vos_session_failures_total", "Sessions that ended by a failure of their own")),
        sessions(metrics.gauge("vos_sessions", "Sessions at work")),
        asleep(metrics.gauge("vos_sessions_asleep", "Sessions that wait in their folders for somebody to come back")),
        watchers(metrics.gauge("vos_session_connections", "People and programs connected to sessions")),
        memory(metrics.gauge("vos_session_bytes", "Pictures, results and snapshots held by all sessions")) {}

  Histogram &queue_wait, &decode, &forward, &encode;
  Counter &frames, &failures;
  Gauge &sessions, &asleep, &watchers, &memory;
};

/// What all sessions share: the network thread, the thread of the device, a few threads for what runs beside.
struct Workplace {
  boost::asio::io_context& network;
  ComputeThread& compute;
  boost::asio::thread_pool& beside;
  SessionMetrics& metrics;
  const SessionOptions& options;
  MakeProject make;
};

/// How a piece of work ended: with a value, an Error to be told, or a failure that leaves the project in a state unknown.
template <class Value>
struct Outcome {
  std::optional<Value> value = {};
  std::exception_ptr thrown = {};

  /// Runs `work` and takes what comes of it.
  template <class Work>
  static Outcome of(Work&& work) {
    Outcome outcome;
    try {
      outcome.value.emplace(work());
    } catch (...) {
      outcome.thrown = std::current_exception();
    }
    return outcome;
  }
};

/// A session's project, which the compute thread alone touches. Results come back on the network thread.
class Desk {
 public:
  explicit Desk(Workplace& place)
      : place_(place), lane_(place.compute.lane()), project_(std::make_shared<std::unique_ptr<Project>>()) {}
  ~Desk() {
    close([] {});
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// `work(std::unique_ptr<Project>&)` on the compute thread, then `then(Outcome)` on the network thread.
  template <class Work, class Then>
  void run(Work work, Then then) {
    using Value = std::invoke_result_t<Work, std::unique_ptr<Project>&>;
    const bool taken = place_.compute.post(lane_, [&place = place_, project = project_, work = std::move(work),
                                                   then = std::move(then)](double waited) mutable {
      auto outcome = Outcome<Value>::of([&] { return work(*project); });
      boost::asio::post(place.network,
                        [&place, waited, then = std::move(then), outcome = std::move(outcome)]() mutable {
                          place.metrics.queue_wait.observe(waited);
                          then(std::move(outcome));
                        });
    });
    if (!taken) assert(false && "a session has few jobs at a time");
  }

  /// `work(std::stop_token)` on a thread beside, then `then(Outcome)` on the network thread.
  template <class Value, class Then>
  void beside(Beside<Value> work, std::stop_token stop, Then then) {
    boost::asio::post(place_.beside, [&place = place_, work = std::move(work), stop, then = std::move(then)]() mutable {
      auto outcome = Outcome<Value>::of([&] { return work(stop); });
      work = nullptr;
      boost::asio::post(place.network,
                        [then = std::move(then), outcome = std::move(outcome)]() mutable { then(std::move(outcome)); });
    });
  }

  /// The project goes, on the thread that it lived on; then `last` is done there.
  template <class Last>
  void close(Last last) {
    if (!project_) return;
    place_.compute.post(lane_, [project = std::exchange(project_, nullptr), last = std::move(last)](double) mutable {
      project->reset();
      last();
    });
  }

 private:
  Workplace& place_;
  std::shared_ptr<ComputeThread::Lane> lane_;
  std::shared_ptr<std::unique_ptr<Project>> project_;
};

}  // namespace vos::serve
