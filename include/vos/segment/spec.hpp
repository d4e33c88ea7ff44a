#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <vos/core/compute.hpp>
#include <vos/core/options.hpp>
#include <vos/segment/any.hpp>

namespace vos {

/// Which model to make, by the name of its preset.
struct SegmenterSpec {
  std::string model = "flow";
  std::filesystem::path weights = {};  ///< empty: the preset's own, or none needed
  Compute compute = {};
  std::map<std::string, std::string> options = {};  ///< overrides of the preset's options, as text
};

/// What can be said of a preset without making it.
struct ModelInfo {
  std::string name, family, summary;
  std::vector<OptionInfo> options = {};
  bool needs_weights = false;
  bool needs_prompt = true;  ///< false: it finds objects by itself
};

/// One line of the registry: a preset and how to make it.
struct ModelEntry {
  ModelInfo info;
  std::function<AnySegmenter(const SegmenterSpec&)> make;
};

/// The registry's line for a model that is made from its options alone: `model_entry<HoldSegmenter>(info, HoldOptions{})`.
/// A variant is another `preset`, not another type.
template <Segmenter Model, DescribedOptions Options>
ModelEntry model_entry(ModelInfo info, Options preset) {
  info.options = describe_options(preset);
  return {info, [preset, name = info.name](const SegmenterSpec& spec) {
            Options options = preset;
            for (const auto& [key, value] : spec.options) set_option(options, key, value, "model '" + name + "'");
            if (!spec.weights.empty())
              throw Error({.what = "model '" + name + "' has no weights to load",
                           .where = spec.weights.string(),
                           .mend = "leave --weights out, or choose a trained model (--list-models)",
                           .exit_code = exit_code::usage});
            if (const auto here = place(spec.compute); spec.compute.device != "auto" && !here.device.is_cpu())
              throw Error({.what = "model '" + name + "' runs on the CPU",
                           .where = "device '" + spec.compute.device + "'",
                           .mend = "use --device cpu or auto",
                           .exit_code = exit_code::usage});
            std::string settings;
            for (const auto& option : describe_options(options)) settings += option.key + '=' + option.value + '\n';
            return AnySegmenter(Model(options), name, settings);
          }};
}

/// Makes the segmenter that `spec` names. An Error names the nearest model where there is none of that name.
VOS_INLINE AnySegmenter make_segmenter(const SegmenterSpec& spec);

/// Every preset that this build knows.
VOS_INLINE std::vector<ModelInfo> list_models();

}  // namespace vos
