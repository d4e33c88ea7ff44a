#pragma once

#include <string>
#include <vector>

#include <torch/nn/module.h>

#include <vos/train/sketch.hpp>

namespace vos {

/// The network's parts with what they hold: its children, and in place of a child that is but a frame around two
/// or three networks, these.
inline std::vector<PartCount> network_parts(const torch::nn::Module& network) {
  std::vector<PartCount> parts;
  const auto count = [&](const std::string& name, const std::vector<at::Tensor>& parameters) {
    PartCount part{.name = name};
    for (const auto& parameter : parameters) {
      ++part.tensors, part.numbers += parameter.numel();
      if (parameter.requires_grad()) part.learning += parameter.numel();
    }
    if (part.tensors > 0) parts.push_back(part);
  };
  for (const auto& child : network.named_children()) {
    const auto within = child.value()->named_children();
    bool is_frame = child.value()->parameters(/*recurse=*/false).empty() && within.size() > 1 && within.size() < 4;
    for (const auto& each : within) is_frame &= !each.value()->children().empty();
    if (!is_frame) count(child.key(), child.value()->parameters());
    else
      for (const auto& each : within) count(child.key() + "." + each.key(), each.value()->parameters());
  }
  count("itself", network.parameters(/*recurse=*/false));
  return parts;
}

}  // namespace vos
