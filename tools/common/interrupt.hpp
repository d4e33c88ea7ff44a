#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

#include <semaphore.h>
#include <unistd.h>

#include <vos/error.hpp>

namespace vos::tool {

/// Ctrl-C (SIGINT) and SIGTERM as a stop token: the first asks the tool to finish what it is at and to close its files,
/// the second ends it at once. One at a time, made before the work begins.
class Interrupt {
 public:
  Interrupt() {
    sem_init(&arrived, 0, 0);
    count = 0;
    // Setting a stop token takes a lock, which a signal handler must not: it wakes this thread instead.
    waiter_ = std::jthread([this](std::stop_token leaving) {
      while (sem_wait(&arrived) != 0) {
      }
      if (!leaving.stop_requested()) stop_.request_stop();
    });
    struct sigaction act{};
    act.sa_handler = [](int) {
      if (count.fetch_add(1) > 0) _exit(exit_code::interrupted);
      sem_post(&arrived);
    };
    act.sa_flags = SA_RESTART;  // a read in progress goes on: the current frame is to be finished
    sigaction(SIGINT, &act, &before_int_);
    sigaction(SIGTERM, &act, &before_term_);
  }

  ~Interrupt() {
    sigaction(SIGINT, &before_int_, nullptr);
    sigaction(SIGTERM, &before_term_, nullptr);
    waiter_.request_stop();
    sem_post(&arrived);
    waiter_.join();
    sem_destroy(&arrived);
  }

  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  static inline sem_t arrived;
  static inline std::atomic<int> count = 0;
  std::stop_source stop_;
  struct sigaction before_int_{}, before_term_{};
  std::jthread waiter_;
};

}  // namespace vos::tool
