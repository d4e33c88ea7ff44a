#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vos::weights {

/// What a model is known by: a tensor's name and shape.
struct NamedShape {
  std::string_view name = {};
  const std::vector<std::int64_t>* shape = nullptr;
};

struct Evidence {
  std::string key = {}, shape = {};  ///< a tensor; the shape may be empty, where it is the name that tells
  std::string tells = {};            ///< "40 classes and none, as in YouTube-VIS"
};

/// What weights most likely are, and what speaks for it.
struct Likely {
  std::string what = {};  ///< "VITA, ResNet-50, 40 classes, 100 queries"; empty: nothing that is known here
  std::vector<Evidence> evidence = {};
};

/// Looks at names and shapes alone.
Likely identify(const std::vector<NamedShape>& tensors);

}  // namespace vos::weights
