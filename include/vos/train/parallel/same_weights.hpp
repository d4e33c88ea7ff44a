#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>

#include <vos/error.hpp>
#include <vos/train/parallel/group.hpp>

namespace vos {

/// A number that tensors of other bits have as well only by chance: their numbers' bits, added up. One copy off the device.
inline std::uint64_t checksum(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> sums;
  for (const auto& tensor : tensors) {
    const auto size = tensor.element_size();
    const auto whole = size == 8 ? at::kLong : size == 4 ? at::kInt : size == 2 ? at::kShort : at::kByte;
    sums.push_back(tensor.detach().contiguous().reshape({-1}).view(whole).sum(at::kLong));
  }
  std::uint64_t all = 0;
  if (sums.empty()) return all;
  const auto numbers = at::stack(sums).cpu();
  const auto* number = numbers.const_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < sums.size(); ++i) all = all * 1000003 + static_cast<std::uint64_t>(number[i]);
  return all;
}

/// Throws unless tensors, and how many steps were done, are the same at all processes.
inline void expect_same(Group& group, const std::vector<at::Tensor>& weights, std::int64_t step) {
  const std::uint64_t mine[] = {static_cast<std::uint64_t>(step), checksum(weights)};
  const auto all = gather(group, std::string(reinterpret_cast<const char*>(mine), sizeof mine));
  for (std::size_t r = 1; r < all.size(); ++r) {
    if (all[r] == all[0]) continue;
    const auto step_of = [](const std::string& bytes) {
      std::uint64_t number = 0;
      std::memcpy(&number, bytes.data(), sizeof number);
      return std::to_string(number);
    };
    throw Error({.what = step_of(all[0]) == step_of(all[r])
                             ? "processes 0 and " + std::to_string(r) + " have different weights"
                             : "process 0 is at step " + step_of(all[0]) + ", process " + std::to_string(r) +
                                   " at step " + step_of(all[r]),
                 .where = "step " + std::to_string(step) + ", process " + std::to_string(group.ranks().rank),
                 .mend = "give all processes the same settings, the same program and the same folder of the run"});
  }
}

}  // namespace vos
