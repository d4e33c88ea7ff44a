#include "tree.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/weights/tree.hpp>

#include "text.hpp"

namespace vos::weights {
namespace {

using Json = nlohmann::ordered_json;

/// A value in a container, under the name that it has there: a key, a place or nothing.
struct Child {
  std::string name;
  NodeId node;
};

/// What stands in a container. An object is what its state is: its type says the rest.
std::vector<Child> children(const Checkpoint& file, const CheckpointNode& node, std::size_t most) {
  std::vector<Child> all;
  const auto& items = node.items;
  if (node.kind == NodeKind::object) {
    if (!items.empty() && !file.node(items[0]).items.empty()) all.push_back({"made from", items[0]});
    if (items.size() < 2) return all;
    const auto& state = file.node(items[1]);
    if (state.kind != NodeKind::dict) all.push_back({"state", items[1]});
    else
      for (auto& child : children(file, state, most)) all.push_back(std::move(child));
    return all;
  }
  const std::size_t step = node.kind == NodeKind::dict ? 2 : 1;
  for (std::size_t i = 0; i + step <= items.size() && all.size() < most; i += step)
    all.push_back({step == 2 ? vos::detail::key_text(file.node(items[i])) : std::to_string(i), items[i + step - 1]});
  return all;
}

std::size_t child_count(const Checkpoint& file, const CheckpointNode& node) {
  if (node.kind == NodeKind::object) return children(file, node, node.items.size() + 1).size();
  return node.kind == NodeKind::dict ? node.items.size() / 2 : node.items.size();
}

bool is_container(const CheckpointNode& node) {
  return node.kind == NodeKind::list || node.kind == NodeKind::tuple || node.kind == NodeKind::set ||
         node.kind == NodeKind::dict || node.kind == NodeKind::object;
}

std::string leaf_text(const Checkpoint& file, const CheckpointNode& node) {
  switch (node.kind) {
    case NodeKind::none: return "None";
    case NodeKind::boolean: return node.integer != 0 ? "True" : "False";
    case NodeKind::integer: return node.text.empty() ? std::to_string(node.integer) : printable(node.text, 40);
    case NodeKind::real: return value_text(node.real);
    case NodeKind::text: return "'" + printable(node.text, 80) + "'";
    case NodeKind::bytes: return counted(node.text.size(), "byte");
    default: {
      const auto& tensor = file.tensors[static_cast<std::size_t>(node.integer)];
      return std::string{info_of(tensor.dtype).name} + " " + text_of_sizes(tensor.sizes);
    }
  }
}

/// "dict of 3"; an object's type.
std::string container_text(const Checkpoint& file, const CheckpointNode& node) {
  static constexpr const char* names[] = {"list", "tuple", "set", "dict"};
  if (node.kind == NodeKind::object) return printable(node.text);
  return std::string{names[static_cast<int>(node.kind) - static_cast<int>(NodeKind::list)]} + " of " +
         count_text(child_count(file, node));
}

/// A few numbers on one line: "(0.9, 0.999)", "torch.device('cuda', 3)"; empty where they are too many or not all leaves.
std::string row_text(const Checkpoint& file, const CheckpointNode& node) {
  if (node.kind == NodeKind::object && node.items.size() == 1) {  // without a state, it is what it was made from
    const auto& made_from = file.node(node.items[0]);
    if (made_from.kind != NodeKind::tuple || made_from.items.empty()) return "";
    const auto row = row_text(file, made_from);
    return row.empty() ? "" : printable(node.text) + row;
  }
  if ((node.kind != NodeKind::list && node.kind != NodeKind::tuple) || node.items.size() > 8) return "";
  std::string text;
  for (const auto item : node.items) {
    const auto& each = file.node(item);
    if (is_container(each) || each.kind == NodeKind::tensor) return "";
    text += (text.empty() ? "" : ", ") + leaf_text(file, each);
  }
  return node.kind == NodeKind::list ? "[" + text + "]" : "(" + text + ")";
}

class Printer {
 public:
  Printer(std::ostream& out, const Checkpoint& file, const TreeLimits& limits)
      : out_(out), file_(file), limits_(limits) {}

