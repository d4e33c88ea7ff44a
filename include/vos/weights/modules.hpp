#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/weights/load.hpp>

namespace vos {

/// A network by name, for whoever has weights and no frames yet: `vos-weights check` and `fill`.
struct ModuleEntry {
  std::string name = {}, summary = {};
  std::function<std::shared_ptr<torch::nn::Module>()> make = {};
  LoadRules rules = {};  ///< under which the files that people have for it load
};

/// The network that goes by `name`. An Error names the nearest where there is none.
VOS_INLINE const ModuleEntry& module_entry(const std::string& name);

/// Every network that this build knows.
VOS_INLINE std::vector<std::string> module_names();

}  // namespace vos
