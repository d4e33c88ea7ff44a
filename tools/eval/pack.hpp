#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"

namespace vos::eval {

/// `vos-eval --pack KIND`: checks results by the server's rules and zips them. Gives the exit code.
int run_pack(const Options& options, std::ostream& out, std::stop_token stop);

}  // namespace vos::eval
