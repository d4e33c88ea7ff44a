#include "beside.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/weights/tree.hpp>

namespace vos::weights {
namespace {

/// The shortest way from the root to `place` through dicts, both of them on it; the root alone where there is none. One walk
/// over all, since dicts may hold each other.
std::vector<NodeId> way_to(const Checkpoint& file, NodeId place) {
  constexpr auto unseen = std::numeric_limits<NodeId>::max();
  std::vector<NodeId> from(file.nodes.size(), unseen), next{file.root};
  from[file.root] = file.root;
  for (std::size_t i = 0; i < next.size() && from[place] == unseen; ++i) {
    const auto& node = file.node(next[i]);
    if (node.kind != NodeKind::dict) continue;
    for (std::size_t item = 1; item < node.items.size(); item += 2)
      if (const auto value = node.items[item]; from[value] == unseen) {
        from[value] = next[i];
        next.push_back(value);
      }
  }
  std::vector<NodeId> way{place};
  while (way.back() != file.root) {
    if (from[way.back()] == unseen) return {file.root};
    way.push_back(from[way.back()]);
  }
  std::reverse(way.begin(), way.end());
  return way;
}

/// "optimizer" of a tensor "@optimizer/state/0/exp_avg" that convert has written: what the metadata knows it by.
std::string kept_entry(const Checkpoint& file, const std::string& name) {
  for (auto slash = name.rfind('/'); slash != std::string::npos && slash > 0; slash = name.rfind('/', slash - 1))
    if (const auto entry = name.substr(0, slash); file.metadata.contains(entry)) return entry.substr(1);
  return name.substr(1);
}

}  // namespace

NodeId weights_place(const Checkpoint& file, const SelectOptions& select) {
  return vos::detail::WeightsFinder(file).find(select);
}

std::vector<BesideNode> nodes_beside(const Checkpoint& file, NodeId place, const std::vector<NamedRecord>& weights) {
  std::vector<BesideNode> all;
  const auto below = [](const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "/" + name;
  };
  // Down from the root: what stands beside the way to the weights.
  std::string path;
  const auto way = way_to(file, place);
  for (std::size_t step = 0; step + 1 < way.size(); ++step) {
    std::optional<std::string> on_the_way;
    const auto& items = file.node(way[step]).items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      auto name = below(path, vos::detail::key_text(file.node(items[i])));
      if (!on_the_way && items[i + 1] == way[step + 1]) on_the_way = std::move(name);
      else all.push_back({name, items[i + 1], name});
    }
    path = on_the_way.value_or("");
  }
  // Among the weights: what is no tensor and holds none of them, and what convert has put there.
  if (file.node(place).kind != NodeKind::dict) return all;
  std::set<std::string_view> heads;
  for (const auto& [name, tensor] : weights) heads.insert(std::string_view{name}.substr(0, name.find_first_of(".[")));
  const auto& items = file.node(place).items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const auto name = vos::detail::key_text(file.node(items[i]));
    const bool tensor = file.node(items[i + 1]).kind == NodeKind::tensor;
    if (tensor && name.starts_with('@')) all.push_back({name.substr(1), items[i + 1], kept_entry(file, name)});
    else if (!tensor && !heads.contains(name)) all.push_back({below(path, name), items[i + 1], below(path, name)});
  }
  return all;
}

}  // namespace vos::weights
