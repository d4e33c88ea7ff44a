#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/pickle_bytes.hpp>
#include <vos/weights/pickle_globals.hpp>
#include <vos/weights/pickle_text.hpp>

namespace vos::detail {

/// What an object node stands for while the pickle runs. Kept in CheckpointNode::integer, which objects do not use.
enum class PickleRole : std::uint32_t {
  instance,     ///< of a class
  name,         ///< a class or function; index: of PickleValues::names
  storage,      ///< index: of PickleValues::storages
  numpy_array,  ///< waits for its state
  numpy_dtype,  ///< index: of PickleValues::numpy_types
};

/// A storage as one persistent id names it. Older files have views of storages.
struct PickleStorage {
  std::uint32_t record = 0;
  DType dtype = DType::u8;
  std::int64_t offset = 0;  // in elements
};

struct NumpyType {
  std::string_view name;
  std::optional<DType> dtype;
  bool big_endian = false;
};

/// Makes nodes, and keeps count: whatever the pickle says, memory stays below `max_nodes` values and a few times its length.
class PickleValues {
 public:
  PickleValues(Checkpoint& into, const PickleBytes& pickle, const CheckpointOptions& options)
      : into_(into),
        pickle_(pickle),
        values_left_(options.max_nodes),
        made_left_(2 * pickle.size() + (std::size_t{1} << 16)) {}

  std::vector<PickleGlobal> names;
  std::vector<PickleStorage> storages;
  std::vector<NumpyType> numpy_types;

  CheckpointNode& operator[](NodeId id) { return into_.nodes[id]; }

  /// Counts values that are about to be made or copied.
  void spend(std::size_t count) {
    if (count > static_cast<std::size_t>(std::max<std::int64_t>(0, values_left_)))
      pickle_.refuse("it holds more values than real checkpoints do", "raise max_nodes if you trust the file");
    values_left_ -= static_cast<std::int64_t>(count);
  }

  NodeId make(CheckpointNode node) {
    spend(1);
    if (into_.nodes.size() >= std::numeric_limits<NodeId>::max()) pickle_.refuse("it holds too many values");
    into_.nodes.push_back(std::move(node));
    return static_cast<NodeId>(into_.nodes.size() - 1);
  }

  NodeId make(NodeKind kind, std::vector<NodeId> items = {}) {
    return make(CheckpointNode{.kind = kind, .items = std::move(items)});
  }
  NodeId integer(std::int64_t value) { return make(CheckpointNode{.kind = NodeKind::integer, .integer = value}); }
  NodeId real(double value) { return make(CheckpointNode{.kind = NodeKind::real, .real = value}); }
  NodeId bytes(std::string_view value) { return make(CheckpointNode{.kind = NodeKind::bytes, .text = value}); }

  /// A text; bytes where it is not UTF-8. Python 2's str, which may hold an array's numbers as well as a name, has `eight_bit`.
  NodeId text(std::string_view value, bool eight_bit = false) {
    return make(
        CheckpointNode{.kind = is_utf8(value) ? NodeKind::text : NodeKind::bytes, .integer = eight_bit, .text = value});
  }

  /// None, True and False are one node each.
  NodeId none() { return constant(0, {}); }
  NodeId boolean(bool value) { return constant(value ? 1 : 2, {.kind = NodeKind::boolean, .integer = value}); }
  NodeId empty_tuple() { return constant(3, {.kind = NodeKind::tuple}); }

  NodeId object(PickleRole role, std::string_view type, std::size_t index = 0, std::vector<NodeId> items = {}) {
    return make(CheckpointNode{
        .kind = NodeKind::object,
        .integer = static_cast<std::int64_t>(std::uint64_t{static_cast<std::uint32_t>(role)} << 32 | index),
        .text = type,
        .items = std::move(items)});
  }

  bool is(NodeId id, PickleRole role) {
    const auto& node = into_.nodes[id];
    return node.kind == NodeKind::object && node.integer >> 32 == static_cast<std::int64_t>(role);
  }
  std::size_t index(NodeId id) { return static_cast<std::size_t>(into_.nodes[id].integer & 0xffffffff); }

  /// The class or function that a node stands for.
  const PickleGlobal* name(NodeId id) { return is(id, PickleRole::name) ? &names[index(id)] : nullptr; }

