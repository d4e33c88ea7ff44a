#pragma once

#include <cstddef>
#include <stop_token>
#include <string>

#include <vos/data/catalog.hpp>

namespace vos::train {

/// Looks at a sample of a dataset with the linter's eyes: its lists, and three frames of up to a hundred videos with their
/// masks. What would break a training is an Error in the linter's words. Gives a sentence on what was looked at.
std::string check_data(const CatalogSpec& spec, std::size_t threads, std::stop_token stop);

}  // namespace vos::train
