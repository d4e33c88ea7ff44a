#pragma once

#include <cstdint>
#include <vector>

#include <vos/metric/mask_view.hpp>

namespace vos::test {

/// A small mask drawn by hand.
struct Drawing {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;

  Drawing(std::int64_t rows, std::int64_t columns)
      : height(rows), width(columns), pixels(static_cast<std::size_t>(rows * columns)) {}

  /// Sets rows [y0,y1), columns [x0,x1); what lies outside the picture is dropped.
  Drawing& rectangle(std::int64_t y0, std::int64_t y1, std::int64_t x0, std::int64_t x1) {
    return where([=](std::int64_t y, std::int64_t x) { return y >= y0 && y < y1 && x >= x0 && x < x1; });
  }

  template <class Inside>
  Drawing& where(Inside inside) {
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        if (inside(y, x)) pixels[static_cast<std::size_t>(y * width + x)] = 255;
    return *this;
  }

  operator MaskView() const { return {pixels, height, width}; }
};

}  // namespace vos::test
