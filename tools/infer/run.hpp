#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::infer {

/// Does what the options say: the report goes to `out`, warnings and progress to `err`. Gives the exit code, 0 or 130;
/// all else is an Error. A stop is obeyed between two frames and leaves complete files.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::infer
