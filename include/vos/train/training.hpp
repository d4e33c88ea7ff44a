#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/compute.hpp>
#include <vos/core/options.hpp>
#include <vos/fwd.hpp>
#include <vos/train/outcome.hpp>
#include <vos/train/rate_sweep.hpp>
#include <vos/train/run_log.hpp>

namespace vos {

struct TrainingSketch;  // train/sketch.hpp
struct StepCost;
class Group;  // train/parallel/group.hpp

/// What to train, and how: everything that a configuration file and flags can say.
struct TrainingSpec {
  std::string model = {};              ///< a preset
  std::filesystem::path run = {};      ///< the folder that the run lives in
  std::filesystem::path weights = {};  ///< to begin with; empty: as a network is made
  Compute compute = {};
  std::map<std::string, std::string> options = {};  ///< "optim.lr" and the like, as text
  std::shared_ptr<Group> group = {};                ///< of processes that train together; none: this one on its own
};

/// A group of parameters, for reports.
struct ParameterCount {
  std::string name = {};
  std::int64_t tensors = 0, numbers = 0;
  double lr = 0, weight_decay = 0;
};

/// A training that is ready to begin, whatever is trained.
class Training {
 public:
  virtual ~Training() = default;

  virtual std::vector<OptionInfo> options() const = 0;  ///< all of them, as they are
  virtual std::string data() const = 0;                 ///< a sentence about the data
  virtual std::string start() const = 0;                ///< what was taken from the weights to begin with; may be empty
  virtual std::vector<ParameterCount> parameters() const = 0;
  virtual std::int64_t steps_per_epoch() const = 0;
  virtual std::int64_t step() const = 0;
  virtual std::int64_t total() const = 0;

  /// Goes on from the run's last checkpoint, if it has one. Gives what a user should be told of it.
  virtual std::vector<std::string> resume() = 0;
  virtual TrainOutcome train(const Work& work, RunLog& log) = 0;
  virtual ValidationReport validate(const Work& work) = 0;

  // Trials: they make steps and undo them.
  virtual TrainingSketch sketch() = 0;
  virtual std::vector<RatePoint> try_rates(const RateSweep& sweep, const Work& work) = 0;
  virtual StepCost try_batch(std::int64_t clips) = 0;
};

/// One line of the registry: what can be trained, and how a training of it is made.
struct TrainingEntry {
  std::string name = {}, summary = {};
  std::vector<OptionInfo> options = {};
  std::function<std::unique_ptr<Training>(const TrainingSpec&)> make = {};
};

/// The training that `spec` names. An Error names the nearest where there is none of that name.
VOS_INLINE std::unique_ptr<Training> make_training(const TrainingSpec& spec);

/// Everything that this build can train.
VOS_INLINE std::vector<TrainingEntry> list_trainings();

}  // namespace vos
