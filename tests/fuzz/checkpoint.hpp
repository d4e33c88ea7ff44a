#pragma once

/// What every reader of checkpoints has to keep to, whatever the bytes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/io/file_bytes.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/tree.hpp>
#include <vos/weights/values.hpp>

/// Half of the time went into the sanitizer's own stack where exceptions are thrown. The replay of the corpus keeps that check.
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }

inline void expect(bool holds) {
  if (!holds) std::abort();
}

/// Looks at all of a tree: what it points to is there and can be read, and so are the numbers of its tensors.
inline void look_at(const vos::Checkpoint& checkpoint) {
  expect(checkpoint.root < checkpoint.nodes.size());
  double sum = 0;  // read, so that the sanitizer sees
  for (const auto& node : checkpoint.nodes) {
    for (const auto item : node.items) expect(item < checkpoint.nodes.size());
    expect(node.kind != vos::NodeKind::dict || node.items.size() % 2 == 0);
    expect(node.kind != vos::NodeKind::tensor || static_cast<std::size_t>(node.integer) < checkpoint.tensors.size());
    if (!node.text.empty())
      sum += static_cast<unsigned char>(node.text.front()) + static_cast<unsigned char>(node.text.back());
  }
  std::set<const std::uint8_t*> storages;  // no two over one address
  for (const auto& storage : checkpoint.storages) {
    expect(storage.bytes.empty() || storages.insert(storage.bytes.data()).second);
    if (!storage.bytes.empty()) sum += storage.bytes.front() + storage.bytes.back();
  }
  std::size_t budget = std::size_t{1} << 18;  // a thousand tensors of 64 KB would be slow
  for (const auto& tensor : checkpoint.tensors) {
    expect(tensor.numel() >= 0);
    if (tensor.numel() == 0) continue;
    auto last = tensor.offset;
    for (std::size_t i = 0; i < tensor.sizes.size(); ++i) last += (tensor.sizes[i] - 1) * tensor.strides.at(i);
    const auto bytes = checkpoint.storages.at(tensor.storage).bytes;
    const auto width = static_cast<std::size_t>(vos::bytes_of(tensor.dtype));
    expect((static_cast<std::size_t>(last) + 1) * width <= bytes.size());
    const auto written = static_cast<std::size_t>(tensor.numel()) * width;
    if (written > std::size_t{1} << 16 || written > budget) continue;
    budget -= written;
    std::vector<std::uint8_t> space;
    const auto elements = vos::elements_of(checkpoint, tensor, space);
    expect(elements.size() == written);
    std::size_t count = 0;
    vos::TensorNumbers numbers{checkpoint, tensor};
    for (auto some = numbers.next(); !some.empty(); some = numbers.next()) {
      count += some.size();
      sum += some.front() + some.back();
    }
    expect(count == static_cast<std::size_t>(tensor.numel() * vos::numbers_in(tensor.dtype)));
  }
  vos::for_each_node(checkpoint, checkpoint.root, [&](const std::string& path, vos::NodeId) {
    expect(path.size() <= vos::tree_path_limit);
    ++sum;
  });
  volatile double seen = sum;
  static_cast<void>(seen);
}

/// Reads a file that the fuzzer made and looks at all of what came out. Unknown types are kept: that goes further.
inline void read_checkpoint(void (*read)(vos::Checkpoint&, const vos::CheckpointOptions&),
                            std::vector<std::uint8_t> bytes) {
  const vos::CheckpointOptions options{.unknown = vos::UnknownTypes::keep, .max_nodes = 1 << 16};
  vos::Checkpoint checkpoint{.where = "input", .file = vos::FileBytes::of(std::move(bytes))};
  try {
    read(checkpoint, options);
  } catch (const vos::Error& error) {
    expect(!error.parts().mend.empty());
    return;
  }
  look_at(checkpoint);
}
