#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include <vos/weights/load_report.hpp>

#include "options.hpp"

namespace vos::weights {

/// Would the file load into the model, and if not, what stands in the way? The report of a lenient load into a model that is
/// thrown away.
struct Checked {
  std::string model = {};      ///< its name, or the key list
  std::string taken_for = {};  ///< what the file most likely is
  LoadReport report = {};
};

Checked check(const Options& options);
void print(std::ostream& out, const Checked& checked, bool verbose);
nlohmann::ordered_json to_json(const Checked& checked);

/// Deterministic weights of a model, written as safetensors.
struct FilledFile {
  std::string model = {}, rule = {}, to = {};
  std::int64_t tensors = 0, bytes = 0;
};

FilledFile fill(const Options& options);
void print(std::ostream& out, const FilledFile& filled);
nlohmann::ordered_json to_json(const FilledFile& filled);

}  // namespace vos::weights
