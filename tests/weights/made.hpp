#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/weights/checkpoint.hpp>

namespace vos::test {

/// Builds a checkpoint's tree by hand:
///
///   CheckpointMaker make;
///   make.root(make.dict({{"model", make.dict({{"w", make.tensor({2, 3})}})}, {"epoch", make.number(7)}}));
class CheckpointMaker {
 public:
  using Pairs = std::vector<std::pair<std::string, NodeId>>;

  NodeId number(std::int64_t value) { return add({.kind = NodeKind::integer, .integer = value}); }
  NodeId text(std::string_view value) { return add({.kind = NodeKind::text, .text = keep(value)}); }

  NodeId dict(const Pairs& pairs) {
    std::vector<NodeId> items;
    for (const auto& [key, value] : pairs) {
      items.push_back(text(key));
      items.push_back(value);
    }
    return add({.kind = NodeKind::dict, .items = std::move(items)});
  }

  NodeId list(std::vector<NodeId> items) { return add({.kind = NodeKind::list, .items = std::move(items)}); }

  /// A contiguous tensor over a storage of its own, or over one that is there, from an element on.
  NodeId tensor(std::vector<std::int64_t> sizes, DType dtype = DType::f32) {
    std::int64_t numel = 1;
    for (const auto size : sizes) numel *= size;
    std::string zeros(static_cast<std::size_t>(numel * bytes_of(dtype)), '\0');
    return tensor(std::move(sizes), storage(dtype, zeros), 0);
  }
  NodeId tensor(std::vector<std::int64_t> sizes, std::uint32_t storage, std::int64_t offset,
                std::vector<std::int64_t> strides = {}) {
    if (strides.empty()) {
      strides.assign(sizes.size(), 1);
      for (auto i = sizes.size(); i-- > 1;) strides[i - 1] = strides[i] * sizes[i];
    }
    checkpoint_->tensors.push_back({.dtype = checkpoint_->storages[storage].dtype,
                                    .storage = storage,
                                    .offset = offset,
                                    .sizes = std::move(sizes),
                                    .strides = std::move(strides)});
    return add({.kind = NodeKind::tensor, .integer = static_cast<std::int64_t>(checkpoint_->tensors.size()) - 1});
  }

  /// A storage with these bytes, `shift` bytes behind an address that suits any type.
  std::uint32_t storage(DType dtype, std::string_view bytes, std::size_t shift = 0) {
    const auto kept = keep(std::string(64, '\0') + std::string{bytes} + std::string(64, '\0'));
    auto* start = const_cast<char*>(kept.data());
    const auto at = 64 - reinterpret_cast<std::uintptr_t>(start) % 64 + shift;
    std::memmove(start + at, start + 64, bytes.size());
    checkpoint_->storages.push_back({.key = std::to_string(checkpoint_->storages.size()),
                                     .device = "cpu",
                                     .dtype = dtype,
                                     .elements = static_cast<std::int64_t>(bytes.size()) / bytes_of(dtype),
                                     .bytes = {reinterpret_cast<const std::uint8_t*>(start) + at, bytes.size()}});
    return static_cast<std::uint32_t>(checkpoint_->storages.size() - 1);
  }

  TensorRecord& record(NodeId id) {
    return checkpoint_->tensors[static_cast<std::size_t>(checkpoint_->nodes[id].integer)];
  }
  CheckpointNode& node(NodeId id) { return checkpoint_->nodes[id]; }

  std::shared_ptr<const Checkpoint> root(NodeId id) {
    checkpoint_->root = id;
    return checkpoint_;
  }

 private:
  std::string_view keep(std::string_view text) { return checkpoint_->made.emplace_back(text); }
  NodeId add(CheckpointNode node) {
    checkpoint_->nodes.push_back(std::move(node));
    return static_cast<NodeId>(checkpoint_->nodes.size() - 1);
  }

  std::shared_ptr<Checkpoint> checkpoint_ = std::make_shared<Checkpoint>(Checkpoint{.where = "made.pth"});
};

}  // namespace vos::test
