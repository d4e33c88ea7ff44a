#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

#include <vos/core/shape.hpp>

namespace vos {

/// Calls `attend` on groups of tokens, [n,frames*Q,C] -> the same, so that each looks at the tokens of its window of frames:
/// x [B,T,Q,C] -> [B,T,Q,C]. Windows begin at frame `first` - `window`, which may be before the clip, and the first and the
/// last are cut where the clip ends, so that nothing is padded and nothing masked. A window of 0 is the whole clip.
template <class Attend>
at::Tensor attend_in_windows(const at::Tensor& x, std::int64_t window, std::int64_t first, const Attend& attend) {
  expect_shape(x, {any_size, any_size, any_size, any_size}, "tokens [B,T,Q,C]");
  const auto b = x.size(0), t = x.size(1), q = x.size(2), c = x.size(3);
  if (t == 0) return x;
  std::vector<at::Tensor> parts;
  const auto add = [&](std::int64_t begin, std::int64_t frames, std::int64_t count) {
    if (frames < 1 || count < 1) return;
    const auto part = x.narrow(1, begin, frames * count).reshape({b * count, frames * q, c});
    parts.push_back(attend(part).view({b, frames * count, q, c}));
  };
  if (window < 1) window = t;
  const auto head = std::min(first, t), whole = (t - head) / window;
  add(0, head, 1);
  add(head, window, whole);
  add(head + whole * window, (t - head) % window, 1);
  return parts.size() == 1 ? parts.front() : at::cat(parts, 1);
}

}  // namespace vos