  void print(NodeId id, const std::string& name, const std::string& indent) {
    if (values_++ >= limits_.values) {
      if (!std::exchange(cut_, true)) out_ << indent << "... and more" << limits_.mend << '\n';
      return;
    }
    const auto& node = file_.node(id);
    out_ << indent << (name.empty() ? "" : printable(name) + ": ");
    out_ << brief_text(file_, id);
    if (!is_container(node) || !row_text(file_, node).empty()) {
      out_ << '\n';
      return;
    }
    if (std::find(above_.begin(), above_.end(), id) != above_.end()) {
      out_ << ", the same as further up\n";
      return;
    }
    out_ << '\n';
    const auto count = child_count(file_, node);
    if (count == 0) return;
    if (above_.size() >= limits_.depth) {
      out_ << indent << "  ..." << limits_.mend << '\n';
      return;
    }
    above_.push_back(id);
    for (const auto& child : children(file_, node, limits_.items)) print(child.node, child.name, indent + "  ");
    if (count > limits_.items && !cut_)
      out_ << indent << "  ... and " << count_text(count - limits_.items) << " more" << limits_.mend << '\n';
    above_.pop_back();
  }

 private:
  std::ostream& out_;
  const Checkpoint& file_;
  const TreeLimits limits_;
  std::vector<NodeId> above_ = {};
  std::size_t values_ = 0;
  bool cut_ = false;
};

class Writer {
 public:
  Writer(const Checkpoint& file, const TreeLimits& limits, const TensorJson& tensor)
      : file_(file), limits_(limits), tensor_(tensor) {}

  Json write(NodeId id, const std::string& path) {
    const auto& node = file_.node(id);
    // A long text counts as many: one in a list of lists of lists is written as often as it is named.
    if (values_ >= limits_.values) return left_out();
    values_ += 1 + node.text.size() / 64;
    switch (node.kind) {
      case NodeKind::none: return nullptr;
      case NodeKind::boolean: return node.integer != 0;
      case NodeKind::integer: return node.text.empty() ? Json(node.integer) : Json(node.text);
      case NodeKind::real:
        if (std::isnan(node.real)) return "nan";
        return std::isinf(node.real) ? Json(node.real > 0 ? "inf" : "-inf") : Json(node.real);
      case NodeKind::text: return node.text;
      case NodeKind::bytes: return {{"bytes", node.text.size()}};
      case NodeKind::tensor: return tensor_(id, path);
      default: break;
    }
    if (above_.size() >= std::min<std::size_t>(limits_.depth, 100)) return left_out();
    if (std::find(above_.begin(), above_.end(), id) != above_.end()) return left_out();
    above_.push_back(id);
    const bool row = node.kind != NodeKind::dict && node.kind != NodeKind::object;
    Json all = row ? Json::array() : Json::object();
    for (const auto& child : children(file_, node, limits_.items)) {
      if (values_ >= limits_.values) break;
      auto value = write(child.node, (path.empty() ? child.name : path + "/" + child.name).substr(0, tree_path_limit));
      if (row) all.push_back(std::move(value));
      else all[child.name] = std::move(value);
    }
    above_.pop_back();
    if (child_count(file_, node) > limits_.items || values_ >= limits_.values) {
      if (row) all.push_back(left_out());
      else all["..."] = left_out();
    }
    if (node.kind == NodeKind::object) return {{"object", node.text}, {"state", std::move(all)}};
    return all;
  }

  bool cut() const { return cut_; }

 private:
  Json left_out() {
    cut_ = true;
    return "...";
  }

  const Checkpoint& file_;
  const TreeLimits limits_;
  const TensorJson& tensor_;
  bool cut_ = false;
  std::vector<NodeId> above_ = {};
  std::size_t values_ = 0;
};

}  // namespace

std::string brief_text(const Checkpoint& file, NodeId id) {
  const auto& node = file.node(id);
  if (!is_container(node)) return leaf_text(file, node);
  const auto row = row_text(file, node);
  return row.empty() ? container_text(file, node) : row;
}

void print_tree(std::ostream& out, const Checkpoint& file, const TreeLimits& limits, const std::string& indent) {
  Printer{out, file, limits}.print(file.root, "", indent);
}

Json tree_json(const Checkpoint& file, NodeId node, const TreeLimits& limits, const TensorJson& tensor,
               const std::string& path, bool* cut) {
  Writer writer{file, limits, tensor};
  auto json = writer.write(node, path);
  if (cut != nullptr) *cut |= writer.cut();
  return json;
}

Json tensor_json(const TensorRecord& tensor) {
  return {{"tensor", info_of(tensor.dtype).name}, {"shape", tensor.sizes}};
}

}  // namespace vos::weights
