#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Device.h>

#include <vos/fwd.hpp>
#include <vos/train/parallel/launch.hpp>

namespace vos {

/// Processes that train one model together. Every exchange is made by all of them, in the same order, and gives the same
/// numbers to each, bit for bit. An Error when one of them is gone or does not answer in time; after it there is nothing
/// left to do but to end.
///
/// A process on its own has no group: whoever takes one takes a pointer that may be null.
class Group {
 public:
  /// An exchange under way. Its tensor is left alone until `wait` has returned.
  class Pending {
   public:
    virtual ~Pending() = default;
    virtual void wait() = 0;
  };

  virtual ~Group() = default;
  virtual Ranks ranks() const = 0;
  /// Begins to replace `tensor`, contiguous and on a device of the group, by its sum over all processes.
  virtual std::unique_ptr<Pending> start_sum(at::Tensor tensor) = 0;
  /// Begins to replace `bytes`, uint8 [n] on a device of the group, by process 0's.
  virtual std::unique_ptr<Pending> start_broadcast(at::Tensor bytes) = 0;
  /// Where tensors of this device are to be exchanged: there itself, or on the host.
  virtual c10::Device exchange_device(c10::Device device) const = 0;
  /// How long an exchange may take.
  virtual void set_timeout(double seconds) = 0;
};

/// Replaces numbers by their sums over all processes.
inline void sum(Group& group, std::span<double> numbers) {
  group
      .start_sum(
          at::from_blob(numbers.data(), {static_cast<std::int64_t>(numbers.size())}, at::TensorOptions{at::kDouble}))
      ->wait();
}

/// Replaces numbers by their means over all processes. Nothing to do without a group.
inline void mean(Group* group, std::span<double> numbers) {
  if (group == nullptr) return;
  sum(*group, numbers);
  for (auto& number : numbers) number /= static_cast<double>(group->ranks().world);
}

/// Whether it is so at any of the processes.
inline bool anywhere(Group* group, bool here) {
  double count = here ? 1 : 0;
  if (group != nullptr) sum(*group, {&count, 1});
  return count > 0;
}

/// What it is at process 0.
inline bool at_first(Group* group, bool here) {
  return anywhere(group, here && (group == nullptr || group->ranks().leads()));
}

/// What each process gives, by rank, at all of them.
inline std::vector<std::string> gather(Group& group, const std::string& mine) {
  const auto [rank, world, local_rank] = group.ranks();
  const auto place = static_cast<std::size_t>(rank);
  std::vector<double> sizes(static_cast<std::size_t>(world));
  sizes[place] = static_cast<double>(mine.size());
  sum(group, sizes);
  const auto longest = static_cast<std::int64_t>(*std::max_element(sizes.begin(), sizes.end()));
  std::vector<std::string> all(sizes.size());
  if (longest == 0) return all;
  const auto table = at::zeros({world, longest}, at::kByte);
  auto* bytes = table.mutable_data_ptr<std::uint8_t>();
  std::memcpy(bytes + rank * longest, mine.data(), mine.size());
  group.start_sum(table)->wait();
  for (std::size_t r = 0; r < all.size(); ++r)
    all[r].assign(reinterpret_cast<const char*>(bytes) + static_cast<std::int64_t>(r) * longest,
                  static_cast<std::size_t>(sizes[r]));
  return all;
}

/// What the first process says that says anything, and which one it is; empty where none does.
inline std::string first_said(Group& group, const std::string& mine) {
  const auto all = gather(group, mine);
  for (std::size_t r = 0; r < all.size(); ++r)
    if (!all[r].empty()) return "in process " + std::to_string(r) + ' ' + all[r];
  return {};
}

/// Replaces tensors of any kind by process 0's.
inline void broadcast(Group& group, const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> copies;
  std::vector<std::unique_ptr<Group::Pending>> pending;
  for (const auto& tensor : tensors) {
    if (tensor.numel() == 0) continue;
    copies.push_back(tensor.detach().to(group.exchange_device(tensor.device())).contiguous().clone().reshape({-1}));
    pending.push_back(group.start_broadcast(copies.back().view(at::kByte)));
  }
  auto copy = copies.begin();
  for (auto& each : pending) each->wait();
  for (const auto& tensor : tensors)
    if (tensor.numel() > 0) tensor.detach().copy_((copy++)->view(tensor.sizes()));
}

/// How to reach the other processes.
struct GroupSpec {
  Launch launch = {};
  c10::Device device{c10::kCPU};  ///< that the model is on
  double seconds = 300;           ///< to wait for the others to come
};

/// Meets the other processes. An Error says which of them did not come in time, or that this build cannot.
VOS_INLINE std::unique_ptr<Group> join_group(const GroupSpec& spec);

}  // namespace vos
