#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <vos/core/options.hpp>
#include <vos/error.hpp>
#include <vos/fwd.hpp>
#include <vos/weights/load.hpp>
#include <vos/weights/network_metadata.hpp>

namespace vos {

/// A network by name, for whoever has weights and no frames yet: `vos-weights check` and `fill`.
struct ModuleEntry {
  std::string name = {}, summary = {};
  std::function<std::shared_ptr<torch::nn::Module>()> make = {};
  LoadRules rules = {};                                          ///< under which the files that people have for it load
  std::vector<OptionInfo> options = {};                          ///< with which it is made; none of most
  std::function<ModuleEntry(const NetworkSettings&)> with = {};  ///< the same with other options, where it has any
};

/// The network with other options. An Error says so where it has none.
inline ModuleEntry configured(const ModuleEntry& entry, const NetworkSettings& settings) {
  if (settings.empty()) return entry;
  if (entry.with) return entry.with(settings);
  throw Error({.what = "network '" + entry.name + "' has no options, and '" + settings.begin()->first + "' is set",
               .where = "network '" + entry.name + "'",
               .mend = "leave it out",
               .exit_code = exit_code::usage});
}

/// What a file of its weights says of it.
inline std::map<std::string, std::string> metadata_of(const ModuleEntry& entry) {
  return network_metadata(entry.name, entry.options);
}

/// The network that goes by `name`. An Error names the nearest where there is none.
VOS_INLINE const ModuleEntry& module_entry(const std::string& name);

/// Every network that this build knows.
VOS_INLINE std::vector<std::string> module_names();

}  // namespace vos
