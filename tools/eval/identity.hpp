#pragma once

#include <ostream>
#include <stop_token>

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace vos::eval {

/// The report of `vos-eval identity`; docs/evaluation.md tells its rules and its keys.
nlohmann::json evaluate_identity(const Options& options, std::ostream& err, std::stop_token stop);

}  // namespace vos::eval
