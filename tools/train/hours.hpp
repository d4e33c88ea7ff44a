#pragma once

#include <cmath>
#include <optional>
#include <string_view>

#include <vos/core/text.hpp>

namespace vos::train {

/// How many hours "2h", "90m" or "1d12h" are; a number by itself is of hours. Nothing where it is no such text.
inline std::optional<double> hours_from(std::string_view text) {
  if (const auto hours = number_from<double>(text)) return *hours >= 0 && std::isfinite(*hours) ? hours : std::nullopt;
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    const auto end = text.find_first_not_of("0123456789.");
    const auto number = number_from<double>(text.substr(0, end));
    if (!number || end == std::string_view::npos) return std::nullopt;
    switch (text[end]) {
      case 'd': sum += 24 * *number; break;
      case 'h': sum += *number; break;
      case 'm': sum += *number / 60; break;
      case 's': sum += *number / 3600; break;
      default: return std::nullopt;
    }
    text.remove_prefix(end + 1);
  }
  return sum;
}

}  // namespace vos::train
