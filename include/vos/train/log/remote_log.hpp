#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/net/http.hpp>
#include <vos/train/log/run_sender.hpp>
#include <vos/train/run_log.hpp>

namespace vos {

/// When a RemoteLog sends.
struct RemotePace {
  std::chrono::milliseconds every{2000};     ///< from one look at the log to the next
  std::chrono::milliseconds longest{60000};  ///< from one try to the next while the server does not answer
  std::chrono::milliseconds last{30000};     ///< for what is left at the end of the run
};

/// Sends a run to a server while it trains, from a thread of its own: training never waits. Whatever is wrong with the server
/// is told once and stops nothing: the log's file, which FileLog writes, keeps it all, and it is sent as soon as the server
/// answers again, or later by whoever makes a RunSender.
///
/// It stands after FileLog in RunLogs.
class RemoteLog final : public RunLog {
 public:
  /// `tell` is called on the thread that trains.
  RemoteLog(std::unique_ptr<RunSender> sender, std::function<void(const std::string&)> tell, RemotePace pace = {})
      : sender_(std::move(sender)), tell_(std::move(tell)), pace_(pace), kind_(sender_->kind()) {}

  void configuration(const std::map<std::string, std::string>&) override { begin(); }
  void step(const StepReport&) override { begin(); }
  void validation(const ValidationReport&) override { begin(); }
  void finished(const TrainOutcome&) override { end(); }
  void failed(const std::string&) override { end(); }

 private:
  using Clock = std::chrono::steady_clock;

  void begin() {
    if (!thread_.joinable() && !ended_) thread_ = std::jthread([this](std::stop_token stop) { work(stop); });
    deliver();
  }

  void end() {
    ended_ = true;
    if (!thread_.joinable()) return;
    deadline_ = Clock::now() + pace_.last;
    thread_.request_stop();
    thread_.join();
    deliver();
  }

  void work(std::stop_token stop) {
    auto wait = pace_.every;
    bool warned = false, shown = false;
    const auto enough = [&] { return stop.stop_requested() && Clock::now() > deadline_; };
    for (bool last = false;; last = stop.stop_requested()) {
      bool all = false;
      try {
        all = sender_->send(enough);
        for (auto& text : sender_->told()) say(std::move(text));
        if (const auto page = sender_->page(); !page.empty() && !std::exchange(shown, true)) say(kind_ + ": " + page);
        if (std::exchange(warned, false)) say(kind_ + " answers again: what was missing is sent");
        wait = pace_.every;
      } catch (const NoAnswer& error) {
        if (!std::exchange(warned, true))
          say(kind_ + " is not there; training goes on and tries again. " + error.what());
        wait = std::min(2 * wait, pace_.longest);
      } catch (const std::exception& error) {
        say(kind_ + " does not take this run; training goes on. " + error.what());
        all = true;
        last = true;
        warned = true;
      }
      if (last) {
        if (warned || !all) say("what " + kind_ + " lacks is in the run's folder, and `vos-train send` sends it later");
        return;
      }
      std::unique_lock lock{mutex_};
      wake_.wait_for(lock, stop, wait, [] { return false; });
    }
  }

  void say(std::string text) {
    const std::lock_guard lock{mutex_};
    told_.push_back(std::move(text));
  }

  void deliver() {
    std::vector<std::string> told;
    {
      const std::lock_guard lock{mutex_};
      told.swap(told_);
    }
    for (const auto& text : told) tell_(text);
  }

  std::unique_ptr<RunSender> sender_;
  std::function<void(const std::string&)> tell_;
  RemotePace pace_;
  std::string kind_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<std::string> told_;
  Clock::time_point deadline_ = {};  // set before the stop is asked for
  bool ended_ = false;
  std::jthread thread_;  // last: it ends before all that it uses
};

}  // namespace vos
