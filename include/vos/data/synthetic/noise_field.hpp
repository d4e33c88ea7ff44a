#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/core/random.hpp>

namespace vos {

/// Smooth noise in -1..1 over a grid of pixels: random values on a lattice of `cell` pixels, blended between, repeating
/// after `repeat` cells.
class NoiseField {
 public:
  NoiseField(std::uint64_t seed, double cell, std::int64_t width, std::int64_t height, std::int64_t repeat = 1 << 20)
      : columns_(along(width, cell)), rows_(along(height, cell)), stride_(columns_.back().cell + 2) {
    const auto last = rows_.back().cell + 1;
    lattice_.reserve(static_cast<std::size_t>(stride_ * (last + 1)));
    for (std::int64_t j = 0; j <= last; ++j)
      for (std::int64_t i = 0; i < stride_; ++i) {
        const auto key = scramble(
            seed ^ scramble(static_cast<std::uint64_t>(i % repeat) ^ scramble(static_cast<std::uint64_t>(j % repeat))));
        lattice_.push_back(static_cast<double>(key >> 11) * 0x1.0p-52 - 1.0);
      }
  }

  double at(std::int64_t x, std::int64_t y) const {
    const auto [i, a] = columns_[static_cast<std::size_t>(x)];
    const auto [j, b] = rows_[static_cast<std::size_t>(y)];
    const double* upper = lattice_.data() + j * stride_ + i;
    const double* lower = upper + stride_;
    return (1 - b) * ((1 - a) * upper[0] + a * upper[1]) + b * ((1 - a) * lower[0] + a * lower[1]);
  }

 private:
  struct Place {
    std::int64_t cell;
    double share;  // of the next one
  };

  static std::vector<Place> along(std::int64_t length, double cell) {
    std::vector<Place> places;
    places.reserve(static_cast<std::size_t>(length));
    for (std::int64_t i = 0; i < length; ++i) {
      const double u = static_cast<double>(i) / cell, whole = std::floor(u), t = u - whole;
      places.push_back({static_cast<std::int64_t>(whole), t * t * (3 - 2 * t)});
    }
    return places;
  }

  std::vector<Place> columns_, rows_;
  std::int64_t stride_;
  std::vector<double> lattice_;
};

}  // namespace vos
