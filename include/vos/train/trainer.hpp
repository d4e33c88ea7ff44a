#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/stack.h>

#include <vos/core/random.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/train/checkpoints.hpp>
#include <vos/train/gradients.hpp>
#include <vos/train/moving_average.hpp>
#include <vos/train/optimizer.hpp>
#include <vos/train/options.hpp>
#include <vos/train/outcome.hpp>
#include <vos/train/parameter_groups.hpp>
#include <vos/train/precision.hpp>
#include <vos/train/run_log.hpp>
#include <vos/train/schedule.hpp>
#include <vos/train/task.hpp>
#include <vos/weights/load.hpp>

namespace vos {

/// Trains a task, step after step, with checkpoints from which it goes on bit for bit as if it had not stopped.
///
/// Nothing is random that does not hang on the seed and the number of the step: data by the task's promise, the schedule by
/// being a function of the step, and LibTorch's generators by being seeded anew before each batch. So no generator has a state
/// to keep, and on one machine, on the CPU with the same number of threads, a run that was killed ends with the same weights.
template <Task T>
class Trainer {
 public:
  Trainer(T& task, TrainOptions options, Place place, std::filesystem::path run)
      : task_(task),
        options_(std::move(options)),
        place_(place),
        schedule_(options_.schedule),
        checkpoints_(std::move(run)),
        optimizer_(groups(), options_.optimizer) {
    expect_usable(options_);
    if (optimizer_.groups().empty())
      throw Error({.what = "nothing learns: no parameter needs a gradient",
                   .where = "the trainer",
                   .mend = "freeze less, or give the backbone a learning rate",
                   .exit_code = exit_code::usage});
    if (options_.average > 0) average_.emplace(task_.module(), options_.average);
    total_ = progress_.total = options_.epochs * steps_per_epoch();
  }

  std::int64_t total() const { return total_; }
  std::int64_t step() const { return progress_.step; }
  std::int64_t steps_per_epoch() const {
    return options_.steps_per_epoch > 0 ? options_.steps_per_epoch
                                        : std::max<std::int64_t>(1, task_.steps_per_epoch() / options_.accumulate);
  }
  const Checkpoints& checkpoints() const { return checkpoints_; }
  const std::vector<ParameterGroup>& parameter_groups() const { return optimizer_.groups(); }

  /// Goes on from a checkpoint. Gives what a user should be told of it.
  std::vector<std::string> resume(const TrainState& state) {
    std::vector<std::string> told;
    static_cast<void>(load_weights(task_.module(), Weights{.where = "the checkpoint's model", .entries = state.model}));
    optimizer_.restore(state.optimizer);
    if (average_) {
      if (!state.average.empty()) average_->restore(state.average);
      else
        told.push_back("the checkpoint has no moving average: it begins with the weights of step " +
                       std::to_string(state.step)),
            average_.emplace(task_.module(), options_.average);
    }
    if constexpr (requires { task_.restore(state.task); }) task_.restore(state.task);
    progress_ = state;
    if (state.total == total_) return told;
    const bool keeps = schedule_.depends_on_total() && options_.extend == "keep";
    if (!keeps) progress_.total = total_;
    if (schedule_.depends_on_total())
      told.push_back("the run was planned for " + std::to_string(state.total) + " steps and now has " +
                     std::to_string(total_) + ": " +
                     (keeps ? "the learning rate keeps its old end"
                            : "the learning rate's schedule is planned anew, which no longer is the old run's"));
    return told;
  }

