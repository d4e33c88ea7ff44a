#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <nlohmann/json.hpp>

#include <vos/train/metrics.hpp>
#include <vos/train/named_state.hpp>
#include <vos/train/parallel/group.hpp>

namespace vos {

/// Figures are what process 0 says they are, so that all draw the same conclusions from them.
inline void share_metrics(Group& group, Metrics& metrics) {
  std::string mine;
  if (group.ranks().leads())
    for (const auto& [name, value] : metrics)
      mine.append(reinterpret_cast<const char*>(&value), sizeof value).append(name).push_back('\0');
  const auto first = gather(group, mine)[0];
  metrics.clear();
  for (std::size_t at = 0; at < first.size();) {
    double value = 0;
    std::memcpy(&value, first.data() + at, sizeof value);
    const auto end = first.find('\0', at + sizeof value);
    metrics[first.substr(at + sizeof value, end - at - sizeof value)] = value;
    at = end + 1;
  }
}

/// The state of all processes at process 0: its own under its own names, that of process r behind "rank_r/".
inline NamedState state_of_all(Group& group, NamedState mine) {
  auto header = nlohmann::json::array();
  std::string bytes;
  for (auto& entry : mine) {
    const auto value = entry.value.detach().cpu().contiguous();
    header.push_back({entry.name, static_cast<int>(value.scalar_type()), value.sizes().vec()});
    bytes.append(static_cast<const char*>(value.const_data_ptr()), value.nbytes());
  }
  const auto whole = group.ranks().leads() ? std::string{} : header.dump() + '\0' + bytes;
  const auto all = gather(group, whole);
  if (!group.ranks().leads()) return mine;
  for (std::size_t r = 1; r < all.size(); ++r) {
    const auto end = all[r].find('\0');
    const auto* from = all[r].data() + end + 1;
    for (const auto& entry : nlohmann::json::parse(all[r].substr(0, end))) {
      const auto value =
          at::empty(entry[2].get<std::vector<std::int64_t>>(), static_cast<at::ScalarType>(entry[1].get<int>()));
      std::memcpy(value.mutable_data_ptr(), from, value.nbytes());
      from += value.nbytes();
      mine.push_back({"rank_" + std::to_string(r) + "/" + entry[0].get<std::string>(), value});
    }
  }
  return mine;
}

/// This process's part of what `state_of_all` gave; process 0's where there is none of its own, as the run was one of fewer.
inline NamedState state_of_rank(const Group* group, const NamedState& all, std::int64_t processes) {
  if (group != nullptr) {
    const auto rank = group->ranks().rank;
    auto part = part_of(all, "rank_" + std::to_string(rank) + "/");
    if (!part.empty() || (rank > 0 && rank < processes)) return part;  // a process may have had nothing to remember
  }
  NamedState first;
  for (const auto& entry : all)
    if (!entry.name.starts_with("rank_")) first.push_back(entry);
  return first;
}

}  // namespace vos
