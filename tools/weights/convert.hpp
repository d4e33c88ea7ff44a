#pragma once

#include <cstdint>
#include <ostream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/weights/checkpoint.hpp>

#include "options.hpp"

namespace vos::weights {

/// What was written, and what is worth knowing about it.
struct Converted {
  std::string from = {}, to = {};
  std::int64_t tensors = 0, bytes = 0;  ///< of the weights
  std::int64_t file_bytes = 0;
  std::int64_t changed = 0;  ///< tensors of another type now
  bool to_f16 = false;       ///< which has fewer large numbers than the other types
  std::int64_t renamed = 0;
  std::vector<std::pair<std::string, std::int64_t>> overflowed = {};  ///< by name, numbers that became infinite
  std::vector<std::vector<std::string>> tied = {};                    ///< names that were one tensor
  std::vector<std::string> kept = {}, stripped = {};  ///< what the file holds beside weights, by full path
  std::vector<std::string> not_found = {};            ///< of --strip: nothing beside the weights has this name
  /// Of --strip: a name inside of an entry, which is kept or stripped whole.
  std::vector<std::pair<std::string, std::string>> inside = {};
  bool cut = false;  ///< something was nested too deep or too large to be kept
};

/// Writes the weights of `file`, under their own names, and beside them what else it holds.
Converted convert(const Checkpoint& file, const Options& options, std::stop_token stop = {});

/// Refuses to write anything but safetensors, or over a file that is there, before any work.
void expect_output(const std::filesystem::path& path, bool overwrite);

void print(std::ostream& out, const Converted& converted);
nlohmann::ordered_json to_json(const Converted& converted);

}  // namespace vos::weights
