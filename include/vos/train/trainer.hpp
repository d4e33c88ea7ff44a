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
#include <vos/nn/recompute.hpp>
#include <vos/train/broken_pass.hpp>
#include <vos/train/checkpoints.hpp>
#include <vos/train/explosion.hpp>
#include <vos/train/gradients.hpp>
#include <vos/train/moving_average.hpp>
#include <vos/train/optimizer.hpp>
#include <vos/train/options.hpp>
#include <vos/train/out_of_memory.hpp>
#include <vos/train/outcome.hpp>
#include <vos/train/parallel/gradient_buckets.hpp>
#include <vos/train/parallel/group.hpp>
#include <vos/train/parallel/same_weights.hpp>
#include <vos/train/parallel/shared_state.hpp>
#include <vos/train/parameter_groups.hpp>
#include <vos/train/precision.hpp>
#include <vos/train/progress.hpp>
#include <vos/train/run_log.hpp>
#include <vos/train/schedule.hpp>
#include <vos/train/step_name.hpp>
#include <vos/train/task.hpp>
#include <vos/weights/load.hpp>

namespace vos {

/// Trains a task, step after step, with checkpoints from which it goes on bit for bit as if it had not stopped.
///
/// Nothing is random that does not hang on the seed and the number of the step: data by the task's promise, the schedule by
/// being a function of the step, and LibTorch's generators by being seeded anew before each batch. So no generator has a state
/// to keep, and on one machine, on the CPU with the same number of threads, a run that was killed ends with the same weights.
///
/// In a group each process trains on batches of its own, which the task deals out, with the mean of all gradients; whatever
/// decides how the run goes on is decided together. Process 0 alone writes and logs.
template <Task T>
class Trainer {
 public:
  Trainer(T& task, TrainOptions options, Place place, std::filesystem::path run, Group* group = nullptr)
      : task_(task),
        group_(group),
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
    if (group_ != nullptr) {
      group_->set_timeout(options_.timeout);
      progress_.processes = group_->ranks().world;
      broadcast(*group_, task_.module().parameters());
      share_buffers();
      buckets_.emplace(*group_, learning(), static_cast<std::int64_t>(options_.bucket * 1e6));
    }
    set_recompute(task_.module(), options_.recompute);
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
    if constexpr (requires { task_.restore(state.task); })
      task_.restore(state_of_rank(group_, state.task, state.processes));
    progress_ = state;
    progress_.processes = group_ == nullptr ? 1 : group_->ranks().world;
    if (state.processes != progress_.processes)
      told.push_back("the run was one of " + std::to_string(state.processes) + " processes and is one of " +
                     std::to_string(progress_.processes) +
                     " now: a step learns from another number of clips, and the run is another from here on");
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
  TrainOutcome train(const Work& work, RunLog& own_log) {
    at::globalContext().setDeterministicAlgorithms(options_.deterministic, /*warn_only=*/false);
    const auto begun = Clock::now();
    RunLog silent;
    RunLog& log = leads() ? own_log : silent;
    expect_same_everywhere();
    TrainOutcome outcome{.step = progress_.step};
    auto batches = task_.batches(progress_.step * options_.accumulate);
    std::int64_t saved = progress_.step;
    ExplosionWatch explosions{options_.explosion};
    const auto keep_checkpoint = [&](const std::string& name = {}) {
      save(name);
      saved = progress_.step;
    };
    // Validates, and keeps what came of it: a kill in between loses nothing, as the next run begins with this.
    const auto check = [&] {
      try {
        const auto report = with_advice(true, [&] { return validate(work); });
        log.validation(report);
        if constexpr (requires { task_.gallery(); })
          for (const auto& [name, rgb] : task_.gallery().pictures()) log.picture(report.step, name, rgb);
      } catch (const Cancelled&) {
        outcome.end = TrainEnd::stopped;
        return;
      }
      keep_checkpoint();
      point_at_best();
      if (leads()) checkpoints_.prune(options_.keep);
    };
    const auto given_up = [&] {
      return options_.patience > 0 && progress_.without_better >= options_.patience && progress_.step < total_;
    };
    if (progress_.step == 0 && at_first(group_, !checkpoints_.find("last")))
      keep_checkpoint();  // what it begins with: nothing else remembers that
    if (progress_.step > 0 && progress_.validated != progress_.step && validates()) check();
    else point_at_best();
    while (progress_.step < total_ && !given_up()) {
      if (const auto end = told_to_end(work, begun); end != TrainEnd::finished) {
        outcome.end = end;
        break;
      }
      const auto report =
          with_advice(false, [&] { return one_step(batches, schedule_(progress_.step, progress_.total)); });
      ++progress_.step;
      log.step(report);
      if (const auto times = explosions.step(report.gradient_norm); times > 0)
        log.message(explosion_text(report.step, report.gradient_norm, times));
      if (work.progress) work.progress(static_cast<double>(progress_.step) / static_cast<double>(total_));
      const auto epochs = progress_.step / steps_per_epoch();
      if (epoch_done() && options_.histograms > 0 && epochs % options_.histograms == 0) tell_values(log);
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
    share_buffers();
    if (average_) average_->swap(), share_buffers();
    module.eval();
    ValidationReport report{
        .step = progress_.step, .epoch = (progress_.step - 1) / steps_per_epoch(), .main = task_.main_metric()};
    const auto restore = [&] {
      if (average_) average_->swap();
      module.train(was_training);
    };
    try {
      // A process that stopped in the middle would leave the others waiting: where there are several, none does.
      report.metrics = group_ == nullptr ? task_.validate(work) : task_.validate({.progress = work.progress});
      if (group_ != nullptr) share_metrics(*group_, report.metrics);
      if constexpr (requires { task_.gallery(); }) report.clips = task_.gallery().clips();
    } catch (...) {
      restore();
      throw;
    }
    restore();
    report.best = progress_.take(report.metrics, report.main);
    report.seconds = seconds_since(begun);
    return report;
  }

  /// Makes steps that count for nothing: afterwards the weights and all else are as before. `steps(step)` may call
  /// `step(batches, factor)` as often as it likes; a loss that is not finite is given as it is.
  auto trial(auto&& steps) {
    auto before = state();
    for (auto* part : {&before.model, &before.average, &before.optimizer, &before.task})
      for (auto& entry : *part) entry.value = entry.value.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
    const auto undo = [&] {
      optimizer_.zero_gradients();
      batches_.clear();
      resume(before);
    };
    try {
      auto result = steps([this](auto& batches, double factor) {
        const auto report = one_step(batches, factor, /*on_trial=*/true);
        ++progress_.step;
        return report;
      });
      undo();
      return result;
    } catch (...) {
      undo();
      throw;
    }
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
    expect_same_everywhere();
    share_buffers();
    auto now = state();
    if (group_ != nullptr) now.task = state_of_all(*group_, std::move(now.task));
    if (!leads()) return;
    checkpoints_.save(now, name);
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

  bool leads() const { return group_ == nullptr || group_->ranks().leads(); }

  /// What learns, as the module has it, each once.
  std::vector<at::Tensor> learning() const {
    std::vector<at::Tensor> parameters;
    TensorTies first_place;
    std::size_t place = 0;
    for (const auto& parameter : task_.module().parameters())
      if (first_place(parameter) == place++ && parameter.requires_grad()) parameters.push_back(parameter);
    return parameters;
  }

  void expect_same_everywhere() const {
    if (group_ != nullptr) expect_same(*group_, learning(), progress_.step);
  }
  /// Running means and the like are each process's own until someone looks at them: then they are process 0's.
  void share_buffers() const {
    if (group_ != nullptr) broadcast(*group_, task_.module().buffers());
  }
  void point_at_best() const {
    if (leads() && progress_.best_step == progress_.step) checkpoints_.point("best", step_name(progress_.step));
  }
  /// Whether one of the processes was told to stop, or has no time left; finished: none.
  TrainEnd told_to_end(const Work& work, Clock::time_point begun) const {
    const bool late = options_.max_hours > 0 && seconds_since(begun) > options_.max_hours * 3600;
    double told[] = {work.stop.stop_requested() ? 1.0 : 0.0, late ? 1.0 : 0.0};
    mean(group_, told);
    return told[0] > 0 ? TrainEnd::stopped : told[1] > 0 ? TrainEnd::out_of_time : TrainEnd::finished;
  }

  /// How parameters and their gradients, as the optimiser has just taken them, are spread.
  void tell_values(RunLog& log) const {
    for (const auto& parameter : task_.module().named_parameters()) {
      log.histogram(progress_.step, "parameters/" + parameter.key(), parameter.value().detach());
      if (const auto& gradient = parameter.value().grad(); gradient.defined())
        log.histogram(progress_.step, "gradients/" + parameter.key(), gradient);
    }
  }

  bool epoch_done() const { return progress_.step % steps_per_epoch() == 0; }
  bool validates() const {
    return progress_.step == total_ || (epoch_done() && options_.validate_every > 0 &&
                                        progress_.step / steps_per_epoch() % options_.validate_every == 0);
  }

  StepReport one_step(auto& batches, double factor, bool on_trial = false) {
    const auto begun = Clock::now();
    StepReport report{.step = progress_.step + 1, .total = total_, .epoch = progress_.step / steps_per_epoch()};
    task_.module().train();
    optimizer_.zero_gradients();
    batches_.clear();
    suspect_.reset();
    std::vector<std::string> names;
    std::vector<at::Tensor> values;
    for (std::int64_t i = 0; i < options_.accumulate; ++i) {
      const auto asked = Clock::now();
      batches_.push_back(batches.next());
      report.waited += seconds_since(asked);
      const auto losses = backward(batches_.back(), i);
      for (const auto& [name, loss] : losses) names.push_back(name), values.push_back(loss.detach().to(at::kDouble));
    }
    if (buckets_) buckets_->finish();
    const auto gradients = gradients_of(optimizer_.groups());
    if (scaled()) at::_foreach_mul_(gradients, 1 / progress_.scale.scale);
    const auto norm = gradient_norm(gradients);
    read(report, names, values);
    report.gradient_norm = norm.item<double>();
    for (const auto& group : optimizer_.groups()) report.lr[group.name] = group.lr * factor;
    const bool finite = std::isfinite(report.gradient_norm) && std::isfinite(report.loss);
    // In half precision the scale is lowered first; at the lowest the numbers are to blame.
    if (!finite && !on_trial && (!scaled() || progress_.scale.scale <= 1)) refuse(report);
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
    const auto rank = group_ == nullptr ? 0 : static_cast<std::uint64_t>(group_->ranks().rank);
    at::manual_seed(CounterRandom{options_.seed, number, 0x7EA1 + (rank << 32)}.bits());
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
    if (buckets_ && part + 1 == options_.accumulate) buckets_->begin();
    (sum * ((scaled() ? progress_.scale.scale : 1.0) / static_cast<double>(options_.accumulate))).backward();
    return losses;
  }

  /// The losses' values, in one copy off the device; means over all processes.
  void read(StepReport& report, const std::vector<std::string>& names, const std::vector<at::Tensor>& values) {
    const auto numbers = at::stack(values).cpu();
    auto* number = numbers.mutable_data_ptr<double>();
    mean(group_, {number, names.size()});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto share = number[i] / static_cast<double>(options_.accumulate);
      if (!suspect_ && !std::isfinite(share)) suspect_ = i * batches_.size() / names.size();
      report.losses[names[i]] += share;
      report.loss += share;
    }
  }

  /// What `call` gives; where memory runs out, an Error that says what was being done and what can be lowered.
  auto with_advice(bool validating, auto&& call) const {
    std::string doing;
    try {
      return call();
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      doing = validating ? "the validation after step " + std::to_string(progress_.step)
                         : "step " + std::to_string(progress_.step + 1);
    }
    if (validating) throw out_of_memory(doing, {"fewer or smaller frames in a validation's clips"});
    if constexpr (requires { task_.describe(batches_.back()); })
      if (!batches_.empty()) doing += ", a batch of " + task_.describe(batches_.back());
    std::vector<std::string> lower;
    if constexpr (requires { task_.memory_advice(); }) lower = task_.memory_advice();
    if (!options_.recompute) lower.push_back("optim.recompute=true");
    if (place_.dtype == c10::kFloat) lower.push_back("optim.precision=bf16");
    throw out_of_memory(doing, lower);
  }

  /// Which part of the step broke, and where in the network: it is made again, now watched. What all processes say of a part
  /// decides whether they go on to the next one, since losses are counted by all of them together.
  std::pair<std::size_t, std::string> broken_part() {
    // What the task remembers of a broken batch breaks those after it: where it is known which one began, that one alone.
    const auto first = suspect_.value_or(0), last = suspect_ ? first + 1 : batches_.size();
    for (auto i = first; i < last; ++i) {
      optimizer_.zero_gradients();
      BrokenPass pass{task_.module()};
      auto said = pass.find([&] { backward(batches_[i], static_cast<std::int64_t>(i)); });
      if (group_ != nullptr) said = first_said(*group_, said);
      if (!said.empty()) return {i, std::move(said)};
    }
    return {last - 1, {}};
  }

  [[noreturn]] void refuse(const StepReport& report) {
    auto what = not_finite_text(report.losses, optimizer_.groups());
    const auto whose = leads() ? std::string{} : "_rank_" + std::to_string(group_->ranks().rank);
    const auto kept =
        checkpoints_.folder().parent_path() / ("broken_step_" + std::to_string(report.step) + whose + ".safetensors");
    bool saved = false;
    try {                // a full disk or memory must not hide what went wrong
      buckets_.reset();  // gradients are each process's own from here on
      const auto [part, place] = broken_part();
      if (!place.empty()) what += "; " + place;
      if constexpr (requires { task_.save(batches_[part], kept); }) task_.save(batches_[part], kept), saved = true;
    } catch (const std::exception&) {
    }
    throw Error(
        {.what = what,
         .where = "step " + std::to_string(report.step) + (saved ? ", whose batch is kept in " + kept.string() : ""),
         .mend = "resume from the last checkpoint with a smaller optim.lr, a longer optim.warmup or a smaller "
                 "optim.clip_norm"});
  }

  bool scaled() const { return place_.dtype == c10::kHalf; }

  T& task_;
  Group* group_;
  TrainOptions options_;
  Place place_;
  Schedule schedule_;
  Checkpoints checkpoints_;
  Optimizer optimizer_;
  std::optional<MovingAverage> average_;
  std::optional<GradientBuckets> buckets_;
  TrainProgress progress_;
  std::int64_t total_ = 0;                  // steps to do
  std::vector<typename T::Batch> batches_;  // of the last step
  std::optional<std::size_t> suspect_;      // the first of them whose loss is not finite
};

}  // namespace vos
