#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vos::detail {

/// Swin's lookup of the bias between two places of a window, `out` [w*w,w*w]: every file has it, and a model computes with it.
/// Nothing is written where `places` is no w*w.
inline void fill_window_index(std::span<std::int64_t> out, std::int64_t places) {
  const auto w = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(places))));
  if (w * w != places) return;
  for (std::int64_t i = 0; i < places; ++i)
    for (std::int64_t j = 0; j < places; ++j)
      out[static_cast<std::size_t>(i * places + j)] = (i / w - j / w + w - 1) * (2 * w - 1) + (i % w - j % w + w - 1);
}

}  // namespace vos::detail
