#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <torch/nn/module.h>

namespace vos {

/// A parameter or buffer of a module, by its full name.
struct StateEntry {
  std::string name = {};
  at::Tensor value = {};
  bool parameter = true;
};

/// A module that may be in no state to take a file's values.
struct LoadGuard {
  virtual ~LoadGuard() = default;
  virtual std::string refuses_weights() const = 0;  ///< the reason; empty as long as it takes them
};

/// Knows names for one tensor by its first: the same numbers of the same memory in the same order. What
/// has no memory is never another's.
class TensorTies {
 public:
  /// The place of the first call with this tensor: of this call, as a rule.
  std::size_t operator()(const at::Tensor& tensor) {
    const auto place = calls_++;
    if (!tensor.defined() || !tensor.has_storage() || tensor.numel() == 0) return place;
    const void* memory = tensor.storage().data();
    if (memory == nullptr) return place;
    return first_
        .emplace(
            View{memory, tensor.storage_offset(), tensor.sizes().vec(), tensor.strides().vec(), tensor.scalar_type()},
            place)
        .first->second;
  }

 private:
  using View =
      std::tuple<const void*, std::int64_t, std::vector<std::int64_t>, std::vector<std::int64_t>, at::ScalarType>;
  std::size_t calls_ = 0;
  std::map<View, std::size_t> first_;
};

namespace detail {

inline void add_state(const torch::nn::Module& module, const std::string& prefix, std::vector<StateEntry>& state) {
  for (const auto& item : module.named_parameters(false)) state.push_back({prefix + item.key(), item.value(), true});
  for (const auto& item : module.named_buffers(false)) state.push_back({prefix + item.key(), item.value(), false});
  for (const auto& child : module.named_children()) add_state(*child.value(), prefix + child.key() + ".", state);
}

}  // namespace detail

/// Everything that a module would save, in the order of Python's state_dict: a module's own parameters, its buffers, its
/// children. Tensors that stand in two places are listed twice; they are the module's own, so that writing to one changes it.
inline std::vector<StateEntry> state_of(const torch::nn::Module& module) {
  std::vector<StateEntry> state;
  detail::add_state(module, "", state);
  return state;
}

}  // namespace vos
