#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include <vos/core/sizes.hpp>
#include <vos/error.hpp>

namespace vos {

/// Stands for a size that may be anything.
inline constexpr std::int64_t any_size = -1;

/// Throws unless `tensor` has these sizes. `name` is the argument and the meaning of its axes: "masks [B,Q,h,w]".
inline void expect_shape(const at::Tensor& tensor, std::initializer_list<std::int64_t> sizes, std::string_view name) {
  bool fits = tensor.defined() && tensor.dim() == static_cast<std::int64_t>(sizes.size());
  if (fits) {
    std::int64_t axis = 0;
    for (const auto size : sizes) fits &= (size == any_size || tensor.size(axis) == size), ++axis;
  }
  if (fits) return;
  std::string expected = "[";
  for (const auto size : sizes) {
    if (expected.size() > 1) expected += ',';
    expected += size == any_size ? "*" : std::to_string(size);
  }
  throw Error({.what = std::string{name} + " has shape " +
                       (tensor.defined() ? text_of_sizes(tensor.sizes()) : std::string{"(no tensor)"}),
               .where = "",
               .mend = "expected " + expected + "]"});
}

}  // namespace vos
