#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <vos/data/resize/opencv.hpp>
#include <vos/data/resize/size.hpp>

namespace vos {

/// Which input position each of `out` positions shows, as OpenCV's INTER_NEAREST has it: the floor of i · step, so that
/// the picture leans to the upper left.
inline std::vector<std::int64_t> opencv_nearest(std::int64_t in, std::int64_t out, double step) {
  std::vector<std::int64_t> at(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < out; ++i)
    at[static_cast<std::size_t>(i)] =
        std::min(in - 1, static_cast<std::int64_t>(std::floor(static_cast<double>(i) * step)));
  return at;
}

/// The same as Pillow has it: pixel centres. Pillow adds up its steps, and so does this, to round alike.
inline std::vector<std::int64_t> pillow_nearest(std::int64_t in, std::int64_t out) {
  std::vector<std::int64_t> at(static_cast<std::size_t>(out));
  const double step = static_cast<double>(in) / static_cast<double>(out);
  double place = step * 0.5;
  for (auto& position : at) {
    position = std::min(in - 1, static_cast<std::int64_t>(place));
    place += step;
  }
  return at;
}

/// `from` [H,W] of any kind of pixel, row by row of `rows` and column by column of `columns`, into `to`.
template <class Pixel>
void take_pixels(const Pixel* from, std::int64_t width, const std::vector<std::int64_t>& rows,
                 const std::vector<std::int64_t>& columns, Pixel* to) {
  const auto made = static_cast<std::int64_t>(columns.size());
  for (std::size_t y = 0; y < rows.size(); ++y, to += made) {
    if (y > 0 && rows[y] == rows[y - 1]) {
      std::memcpy(to, to - made, columns.size() * sizeof(Pixel));
      continue;
    }
    const auto* row = from + rows[y] * width;
    for (std::int64_t x = 0; x < made; ++x) to[x] = row[columns[static_cast<std::size_t>(x)]];
  }
}

}  // namespace vos
