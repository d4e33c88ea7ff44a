#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vos/io/file_bytes.hpp>
#include <vos/weights/dtype.hpp>

namespace vos {

enum class CheckpointFormat : std::uint8_t {
  torch_zip,     ///< torch.save since 1.6
  torch_legacy,  ///< torch.save before, or with _use_new_zipfile_serialization=False
  pickle,        ///< numpy arrays in a pickle, as detectron2's model zoo has them
  safetensors,
};

/// What mends most of what only PyTorch can read.
inline constexpr std::string_view save_again =
    "in Python: import torch; torch.save(torch.load('FILE', map_location='cpu'), 'OUT.pth')";

/// A value's place in Checkpoint::nodes.
using NodeId = std::uint32_t;

enum class NodeKind : std::uint8_t {
  none,
  boolean,
  integer,
  real,
  text,
  bytes,
  list,
  tuple,
  set,
  dict,
  tensor,
  object
};

/// One value of what was saved. Values name each other by number, so that a file can neither overflow the stack by nesting
/// nor lie about sharing: one value in two places is one node, and a list may contain itself. Walk it with a bound.
struct CheckpointNode {
  NodeKind kind = NodeKind::none;
  /// boolean, integer; tensor: its place in Checkpoint::tensors. Of no meaning for other kinds: readers note there what they
  /// know.
  std::int64_t integer = 0;
  double real = 0;  ///< real
  std::string_view text =
      {};  ///< text (UTF-8), bytes; object: its type, "argparse.Namespace"; dict: its type, empty where it is a plain one;
           ///< an integer beyond 64 bits: in hex, or in decimals where the file has it so
  /// list, tuple, set: the items. dict: key, value, key, value. object: what it was made from, then its state, if any.
  std::vector<NodeId> items = {};
};

/// A run of numbers in the file. Tensors that share one, share memory.
struct StorageRecord {
  std::string key = {}, device = {};         ///< as the file has them: "17", "cuda:0"
  DType dtype = DType::u8;                   ///< of typed storages; u8 for untyped ones
  std::int64_t elements = 0;                 ///< as claimed
  std::span<const std::uint8_t> bytes = {};  ///< little-endian; may lie at an odd address
  bool in_pickle = false;                    ///< numpy's: its bytes came with the tree
};

/// A tensor: a view of a storage. `check_tensors` has made sure that it lies inside.
struct TensorRecord {
  DType dtype = DType::f32;
  std::uint32_t storage = 0;  ///< its place in Checkpoint::storages
  std::int64_t offset = 0;    ///< in elements
  std::vector<std::int64_t> sizes = {}, strides = {};
  bool requires_grad = false;
  double scale = 0;  ///< quantised types: value = (number - zero_point) * scale
  std::int64_t zero_point = 0;

  std::int64_t numel() const {
    std::int64_t n = 1;
    for (const auto size : sizes) n *= size;  // check_tensors has refused what overflows
    return n;
  }
};

/// Texts that stay where they are when their owner moves, and are not copied: others point into them.
struct KeptTexts : std::deque<std::string> {
  KeptTexts() = default;
  KeptTexts(KeptTexts&&) = default;
  KeptTexts& operator=(KeptTexts&&) = default;
};

/// What a checkpoint file holds, without LibTorch: a small typed tree with tensors at its leaves. Everything points into
/// `file` (mapped, as a rule) or `made`, so that it can be moved and not copied; nothing was executed or imported to make it.
struct Checkpoint {
  std::string where = {};  ///< the file, for messages
  CheckpointFormat format = CheckpointFormat::torch_zip;
  std::vector<CheckpointNode> nodes = {};
  NodeId root = 0;
  std::vector<TensorRecord> tensors = {};
  std::vector<StorageRecord> storages = {};
  std::map<std::string, std::string> metadata = {};  ///< safetensors' __metadata__
  std::shared_ptr<const FileBytes> file = {};
  KeptTexts made = {};  ///< texts and numbers that had to be converted

  const CheckpointNode& node(NodeId id) const { return nodes[id]; }
  const CheckpointNode& top() const { return nodes[root]; }

  /// The value of a dict under a text key; null where there is none.
  const CheckpointNode* find(const CheckpointNode& dict, std::string_view key) const {
    if (dict.kind != NodeKind::dict) return nullptr;
    const CheckpointNode* found = nullptr;  // the last one wins, as in Python
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (const auto& name = nodes[dict.items[i]]; name.kind == NodeKind::text && name.text == key)
        found = &nodes[dict.items[i + 1]];
    return found;
  }
};

/// What to do with a type that is not on the fixed list. Neither choice runs anything.
enum class UnknownTypes : std::uint8_t {
  refuse,  ///< an Error with its name and position
  keep,    ///< an inert object node in its place
};

struct CheckpointOptions {
  bool map = true;        ///< false: read the file into memory, for folders where files are overwritten in place
  bool check_crc = true;  ///< of zip entries
  UnknownTypes unknown = UnknownTypes::refuse;
  std::int64_t max_nodes = std::int64_t{1} << 22;  ///< values in a tree; real files have thousands
};

}  // namespace vos
