#pragma once

#include <nlohmann/json.hpp>

#include "html.hpp"

namespace vos::eval {

/// The label maps that a report compares, and the frames beneath them where the truth lies in a dataset that has some.
/// Nothing for reports that are not about label maps.
Pictures pictures_of(const nlohmann::json& report);

}  // namespace vos::eval
