#pragma once

/// Everything, compiled where it is included: all models, sources and sinks. For who uses headers only; who links
/// `vos-torch` includes <vos/vos.hpp> alone and compiles ten times faster.

#include <cstddef>
#include <vector>

#include <range/v3/action/push_back.hpp>
#include <range/v3/algorithm/find.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/transform.hpp>

#include <vos/model/hold/hold.hpp>
#include <vos/model/vita_tcovis/entry.hpp>
#include <vos/model/vita_tcovis/training.hpp>
#include <vos/nn/backbone/entries.hpp>
#include <vos/nn/compat.hpp>
#include <vos/project/open_project.hpp>
#include <vos/train/parallel/join.hpp>
#include <vos/vos.hpp>
#include <vos/weights/modules.hpp>
#if VOS_OPENCV
#include <vos/io/all.hpp>
#include <vos/model/flow/entry.hpp>
#else
#include <vos/io/bare.hpp>
#endif

namespace vos {

/// The registry: a line for each preset. Adding a model is adding its folder and its line.
inline const std::vector<ModelEntry>& model_registry() {
  static const auto entries = [] {
    std::vector<ModelEntry> lines{
        hold_entry(),
#if VOS_OPENCV
        flow_entry(),
#endif
    };
    ranges::push_back(lines, vita_tcovis_entries());
    return lines;
  }();
  return entries;
}

/// Networks that have weights of their own: backbones, and each family's.
inline const std::vector<ModuleEntry>& module_registry() {
  static const auto entries = [] {
    auto lines = backbone_entries();
    ranges::push_back(lines, vita_tcovis_module_entries());
    return lines;
  }();
  return entries;
}

/// What can be trained.
inline const std::vector<TrainingEntry>& training_registry() {
  static const auto entries = vita_tcovis_training_entries();
  return entries;
}

VOS_INLINE std::vector<TrainingEntry> list_trainings() { return training_registry(); }

VOS_INLINE std::unique_ptr<Training> make_training(const TrainingSpec& spec) {
  const auto& entries = training_registry();
  if (const auto found = ranges::find(entries, spec.model, &TrainingEntry::name); found != entries.end())
    return found->make(spec);
  const auto names = entries | ranges::views::transform(&TrainingEntry::name) | ranges::to<std::vector>();
  throw Error({.what = "there is no model '" + spec.model + "' to train" + did_you_mean(spec.model, names),
               .where = "make_training",
               .mend = "models that can be trained: " + join(names, ", "),
               .exit_code = exit_code::usage});
}

VOS_INLINE const ModuleEntry& module_entry(const std::string& name) {
  const auto& entries = module_registry();
  if (const auto found = ranges::find(entries, name, &ModuleEntry::name); found != entries.end()) return *found;
  const auto names = module_names();
  throw Error({.what = "there is no network '" + name + "'" + did_you_mean(name, names),
               .where = "module_entry",
               .mend = "known networks: " + join(names, ", "),
               .exit_code = exit_code::usage});
}

VOS_INLINE std::vector<std::string> module_names() {
  return module_registry() | ranges::views::transform(&ModuleEntry::name) | ranges::to<std::vector>();
}

VOS_INLINE AnySegmenter make_segmenter(const SegmenterSpec& spec) {
  const auto infos = list_models();
  const auto names = infos | ranges::views::transform(&ModelInfo::name);
  const auto named = ranges::find(names, spec.model);
  if (named != names.end()) return model_registry()[static_cast<std::size_t>(named - names.begin())].make(spec);
  throw Error({.what = "there is no model '" + spec.model + "'" + did_you_mean(spec.model, names),
               .where = "make_segmenter",
               .mend = "known models: " + join(names, ", "),
               .exit_code = exit_code::usage});
}

VOS_INLINE std::vector<ModelInfo> list_models() {
  return model_registry() | ranges::views::transform(&ModelEntry::info) | ranges::to<std::vector>();
}

}  // namespace vos
