#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::serve {

/// Serves until SIGINT or SIGTERM, or until `stop`: then no new sessions are taken, what was asked for is finished, and it
/// returns. A second signal ends the process at once. Gives the exit code.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::serve
