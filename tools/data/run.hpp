#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::data {

/// Does what the options say: the report goes to `out`, progress to `err`. Gives the exit code: 0, 1 where errors were
/// found, or 130; all else is an Error.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::data
