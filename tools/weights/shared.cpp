#include "shared.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace vos::weights {
namespace {

/// What two names of the same memory have in common.
auto view_of(const TensorRecord& tensor) {
  return std::tuple{tensor.storage, tensor.offset, tensor.dtype, tensor.sizes, tensor.strides};
}

}  // namespace

Amount amount_of(const Checkpoint& checkpoint, const std::vector<NamedRecord>& weights) {
  Amount amount;
  std::set<decltype(view_of(checkpoint.tensors[0]))> seen;
  for (const auto& [name, place] : weights) {
    const auto& tensor = checkpoint.tensors[place];
    ++amount.tensors;
    if (!seen.insert(view_of(tensor)).second) continue;
    amount.numbers += tensor.numel();
    amount.bytes += bytes_in(tensor);
  }
  return amount;
}

std::vector<SharedNames> shared_names(const Checkpoint& checkpoint, const std::vector<NamedRecord>& weights) {
  // Parts of one memory that do not overlap share nothing that matters: whole models are saved as views of one buffer.
  struct Use {
    std::int64_t begin, end;
    std::size_t weight;
  };
  std::map<std::uint32_t, std::vector<Use>> uses;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto& tensor = checkpoint.tensors[weights[i].tensor];
    if (tensor.numel() == 0) continue;
    std::int64_t end = tensor.offset + 1;
    for (std::size_t axis = 0; axis < tensor.sizes.size(); ++axis)
      end += (tensor.sizes[axis] - 1) * tensor.strides[axis];
    uses[tensor.storage].push_back({tensor.offset * bytes_of(tensor.dtype), end * bytes_of(tensor.dtype), i});
  }
  std::vector<std::pair<std::size_t, SharedNames>> found;
  for (auto& [storage, all] : uses) {
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
    for (std::size_t i = 0; i < all.size();) {
      auto end = all[i].end;
      std::size_t next = i + 1;
      while (next < all.size() && all[next].begin < end) end = std::max(end, all[next++].end);
      if (next - i > 1) {
        SharedNames shared;
        std::vector<std::size_t> members;
        for (auto use = i; use < next; ++use) members.push_back(all[use].weight);
        std::sort(members.begin(), members.end());
        for (const auto member : members) {
          shared.names.push_back(weights[member].name);
          shared.same &= view_of(checkpoint.tensors[weights[member].tensor]) ==
                         view_of(checkpoint.tensors[weights[members[0]].tensor]);
        }
        found.emplace_back(members[0], std::move(shared));
      }
      i = next;
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SharedNames> shared;
  for (auto& each : found) shared.push_back(std::move(each.second));
  return shared;
}

}  // namespace vos::weights
