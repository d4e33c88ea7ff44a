#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <vos/weights/checkpoint.hpp>

namespace vos::detail {

/// Values by the numbers that a pickle gave them. Those are 0, 1, 2, ... in practice, but may be any: far ones cost a place
/// in a map and not the memory up to them.
class PickleMemo {
 public:
  void put(std::uint64_t index, NodeId value) {
    ++puts_;
    if (index >= dense_.size() && index < 64 + 2 * puts_) dense_.resize(index + 1 + index / 2, absent);
    if (index < dense_.size()) dense_[index] = value;
    else sparse_[index] = value;
  }

  /// Under the number of values so far.
  void put_next(NodeId value) { put(puts_, value); }

  std::optional<NodeId> get(std::uint64_t index) const {
    if (index < dense_.size() && dense_[index] != absent) return dense_[index];
    const auto found = sparse_.find(index);
    return found != sparse_.end() ? std::optional{found->second} : std::nullopt;
  }

 private:
  static constexpr NodeId absent = ~NodeId{0};

  std::vector<NodeId> dense_;
  std::map<std::uint64_t, NodeId> sparse_;
  std::uint64_t puts_ = 0;
};

}  // namespace vos::detail
