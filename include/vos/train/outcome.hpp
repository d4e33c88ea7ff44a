#pragma once

#include <cstdint>
#include <optional>

#include <vos/train/metrics.hpp>

namespace vos {

/// Why a run came to its end.
enum class TrainEnd : std::uint8_t {
  finished,
  stopped,      ///< it was told to
  out_of_time,  ///< max_hours
  no_better,    ///< patience
};

inline const char* text_of(TrainEnd end) {
  switch (end) {
    case TrainEnd::finished: return "finished";
    case TrainEnd::stopped: return "stopped";
    case TrainEnd::out_of_time: return "out of time";
    case TrainEnd::no_better: return "no better";
  }
  return "";
}

struct TrainOutcome {
  TrainEnd end = TrainEnd::finished;
  std::int64_t step = 0;  ///< steps done
  Metrics metrics = {};   ///< of the last validation
  std::optional<double> best = {};
  std::int64_t best_step = -1;
};

}  // namespace vos
