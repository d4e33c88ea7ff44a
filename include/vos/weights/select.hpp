#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/tree.hpp>

namespace vos {

/// A tensor of a checkpoint's weights.
struct NamedRecord {
  std::string name = {};
  std::uint32_t tensor = 0;  ///< its place in Checkpoint::tensors
};

struct SelectOptions {
  bool ema = false;       ///< the averaged weights, where a file has both
  std::string part = {};  ///< "student.state_dict": where the weights are, if not at one of the usual places
};

namespace detail {

// What people call the weights, the likeliest first; and what is saved beside them.
inline constexpr std::array<std::string_view, 11> weight_parts{
    "state_dict", "model",          "model_state_dict", "model_state", "module", "net",
    "network",    "net_state_dict", "net_state",        "weights",     "params"};
inline constexpr std::array<std::string_view, 10> ema_parts{
    "ema",        "model_ema",  "state_dict_ema", "ema_state_dict", "ema_model",
    "ema_params", "params_ema", "ema_state",      "ema_weights",    "shadow"};
inline constexpr std::array<std::string_view, 14> other_parts{"optimizer",
                                                              "optimizers",
                                                              "optim",
                                                              "optimizer_state_dict",
                                                              "optimizer_state",
                                                              "lr_scheduler",
                                                              "scheduler",
                                                              "scheduler_state_dict",
                                                              "scaler",
                                                              "amp",
                                                              "config",
                                                              "cfg",
                                                              "args",
                                                              "rng_state"};

inline bool among(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The place of what is under a text key of a dict; the last one, as in Python.
inline std::optional<NodeId> part_of(const Checkpoint& checkpoint, NodeId dict, std::string_view key) {
  const auto& node = checkpoint.node(dict);
  if (node.kind != NodeKind::dict) return std::nullopt;
  std::optional<NodeId> found;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2)
    if (const auto& name = checkpoint.node(node.items[i]); name.kind == NodeKind::text && name.text == key)
      found = node.items[i + 1];
  return found;
}

/// "'epoch', 'model' (320 tensors), ...": what is directly in a dict.
inline std::string contents(const Checkpoint& checkpoint, NodeId from) {
  const auto& node = checkpoint.node(from);
  if (node.kind != NodeKind::dict) return "no names, but one value";
  if (node.items.empty()) return "nothing";
  return join_first(std::views::iota(std::size_t{0}, node.items.size() / 2), 16, ", ", [&](std::size_t i) {
    std::size_t tensors = 0;
    for_each_tensor(checkpoint, node.items[2 * i + 1], [&](const std::string&, NodeId) { ++tensors; });
    return in_quotes(key_text(checkpoint.node(node.items[2 * i]))) +
           (tensors > 0 ? " (" + std::to_string(tensors) + (tensors > 1 ? " tensors)" : " tensor)") : "");
  });
}

[[noreturn]] inline void refuse_selection(const Checkpoint& checkpoint, const std::string& what,
                                          const std::string& mend) {
  throw Error(
      {.what = what + "; in it: " + contents(checkpoint, checkpoint.root), .where = checkpoint.where, .mend = mend});
}

/// For each value whether it is a tensor or holds one. In passes over all values, since they may be nested without end; a pass
/// or two settle what a program has written, whose containers come before or after what is in them.
inline std::vector<bool> nodes_with_tensors(const Checkpoint& checkpoint) {
  std::vector<bool> with(checkpoint.nodes.size());
  bool changed = true;
  const auto look = [&](std::size_t i) {
    const auto& node = checkpoint.nodes[i];
    if (with[i]) return;
    const bool found = node.kind == NodeKind::tensor ||
                       std::any_of(node.items.begin(), node.items.end(), [&](auto item) { return bool{with[item]}; });
    if (found) with[i] = changed = true;
  };
  for (std::size_t pass = 0; changed && pass < tree_depth_limit; ++pass) {
    changed = false;
    for (std::size_t i = 0; i < with.size(); ++i) look(i);
    for (std::size_t i = with.size(); i-- > 0;) look(i);
  }
  return with;
}

/// Finds the dict that holds the weights.
class WeightsFinder {
 public:
  explicit WeightsFinder(const Checkpoint& checkpoint)
      : checkpoint_(checkpoint), with_tensors_(nodes_with_tensors(checkpoint)) {}