  /// Trains to the end, or until it is told to stop; then too the last step is finished and saved.
  TrainOutcome train(const Work& work, RunLog& log) {
    at::globalContext().setDeterministicAlgorithms(options_.deterministic, /*warn_only=*/false);
    const auto begun = Clock::now();
    TrainOutcome outcome{.step = progress_.step};
    auto batches = task_.batches(progress_.step * options_.accumulate);
    std::int64_t saved = progress_.step;
    const auto keep_checkpoint = [&](const std::string& name = {}) {
      save(name);
      saved = progress_.step;
    };
    // Validates, and keeps what came of it: a kill in between loses nothing, as the next run begins with this.
    const auto check = [&] {
      log.validation(validate(work));
      keep_checkpoint();
      if (progress_.best_step == progress_.step) checkpoints_.point("best", Checkpoints::name_of(progress_.step));
      checkpoints_.prune(options_.keep);
    };
    const auto given_up = [&] {
      return options_.patience > 0 && progress_.without_better >= options_.patience && progress_.step < total_;
    };
    if (progress_.step == 0 && !checkpoints_.find("last"))
      keep_checkpoint();  // what it begins with: nothing else remembers that
    if (progress_.step > 0 && progress_.validated != progress_.step && validates()) check();
    else if (progress_.best_step == progress_.step) checkpoints_.point("best", Checkpoints::name_of(progress_.step));
    while (progress_.step < total_ && !given_up()) {
      if (work.stop.stop_requested() || (options_.max_hours > 0 && seconds_since(begun) > options_.max_hours * 3600)) {
        outcome.end = work.stop.stop_requested() ? TrainEnd::stopped : TrainEnd::out_of_time;
        break;
      }
      const auto report = one_step(batches);
      ++progress_.step;
      log.step(report);
      if (work.progress) work.progress(static_cast<double>(progress_.step) / static_cast<double>(total_));
      const auto epochs = progress_.step / steps_per_epoch();
      if (epoch_done() && options_.every_epochs > 0 && epochs % options_.every_epochs == 0)
        keep_checkpoint("model_epoch_" + std::to_string(epochs));
      else if (epoch_done() || progress_.step == total_ ||
               (options_.every_steps > 0 && progress_.step % options_.every_steps == 0))
        keep_checkpoint();
      if (validates()) check();
    }
    if (given_up()) outcome.end = TrainEnd::no_better;
    if (saved != progress_.step) keep_checkpoint();
    outcome.step = progress_.step;
    outcome.metrics = progress_.metrics;
    outcome.best_step = progress_.best_step;
    if (progress_.best_step >= 0) outcome.best = progress_.best;
    return outcome;
  }

  /// The task's own validation, with the moving average where there is one.
  ValidationReport validate(const Work& work) {
    const auto begun = Clock::now();
    const at::NoGradGuard no_grad;
    auto& module = task_.module();
    const bool was_training = module.is_training();
    if (average_) average_->swap();
    module.eval();
    ValidationReport report{
        .step = progress_.step, .epoch = (progress_.step - 1) / steps_per_epoch(), .main = task_.main_metric()};
    const auto restore = [&] {
      if (average_) average_->swap();
      module.train(was_training);
    };
    try {
      report.metrics = task_.validate(work);
    } catch (...) {
      restore();
      throw;
    }
    restore();
    progress_.validated = progress_.step;
    progress_.metrics = report.metrics;
    ++progress_.without_better;
    if (const auto found = report.metrics.find(report.main);
        found != report.metrics.end() && std::isfinite(found->second) &&
        !(progress_.best_step >= 0 && found->second <= progress_.best)) {
      report.best = true;
      progress_.best = found->second;
      progress_.best_step = progress_.step;
      progress_.without_better = 0;
    }
    report.seconds = seconds_since(begun);
    return report;
  }

  TrainState state() const {
    TrainState state{progress_};
    for (const auto& entry : state_of(task_.module())) state.model.push_back({entry.name, entry.value});
    if (average_) state.average = average_->state();
    state.optimizer = optimizer_.state();
    if constexpr (requires { task_.state(); }) state.task = task_.state();
    if constexpr (requires { task_.metadata(); }) state.metadata = task_.metadata();
    return state;
  }

  void save(const std::string& name = {}) const {
    checkpoints_.save(state(), name);
    checkpoints_.prune(options_.keep);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point begun) {
    return std::chrono::duration<double>(Clock::now() - begun).count();
  }

  std::vector<ParameterGroup> groups() const {
    ParameterGroupRules rules;
    if (!options_.frozen.empty()) rules.frozen = split(options_.frozen, ',');
    return group_parameters(task_.module(), options_.lr, options_.lr_backbone, options_.weight_decay, rules);
  }

  bool epoch_done() const { return progress_.step % steps_per_epoch() == 0; }
  bool validates() const {
    return progress_.step == total_ || (epoch_done() && options_.validate_every > 0 &&
                                        progress_.step / steps_per_epoch() % options_.validate_every == 0);
  }

