#pragma once

#include <cstdint>
#include <optional>

#include <vos/train/task.hpp>

namespace vos {

/// Why a run came to its end.
enum class TrainEnd : std::uint8_t {
  finished,
  stopped,      ///< it was told to
  out_of_time,  ///< max_hours
  no_better,    ///< patience
};

struct TrainOutcome {
  TrainEnd end = TrainEnd::finished;
  std::int64_t step = 0;  ///< steps done
  Metrics metrics = {};   ///< of the last validation
  std::optional<double> best = {};
  std::int64_t best_step = -1;
};

}  // namespace vos