  NodeId find(const SelectOptions& options) const {
    auto at = checkpoint_.root;
    if (!options.part.empty()) {
      for (const auto& step : split(options.part, '.')) {
        const auto part = part_of(checkpoint_, at, step);
        if (!part)
          refuse_selection(checkpoint_, "the file has no part " + in_quotes(options.part),
                           "name one that is there" + did_you_mean(step, keys_of(at)));
        at = *part;
      }
      return at;
    }
    if (options.ema) {
      const auto part = usual(at, ema_parts);
      if (!part)
        refuse_selection(checkpoint_, "the file has no averaged weights",
                         "leave out --ema (SelectOptions::ema) for its other weights");
      at = *part;
    }
    // {"model": {"state_dict": {...}}}: down to where the tensors are.
    bool named = false;  // as weights: what is in there is no part of training
    for (std::size_t depth = 0; depth < tree_depth_limit; ++depth) {
      auto part = usual(at, weight_parts);
      if (!part && options.ema) part = usual(at, ema_parts);
      named |= part.has_value();
      if (!part) part = only(at, named);
      if (!part) break;
      at = *part;
    }
    return at;
  }

 private:
  /// The text keys of a dict, as many as are worth a suggestion.
  std::vector<std::string> keys_of(NodeId dict) const {
    constexpr std::size_t most = 1000;
    std::vector<std::string> keys;
    const auto& node = checkpoint_.node(dict);
    if (node.kind != NodeKind::dict) return keys;
    for (std::size_t i = 0; i + 1 < node.items.size() && keys.size() < most; i += 2)
      if (const auto& key = checkpoint_.node(node.items[i]); key.kind == NodeKind::text && key.text.size() <= 160)
        keys.push_back(printable(key.text));
    return keys;
  }

  bool holds_weights(NodeId id) const { return checkpoint_.node(id).kind == NodeKind::dict && with_tensors_[id]; }

  /// The first of these places that has weights.
  std::optional<NodeId> usual(NodeId from, std::span<const std::string_view> names) const {
    for (const auto name : names)
      if (const auto part = part_of(checkpoint_, from, name); part && holds_weights(*part)) return part;
    return std::nullopt;
  }

  /// The one dict with tensors in `from`, if `from` has no tensors itself and no other such dict. Averaged weights count where
  /// there are no others.
  std::optional<NodeId> only(NodeId from, bool named) const {
    const auto& node = checkpoint_.node(from);
    std::optional<NodeId> only;
    if (node.kind != NodeKind::dict) return only;
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
      const auto value = node.items[i + 1];
      if (checkpoint_.node(value).kind == NodeKind::tensor) return std::nullopt;
      const auto name = checkpoint_.node(node.items[i]).text;
      if (!holds_weights(value) || (!named && (among(other_parts, name) || among(ema_parts, name)))) continue;
      if (only && *only != value) return std::nullopt;
      only = value;
    }
    return only ? only : usual(from, ema_parts);
  }

  const Checkpoint& checkpoint_;
  std::vector<bool> with_tensors_;
};

}  // namespace detail

/// The weights in a checkpoint, in the order of the file: under "state_dict", else "model", else another usual name, else the
/// file itself without what belongs to training. Names that begin with '@' are notes beside weights, not weights.
inline std::vector<NamedRecord> weights_in(const Checkpoint& checkpoint, const SelectOptions& options = {}) {
  std::vector<NamedRecord> weights;
  std::unordered_map<std::string, std::size_t> place;
  const auto from = detail::WeightsFinder(checkpoint).find(options);
  for_each_node(checkpoint, from, [&](const std::string& name, NodeId id) {
    // Only the file itself has parts of training beside those of a model: further in, "scaler" is a layer.
    if (checkpoint.node(id).kind != NodeKind::tensor)
      return from != checkpoint.root || !detail::among(detail::other_parts, name);
    if (name.starts_with('@')) return false;
    const auto tensor = static_cast<std::uint32_t>(checkpoint.node(id).integer);
    const auto [known, fresh] = place.emplace(name, weights.size());
    if (fresh) weights.push_back({name, tensor});
    else weights[known->second].tensor = tensor;  // of one name twice the last counts, as in Python
    return false;
  });
  if (weights.empty())
    detail::refuse_selection(checkpoint, "the file holds no weights", "name a checkpoint with a model's tensors");
  return weights;
}

}  // namespace vos
