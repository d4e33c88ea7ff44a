#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/module.h>

#include <vos/core/autocast.hpp>
#include <vos/core/full_precision.hpp>

namespace vos {

/// A network whose parts can give up what they computed on the way forward, and compute it again on the way back: memory for
/// time. Nothing else changes, neither results nor the names of parameters.
struct Recomputable {
  virtual ~Recomputable() = default;
  virtual void recompute(bool on) = 0;
};

/// Switches it for all of a network's parts that can. Gives how many did.
inline int set_recompute(torch::nn::Module& network, bool on) {
  int count = 0;
  const auto tell = [&](torch::nn::Module& module) {
    if (auto* part = dynamic_cast<Recomputable*>(&module)) part->recompute(on), ++count;
  };
  tell(network);
  for (const auto& module : network.modules(/*include_self=*/false)) tell(*module);
  return count;
}

using Tensors = std::vector<at::Tensor>;

namespace detail {

/// The states of the generators that an operator on `device` may draw from.
class Generators {
 public:
  explicit Generators(c10::Device device) {
    keep(c10::kCPU);
    if (!device.is_cpu()) keep(device);
  }
  void put_back() const {
    for (const auto& [device, state] : states_) {
      auto generator = at::globalContext().defaultGenerator(device);
      const std::scoped_lock lock(generator.mutex());
      generator.set_state(state);
    }
  }

 private:
  void keep(c10::Device device) {
    auto generator = at::globalContext().defaultGenerator(device);
    const std::scoped_lock lock(generator.mutex());
    states_.emplace_back(device, generator.get_state());
  }
  std::vector<std::pair<c10::Device, at::Tensor>> states_;
};

/// Something to be computed twice, and all that it hangs on.
struct Segment final : torch::CustomClassHolder {
  Segment(std::function<Tensors(const Tensors&)> f, c10::Device where)
      : run(std::move(f)),
        device(where),
        begin(where),
        precision(at::autocast::is_autocast_enabled(where.type()) ? at::autocast::get_autocast_dtype(where.type())
                                                                  : at::kFloat) {}

  std::function<Tensors(const Tensors&)> run;
  c10::Device device;
  Generators begin;
  c10::ScalarType precision;
  Tensors parameters = {}, buffers = {};
};

/// The inputs as a graph's beginning.
inline Tensors leaves_of(at::TensorList inputs) {
  Tensors leaves;
  for (const auto& input : inputs)
    leaves.push_back(input.defined() ? input.detach().requires_grad_(input.requires_grad()) : input);
  return leaves;
}

/// Gives generators and buffers (a norm's running mean must not move twice) back as they were, whatever happens.
class PutBack {
 public:
  explicit PutBack(Segment& segment) : segment_(segment), generators_(segment.device) {
    for (const auto& buffer : segment.buffers) buffers_.push_back(buffer.clone());
  }
  ~PutBack() {
    generators_.put_back();
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < buffers_.size(); ++i) segment_.buffers[i].variable_data().copy_(buffers_[i]);
  }
  PutBack(const PutBack&) = delete;
  PutBack& operator=(const PutBack&) = delete;

 private:
  Segment& segment_;
  Generators generators_;
  Tensors buffers_;
};

/// Parameters go in beside the inputs, though `run` knows them anyway: so their gradients come out of this node as out of any
/// other, in the same order, and who waits for them (a bucket of a parallel training) sees nothing unusual.
struct Recomputation : torch::autograd::Function<Recomputation> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const c10::intrusive_ptr<Segment>& segment, at::TensorList inputs,
                                                at::TensorList /*parameters*/) {
    context->saved_data["segment"] = c10::IValue::make_capsule(segment);
    context->save_for_backward(inputs.vec());
    // With gradients, as if it were to stay: operators choose their way by that, and the second time must go the same.
    const at::AutoGradMode with_gradients(true);
    Tensors outputs;
    for (const auto& output : segment->run(leaves_of(inputs))) outputs.push_back(output.variable_data());
    return outputs;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto segment = c10::static_intrusive_pointer_cast<Segment>(context->saved_data["segment"].toCapsule());
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "what is computed again has first derivatives only; switch recompute off for second ones");
    const auto leaves = leaves_of(context->get_saved_variables());
    Tensors outputs;
    {
      const PutBack afterwards{*segment};
      // Whatever precision the caller of backward has switched on.
      std::optional<FullPrecision> plain;
      if (segment->precision == at::kFloat) plain.emplace();
      const Autocast autocast(segment->device.type(), segment->precision);
      const at::AutoGradMode with_gradients(true);
      segment->begin.put_back();
      outputs = segment->run(leaves);
    }
    Tensors roots, root_gradients, wanted;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].requires_grad() && gradients[i].defined())
        roots.push_back(outputs[i]), root_gradients.push_back(gradients[i]);
    auto sources = leaves;
    sources.insert(sources.end(), segment->parameters.begin(), segment->parameters.end());
    const auto learns = [](const at::Tensor& each) { return each.defined() && each.requires_grad(); };
    std::copy_if(sources.begin(), sources.end(), std::back_inserter(wanted), learns);
    torch::autograd::variable_list result(1 + sources.size());  // the segment itself has none
    if (roots.empty() || wanted.empty()) return result;
    const auto found = torch::autograd::grad(roots, wanted, root_gradients, /*retain_graph=*/std::nullopt,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    for (std::size_t i = 0, next = 0; i < sources.size(); ++i)
      if (learns(sources[i])) result[1 + i] = found[next++];
    return result;
  }
};

}  // namespace detail

/// What `run(inputs)` gives. If `on`, nothing of it is kept for the way back but the inputs: backward runs it again, with the
/// random numbers, the precision and the buffers of the first time. `modules` are those whose parameters `run` uses.
///
/// Gradients are the same bit for bit, on or off: to that end those of an input that is used several times are summed up here
/// before they meet others in either case. Without gradients it is a call and no more.
template <class Run>
Tensors recomputed(bool on, const std::vector<const torch::nn::Module*>& modules, const Tensors& inputs, Run&& run) {
  if (!at::GradMode::is_enabled()) return run(inputs);
  if (!on) {
    Tensors aliases;
    for (const auto& input : inputs) aliases.push_back(input.defined() ? input.view_as(input) : input);
    return run(aliases);
  }
  auto segment = c10::make_intrusive<detail::Segment>(std::forward<Run>(run), inputs.at(0).device());
  for (const auto* module : modules) {
    for (auto& parameter : module->parameters()) segment->parameters.push_back(std::move(parameter));
    if (module->is_training())
      for (auto& buffer : module->buffers()) segment->buffers.push_back(std::move(buffer));
  }
  return detail::Recomputation::apply(segment, at::TensorList(inputs), at::TensorList(segment->parameters));
}

/// The same of a module that turns one tensor into another.
template <class Module>
at::Tensor recomputed(bool on, Module& module, const at::Tensor& x) {
  return recomputed(on, {&module}, {x}, [&module](const Tensors& in) { return Tensors{module.forward(in[0])}; }).at(0);
}

}  // namespace vos
