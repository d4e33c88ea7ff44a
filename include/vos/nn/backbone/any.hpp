#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <torch/nn/module.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/nn/backbone/backbone.hpp>
#include <vos/nn/backbone/mobilenet_v2.hpp>
#include <vos/nn/backbone/norm2d.hpp>
#include <vos/nn/backbone/resnet.hpp>
#include <vos/nn/backbone/swin.hpp>
#include <vos/nn/backbone/tiny.hpp>
#include <vos/weights/rules.hpp>

namespace vos {

/// A backbone whose type is a matter of options: what a family holds.
///
///   AnyBackbone encode = make_backbone("resnet50");
///   register_module("backbone", encode.module());  // adds no part of its own to the parameters' names
///
/// A copy is the same backbone, as with LibTorch's module holders.
class AnyBackbone {
 public:
  AnyBackbone() = default;  ///< none; can be assigned to

  template <std::derived_from<torch::nn::Module> Impl>
  explicit AnyBackbone(std::shared_ptr<Impl> backbone)
      : module_(backbone),
        encode_([raw = backbone.get()](const at::Tensor& images) { return raw->forward(images); }),
        levels_(backbone->levels()) {}

  std::vector<FeatureMap> operator()(const at::Tensor& images) const { return encode_(images); }
  std::vector<FeatureLevel> levels() const { return levels_; }
  const std::shared_ptr<torch::nn::Module>& module() const { return module_; }

 private:
  std::shared_ptr<torch::nn::Module> module_;
  std::function<std::vector<FeatureMap>(const at::Tensor&)> encode_;
  std::vector<FeatureLevel> levels_;
};
static_assert(Backbone<AnyBackbone>);

/// What can be asked of any of them. Those without batch norms do not look at `norm`.
struct BackboneOptions {
  NormKind norm = NormKind::frozen;
};

/// A backbone by name, with levels at strides 4, 8, 16 and 32.
struct BackboneKind {
  std::string name = {}, summary = {};
  std::function<AnyBackbone(const BackboneOptions&)> make = {};
  LoadRules rules = {};  ///< under which its ImageNet files load
};

namespace detail {

template <class Impl, class Options>
BackboneKind backbone_kind(std::string name, std::string summary, Options options, LoadRules rules) {
  return {std::move(name), std::move(summary),
          [options = std::move(options)](const BackboneOptions& asked) {
            auto mine = options;
            if constexpr (requires { mine.norm; }) mine.norm = asked.norm;
            return AnyBackbone(std::make_shared<Impl>(std::move(mine)));
          },
          std::move(rules)};
}

inline std::vector<BackboneKind> backbone_list() {
  std::vector<BackboneKind> kinds;
  for (const auto depth : {18, 34, 50, 101}) {
    const ResNetOptions options{.depth = depth};
    const auto number = std::to_string(depth);
    kinds.push_back(backbone_kind<ResNetImpl>("resnet" + number, "ResNet-" + number + ", torchvision's names", options,
                                              resnet_rules(options)));
  }
  kinds.push_back(backbone_kind<MobileNetV2Impl>("mobilenet-v2", "MobileNetV2, torchvision's names",
                                                 MobileNetV2Options{}, mobilenet_v2_rules()));
  for (const auto& [name, size, window] : {std::tuple{"swin-t", 'T', 7},
                                           {"swin-s", 'S', 7},
                                           {"swin-b-w7", 'B', 7},
                                           {"swin-b-w12", 'B', 12},
                                           {"swin-l-w7", 'L', 7},
                                           {"swin-l-w12", 'L', 12}}) {
    const auto options = swin_options(size, window);
    kinds.push_back(backbone_kind<SwinImpl>(
        name, std::string{"Swin-"} + size + " with windows of " + std::to_string(window) + ", the official names",
        options, swin_rules(options)));
  }
  kinds.push_back(backbone_kind<TinyBackboneImpl>("tiny-backbone", "a small convolutional pyramid", TinyOptions{}, {}));
  return kinds;
}

}  // namespace detail

/// Every backbone that has a name.
inline const std::vector<BackboneKind>& backbone_kinds() {
  static const auto kinds = detail::backbone_list();
  return kinds;
}

/// The one that goes by `name`. An Error names the nearest where there is none.
inline const BackboneKind& backbone_kind(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& kind : backbone_kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  throw Error({.what = "there is no backbone '" + std::string{name} + "'" + did_you_mean(name, names),
               .where = "option 'backbone'",
               .mend = "known backbones: " + join(names, ", "),
               .exit_code = exit_code::usage});
}

inline AnyBackbone make_backbone(std::string_view name, const BackboneOptions& options = {}) {
  return backbone_kind(name).make(options);
}

}  // namespace vos
