#pragma once

#include <map>
#include <string>

namespace vos {

/// Figures by name, of a validation; "J&F" and the like.
using Metrics = std::map<std::string, double>;

}  // namespace vos
