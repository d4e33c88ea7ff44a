#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>

#include <vos/error.hpp>
#include <vos/weights/key_pattern.hpp>
#include <vos/weights/module_state.hpp>

namespace vos {

/// Parameters that are trained alike.
struct ParameterGroup {
  std::string name = {};  ///< for reports: "backbone, no decay"
  double lr = 0, weight_decay = 0;
  std::vector<std::string> names = {};
  std::vector<at::Tensor> parameters = {};
};

/// Which parameters learn how. Patterns over their names, as in KeyPattern.
struct ParameterGroupRules {
  std::string backbone = "backbone.**";
  std::vector<std::string> no_decay = {};  ///< besides norms, biases, and embeddings
  std::vector<std::string> frozen = {};    ///< they do not learn
};

/// The module's parameters in groups: the backbone's and the others, with decay and without. What is one long list of numbers
/// (norms, biases) and what is looked up by number (embeddings, learned queries) keeps out of the decay: there, zero means
/// nothing in particular. Parameters that need no gradient are in no group; frozen ones lose theirs.
inline std::vector<ParameterGroup> group_parameters(torch::nn::Module& module, double lr, double lr_backbone,
                                                    double weight_decay, const ParameterGroupRules& rules = {}) {
  std::vector<std::string> undecayed = rules.no_decay;
  for (const auto& item : module.named_modules({}, /*include_self=*/false))
    if (item.value()->as<torch::nn::Embedding>() != nullptr) undecayed.push_back(item.key() + ".weight");
  const auto matches_any = [](const std::vector<std::string>& patterns, const std::string& name) {
    for (const auto& pattern : patterns)
      if (KeyPattern{pattern}.matches(name)) return true;
    return false;
  };
  const KeyPattern backbone{rules.backbone};
  std::vector<ParameterGroup> groups{{.name = "all", .lr = lr, .weight_decay = weight_decay},
                                     {.name = "all, no decay", .lr = lr},
                                     {.name = "backbone", .lr = lr_backbone, .weight_decay = weight_decay},
                                     {.name = "backbone, no decay", .lr = lr_backbone}};
  const auto named = module.named_parameters();
  for (const auto& pattern : rules.frozen)
    if (std::none_of(named.begin(), named.end(),
                     [&](const auto& item) { return KeyPattern{pattern}.matches(item.key()); }))
      throw Error({.what = "no parameter is called like '" + pattern + "'",
                   .where = "optim.frozen",
                   .mend = "patterns are separated by commas without spaces: backbone.layer1.**,backbone.conv1.*",
                   .exit_code = exit_code::usage});
  TensorTies first_place;
  std::size_t place = 0;
  for (const auto& item : named) {
    auto parameter = item.value();
    const auto& name = item.key();
    if (first_place(parameter) != place++) continue;  // the same numbers under another name
    if (matches_any(rules.frozen, name) || (lr_backbone == 0 && backbone.matches(name)))
      parameter.set_requires_grad(false);
    if (!parameter.requires_grad()) continue;
    const bool plain = parameter.dim() < 2 || matches_any(undecayed, name);
    auto& group = groups[(backbone.matches(name) ? 2U : 0U) + (plain ? 1U : 0U)];
    group.names.push_back(name);
    group.parameters.push_back(parameter);
  }
  std::erase_if(groups, [](const ParameterGroup& group) { return group.parameters.empty(); });
  return groups;
}

}  // namespace vos
