#pragma once

#include <cstddef>
#include <memory>

#include <vos/weights/checkpoint.hpp>

#include "options.hpp"

namespace vos::weights {

/// The file of that place on the command line. An Error for a type that is on no list names --unknown keep, where that would
/// let the file be read.
std::shared_ptr<const Checkpoint> opened(const Options& options, std::size_t place);

}  // namespace vos::weights
