#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::train {

/// Does what the options say; reports go to `out`, what happens meanwhile to `err`. Gives the exit code.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::train
