#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vos {

/// A binary mask that somebody else owns: a byte a pixel, row by row, anything but 0 is the object.
struct MaskView {
  std::span<const std::uint8_t> pixels;
  std::int64_t height = 0, width = 0;

  MaskView() = default;
  MaskView(std::span<const std::uint8_t> bytes, std::int64_t rows, std::int64_t columns)
      : pixels(bytes), height(rows), width(columns) {
    assert(static_cast<std::int64_t>(bytes.size()) == rows * columns);
  }

  bool empty() const { return pixels.empty(); }
};

}  // namespace vos
