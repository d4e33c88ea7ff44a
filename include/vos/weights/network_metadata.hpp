#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/options.hpp>
#include <vos/error.hpp>

namespace vos {

/// A network's options as text, by their keys.
using NetworkSettings = std::map<std::string, std::string>;

/// What files of ours say of the network whose weights they hold, so that it can be made again from them alone: the
/// metadata of safetensors has texts, so the options are one, a JSON object of texts.
struct NetworkFacts {
  std::string model = {};  ///< the preset; empty: the file does not say
  NetworkSettings settings = {};
  std::int64_t size = 0;  ///< the shorter side of the pictures that it learnt from; 0: the file does not say
};

inline constexpr const char* model_key = "vos.model";
inline constexpr const char* options_key = "vos.options";
inline constexpr const char* size_key = "vos.size";

inline std::map<std::string, std::string> network_metadata(const std::string& model,
                                                           const std::vector<OptionInfo>& options = {},
                                                           std::int64_t size = 0) {
  std::map<std::string, std::string> metadata{{"format", "pt"}, {model_key, model}};
  if (size > 0) metadata[size_key] = std::to_string(size);
  if (options.empty()) return metadata;
  nlohmann::json settings;
  for (const auto& option : options) settings[option.key] = option.value;
  metadata[options_key] = settings.dump();
  return metadata;
}

/// `where` is the file, for messages.
inline NetworkFacts network_facts(const std::map<std::string, std::string>& metadata, const std::string& where) {
  NetworkFacts facts;
  if (const auto model = metadata.find(model_key); model != metadata.end()) facts.model = model->second;
  if (const auto size = metadata.find(size_key); size != metadata.end())
    std::from_chars(size->second.data(), size->second.data() + size->second.size(), facts.size);
  const auto options = metadata.find(options_key);
  if (options == metadata.end()) return facts;
  const auto json = nlohmann::json::parse(options->second, nullptr, /*allow_exceptions=*/false);
  const auto refuse = [&](const std::string& what) {
    throw Error(
        {.what = what,
         .where = where + ", metadata '" + options_key + "'",
         .mend = "the file was changed by another program; vos-weights convert --strip all leaves its metadata out"});
  };
  if (!json.is_object()) refuse("the network's options are no JSON object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) refuse("the option '" + key + "' is no text");
    facts.settings[key] = value.get<std::string>();
  }
  return facts;
}

}  // namespace vos