  StepReport one_step(auto& batches) {
    const auto begun = Clock::now();
    StepReport report{.step = progress_.step + 1, .total = total_, .epoch = progress_.step / steps_per_epoch()};
    task_.module().train();
    optimizer_.zero_gradients();
    std::vector<std::string> names;
    std::vector<at::Tensor> values;
    for (std::int64_t i = 0; i < options_.accumulate; ++i) {
      const auto asked = Clock::now();
      last_batch_ = batches.next();
      report.waited += seconds_since(asked);
      const auto losses = backward(*last_batch_, i);
      for (const auto& [name, loss] : losses) names.push_back(name), values.push_back(loss.detach().to(at::kDouble));
    }
    const auto gradients = gradients_of(optimizer_.groups());
    if (scaled()) at::_foreach_mul_(gradients, 1 / progress_.scale.scale);
    const auto norm = gradient_norm(gradients);
    read(report, names, values);
    report.gradient_norm = norm.item<double>();
    const auto factor = schedule_(progress_.step, progress_.total);
    for (const auto& group : optimizer_.groups()) report.lr[group.name] = group.lr * factor;
    const bool finite = std::isfinite(report.gradient_norm) && std::isfinite(report.loss);
    // In half precision the scale is lowered first; at the lowest the numbers are to blame.
    if (!finite && (!scaled() || progress_.scale.scale <= 1)) refuse(report);
    if (scaled()) progress_.scale.update(!finite);
    report.skipped = !finite;
    if (finite) {
      if (options_.clip_norm > 0) clip_gradients(gradients, norm, options_.clip_norm);
      optimizer_.step(factor);
      if (average_) average_->step();
    }
    report.seconds = seconds_since(begun);
    return report;
  }

  Losses backward(const typename T::Batch& batch, std::int64_t part) {
    const auto number = static_cast<std::uint64_t>(progress_.step * options_.accumulate + part);
    at::manual_seed(CounterRandom{options_.seed, number, 0x7EA1}.bits());
    Losses losses;
    at::Tensor sum;
    {
      const Autocast autocast{place_.device.type(), place_.dtype};
      losses = task_.loss(batch);
      for (const auto& [name, loss] : losses) sum = sum.defined() ? sum + loss : loss;
    }
    if (!sum.defined() || !sum.requires_grad())
      throw Error({.what = "the task's losses depend on nothing that learns",
                   .where = "the trainer, step " + std::to_string(progress_.step + 1),
                   .mend = "give a loss some weight, or freeze less"});
    (sum * ((scaled() ? progress_.scale.scale : 1.0) / static_cast<double>(options_.accumulate))).backward();
    return losses;
  }

  /// The losses' values, in one copy off the device.
  void read(StepReport& report, const std::vector<std::string>& names, const std::vector<at::Tensor>& values) const {
    const auto numbers = at::stack(values).cpu();
    const auto* number = numbers.const_data_ptr<double>();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto share = number[i] / static_cast<double>(options_.accumulate);
      report.losses[names[i]] += share;
      report.loss += share;
    }
  }

  [[noreturn]] void refuse(const StepReport& report) const {
    const auto folder = checkpoints_.folder().parent_path();
    std::string what;
    for (const auto& [name, value] : report.losses)
      if (!std::isfinite(value)) what += (what.empty() ? "" : ", ") + name;
    if (!what.empty()) what = "not finite: " + what;
    else {
      const auto broken = broken_gradients(optimizer_.groups());
      what = "gradients are not finite, of " + std::to_string(broken.size()) + " parameters, '" +
             (broken.empty() ? "" : broken.back()) + "' among them";
    }
    const auto kept = folder / ("broken_step_" + std::to_string(report.step) + ".safetensors");
    bool saved = false;
    try {
      if constexpr (requires { task_.save(*last_batch_, kept); }) task_.save(*last_batch_, kept), saved = true;
    } catch (const std::exception&) {  // a full disk must not hide what went wrong
    }
    throw Error(
        {.what = what,
         .where = "step " + std::to_string(report.step) + (saved ? ", whose batch is kept in " + kept.string() : ""),
         .mend = "resume from the last checkpoint with a smaller optim.lr, a longer optim.warmup or a smaller "
                 "optim.clip_norm"});
  }

  bool scaled() const { return place_.dtype == c10::kHalf; }

  T& task_;
  TrainOptions options_;
  Place place_;
  Schedule schedule_;
  Checkpoints checkpoints_;
  Optimizer optimizer_;
  std::optional<MovingAverage> average_;
  TrainProgress progress_;
  std::int64_t total_ = 0;  // steps to do
  std::optional<typename T::Batch> last_batch_;
};

}  // namespace vos
