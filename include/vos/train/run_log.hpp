#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/train/clip_figures.hpp>
#include <vos/train/metrics.hpp>
#include <vos/train/outcome.hpp>

namespace vos {

/// What there is to tell of a step.
struct StepReport {
  std::int64_t step = 0;  ///< counted from 1: how many are done
  std::int64_t total = 0;
  std::int64_t epoch = 0;  ///< counted from 0
  double loss = 0;
  std::map<std::string, double> losses = {};
  std::map<std::string, double> lr = {};  ///< by group
  double gradient_norm = 0;               ///< before it was clipped
  bool skipped = false;                   ///< fp16: gradients overflowed, so nothing was changed
  double seconds = 0;                     ///< of the whole step
  double waited = 0;                      ///< of these, for data
};

struct ValidationReport {
  std::int64_t step = 0, epoch = 0;
  Metrics metrics = {};
  std::string main = {};  ///< the metric that decides
  bool best = false;      ///< none was better so far
  double seconds = 0;
  std::vector<ClipFigures> clips = {};  ///< where the task tells of its clips; their pictures follow
};

/// Whoever wants to know how a run goes: a file, a terminal, a server. Calls come in order, from one thread.
class RunLog {
 public:
  virtual ~RunLog() = default;
  virtual void configuration(const std::map<std::string, std::string>& /*settings*/) {
  }  ///< all settings of the run, before its first step
  virtual void step(const StepReport&) {}
  virtual void validation(const ValidationReport&) {}
  virtual void picture(std::int64_t /*step*/, const std::string& /*name*/, const at::Tensor& /*rgb*/) {
  }  ///< uint8 [H,W,3]
  virtual void histogram(std::int64_t /*step*/, const std::string& /*name*/, const at::Tensor& /*values*/) {
  }  ///< of any shape
  virtual void message(const std::string&) {}  ///< something that a user should read
  virtual void resumed(std::int64_t /*step*/) {
  }  ///< the run goes on after this step: what is known of later ones is void
  virtual void finished(const TrainOutcome&) {}       ///< the last call, or
  virtual void failed(const std::string& /*why*/) {}  ///< this one is
};

/// Several logs as one.
class RunLogs final : public RunLog {
 public:
  void add(std::unique_ptr<RunLog> log) { logs_.push_back(std::move(log)); }
  void configuration(const std::map<std::string, std::string>& settings) override {
    for (const auto& log : logs_) log->configuration(settings);
  }
  void step(const StepReport& report) override {
    for (const auto& log : logs_) log->step(report);
  }
  void validation(const ValidationReport& report) override {
    for (const auto& log : logs_) log->validation(report);
  }
  void picture(std::int64_t step, const std::string& name, const at::Tensor& rgb) override {
    for (const auto& log : logs_) log->picture(step, name, rgb);
  }
  void histogram(std::int64_t step, const std::string& name, const at::Tensor& values) override {
    for (const auto& log : logs_) log->histogram(step, name, values);
  }
  void message(const std::string& text) override {
    for (const auto& log : logs_) log->message(text);
  }
  void resumed(std::int64_t step) override {
    for (const auto& log : logs_) log->resumed(step);
  }
  void finished(const TrainOutcome& outcome) override {
    for (const auto& log : logs_) log->finished(outcome);
  }
  void failed(const std::string& why) override {
    for (const auto& log : logs_) log->failed(why);
  }

 private:
  std::vector<std::unique_ptr<RunLog>> logs_;
};

}  // namespace vos
