#include "identify.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>

#include "text.hpp"

namespace vos::weights {
namespace {

/// Names, without what all of them begin with as far as `wrapper` says: "module." of DataParallel, "net." of a Lightning module.
class Names {
 public:
  Names(const std::vector<NamedShape>& tensors, std::string_view wrapper) : wrapper_(wrapper) {
    for (const auto& tensor : tensors) shapes_.emplace(tensor.name.substr(wrapper.size()), tensor.shape);
  }

  const std::string& wrapper() const { return wrapper_; }

  bool has(std::string_view name) const { return shapes_.contains(name); }

  /// The size of an axis; 0 where there is no such tensor or axis.
  std::int64_t size(std::string_view name, std::size_t axis = 0) const {
    const auto found = shapes_.find(name);
    return found != shapes_.end() && axis < found->second->size() ? (*found->second)[axis] : 0;
  }

  std::string shape(std::string_view name) const {
    const auto found = shapes_.find(name);
    return found != shapes_.end() ? text_of_sizes(*found->second) : "";
  }

  bool any_below(const std::string& prefix) const {
    const auto next = shapes_.lower_bound(std::string_view{prefix});
    return next != shapes_.end() && next->first.starts_with(prefix);
  }

  /// How many of PREFIX0., PREFIX1., ... there are.
  std::int64_t count(const std::string& prefix) const {
    std::int64_t n = 0;
    while (n < 1000 && any_below(prefix + std::to_string(n) + ".")) ++n;
    return n;
  }

 private:
  std::string wrapper_;
  std::map<std::string_view, const std::vector<std::int64_t>*> shapes_;
};

std::string blocks_text(const std::vector<std::int64_t>& blocks) {
  std::vector<std::string> texts;
  for (const auto count : blocks) texts.push_back(std::to_string(count));
  return join(texts, ", ");
}

/// What a class head of so many rows was most likely trained with.
std::string classes_text(std::int64_t classes) {
  static const std::map<std::int64_t, std::string> known{
      {25, "OVIS"},          {40, "YouTube-VIS"},     {80, "COCO"},           {91, "COCO, by category id"},
      {1000, "ImageNet-1k"}, {21841, "ImageNet-22k"}, {21843, "ImageNet-21k"}};
  const auto found = known.find(classes);
  return count_text(classes) + " classes" + (found != known.end() ? ", as in " + found->second : "");
}

/// Collects what is said of a model: parts of its description, and the tensors that tell them.
struct Finding {
  const Names& names;
  std::vector<std::string> parts = {};
  std::vector<Evidence> evidence = {};

