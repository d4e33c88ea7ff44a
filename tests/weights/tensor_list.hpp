#pragma once

/// What Python says is in a checkpoint: the lists that golden/make_torch_zip.py and its neighbours write.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/weights/tree.hpp>
#include <vos/weights/values.hpp>

#include "../test.hpp"

namespace vos::test {

/// A line: file, path, type, sizes, strides, offset, device, whether it requires a gradient, whose storage, elements in hex.
using TensorLine = std::vector<std::string>;

/// The lines of a list by file.
inline std::map<std::string, std::vector<TensorLine>> tensor_list(const std::string& name) {
  std::map<std::string, std::vector<TensorLine>> files;
  std::ifstream lines{file("weights/golden/" + name)};
  for (std::string line; std::getline(lines, line);) {
    auto fields = split(line, '\t');
    REQUIRE(fields.size() == 10);
    files[fields[0]].push_back(std::move(fields));
  }
  return files;
}

inline std::string list_text(const std::vector<std::int64_t>& numbers) {
  std::string text = "[";
  for (const auto number : numbers) text += (text.size() > 1 ? ", " : "") + std::to_string(number);
  return text + "]";
}

inline std::string hex_text(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto byte : bytes) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return text;
}

/// Checks that a checkpoint has the tensors of these lines, in their order, and no others.
inline void check_tensor_list(const Checkpoint& checkpoint, const std::vector<TensorLine>& lines) {
  std::map<std::uint32_t, std::string> owner;
  std::size_t i = 0;
  for_each_tensor(checkpoint, checkpoint.root, [&](const std::string& path, NodeId id) {
    REQUIRE(i < lines.size());
    const auto& line = lines[i++];
    const auto& tensor = checkpoint.tensors[static_cast<std::size_t>(checkpoint.node(id).integer)];
    CAPTURE(path);
    CHECK(path == line[1]);
    CHECK(std::string{info_of(tensor.dtype).name} == line[2]);
    CHECK(list_text(tensor.sizes) == line[3]);
    CHECK(list_text(tensor.strides) == line[4]);
    CHECK(std::to_string(tensor.offset) == line[5]);
    CHECK(checkpoint.storages[tensor.storage].device == line[6]);
    CHECK((tensor.requires_grad ? "1" : "0") == line[7]);
    CHECK(owner.try_emplace(tensor.storage, path).first->second == line[8]);
    std::vector<std::uint8_t> space;
    CHECK(hex_text(elements_of(checkpoint, tensor, space)) == line[9]);
  });
  CHECK(i == lines.size());
}

}  // namespace vos::test
