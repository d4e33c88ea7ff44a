#pragma once

#include <cstdint>
#include <string>

namespace vos {

/// "[3,480,854]"
template <class Sizes>
std::string text_of_sizes(const Sizes& sizes) {
  std::string text = "[";
  for (const auto size : sizes) {
    if (text.size() > 1) text += ',';
    text += std::to_string(size);
  }
  return text + "]";
}

}  // namespace vos
