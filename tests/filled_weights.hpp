#pragma once

/// Weights that anybody can make, for models that need some: a rule gives every number. What such a model finds means nothing.

#include <filesystem>
#include <string>
#include <vector>

#include <vos/weights/fill_module.hpp>
#include <vos/weights/module_state.hpp>
#include <vos/weights/modules.hpp>
#include <vos/weights/tensors.hpp>

namespace vos::test {

/// Writes weights of a network of the registry, made with these settings, as training would write them.
inline std::filesystem::path write_filled_weights(const std::filesystem::path& folder, const std::string& name,
                                                  const NetworkSettings& settings = {}) {
  const auto entry = configured(module_entry(name), settings);
  const auto network = entry.make();
  fill_module(*network, FillRule::vita);
  std::vector<NamedTensor> tensors;
  for (const auto& part : state_of(*network)) tensors.push_back({part.name, part.value});
  auto file = folder / (name + ".safetensors");
  write_weights(file, tensors, metadata_of(entry));
  return file;
}

}  // namespace vos::test
