#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/tree.hpp>

namespace vos {

/// Tensors may see numbers of their storage more than once (an expanded tensor has stride 0; many may be views of one), so that
/// a few bytes can claim to be any number of elements. Written out, all tensors of a file together may come to twice its
/// storages, as a flat buffer and the weights in it do, and this many bytes more. Tied tensors, the same numbers under several
/// names, count once.
inline constexpr std::int64_t expanded_bytes_limit = std::int64_t{1} << 30;

namespace detail {

inline std::string described(const TensorRecord& tensor) {
  return "sizes " + text_of_sizes(tensor.sizes) + ", strides " + text_of_sizes(tensor.strides) + ", offset " +
         std::to_string(tensor.offset);
}

inline std::string storage_fault(const StorageRecord& storage) {
  std::int64_t claimed = 0;
  const auto present = static_cast<std::int64_t>(storage.bytes.size());
  if (storage.elements >= 0 && !__builtin_mul_overflow(storage.elements, bytes_of(storage.dtype), &claimed) &&
      claimed == present)
    return "";
  return "storage " + in_quotes(storage.key) + " claims " + std::to_string(storage.elements) + " numbers of " +
         std::to_string(bytes_of(storage.dtype)) + " bytes and has " + std::to_string(present) + " bytes";
}

/// What is wrong with a tensor over a sound storage, or nothing. `written` becomes the bytes that it is when written out.
inline std::string tensor_fault(const TensorRecord& tensor, const StorageRecord& storage, std::int64_t& written) {
  constexpr std::size_t most_dimensions = 64;
  if (tensor.sizes.size() != tensor.strides.size())
    return std::to_string(tensor.sizes.size()) + " sizes and " + std::to_string(tensor.strides.size()) + " strides";
  if (tensor.sizes.size() > most_dimensions)
    return std::to_string(tensor.sizes.size()) + " dimensions; " + std::to_string(most_dimensions) + " are the most";
  if (tensor.offset < 0) return described(tensor) + ": an offset below 0";
  const auto width = bytes_of(tensor.dtype), present = static_cast<std::int64_t>(storage.bytes.size());
  written = 0;
  std::int64_t end = tensor.offset,
               bytes = width;  // in elements; as if no size were 0, so that numel() cannot overflow
  bool overflow = false, empty = false;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    const auto size = tensor.sizes[i], stride = tensor.strides[i];
    if (size < 0 || stride < 0) return described(tensor) + ": a size or stride below 0";
    empty |= size == 0;
    std::int64_t reach = 0;
    overflow |= __builtin_mul_overflow(bytes, std::max<std::int64_t>(size, 1), &bytes);
    overflow |= size > 1 && __builtin_mul_overflow(size - 1, stride, &reach);
    overflow |= __builtin_add_overflow(end, reach, &end);
  }
  overflow |= __builtin_add_overflow(end, 1, &end) || __builtin_mul_overflow(end, width, &end);
  if (overflow) return described(tensor) + ": more than 64 bits can count";
  if (empty) return "";
  if (end > present)
    return described(tensor) + " reach byte " + std::to_string(end) + " of a storage of " + std::to_string(present);
  written = bytes;
  return "";
}

/// The tensors of a file, each storage's side by side, without those that see what another one sees.
inline std::vector<std::uint32_t> without_ties(const std::vector<TensorRecord>& tensors) {
  std::vector<std::uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto view = [&](std::uint32_t i) {
    const auto& t = tensors[i];
    return std::tie(t.storage, t.offset, t.dtype, t.sizes, t.strides);
  };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return view(a) < view(b); });
  order.erase(std::unique(order.begin(), order.end(), [&](auto a, auto b) { return view(a) == view(b); }), order.end());
  return order;
}

}  // namespace detail

/// Throws unless every storage has the bytes that it claims and every tensor lies inside its storage. Each reader calls it
/// last: whoever has a Checkpoint may take sizes, strides and offsets at their word.
inline void check_tensors(const Checkpoint& checkpoint) {
  const auto refuse = [&](const std::string& what, const auto& is_meant) {
    std::string name;
    for_each_tensor(checkpoint, checkpoint.root, [&](const std::string& path, NodeId id) {
      if (name.empty() && is_meant(checkpoint.node(id).integer)) name = path;
    });
    throw Error({.what = what,
                 .where = checkpoint.where + (name.empty() ? "" : ", tensor " + detail::in_quotes(name)),
                 .mend = "the file is damaged, or made to do harm; get it again from its source"});
  };
  for (std::size_t i = 0; i < checkpoint.storages.size(); ++i)
    if (const auto fault = detail::storage_fault(checkpoint.storages[i]); !fault.empty())
      refuse(fault,
             [&](std::int64_t tensor) { return checkpoint.tensors[static_cast<std::size_t>(tensor)].storage == i; });
  std::vector<std::int64_t> written(checkpoint.tensors.size());
  const auto is_number = [](std::size_t i) {
    return [i](std::int64_t tensor) { return tensor == static_cast<std::int64_t>(i); };
  };
  for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const auto& tensor = checkpoint.tensors[i];
    if (tensor.storage >= checkpoint.storages.size()) refuse("a tensor without a storage", is_number(i));
    const auto fault = detail::tensor_fault(tensor, checkpoint.storages[tensor.storage], written[i]);
    if (!fault.empty()) refuse(fault, is_number(i));
  }
  std::int64_t left = expanded_bytes_limit;  // storages are in memory, so their sum is far from 64 bits
  for (const auto& storage : checkpoint.storages) left += 2 * static_cast<std::int64_t>(storage.bytes.size());
  for (const auto i : detail::without_ties(checkpoint.tensors)) {
    const auto& tensor = checkpoint.tensors[i];
    if (written[i] > left)
      refuse(detail::described(tensor) + " repeat the numbers of a storage of " +
                 std::to_string(checkpoint.storages[tensor.storage].bytes.size()) +
                 " bytes: written out, the file's tensors are more than " + std::to_string(expanded_bytes_limit) +
                 " bytes larger than twice the file",
             is_number(i));
    left -= written[i];
  }
}

}  // namespace vos
