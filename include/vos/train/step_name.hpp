#pragma once

#include <cstdint>
#include <string>

namespace vos {

/// What a run's folders of a step are called, so that they sort as they were made.
inline std::string step_name(std::int64_t step) {
  auto number = std::to_string(step);
  if (number.size() < 8) number.insert(0, 8 - number.size(), '0');
  return "step_" + number;
}

}  // namespace vos
