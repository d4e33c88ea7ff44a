#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <torch/nn/module.h>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/keys.hpp>
#include <vos/weights/module_state.hpp>
#include <vos/weights/tensors.hpp>

namespace vos {

/// How a module's state differs from a key list: names, shapes, types, parameter or buffer, ties and order, a line each;
/// empty where it does not.
inline std::vector<std::string> key_differences(const torch::nn::Module& module, std::span<const KeyRow> rows) {
  const auto state = state_of(module);
  std::vector<std::string> lines;
  std::unordered_map<std::string_view, std::size_t> row_of, entry_of;
  for (std::size_t r = 0; r < rows.size(); ++r) row_of.emplace(rows[r].key, r);
  for (std::size_t s = 0; s < state.size(); ++s) entry_of.emplace(state[s].name, s);

  TensorTies first_of;
  for (const auto& [name, value, parameter] : state) {
    const auto& first = state[first_of(value)].name;
    const auto listed = row_of.find(name);
    if (listed == row_of.end()) {
      lines.push_back(name + " " + text_of_sizes(value.sizes()) + " is not in the list");
      continue;
    }
    const auto& row = rows[listed->second];
    const auto differ = [&](const std::string& is, const std::string& should) {
      if (is != should) lines.push_back(name + " is " + is + ", in the list " + should);
    };
    differ(text_of_sizes(value.sizes()), text_of_sizes(row.shape));
    differ(std::string{info_of(dtype_of(value.scalar_type())).name}, std::string{info_of(row.dtype).name});
    differ(parameter ? "a parameter" : "a buffer", row.parameter ? "a parameter" : "a buffer");
    const auto tie = [](const std::string& other) {
      return other.empty() ? "a tensor of its own" : "the same as " + other;
    };
    differ(tie(first == name ? "" : first), tie(row.alias_of));
  }
  for (const auto& row : rows)
    if (!entry_of.contains(row.key)) lines.push_back(row.key + " " + text_of_sizes(row.shape) + " is missing");
  if (!lines.empty()) return lines;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (state[i].name != rows[i].key) {
      lines.push_back("from tensor " + std::to_string(i) + " on the order differs: " + state[i].name +
                      ", in the list " + rows[i].key);
      break;
    }
  return lines;
}

/// Throws unless a module's state is a key list's. `where` names the list.
inline void expect_keys(const torch::nn::Module& module, std::span<const KeyRow> rows, const std::string& where = {}) {
  const auto lines = key_differences(module, rows);
  if (lines.empty()) return;
  throw Error({.what = "the module differs from its key list in " + std::to_string(lines.size()) + " points:\n    " +
                       join_first(lines, 40, "\n    "),
               .where = where,
               .mend = "mend the module, or the list"});
}

}  // namespace vos
