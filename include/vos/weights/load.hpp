#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/MemoryOverlap.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include <vos/error.hpp>
#include <vos/weights/load_plan.hpp>
#include <vos/weights/load_report.hpp>
#include <vos/weights/module_state.hpp>
#include <vos/weights/number_range.hpp>
#include <vos/weights/rules.hpp>
#include <vos/weights/tensors.hpp>

namespace vos {

namespace detail {

inline TensorLabel label_of(std::string name, const at::Tensor& tensor, std::size_t place) {
  return {std::move(name), tensor.sizes().vec(), dtype_of(tensor.scalar_type()), place};
}

template <class Entries>
std::vector<TensorLabel> labels_of(const Entries& entries) {
  std::vector<TensorLabel> labels;
  TensorTies first_of;
  for (const auto& entry : entries) labels.push_back(label_of(entry.name, entry.value, first_of(entry.value)));
  return labels;
}

/// A grid [1,C,h,w] as [1,C,H,W]; what Swin's and ViT's authors do with position tables.
inline at::Tensor resized_grid(const at::Tensor& grid, std::int64_t height, std::int64_t width) {
  return at::upsample_bicubic2d(grid.to(at::kFloat), {height, width}, false);
}

/// `value` with the sizes `to`, which can_fit has found to be possible.
inline at::Tensor fitted(const at::Tensor& value, at::IntArrayRef to, Fit fit) {
  if (fit == Fit::positions && value.dim() == 4) return resized_grid(value, to[2], to[3]);
  // [N,C] with the places of a square in rows; a leading 1 is put back by the shape of the result.
  const auto rows = value.reshape({-1, value.size(-1)});
  const auto side = square_side(rows.size(0)), goal = square_side(to[to.size() - 2]);
  const auto grid = rows.t().reshape({1, rows.size(1), side, side});
  return resized_grid(grid, goal, goal).flatten(2).squeeze(0).t().reshape(to).contiguous();
}

/// How many of a tensor's values are NaN or infinite.
inline std::int64_t not_finite(const at::Tensor& value) {
  if (!value.is_floating_point() && !value.is_complex()) return 0;
  if (value.is_floating_point() && value.element_size() < 2) return 0;  // of eight bits: data of some kernel's
  if (value.scalar_type() != at::kFloat || !value.is_cpu() || !value.is_contiguous())
    return value.numel() - at::isfinite(value).sum().item<std::int64_t>();
  // Nearly all weights. One pass over the memory, where isfinite makes three and a copy.
  const auto* number = value.const_data_ptr<float>();
  return std::count_if(number, number + value.numel(),
                       [](float x) { return (std::bit_cast<std::uint32_t>(x) & 0x7F800000U) == 0x7F800000U; });
}

/// Equal in type, shape and every bit, NaN or not.
inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const auto x = a.cpu().contiguous(), y = b.cpu().contiguous();
  return x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

/// What the values of a file do not survive in the module's type; empty where all is well. Counts, in passing, what is not finite.
inline std::string lost_in(const at::Tensor& value, at::ScalarType type, std::int64_t& not_finite_count) {
  const auto from = value.scalar_type();
  if (c10::isIntegralType(from, false) && c10::isIntegralType(type, false)) {
    const auto whole = value.cpu().contiguous();
    const auto outlier = outside_range(dtype_of(from), whole.const_data_ptr(), whole.numel(), dtype_of(type));
    if (!outlier.empty()) return outlier + " is no " + std::string{info_of(dtype_of(type)).name};
  }
  if (from == type) {
    not_finite_count = not_finite(value);
    return "";
  }
  auto converted = value.to(type);  // 1e5 becomes infinite in half precision
  if (converted.is_floating_point() && converted.element_size() < 2) converted = converted.to(at::kFloat);
  not_finite_count = not_finite(converted);
  return "";
}

/// Throws where LibTorch could not write to a tensor.
inline void expect_writable(const StateEntry& entry) {
  const auto refuse = [&](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = "the module's tensor '" + entry.name + "'", .mend = mend});
  };
  const auto& value = entry.value;
  if (value.is_meta()) refuse("it has no memory to load into", "make the module on a device");
  if (value.is_inference() && !c10::InferenceMode::is_enabled())
    refuse("it was made in inference mode and may not change",
           "make the module, or load, outside of it or inside of it");
  if (at::has_internal_overlap(value) == at::MemOverlap::Yes)
    refuse("several of its numbers are one in memory", "give the module a copy of it: contiguous()");
}

/// Throws where a part of the module is in no state to take values.
inline void expect_loadable(torch::nn::Module& module) {
  const auto ask = [](const torch::nn::Module& part, const std::string& name) {
    const auto* guard = dynamic_cast<const LoadGuard*>(&part);
    const auto reason = guard != nullptr ? guard->refuses_weights() : std::string{};
    if (!reason.empty())
      throw Error({.what = "the module takes no weights any more: " + reason,
                   .where = name.empty() ? "the module" : "its part '" + name + "'",
                   .mend = "load into a module that was just made"});
  };
  ask(module, "");
  for (const auto& part : module.named_modules("", /*include_self=*/false)) ask(*part.value(), part.key());
}

/// The part of the file, "encoder.", in which all that the module needs stands under its own names; empty where there is none.
inline std::string part_with(const std::vector<TensorLabel>& file, const std::vector<TensorLabel>& module,
                             const LoadRules& rules) {
  if (!rules.part.empty() || module.empty()) return "";
  std::map<std::string, std::size_t> parts;  // tensors below
  for (const auto& label : file)
    for (auto dot = label.name.find('.'); dot != std::string::npos; dot = label.name.find('.', dot + 1))
      ++parts[label.name.substr(0, dot + 1)];
  std::size_t tries = 0;
  for (const auto& [part, tensors] : parts) {
    if (2 * tensors < module.size()) continue;
    if (++tries > 32) return "";
    auto within = from_part(part, rules);
    if (const auto report = plan_load(file, module, within).report; report.loaded > 0 && report.complete()) return part;
  }
  return "";
}

