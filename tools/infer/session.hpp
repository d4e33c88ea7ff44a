#pragma once

#include <ostream>
#include <stop_token>

#include "options.hpp"
#include "report.hpp"

namespace vos::infer {

/// Runs a session file again, by one way through its video, and writes what `follow` writes.
SequenceReport follow_session(const Options& options, tool::MemoryTrend& memory, std::ostream& err,
                              std::stop_token stop);

}  // namespace vos::infer
