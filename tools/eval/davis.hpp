#pragma once

#include <filesystem>
#include <ostream>
#include <stop_token>
#include <string>

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace vos::eval {

/// The list of ImageSets that is meant.
struct DavisChoice {
  std::string year;                 ///< "2016": everything is one object
  std::filesystem::path file = {};  ///< empty where there are no lists
};

/// Of the year asked for, else of the newest one that has the split. A list that is not there is an Error.
DavisChoice choose_list(const Options& options);

/// The report of `vos-eval davis`; docs/evaluation.md tells its rules and its keys.
nlohmann::json evaluate_davis(const Options& options, std::ostream& err, std::stop_token stop);

}  // namespace vos::eval
