#include "list_models.hpp"

#include <algorithm>
#include <iomanip>

#include <nlohmann/json.hpp>

#include <vos/vos.hpp>

namespace vos::infer {

void list_models(std::ostream& out, bool verbose) {
  const auto models = vos::list_models();
  const auto widest = [&](std::string ModelInfo::* column, std::size_t least) {
    for (const auto& model : models) least = std::max(least, (model.*column).size());
    return static_cast<int>(least) + 2;
  };
  const int name = widest(&ModelInfo::name, 5);
  out << std::left << std::setw(name) << "MODEL" << std::setw(9) << "WEIGHTS" << std::setw(10) << "MASKS"
      << "WHAT IT DOES\n";
  for (const auto& model : models) {
    out << std::setw(name) << model.name << std::setw(9) << (model.needs_weights ? "needed" : "none") << std::setw(10)
        << (model.needs_prompt ? "needed" : "not needed") << model.summary << '\n';
    if (!verbose) continue;
    std::size_t width = 0;
    for (const auto& option : model.options) width = std::max(width, option.key.size() + option.value.size() + 1);
    for (const auto& option : model.options)
      out << "  --set " << std::setw(static_cast<int>(width) + 2) << option.key + "=" + option.value << option.meaning
          << '\n';
  }
  if (!verbose) out << "\nvos-infer --list-models --verbose tells each model's options and their defaults.\n";
}

void list_models_json(std::ostream& out) {
  auto models = nlohmann::ordered_json::array();
  for (const auto& model : vos::list_models()) {
    auto options = nlohmann::ordered_json::array();
    for (const auto& option : model.options)
      options.push_back({{"key", option.key}, {"default", option.value}, {"meaning", option.meaning}});
    models.push_back({{"name", model.name},
                      {"family", model.family},
                      {"summary", model.summary},
                      {"needs_weights", model.needs_weights},
                      {"needs_masks", model.needs_prompt},
                      {"options", options}});
  }
  out << nlohmann::ordered_json{{"models", models}}.dump(2) << '\n';
}

}  // namespace vos::infer
