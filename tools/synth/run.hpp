#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::synth {

/// Does what the options say: the report goes to `out`, progress to `err`. Gives the exit code, 0 or 130; all else is an
/// Error. The dataset grows under another name beside its place and is renamed when it is whole; whatever ends the run
/// before removes it.
int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop = {});

}  // namespace vos::synth
