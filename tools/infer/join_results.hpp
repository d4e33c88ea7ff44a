#pragma once

#include <filesystem>
#include <vector>

#include "job.hpp"
#include "options.hpp"

namespace vos::infer {

/// The file for all results of a dataset that numbers its videos, as YouTube-VIS does: they are measured, and sent to its
/// server, as one. Empty where the run has none. An earlier run's is removed, if it may be: until this run is complete there
/// is none.
std::filesystem::path joined_results_file(const std::vector<Job>& jobs, const Options& options);

/// Writes the entries of all videos' results.json as one list.
void join_results(const std::vector<Job>& jobs, const std::filesystem::path& file);

}  // namespace vos::infer
