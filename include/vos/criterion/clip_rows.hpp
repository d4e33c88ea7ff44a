#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/match/clip_slots.hpp>

namespace vos {

/// An object in a frame where it is visible, and the query that answers for it there.
struct ClipRow {
  std::int64_t clip, object, frame, slot;
};

/// All of a batch, ordered by clip, object and frame: what losses of masks and embeddings are computed on. Objects left
/// out by the assignment are not among them.
inline std::vector<ClipRow> clip_rows(std::span<const ClipSlots> clips) {
  std::vector<ClipRow> rows;
  for (std::size_t b = 0; b < clips.size(); ++b)
    for (std::int64_t g = 0; g < clips[b].objects(); ++g)
      for (std::int64_t t = 0; t < clips[b].frames; ++t)
        if (const auto slot = clips[b].slot(g, t); slot >= 0)
          rows.push_back({static_cast<std::int64_t>(b), g, t, slot});
  return rows;
}

/// int64 [values] on `device`: one number for each of `items`.
template <class Items, class Value>
at::Tensor index_tensor(const Items& items, at::Device device, const Value& value) {
  auto index = at::empty({static_cast<std::int64_t>(items.size())}, at::kLong);
  auto* at = index.template mutable_data_ptr<std::int64_t>();
  for (const auto& item : items) *at++ = value(item);
  return index.to(device, true);
}

/// [R] int64: each row's query among all of a batch's [B·T·Q].
inline at::Tensor query_places(const std::vector<ClipRow>& rows, std::int64_t frames, std::int64_t queries,
                               at::Device device) {
  return index_tensor(rows, device,
                      [&](const ClipRow& row) { return (row.clip * frames + row.frame) * queries + row.slot; });
}

}  // namespace vos