  /// Keeps what had to be converted. One text in the file may be converted once, not over and over.
  std::string_view keep(std::string text) {
    if (text.size() > made_left_) pickle_.refuse("it unpacks to far more than its own length");
    made_left_ -= text.size();
    return into_.made.emplace_back(std::move(text));
  }

  /// Keeps a converted text, or refuses the line that is none.
  std::string_view keep(std::optional<std::string> text) {
    if (!text) pickle_.refuse("this text cannot be read");
    return keep(*std::move(text));
  }

  /// A number of any size, little-endian in two's complement.
  NodeId long_integer(std::span<const std::uint8_t> bytes) {
    const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 8); ++i)
      value = (value & ~(std::uint64_t{0xff} << (8 * i))) | std::uint64_t{bytes[i]} << (8 * i);
    const auto fits = std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(bytes.size(), 8)),
                                  bytes.end(), [&](auto byte) { return byte == (negative ? 0xff : 0); });
    const auto signed_value = static_cast<std::int64_t>(value);
    if (fits && (signed_value < 0) == negative) return integer(signed_value);
    if (bytes.size() > made_left_ / 2) pickle_.refuse("it unpacks to far more than its own length");
    return large(keep(hex_of(bytes)), negative);
  }

  /// The same in decimal digits.
  NodeId long_integer(std::string_view digits) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = end == digits.data() + digits.size() && !digits.empty();
    if (whole && error == std::errc{}) return integer(value);
    if (!whole || error != std::errc::result_out_of_range) pickle_.refuse(in_quotes(digits) + " is no whole number");
    return large(digits, digits.front() == '-');
  }

  // --- what a value holds -----------------------------------------------------------------------------------------------

  /// An argument of a call, an item of a tuple.
  NodeId argument(NodeId tuple, std::size_t i) {
    const auto& node = into_.nodes[tuple];
    if ((node.kind != NodeKind::tuple && node.kind != NodeKind::list) || i >= node.items.size())
      pickle_.refuse("a call or a storage with too few arguments");
    return node.items[i];
  }
  std::size_t count(NodeId id) { return into_.nodes[id].items.size(); }

  /// A text, or nothing where it is none.
  std::string_view as_text(NodeId id) {
    const auto& node = into_.nodes[id];
    return node.kind == NodeKind::text || node.kind == NodeKind::bytes ? node.text : std::string_view{};
  }

  std::int64_t as_integer(NodeId id) {
    const auto& node = into_.nodes[id];
    if ((node.kind != NodeKind::integer && node.kind != NodeKind::boolean) || !node.text.empty())
      pickle_.refuse("a number is expected and is not there, or is beyond 64 bits");
    return node.integer;
  }

  double as_real(NodeId id) {
    const auto& node = into_.nodes[id];
    return node.kind == NodeKind::real ? node.real : static_cast<double>(as_integer(id));
  }

  bool as_bool(NodeId id) { return into_.nodes[id].kind == NodeKind::boolean && into_.nodes[id].integer != 0; }

  std::vector<std::int64_t> as_sizes(NodeId id) {
    constexpr std::size_t most = 64;
    const auto kind = into_.nodes[id].kind;
    if (kind != NodeKind::tuple && kind != NodeKind::list) pickle_.refuse("sizes that are no tuple");
    if (count(id) > most) pickle_.refuse("a tensor of more than 64 dimensions");
    spend(count(id));
    std::vector<std::int64_t> sizes;
    for (const auto item : into_.nodes[id].items) sizes.push_back(as_integer(item));
    return sizes;
  }

  /// Bytes, or Python 2's str.
  std::optional<std::string_view> as_bytes(NodeId id) {
    const auto& node = into_.nodes[id];
    if (node.kind == NodeKind::bytes || (node.kind == NodeKind::text && node.integer == 1)) return node.text;
    return std::nullopt;
  }

 private:
  NodeId large(std::string_view text, bool negative) {
    using Limits = std::numeric_limits<std::int64_t>;
    return make(
        CheckpointNode{.kind = NodeKind::integer, .integer = negative ? Limits::min() : Limits::max(), .text = text});
  }

  NodeId constant(std::size_t which, CheckpointNode node) {
    if (!constants_[which]) constants_[which] = make(std::move(node));
    return *constants_[which];
  }

  Checkpoint& into_;
  const PickleBytes& pickle_;
  std::int64_t values_left_;
  std::size_t made_left_;
  std::optional<NodeId> constants_[4];
};

}  // namespace vos::detail
