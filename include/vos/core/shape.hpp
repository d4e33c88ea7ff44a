#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include <vos/error.hpp>

namespace vos {

/// Stands for a size that may be anything.
inline constexpr std::int64_t any_size = -1;

/// "[3,480,854]"
template <class Sizes>
std::string text_of_sizes(const Sizes& sizes) {
  std::string text = "[";
  for (const auto size : sizes) {
    if (text.size() > 1) text += ',';
    text += size == any_size ? "*" : std::to_string(size);
  }
  return text + "]";
}

/// Throws unless `tensor` has these sizes. `name` is the argument and the meaning of its axes: "masks [B,Q,h,w]".
inline void expect_shape(const at::Tensor& tensor, std::initializer_list<std::int64_t> sizes, std::string_view name) {
  bool fits = tensor.defined() && tensor.dim() == static_cast<std::int64_t>(sizes.size());
  if (fits) {
    std::int64_t axis = 0;
    for (const auto size : sizes) fits &= (size == any_size || tensor.size(axis) == size), ++axis;
  }
  if (!fits)
    throw Error({.what = std::string{name} + " has shape " +
                         (tensor.defined() ? text_of_sizes(tensor.sizes()) : std::string{"(no tensor)"}),
                 .where = "",
                 .mend = "expected " + text_of_sizes(sizes)});
}

}  // namespace vos
