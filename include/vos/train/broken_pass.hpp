#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/nn/module.h>

namespace vos {

/// Finds the operator whose result is the first that is not finite, and the module whose weights it or the last one before it
/// had in hand. LibTorch's modules have no hooks, so it watches operators, and the graph tells whose weights they take: a pass is
/// made once more under its eyes, and before something broke nothing is paid for it.
class BrokenPass {
 public:
  explicit BrokenPass(const torch::nn::Module& module) {
    for (const auto& item : module.named_parameters()) {
      const auto dot = item.key().rfind('.');
      owners_[item.value().unsafeGetTensorImpl()] = dot == std::string::npos ? item.key() : item.key().substr(0, dot);
      if (!finite(item.value()) && said_.empty()) said_ = "the weights '" + item.key() + "' are not finite any more";
    }
  }

  /// Makes the pass. Gives a sentence about where it broke, or none if all was finite.
  std::string find(const std::function<void()>& pass) {
    if (!said_.empty()) return said_;
    const std::scoped_lock one_at_a_time(mutex());
    active() = this;
    const auto handle = at::addThreadLocalCallback(
        at::RecordFunctionCallback(nullptr, &end).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
    const auto leave = [&] {
      at::removeCallback(handle);
      active() = nullptr;
    };
    try {
      pass();
    } catch (...) {
      leave();
      throw;
    }
    leave();
    return said_;
  }

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  static BrokenPass*& active() {  // callbacks are plain functions
    static BrokenPass* pass = nullptr;
    return pass;
  }
  static bool finite(const at::Tensor& tensor) {
    const at::NoGradGuard no_grad;
    return !tensor.is_floating_point() || tensor.numel() == 0 || tensor.isfinite().all().item<bool>();
  }

  static void for_each_tensor(const c10::IValue& value, const auto& visit) {
    if (value.isTensor() && value.toTensor().defined()) visit(value.toTensor());
    else if (value.isTensorList())
      for (const at::Tensor& each : value.toTensorVector())
        if (each.defined()) visit(each);
  }

  static void end(const at::RecordFunction& call, at::ObserverContext*) {
    auto* const pass = active();
    if (pass == nullptr || !pass->said_.empty()) return;
    const at::DisableRecordFunctionGuard unwatched;
    for (const auto& output : call.outputs())
      for_each_tensor(output, [&](const at::Tensor& tensor) { pass->look(call.name(), tensor); });
  }

  void look(std::string_view name, const at::Tensor& tensor) {
    // On the way back results have no node of their own: they are those of the node that is being run.
    const auto node = tensor.grad_fn() ? tensor.grad_fn() : torch::autograd::get_current_node();
    const auto module = node ? owner_of(*node, 2) : std::string{};
    if (!module.empty()) last_ = module;
    // A view may be of memory that nothing has been written to yet.
    const bool is_view = tensor.is_view() && !name.ends_with('_');
    if (!said_.empty() || is_view || may_be_anything(name) || finite(tensor)) return;
    said_ = "the first result that is not finite is " + std::string{name} + "'s, " +
            (!module.empty()  ? "in module '" + module + "'"
             : !last_.empty() ? "after module '" + last_ + "'"
                              : std::string{"before any module"});
  }

  /// The module whose weights a node of the graph has at hand, itself or through views and conversions of them.
  std::string owner_of(const torch::autograd::Node& node, int depth) const {
    for (const auto& edge : node.next_edges()) {
      if (!edge.is_valid()) continue;
      if (const auto* leaf = dynamic_cast<const torch::autograd::AccumulateGrad*>(edge.function.get())) {
        if (const auto owner = owners_.find(leaf->variable.unsafeGetTensorImpl()); owner != owners_.end())
          return owner->second;
      } else if (depth > 0 && edge.function->num_inputs() == 1 && edge.function->next_edges().size() == 1) {
        if (auto owner = owner_of(*edge.function, depth - 1); !owner.empty()) return owner;
      }
    }
    return {};
  }

  /// Memory that nothing was written to yet, infinities that were asked for, and copies, whose numbers others have made.
  static bool may_be_anything(std::string_view name) {
    for (const std::string_view part : {"empty", "resize", "set_", "fill", "full", "where", "scalar_tensor"})
      if (name.find(part) != name.npos) return true;
    for (const std::string_view copy : {"aten::resolve_conj", "aten::resolve_neg", "aten::contiguous", "aten::to",
                                        "aten::_to_copy", "aten::clone", "aten::detach", "aten::copy_"})
      if (name == copy) return true;
    return false;
  }

  std::unordered_map<const c10::TensorImpl*, std::string> owners_;  // of parameters
  std::string last_, said_;
};

}  // namespace vos
