#pragma once

#include <vector>

#include <vos/nn/backbone/any.hpp>
#include <vos/weights/modules.hpp>

namespace vos {

/// The registry's lines for the backbones as ImageNet files have them: all stages, frozen norms.
inline std::vector<ModuleEntry> backbone_entries() {
  std::vector<ModuleEntry> entries;
  for (const auto& kind : backbone_kinds())
    entries.push_back({kind.name, kind.summary, [make = kind.make] { return make({}).module(); }, kind.rules});
  return entries;
}

}  // namespace vos
