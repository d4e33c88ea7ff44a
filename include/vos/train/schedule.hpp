#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <vos/core/choice.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

struct ScheduleOptions {
  std::string schedule = "cosine";
  std::int64_t warmup = 0;
  double warmup_from = 0.01;
  std::string milestones = {};
  std::int64_t every = 0;
  double gamma = 0.1;
  double power = 0.9;
  double last = 0;

  void visit(auto&& field) {
    field("schedule", schedule, "how the learning rate goes on: constant, cosine, poly, step or multistep");
    field("warmup", warmup, "steps in which it rises to its full value");
    field("warmup_from", warmup_from, "the share of it that the first step has");
    field("milestones", milestones, "multistep: the steps at which it falls, \"6000,12000\"");
    field("every", every, "step: it falls each time so many steps are done");
    field("gamma", gamma, "step, multistep: to which share it falls");
    field("power", power, "poly: (1 - done)^power");
    field("last", last, "cosine, poly: the share that is left at the end");
  }
};

/// The learning rate's factor in each step: a function of the step, so that a resumed run goes on where it was.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options)
      : options_(options),
        kind_(static_cast<Kind>(
            choice("schedule", options.schedule, {"constant", "cosine", "poly", "step", "multistep"}))) {
    expect_within("warmup", static_cast<double>(options.warmup), 0);
    expect_within("warmup_from", options.warmup_from, 0, 1);
    expect_within("gamma", options.gamma, 0);
    expect_within("power", options.power, 0);
    expect_within("last", options.last, 0, 1);
    if (kind_ == Kind::step && options.every < 1) refuse("step, and every = 0", "set every to some number of steps");
    if (kind_ == Kind::multistep) {
      for (const auto& text : split(options.milestones, ',')) {
        const auto milestone = number_from<std::int64_t>(text);
        if (!milestone || *milestone < 1 || (!milestones_.empty() && *milestone <= milestones_.back()))
          refuse("multistep, and milestones = '" + options.milestones + "'",
                 "set milestones to rising numbers of steps, like 6000,12000");
        milestones_.push_back(*milestone);
      }
    }
  }

  /// Whether the length of the run changes what happens before its end.
  bool depends_on_total() const { return kind_ == Kind::cosine || kind_ == Kind::poly; }

  /// Of step `step`, counted from 0, in a run of `total` steps. Beyond the end it stays where it ended.
  double operator()(std::int64_t step, std::int64_t total) const {
    const double rising = step < options_.warmup
                              ? options_.warmup_from + (1 - options_.warmup_from) * static_cast<double>(step) /
                                                           static_cast<double>(options_.warmup)
                              : 1;
    return rising * falling(step, total);
  }

 private:
  enum class Kind : std::uint8_t { constant, cosine, poly, step, multistep };

  double falling(std::int64_t step, std::int64_t total) const {
    const auto span = static_cast<double>(std::max<std::int64_t>(1, total - options_.warmup));
    const double done = std::clamp(static_cast<double>(step - options_.warmup) / span, 0.0, 1.0);
    const auto down_to_last = [&](double share) { return options_.last + (1 - options_.last) * share; };
    switch (kind_) {
      case Kind::constant: return 1;
      case Kind::cosine: return down_to_last((1 + std::cos(std::numbers::pi * done)) / 2);
      case Kind::poly: return down_to_last(std::pow(1 - done, options_.power));
      case Kind::step: return std::pow(options_.gamma, static_cast<double>(step / options_.every));
      case Kind::multistep:
        return std::pow(
            options_.gamma,
            static_cast<double>(std::upper_bound(milestones_.begin(), milestones_.end(), step) - milestones_.begin()));
    }
    return 1;
  }

  [[noreturn]] static void refuse(const std::string& what, const std::string& mend) {
    throw Error({.what = "schedule = " + what,
                 .where = "the learning rate's schedule",
                 .mend = mend,
                 .exit_code = exit_code::usage});
  }

  ScheduleOptions options_;
  Kind kind_;
  std::vector<std::int64_t> milestones_ = {};
};

}  // namespace vos
