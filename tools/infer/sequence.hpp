#pragma once

#include <ostream>
#include <stop_token>

#include "job.hpp"
#include "report.hpp"

namespace vos::infer {

/// Follows one input through to its end, or until `stop`, which is obeyed between two frames. Whatever happens, the files
/// that are there afterwards are complete and readable.
///
/// `needs_prompt` false: the model finds objects by itself. Warnings and progress go to `err`; `memory` is stepped once a
/// frame.
SequenceReport follow(const Job& job, const Options& options, AnySegmenter& segmenter, bool needs_prompt,
                      tool::MemoryTrend& memory, std::ostream& err, std::stop_token stop);

}  // namespace vos::infer
