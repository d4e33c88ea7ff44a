#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <vos/nn/backbone/mobilenet_v2.hpp>
#include <vos/nn/backbone/resnet.hpp>
#include <vos/nn/backbone/swin.hpp>
#include <vos/nn/backbone/tiny.hpp>
#include <vos/weights/modules.hpp>

namespace vos {

namespace detail {

template <class Impl, class Options>
ModuleEntry backbone_entry(std::string name, std::string summary, Options options, LoadRules rules) {
  return {std::move(name), std::move(summary),
          [options = std::move(options)] { return std::make_shared<Impl>(options); }, std::move(rules)};
}

}  // namespace detail

/// The registry's lines for the backbones as ImageNet files have them: all stages, frozen norms.
inline std::vector<ModuleEntry> backbone_entries() {
  std::vector<ModuleEntry> entries;
  for (const auto depth : {18, 34, 50, 101}) {
    const ResNetOptions options{.depth = depth};
    entries.push_back(detail::backbone_entry<ResNetImpl>("resnet" + std::to_string(depth),
                                                         "ResNet-" + std::to_string(depth) + ", torchvision's names",
                                                         options, resnet_rules(options)));
  }
  entries.push_back(detail::backbone_entry<MobileNetV2Impl>("mobilenet-v2", "MobileNetV2, torchvision's names",
                                                            MobileNetV2Options{}, mobilenet_v2_rules()));
  for (const auto& [name, size, window] : {std::tuple{"swin-t", 'T', 7},
                                           {"swin-s", 'S', 7},
                                           {"swin-b-w7", 'B', 7},
                                           {"swin-b-w12", 'B', 12},
                                           {"swin-l-w7", 'L', 7},
                                           {"swin-l-w12", 'L', 12}}) {
    const auto options = swin_options(size, window);
    entries.push_back(detail::backbone_entry<SwinImpl>(
        name, std::string{"Swin-"} + size + " with windows of " + std::to_string(window) + ", the official names",
        options, swin_rules(options)));
  }
  entries.push_back(
      detail::backbone_entry<TinyBackboneImpl>("tiny-backbone", "a small convolutional pyramid", TinyOptions{}, {}));
  return entries;
}

}  // namespace vos
