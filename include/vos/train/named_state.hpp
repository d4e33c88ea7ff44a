#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/tensors.hpp>

namespace vos {

/// What a part of a run must remember to go on, tensor by name.
using NamedState = std::vector<NamedTensor>;

/// All names of `state` behind a prefix.
inline NamedState prefixed(const std::string& prefix, NamedState state) {
  for (auto& entry : state) entry.name = prefix + entry.name;
  return state;
}

/// The entries whose names begin with a prefix, without it.
inline NamedState part_of(const NamedState& state, const std::string& prefix) {
  NamedState part;
  for (const auto& entry : state)
    if (entry.name.starts_with(prefix)) part.push_back({entry.name.substr(prefix.size()), entry.value});
  return part;
}

/// Finds what a part asks for in the state that it is given.
class StateReader {
 public:
  StateReader(const NamedState& state, std::string whose) : whose_(std::move(whose)) {
    for (const auto& entry : state) entries_.emplace(entry.name, entry.value);
  }

  at::Tensor get(const std::string& name) const {
    if (const auto found = entries_.find(name); found != entries_.end()) return found->second;
    refuse("there is no '" + name + "'");
  }

  /// Copies the value into `to`, which has its shape.
  void copy(const std::string& name, at::Tensor& to) const {
    const auto from = get(name);
    if (from.sizes() != to.sizes())
      refuse("'" + name + "' is " + text_of_sizes(from.sizes()) + " there and " + text_of_sizes(to.sizes()) + " here");
    to.copy_(from);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error({.what = what,
                 .where = "the state of " + whose_,
                 .mend = "resume with the model and the settings that the run began with"});
  }

  std::string whose_;
  std::map<std::string, at::Tensor> entries_;
};

}  // namespace vos
