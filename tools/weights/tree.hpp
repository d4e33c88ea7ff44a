#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include <vos/weights/checkpoint.hpp>

namespace vos::weights {

/// How much of a tree is shown. A file may nest without end and hold a list in itself.
struct TreeLimits {
  std::size_t depth = 6;     ///< containers within containers; at most 100
  std::size_t items = 8;     ///< of one container
  std::size_t values = 400;  ///< in all
  const char* mend = "";     ///< behind each "...": what shows more
};

/// The tree for people, a line for each value.
void print_tree(std::ostream& out, const Checkpoint& file, const TreeLimits& limits, const std::string& indent);

/// A value on one line: "12", "'adam'", "dict of 3", "argparse.Namespace".
std::string brief_text(const Checkpoint& file, NodeId node);

/// What stands for the tensor of a node, which lies at `path`: "optimizer/state/0/exp_avg".
using TensorJson = std::function<nlohmann::ordered_json(NodeId node, const std::string& path)>;

/// A value as JSON: dicts with texts for keys, lists, tuples and sets as lists, None as null; NaN and infinities as texts;
/// bytes as {"bytes": how many}; an object as {"object": its type, "state": ...}. "..." stands for what the limits leave out, and `cut` is
/// set. `path` is where the value lies.
nlohmann::ordered_json tree_json(const Checkpoint& file, NodeId node, const TreeLimits& limits,
                                 const TensorJson& tensor, const std::string& path = {}, bool* cut = nullptr);

/// {"tensor": "float32", "shape": [64, 3, 7, 7]}
nlohmann::ordered_json tensor_json(const TensorRecord& tensor);

}  // namespace vos::weights
