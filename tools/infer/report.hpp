#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/fwd.hpp>

#include "common/durations.hpp"
#include "common/memory.hpp"

namespace vos::infer {

/// What became of one input. docs/tools.md explains the keys that it has in JSON.
struct SequenceReport {
  std::string name, input;
  std::filesystem::path output;
  bool complete = false;
  std::int64_t frames = 0;         ///< answered in this run
  std::int64_t frames_kept = 0;    ///< answered in the run that this one continues
  std::int64_t frames_total = -1;  ///< that the input has, -1 where nobody knows
  std::int64_t height = 0, width = 0;
  std::set<ObjectId> objects = {};
  double seconds = 0;  ///< from the first frame asked for to the last file closed
  tool::Durations push = {};
  std::map<ObjectId, double> j = {};
  std::vector<std::filesystem::path> outputs = {};
  std::vector<std::string> unused_masks = {};

  double fps() const { return seconds > 0 ? static_cast<double>(frames) / seconds : 0; }
  double j_mean() const;
};

/// What became of all of them.
struct Report {
  std::string model;
  std::size_t inputs = 0;  ///< that were asked for; there are fewer sequences where the run was stopped
  std::vector<SequenceReport> sequences = {};
  tool::MemoryTrend memory = {};

  bool complete() const;
};

nlohmann::ordered_json to_json(const Report& report);

/// A sequence's own `timing.json`, with the settings it ran with.
nlohmann::ordered_json to_json(const SequenceReport& sequence, const tool::MemoryTrend& memory,
                               const nlohmann::ordered_json& settings);

/// For people: what was tracked, how fast, how well, and where the results are. A line for each of several
/// sequences, or more of them with `verbose`.
void print(std::ostream& out, const Report& report, bool verbose);

}  // namespace vos::infer
