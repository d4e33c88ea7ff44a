#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include <vos/train/metrics.hpp>
#include <vos/train/named_state.hpp>
#include <vos/train/precision.hpp>

namespace vos {

/// How far a run has come.
struct TrainProgress {
  std::int64_t step = 0;   ///< steps done
  std::int64_t total = 0;  ///< steps that the schedule is planned for
  double best = 0;         ///< of the main metric, where `best_step` is not -1
  std::int64_t best_step = -1;
  std::int64_t validated = -1;      ///< the last step that was validated
  std::int64_t without_better = 0;  ///< validations since the best
  std::int64_t processes = 1;       ///< that share each step
  Metrics metrics = {};             ///< of the last validation
  LossScale scale = {};

  /// Takes what a validation after this step found. Gives whether its main metric is the best so far; one that is missing or
  /// no number never is. Of equals it is the latest, since other figures go on rising; it is no reason for more patience.
  bool take(const Metrics& found, const std::string& main) {
    validated = step;
    metrics = found;
    ++without_better;
    const auto value = found.find(main);
    if (value == found.end() || !std::isfinite(value->second)) return false;
    if (best_step >= 0 && value->second < best) return false;
    if (best_step < 0 || value->second > best) without_better = 0;
    best = value->second;
    best_step = step;
    return true;
  }
};

/// Everything that a run needs to go on as if it had not stopped.
struct TrainState : TrainProgress {
  NamedState model = {};                             ///< weights and buffers
  NamedState average = {};                           ///< their moving average, where one is kept
  NamedState optimizer = {};                         ///< what the optimiser remembers
  NamedState task = {};                              ///< what the task remembers
  std::map<std::string, std::string> metadata = {};  ///< of the model, written into its file
};

}  // namespace vos