  void say(std::string part) { parts.push_back(std::move(part)); }
  void because(const std::string& key, std::string tells) {
    evidence.push_back({names.wrapper() + key, names.shape(key), std::move(tells)});
  }
  Likely likely() && { return {join(parts, ", "), std::move(evidence)}; }
};

// --- backbones, below a prefix ------------------------------------------------------------------------------------------

/// "ResNet-50" by the blocks of its stages, of which the last may be left out.
std::string resnet_name(const std::vector<std::int64_t>& blocks, bool bottleneck) {
  struct Depth {
    std::array<std::int64_t, 4> blocks;
    const char *basic, *bottleneck;
  };
  static constexpr std::array<Depth, 4> depths{
      {{{2, 2, 2, 2}, "18", ""}, {{3, 4, 6, 3}, "34", "50"}, {{3, 4, 23, 3}, "", "101"}, {{3, 8, 36, 3}, "", "152"}}};
  for (const auto& depth : depths)
    if (blocks.size() >= 3 && std::equal(blocks.begin(), blocks.end(), depth.blocks.begin()))
      if (const std::string name = bottleneck ? depth.bottleneck : depth.basic; !name.empty()) return "-" + name;
  return " of " + blocks_text(blocks) + " blocks";
}

bool find_resnet(Finding& found, const std::string& prefix) {
  const auto& names = found.names;
  for (const auto& [first, stage, from, whose] :
       {std::tuple{"layer1.0.conv1.weight", "layer", 1, "torchvision's names"},
        {"res2.0.conv1.weight", "res", 2, "detectron2's names"}}) {
    if (!names.has(prefix + first)) continue;
    std::vector<std::int64_t> blocks;
    for (int i = from; i < from + 4; ++i)
      if (const auto count = names.count(prefix + stage + std::to_string(i) + "."); count > 0) blocks.push_back(count);
    const auto stem = prefix + stage + std::to_string(from) + ".0.";
    const bool bottleneck = names.has(stem + "conv3.weight"), split = names.has(stem + "conv2.bn0.weight");
    const auto width = names.size(stem + "conv1.weight"), group = names.size(stem + "conv2.weight", 1);
    std::string name = split ? "ResNeSt" : "ResNet";
    // ResNeXt has more channels in groups, Wide ResNet more in one.
    if (!split && bottleneck && width != 64) name = group < width ? "ResNeXt" : "Wide ResNet";
    found.say(name + resnet_name(blocks, bottleneck) + (blocks.size() == 3 ? " without its last stage" : ""));
    found.because(prefix + first, whose + std::string{"; "} + blocks_text(blocks) + " blocks" +
                                      (split        ? ", with split attention"
                                       : bottleneck ? " of three convolutions"
                                                    : " of two"));
    return true;
  }
  return false;
}

bool find_swin(Finding& found, const std::string& prefix) {
  const auto& names = found.names;
  const bool torchvision = names.has(prefix + "features.1.0.attn.relative_position_bias_table");
  const auto first = prefix + (torchvision ? "features.1.0." : "layers.0.blocks.0.");
  const auto table = first + "attn.relative_position_bias_table";
  if (!names.has(table)) return false;
  const auto patch = prefix + (torchvision ? "features.0.0.weight" : "patch_embed.proj.weight");
  std::vector<std::int64_t> blocks;
  for (int i = 0; i < 4; ++i)
    if (const auto count = names.count(prefix + (torchvision ? "features." + std::to_string(2 * i + 1) + "."
                                                             : "layers." + std::to_string(i) + ".blocks."));
        count > 0)
      blocks.push_back(count);
  const auto width = names.size(patch);
  const bool deep = blocks.size() > 2 && blocks[2] == 18;
  const char* size = width == 96 ? (deep ? "-S" : "-T") : width == 128 ? "-B" : width == 192 ? "-L" : "";
  const auto window =
      static_cast<std::int64_t>(std::llround((std::sqrt(static_cast<double>(names.size(table))) + 1) / 2));
  found.say(std::string{"Swin"} + size + (blocks.size() == 3 ? " without its last stage" : ""));
  const char* whose = torchvision                          ? "torchvision's names"
                      : names.has(prefix + "norm0.weight") ? "the official names, as backbone of a detector"
                      : names.has(prefix + "layers.0.downsample.norm.weight") ? "the official names"
                      : names.has(prefix + "layers.1.downsample.norm.weight") ? "timm's names"
                                                                              : "the official names";
  found.because(patch, "embedding of " + std::to_string(width) + "; " + whose + "; " + blocks_text(blocks) + " blocks");
  found.because(table, "windows of " + std::to_string(window) + "x" + std::to_string(window));
  return true;
}

bool find_mobilenet(Finding& found, const std::string& prefix) {
  const auto& names = found.names;
  const auto last = prefix + "features.18.0.weight", large = prefix + "conv.0.weight";
  if (names.has(prefix + "features.1.conv.0.0.weight") && names.has(last)) {
    found.say("MobileNetV2");
    found.because(last, "torchvision's names, 19 parts");
  } else if (names.has(prefix + "features.1.block.0.0.weight") && names.size(prefix + "features.0.0.weight") == 16) {
    found.say("MobileNetV3");
    found.because(prefix + "features.1.block.0.0.weight", "torchvision's names");
  } else if (names.has(prefix + "features.1.conv.0.weight") && names.size(large) == 960) {
    found.say("MobileNetV3-Large");
    found.because(large, "the names of AOT's code");
  } else return false;
  return true;
}

bool find_backbone(Finding& found, const std::string& prefix) {
  return find_resnet(found, prefix) || find_swin(found, prefix) || find_mobilenet(found, prefix);
}

// --- whole models -------------------------------------------------------------------------------------------------------

/// Rows of a class head, one of which may stand for "nothing".
void say_classes(Finding& found, const std::string& head, bool with_none) {
  const auto rows = found.names.size(head);
  if (rows == 0) return;
  const auto classes = rows - (with_none ? 1 : 0);
  found.say(count_text(classes) + (classes == 1 ? " class" : " classes"));
  found.because(head, classes_text(classes) + (with_none ? ", and one row for none" : ""));
}

void say_queries(Finding& found, const std::string& table, const char* what) {
  const auto rows = found.names.size(table);
  if (rows == 0) return;
  found.say(count_text(rows) + " " + what);
  found.because(table, count_text(rows) + " " + what);
}

bool find_mask2former(Finding& found) {
  const auto& names = found.names;
  const std::string predictor = "sem_seg_head.predictor.";
  const bool vita = names.has("vita_module.fq_pos.weight");
  const auto head = predictor + "class_embed.weight";
  if (!vita && !(names.has(predictor + "query_feat.weight") || names.has(predictor + "static_query.weight")))
    return false;
  found.say(vita ? "VITA (Mask2Former with a video head)" : "Mask2Former");
  if (vita) found.because("vita_module.fq_pos.weight", "a place for each of the frames' queries: VITA's video head");
  find_backbone(found, "backbone.");
  say_classes(found, head, true);
  say_queries(found,
              predictor + (names.has(predictor + "query_feat.weight") ? "query_feat.weight" : "static_query.weight"),
              "queries");
  if (vita) say_queries(found, "vita_module.query_feat.weight", "queries of the video");
  return true;
}

bool find_deformable(Finding& found) {
  const auto& names = found.names;
  for (const std::string prefix : {"def_detr.", ""}) {
    const auto first = prefix + "transformer.encoder.layers.0.self_attn.sampling_offsets.weight";
    if (!names.has(first)) continue;
    const auto temporal = prefix + "transformer.encoder.layers.0.self_attn.temporal_sampling_offsets.weight";
    const bool masks = names.any_below("mask_head.");
    if (names.has(temporal)) {
      found.say("DeVIS");
      found.because(temporal, "attention over frames");
    } else {
      found.say(masks ? "Deformable DETR with a mask head" : "Deformable DETR");
      found.because(first, "attention to sampled points");
    }
    if (masks)
      found.because(
          "mask_head.lay1." + std::string{names.has("mask_head.lay1.weight") ? "weight" : "regular_conv.weight"},
          "a mask head on top");
    find_backbone(found, prefix + "backbone.0.body.");
    if (names.any_below("conv_head_3d.")) found.say("with 3-D convolutions (an ablation)");
    say_classes(found,
                prefix + (names.has(prefix + "class_embed.0.weight") ? "class_embed.0.weight" : "class_embed.weight"),
                false);
    say_queries(found, prefix + "query_embed.weight", "queries");
    if (const auto clip = prefix + "backbone.1.temporal_embed"; names.has(clip))
      say_queries(found, clip, "frames a clip");
    if (names.has(prefix + "transformer.enc_output.weight")) {
      found.say("two-stage");
      found.because(prefix + "transformer.enc_output.weight", "proposals from the encoder");
    }
    return true;
  }
  return false;
}

bool find_aot(Finding& found) {
  const auto& names = found.names;
  const auto layers = names.count("LSTT.layers.");
  if (layers == 0) return false;
  const bool gated = names.has("LSTT.layers.0.linear_QV.weight");
  const auto sign = std::string{"LSTT.layers.0."} + (gated ? "linear_QV.weight" : "linear_Q.weight");
  const bool mobile = names.any_below("encoder.features.");
  const char* size = layers == 1 ? "T" : layers == 2 ? "S" : mobile ? "B or L, whose weights are alike" : "L";
  found.say((gated ? "DeAOT-" : "AOT-") + std::string{size});
  found.because(sign, (gated ? "gated propagation: DeAOT; " : "attention: AOT; ") + counted(layers, "layer"));
  if (!find_backbone(found, "encoder.")) found.say("an unknown encoder");
  if (const auto bank = std::string{"patch_wise_id_bank.weight"}; names.size(bank, 1) > 1) {
    found.say(count_text(names.size(bank, 1) - 1) + " objects at a time");
    found.because(bank, count_text(names.size(bank, 1) - 1) + " objects and the background");
  }
  return true;
}

bool find_mobilevos(Finding& found) {
  const auto& names = found.names;
  if (!names.has("key_proj.weight") || !names.any_below("query_encoder.") || !names.any_below("aspp.")) return false;
  const auto width = names.size("key_proj.weight", 1);
  found.say("MobileVOS");
  found.because("key_proj.weight", "keys from features of " + std::to_string(width));
  found.say(width == 512 ? "ResNet-18" : width == 1280 ? "MobileNetV2" : "an unknown encoder");
  return true;
}

bool find_classifier(Finding& found) {
  for (const std::string prefix : {"", "backbone.", "encoder."}) {
    if (!find_backbone(found, prefix)) continue;
    for (const char* head :
         {"fc.weight", "classifier.1.weight", "classifier.3.weight", "head.weight", "head.fc.weight"})
      if (found.names.has(prefix + head)) {
        say_classes(found, prefix + head, false);
        return true;
      }
    found.say("a backbone alone");
    return true;
  }
  if (const auto key = std::string{"blocks.0.attn.qkv.weight"}; found.names.has(key)) {
    found.say("a Vision Transformer of " + counted(found.names.count("blocks."), "block"));
    found.because(key, "width " + std::to_string(found.names.size(key, 1)));
    return true;
  }
  return false;
}

}  // namespace

Likely identify(const std::vector<NamedShape>& tensors) {
  std::string_view wrapper;
  for (int depth = 0; depth < 4; ++depth) {
    const Names names{tensors, wrapper};
    Finding found{names};
    // From the most to the least particular: VITA is a Mask2Former, and both hold a backbone.
    for (const auto find : {find_mask2former, find_deformable, find_aot, find_mobilevos, find_classifier}) {
      if (!find(found)) continue;
      if (wrapper == "module.")
        found.evidence.push_back({"module.**", "", "saved from DataParallel; loading takes the prefix off"});
      else if (!wrapper.empty()) found.evidence.push_back({names.wrapper() + "**", "", "a prefix that all names have"});
      return std::move(found).likely();
    }
    // Perhaps below the part that all names begin with.
    const auto end = tensors.empty() ? std::string_view::npos : tensors.front().name.find('.', wrapper.size());
    if (end == std::string_view::npos) break;
    wrapper = tensors.front().name.substr(0, end + 1);
    if (!std::all_of(tensors.begin(), tensors.end(),
                     [&](const auto& tensor) { return tensor.name.starts_with(wrapper); }))
      break;
  }
  return {};
}

}  // namespace vos::weights
