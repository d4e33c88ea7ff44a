#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace vos::infer {

/// One input to track, with what belongs to it.
struct Job {
  SourceSpec source;
  std::filesystem::path masks;                  ///< a PNG, a folder, or empty
  std::shared_ptr<const Catalog> catalog = {};  ///< the dataset it is from, if it is from one
  const CatalogVideo* video = nullptr;          ///< of the catalogue
  std::filesystem::path output;                 ///< OUT, or OUT/SEQUENCE where there are several inputs
  std::int64_t number = 1;                      ///< the video's in results.json: the dataset's, else from 1
  nlohmann::ordered_json settings;              ///< all that decides the results: a run goes on only with equal ones
};

/// An Error where the job's folder holds something that may not be replaced.
void check_output(const Job& job, const Options& options);

/// What the options ask for. An Error where an output folder holds something that may not be replaced, where two inputs
/// would write to one folder, or where masks are missing.
std::vector<Job> plan(const Options& options);

}  // namespace vos::infer
