#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::weights {

/// Does what the options say: the report goes to `out`, warnings to `err`. Gives the exit code: 0, or 1 where two files differ
/// (diff) or one would not load (check); all else is an Error.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::weights