/// How to mend that a file does not fit.
inline std::string mend_of(const std::string& part, const std::string& otherwise) {
  if (part.empty()) return otherwise;
  return "the model's names stand below '" + printable(part) + "' in the file: load with from_part(\"" +
         printable(part) + "\", rules), or vos-weights check --from " + printable(part);
}

[[noreturn]] inline void refuse_load(const LoadReport& report, const std::string& part) {
  throw Error({.what = "the file does not fit the model: " + report.text(),
               .where = report.where,
               .mend = mend_of(part,
                               "name the model that the file is of, and pass the network's rules, as "
                               "resnet_rules(options); or load leniently, which keeps what does not fit at its initial "
                               "values and reports it")});
}

[[noreturn]] inline void refuse_stranger(const LoadReport& report, const std::vector<TensorLabel>& file,
                                         const std::vector<TensorLabel>& module, const std::string& part) {
  const auto some = [](const std::vector<TensorLabel>& labels) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(labels.size(), 3); ++i)
      text += (i > 0 ? ", '" : "'") + printable(labels[i].name) + "'";
    return text.empty() ? "nothing" : text + (labels.size() > 3 ? ", ..." : "");
  };
  throw Error(
      {.what = "none of the file's " + std::to_string(file.size()) + " tensors belongs to this model: it has " +
               some(file) + ", the model " + some(module),
       .where = report.where,
       .mend = mend_of(part,
                       "this is a file of another model, or of another make of it: pass the network's rules, as "
                       "resnet_rules(options); vos-weights inspect shows what is in it")});
}

/// What a step writes, of the file's type: so that nothing is left that might fail once the module changes.
inline at::Tensor prepared(const at::Tensor& file, const at::Tensor& to, const std::optional<Fit>& fit) {
  auto value = file.is_quantized() ? file.dequantize() : file;
  if (fit) value = fitted(value, to.sizes(), *fit);
  if (dtype_of(to.scalar_type()) == DType::f4_e2m1fn_x2) at::empty_like(to).copy_(value);  // not every LibTorch can
  return value;
}

inline LoadReport load_weights(torch::nn::Module& module, const Weights& weights, const LoadRules& rules) {
  expect_loadable(module);
  const auto state = state_of(module);
  const auto to = labels_of(state), from = labels_of(weights.entries);
  auto plan = plan_load(from, to, rules);
  auto& report = plan.report;
  report.where = weights.where;
  if (plan.steps.empty() && !to.empty()) refuse_stranger(report, from, to, part_with(from, to, rules));
  for (const auto& [a, b] : plan.tied) {
    const auto &first = weights.entries[plan.steps[a].file], &second = weights.entries[plan.steps[b].file];
    if (!same_bits(first.value, second.value))
      report.clashes.push_back("the model ties '" + to[plan.steps[a].module].name + "' and '" +
                               to[plan.steps[b].module].name + "', whose values differ in the file");
  }
  // Everything that may fail comes before the first value is written.
  std::vector<std::pair<std::size_t, at::Tensor>> values;  // place in the state, what goes there
  for (const auto& step : plan.steps) {
    const auto& target = state[step.module];
    expect_writable(target);
    auto value = prepared(weights.entries[step.file].value, target.value, step.fit);
    std::int64_t count = 0;
    if (auto lost = lost_in(value, target.value.scalar_type(), count); !lost.empty()) {
      const auto &file = from[step.file], &own = to[step.module];
      report.misshapen.push_back({own.name, file.key(), own.key(), std::move(lost)});
      report.loaded -= own.same_as == step.module;
      continue;
    }
    if (count > 0) report.not_finite.push_back({target.name, count});
    values.emplace_back(step.module, std::move(value));
  }
  if (!rules.lenient && !report.complete())
    refuse_load(report, report.loaded < report.at_init() ? part_with(from, to, rules) : "");
  for (const auto& [place, value] : values) state[place].value.copy_(value);
  return std::move(report);
}

}  // namespace detail

/// Gives a module the values of a file, as the rules say. Copies into the module's own tensors: their type, device and ties
/// stay. Throws with everything that is missing, unexpected, of another shape or in conflict, all at once, and the module is
/// then as it was; `rules.lenient` loads what fits and leaves the rest to the report. A file of which nothing fits is always an
/// Error.
[[nodiscard("a lenient load may be a partial one, and a strict one may have resized or dropped: look at the report")]]
inline LoadReport load_weights(torch::nn::Module& module, const Weights& weights, const LoadRules& rules = {}) {
  const at::NoGradGuard no_grad;
  try {
    return detail::load_weights(module, weights, rules);
  } catch (const c10::Error& error) {
    throw Error({.what = std::string{"LibTorch cannot load this: "} + error.what_without_backtrace(),
                 .where = weights.where,
                 .mend = "bring the module to the type and device that its makers use"});
  }
}

[[nodiscard("a lenient load may be a partial one, and a strict one may have resized or dropped: look at the report")]]
inline LoadReport load_weights(torch::nn::Module& module, const std::filesystem::path& path,
                               const LoadRules& rules = {}, const WeightsOptions& options = {}) {
  return load_weights(module, read_weights(path, options), rules);
}

}  // namespace vos
