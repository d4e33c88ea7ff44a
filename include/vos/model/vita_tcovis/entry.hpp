#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/model/vita_tcovis/presets.hpp>
#include <vos/model/vita_tcovis/rules.hpp>
#include <vos/model/vita_tcovis/segmenter.hpp>
#include <vos/nn/for_inference.hpp>
#include <vos/segment/spec.hpp>
#include <vos/weights/modules.hpp>
#include <vos/weights/network_metadata.hpp>
#include <vos/weights/tensors.hpp>

namespace vos {

namespace detail {

/// What a file says of its network, on top of the preset.
inline void take_facts(VitaTcovisNetworkOptions& options, const NetworkFacts& facts, const std::string& where) {
  std::vector<std::string> family;
  for (const auto& preset : vita_tcovis_presets()) family.push_back(preset.name);
  if (!facts.model.empty() && std::find(family.begin(), family.end(), facts.model) == family.end())
    throw Error({.what = "these are weights of model '" + facts.model + "'",
                 .where = where,
                 .mend = "use --model " + facts.model + ", or weights of one of " + join(family, ", ")});
  for (const auto& [key, value] : facts.settings) set_option(options, key, value, where);
}

/// The network that a file's weights are of. Where they do not fit, the Error says what was asked for against the file.
inline std::shared_ptr<VitaTcovisImpl> vita_tcovis_of(const VitaTcovisNetworkOptions& options, const Weights& weights,
                                                      const NetworkFacts& facts, const NetworkSettings& asked) {
  auto network = std::make_shared<VitaTcovisImpl>(options);
  try {
    (void)vos::load_weights(*network, weights, vita_tcovis_rules(options));
  } catch (const Error& error) {
    std::vector<std::string> against;
    for (const auto& [key, value] : asked)
      if (const auto said = facts.settings.find(key); said != facts.settings.end() && said->second != value)
        against.push_back(key + "=" + value + " is set, the file was made with " + key + "=" + said->second);
    if (against.empty()) throw;
    auto parts = error.parts();
    parts.mend = join(against, "; ") + ": leave it out";
    throw Error(parts);
  }
  return network;
}

}  // namespace detail

/// The line of a preset in the registry of segmenters. Later words count: the preset's, those of the weights' file about its
/// network, those of the caller.
inline ModelEntry vita_tcovis_entry(const VitaTcovisPreset& preset) {
  ModelInfo info{.name = preset.name,
                 .family = "vita-tcovis",
                 .summary = preset.summary,
                 .options = describe_options(preset.options),
                 .needs_weights = true,
                 .needs_prompt = false};
  return {std::move(info), [preset](const SegmenterSpec& spec) {
            const auto where = "model '" + preset.name + "'";
            if (spec.weights.empty())
              throw Error({.what = where + " needs weights",
                           .where = "--weights",
                           .mend = "give a file of weights; 'vos-weights fill --model " + preset.name +
                                   " --rule vita --out FILE.safetensors' makes some to try it with",
                           .exit_code = exit_code::usage});
            const auto weights = read_weights(spec.weights);
            const auto facts = network_facts(weights.metadata, weights.where);
            auto options = preset.options;
            detail::take_facts(options.network, facts, weights.where);
            if (facts.size > 0) options.size = facts.size;
            if (const auto mode = spec.options.find("mode"); mode != spec.options.end() && mode->second == "benchmark")
              prefer_recall(options.tracker);
            for (const auto& [key, value] : spec.options) set_option(options, key, value, where);
            const auto network = detail::vita_tcovis_of(options.network, weights, facts, spec.options);
            const auto here = place(spec.compute);
            prepare_for_inference(*network, here);
            std::string settings = weights.where + '\n';
            for (const auto& option : describe_options(options)) settings += option.key + '=' + option.value + '\n';
            return vita_tcovis_segmenter(network, options, here, preset.name, settings);
          }};
}

/// The line of a network in the registry of modules.
inline ModuleEntry vita_tcovis_module_entry(const std::string& name, const std::string& summary,
                                            const VitaTcovisNetworkOptions& options) {
  return {.name = name,
          .summary = summary,
          .make = [options] { return std::make_shared<VitaTcovisImpl>(options); },
          .rules = vita_tcovis_rules(options),
          .options = describe_options(options),
          .with =
              [=](const NetworkSettings& settings) {
                auto changed = options;
                for (const auto& [key, value] : settings) set_option(changed, key, value, "network '" + name + "'");
                return vita_tcovis_module_entry(name, summary, changed);
              }};
}

inline std::vector<ModelEntry> vita_tcovis_entries() {
  std::vector<ModelEntry> entries;
  for (const auto& preset : vita_tcovis_presets()) entries.push_back(vita_tcovis_entry(preset));
  return entries;
}

inline std::vector<ModuleEntry> vita_tcovis_module_entries() {
  std::vector<ModuleEntry> entries;
  for (const auto& [name, summary, options] : vita_tcovis_presets())
    entries.push_back(vita_tcovis_module_entry(name, summary, options.network));
  return entries;
}

}  // namespace vos
