#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::eval {

/// Measures and reports. Gives the exit code.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::eval
