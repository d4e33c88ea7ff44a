#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <vos/weights/checkpoint.hpp>

namespace vos {

/// A file may nest as deep and name as long as it likes; a walk goes this far.
inline constexpr std::size_t tree_depth_limit = 64, tree_path_limit = 1024;

namespace detail {

/// What stands for `key` in a path.
inline std::string key_text(const CheckpointNode& key) {
  switch (key.kind) {
    case NodeKind::text: return std::string{key.text.substr(0, tree_path_limit)};
    case NodeKind::integer: return key.text.empty() ? std::to_string(key.integer) : "(a large number)";
    case NodeKind::boolean: return key.integer != 0 ? "True" : "False";
    case NodeKind::real: return std::to_string(key.real);
    case NodeKind::none: return "None";
    default: return "(key)";
  }
}

}  // namespace detail

/// Calls `visit(path, id)` for `from` and every value below it, in the order of the file: "model.conv.weight",
/// "optimizer.param_groups[0].params[3]"; what an object was made from and its state go by its own path, since "args.lr" is
/// how a reader knows them. A container is entered once however many names it has, so that neither a cycle nor a billion
/// shared lists take long; other values are visited under every name, as tied weights are one tensor with two.
/// A path of more than `tree_path_limit` bytes is cut. A `visit` that returns false is not led into what it was shown.
template <class Visit>
void for_each_node(const Checkpoint& checkpoint, NodeId from, Visit visit) {
  struct Level {
    NodeId container;
    std::size_t next, path_size;
  };
  if (from >= checkpoint.nodes.size()) return;
  std::vector<bool> entered(checkpoint.nodes.size());
  std::vector<Level> levels;
  std::string path;
  const auto see = [&](NodeId id) {
    if constexpr (std::is_same_v<decltype(visit(std::as_const(path), id)), bool>) {
      if (!visit(std::as_const(path), id)) return;
    } else {
      visit(std::as_const(path), id);
    }
    if (entered[id] || checkpoint.node(id).items.empty() || levels.size() >= tree_depth_limit) return;
    entered[id] = true;
    levels.push_back({id, 0, path.size()});
  };
  const auto extend = [&](std::string_view step) {
    path += step.substr(0, tree_path_limit - std::min(tree_path_limit, path.size()));
  };
  see(from);
  while (!levels.empty()) {
    auto& level = levels.back();
    const auto& node = checkpoint.node(level.container);
    path.resize(level.path_size);
    const bool dict = node.kind == NodeKind::dict;
    if (level.next + (dict ? 1 : 0) >= node.items.size()) {
      levels.pop_back();
      continue;
    }
    const auto at = std::exchange(level.next, level.next + (dict ? 2 : 1));
    if (dict) {
      if (!path.empty()) extend(".");
      extend(detail::key_text(checkpoint.node(node.items[at])));
    } else if (node.kind != NodeKind::object) {
      extend("[" + std::to_string(at) + "]");
    }
    see(node.items[at + (dict ? 1 : 0)]);
  }
}

/// The same for tensors alone.
template <class Visit>
void for_each_tensor(const Checkpoint& checkpoint, NodeId from, Visit visit) {
  for_each_node(checkpoint, from, [&](const std::string& path, NodeId id) {
    if (checkpoint.node(id).kind == NodeKind::tensor) visit(path, id);
  });
}

}  // namespace vos
