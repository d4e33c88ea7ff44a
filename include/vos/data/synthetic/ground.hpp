#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include <vos/data/scene.hpp>
#include <vos/data/synthetic/camera.hpp>
#include <vos/data/synthetic/noise_field.hpp>
#include <vos/data/synthetic/texture.hpp>

namespace vos {

/// What lies behind everything, painted once, as far as the camera can ever see.
class GroundPlane {
 public:
  explicit GroundPlane(const Scene& scene) : height_(scene.height), width_(scene.width) {
    const double h = static_cast<double>(height_), w = static_cast<double>(width_);
    const double least_zoom = std::max(0.2, scene.zoom.middle - std::abs(scene.zoom.reach));
    const double roll = 2 * std::numbers::pi * scene.roll.most();
    const auto margin = [&](const Swing& camera, double side, double other) {
      const double worst = std::min(roll, std::atan2(other, side));  // beyond it the turned picture gets narrower again
      const double seen = (side * std::cos(worst) + other * std::sin(worst)) / least_zoom;
      return static_cast<std::int64_t>(std::ceil(camera.most() * h)) + 2 +
             static_cast<std::int64_t>(std::ceil(std::max(0.0, seen - side) / 2));
    };
    margin_x_ = margin(scene.camera_x, w, h);
    margin_y_ = margin(scene.camera_y, h, w);
    full_width_ = width_ + 2 * margin_x_;
    full_height_ = height_ + 2 * margin_y_;
    rgb_.resize(static_cast<std::size_t>(full_width_ * full_height_ * 3) + 1);  // 1: a pixel is read as four bytes
    paint(scene);
  }

  std::int64_t full_width() const { return full_width_; }
  std::int64_t full_height() const { return full_height_; }
  std::uint8_t* pixels() { return rgb_.data(); }

  /// The view in which the whole plane is the picture.
  View whole() const {
    return {.height = static_cast<double>(height_),
            .width = static_cast<double>(width_),
            .shift_x = -static_cast<double>(margin_x_),
            .shift_y = -static_cast<double>(margin_y_)};
  }

  /// Draws what `view` sees of it; `before` and `after` are the views as the shutter opens and closes.
  void draw(std::uint8_t* rgb, const View& view, const View& before, const View& after) const {
    const auto opened = path_of(before), closed = path_of(after);
    const double gone =
        std::max(std::hypot(closed.x - opened.x, closed.y - opened.y),
                 std::hypot(closed.x - opened.x + (closed.dx - opened.dx) * static_cast<double>(width_),
                            closed.y - opened.y + (closed.dy - opened.dy) * static_cast<double>(width_)));
    if (gone > 1.5) draw_blurred(rgb, opened, closed, gone > 6 ? 3 : 2);
    else if (view.upright()) draw_shifted(rgb, view);
    else draw_turned(rgb, path_of(view));
  }

 private:
  /// Where the picture's upper left pixel lies in the plane, and what a step to the right is; one down is (-dy,dx).
  struct Path {
    double x, y, dx, dy;
  };

  Path path_of(const View& view) const {
    const double c = std::cos(view.roll) / view.zoom, s = std::sin(view.roll) / view.zoom;
    const double left = 0.5 - view.width / 2, top = 0.5 - view.height / 2;
    return {.x = c * left + s * top + view.width / 2 + view.shift_x + static_cast<double>(margin_x_) - 0.5,
            .y = c * top - s * left + view.height / 2 + view.shift_y + static_cast<double>(margin_y_) - 0.5,
            .dx = c,
            .dy = -s};
  }

  void draw_shifted(std::uint8_t* rgb, const View& view) const {
    const double left = static_cast<double>(margin_x_) + view.shift_x,
                 top = static_cast<double>(margin_y_) + view.shift_y;
    const auto x0 = static_cast<std::int64_t>(std::floor(left)), y0 = static_cast<std::int64_t>(std::floor(top));
    // Sub-pixel camera motion: four neighbours in 1/16 steps, the weights the same for the whole frame.
    const int a = static_cast<int>((left - std::floor(left)) * 16), b = static_cast<int>((top - std::floor(top)) * 16);
    const int w00 = (16 - a) * (16 - b), w01 = a * (16 - b), w10 = (16 - a) * b, w11 = a * b;
    const auto row_bytes = full_width_ * 3;
    for (std::int64_t y = 0; y < height_; ++y) {
      const auto* from = rgb_.data() + (y0 + y) * row_bytes + x0 * 3;
      auto* to = rgb + y * width_ * 3;
      for (std::int64_t i = 0; i < width_ * 3; ++i)
        to[i] = static_cast<std::uint8_t>(
            (w00 * from[i] + w01 * from[i + 3] + w10 * from[i + row_bytes] + w11 * from[i + row_bytes + 3] + 128) >> 8);
    }
  }

  const std::uint8_t* pixel_at(std::int64_t x, std::int64_t y) const { return rgb_.data() + (y * full_width_ + x) * 3; }

  // Places in the plane, in 1/65536 pixels: walking along a row adds, and the paint reaches as far as the view does.
  struct Walk {
    std::int64_t x, y, dx, dy;
  };
  Walk row_of(const Path& path, std::int64_t row) const {
    const double y = static_cast<double>(row), last = static_cast<double>(width_ - 1);
    const auto fixed = [](double value) { return static_cast<std::int64_t>(value * 65536); };
    const auto within = [](double value, std::int64_t size) {
      return std::clamp(value, 0.0, static_cast<double>(size) - 2.01);
    };
    const double left = within(path.x - y * path.dy, full_width_),
                 right = within(path.x - y * path.dy + last * path.dx, full_width_);
    const double top = within(path.y + y * path.dx, full_height_),
                 bottom = within(path.y + y * path.dx + last * path.dy, full_height_);
    const double steps = std::max(1.0, last);
    return {fixed(left), fixed(top), fixed((right - left) / steps), fixed((bottom - top) / steps)};
  }

  void draw_turned(std::uint8_t* rgb, const Path& path) const {
    for (std::int64_t y = 0; y < height_; ++y) {
      auto walk = row_of(path, y);
      for (std::int64_t x = 0; x < width_; ++x, rgb += 3, walk.x += walk.dx, walk.y += walk.dy) {
        const auto a = static_cast<std::uint32_t>(walk.x >> 12 & 15), b = static_cast<std::uint32_t>(walk.y >> 12 & 15);
        const auto* upper = pixel_at(walk.x >> 16, walk.y >> 16);
        const auto* lower = upper + full_width_ * 3;
        store(rgb, detail::blended_lanes(upper, upper + 3, lower, lower + 3, a, b), 8);
      }
    }
  }

  /// The mean of 2^bits moments between `opened` and `closed`.
  void draw_blurred(std::uint8_t* rgb, const Path& opened, const Path& closed, int bits) const {
    const auto count = static_cast<std::size_t>(1) << bits;
    std::vector<detail::Lanes> sums(static_cast<std::size_t>(width_));
    for (std::int64_t y = 0; y < height_; ++y) {
      std::fill(sums.begin(), sums.end(), detail::Lanes{});
      for (std::size_t k = 0; k < count; ++k) {
        const double t = (static_cast<double>(k) + 0.5) / static_cast<double>(count);
        const auto between = [&](double a, double b) { return a + t * (b - a); };
        auto walk = row_of({between(opened.x, closed.x) + 0.5, between(opened.y, closed.y) + 0.5,
                            between(opened.dx, closed.dx), between(opened.dy, closed.dy)},
                           y);
        for (auto& sum : sums) {
          sum.add(detail::lanes_at(pixel_at(walk.x >> 16, walk.y >> 16)));
          walk.x += walk.dx, walk.y += walk.dy;
        }
      }
      for (const auto& sum : sums) store(rgb, sum, bits), rgb += 3;
    }
  }

  static void store(std::uint8_t* rgb, const detail::Lanes& sum, int bits) {
    const std::uint32_t half = 1U << (bits - 1);
    rgb[0] = static_cast<std::uint8_t>(((sum.red_blue & 0xFFFF) + half) >> bits);
    rgb[1] = static_cast<std::uint8_t>((sum.green + half) >> bits);
    rgb[2] = static_cast<std::uint8_t>(((sum.red_blue >> 16) + half) >> bits);
  }

  void paint(const Scene& scene) {
    const double unit = static_cast<double>(scene.height);
    const NoiseField broads(scene.seed, 0.3 * unit + 1, full_width_, full_height_);
    const NoiseField fines(scene.seed + 1, 0.04 * unit + 1, full_width_, full_height_);
    const NoiseField grains(scene.seed + 2, 0.01 * unit + 1, full_width_, full_height_);
    scatter_stones(scene);
    const auto& ground = scene.ground;
    auto* out = rgb_.data();
    for (std::int64_t y = 0; y < full_height_; ++y)
      for (std::int64_t x = 0; x < full_width_; ++x) {
        const double broad = broads.at(x, y), fine = fines.at(x, y), grain = grains.at(x, y);
        if (ground.pattern == Ground::Pattern::moor) {
          const double shade = 112 + 34 * broad + 20 * fine + 12 * grain;
          *out++ = grey_level(shade * 0.96 + 10 * broad);
          *out++ = grey_level(shade * 1.02);
          *out++ = grey_level(shade * 0.92 - 12 * broad);
          continue;
        }
        const double s = static_cast<double>(x - margin_x_) / unit, t = static_cast<double>(y - margin_y_) / unit;
        const auto [share, gain] = mixture(scene, s, t, broad, fine, grain);
        for (std::size_t c = 0; c < 3; ++c)
          *out++ = grey_level((ground.paint[c] + share * (ground.accent[c] - ground.paint[c])) * gain + 7 * grain);
      }
    stones_ = {};
  }

  struct Mixture {
    double share, gain;  // of the accent; brightness
  };

  /// At (s,t), in picture heights from the upper left corner of a camera at rest.
  Mixture mixture(const Scene& scene, double s, double t, double broad, double fine, double grain) const {
    using detail::cell_value;
    using detail::squared_off;
    using Pattern = Ground::Pattern;
    const double turn = 2 * std::numbers::pi, u = s / scene.ground.scale, v = t / scene.ground.scale;
    const auto cell = [](double place) { return static_cast<std::int64_t>(std::floor(place)); };
    constexpr std::int64_t far = 1 << 20;
    switch (scene.ground.pattern) {
      case Pattern::moor:
      case Pattern::plain: return {0.1 + 0.1 * broad, 1 + 0.06 * broad + 0.03 * fine};
      case Pattern::gradient: return {std::clamp(t + 0.15 * broad, 0.0, 1.0), 1 + 0.05 * fine};
      case Pattern::tiles: {
        const double du = u - std::floor(u), dv = v - std::floor(v);
        const double joint = std::min({du, 1 - du, dv, 1 - dv});
        const double own = cell_value(scene.seed, cell(u), cell(v), far);
        return {(cell(u) + cell(v)) % 2 == 0 ? 0.15 * own : 1 - 0.2 * own,
                (joint < 0.03 ? 0.7 : 0.9 + 0.15 * own) + 0.06 * fine};
      }
      case Pattern::planks: {
        const double dv = v - std::floor(v), own = cell_value(scene.seed, cell(v), 0, far);
        const double streak = std::sin(turn * (6 * v + 0.8 * broad + 4 * own + 0.3 * fine));
        return {0.5 * own + 0.2 * streak, dv < 0.05 ? 0.55 : 0.9 + 0.2 * own};
      }
      case Pattern::dunes:
        return {0.5 + 0.5 * std::sin(turn * (v + 0.9 * broad + 0.25 * std::sin(2 * u))), 1 + 0.08 * fine};
      case Pattern::blotches: return {squared_off(broad + 0.6 * fine + 0.1 * grain, 4), 1 + 0.08 * fine};
      case Pattern::gravel: return stone_at(u, v, fine);
    }
    return {0, 1};
  }

  /// Stones are the cells of points, one in each square of a lattice: a place belongs to the point next to it.
  struct Stone {
    double x, y, own;
  };

  void scatter_stones(const Scene& scene) {
    if (scene.ground.pattern != Ground::Pattern::gravel) return;
    const double unit = static_cast<double>(scene.height) * scene.ground.scale;
    const auto cell = [&](std::int64_t pixel) {
      return static_cast<std::int64_t>(std::floor(static_cast<double>(pixel) / unit));
    };
    stone_x_ = cell(-margin_x_) - 1, stone_y_ = cell(-margin_y_) - 1;
    stone_columns_ = cell(full_width_ - margin_x_) + 2 - stone_x_;
    const auto last = cell(full_height_ - margin_y_) + 2;
    for (auto j = stone_y_; j < last; ++j)
      for (auto i = stone_x_; i < stone_x_ + stone_columns_; ++i) {
        const auto random = [&](std::uint64_t which) { return detail::cell_value(scene.seed + which, i, j, 1 << 20); };
        stones_.push_back({static_cast<double>(i) + random(5), static_cast<double>(j) + random(6), random(7)});
      }
  }

  Mixture stone_at(double u, double v, double fine) const {
    const auto i = static_cast<std::int64_t>(std::floor(u)) - stone_x_,
               j = static_cast<std::int64_t>(std::floor(v)) - stone_y_;
    double nearest = 9, second = 9, own = 0;
    for (auto row = j - 1; row <= j + 1; ++row) {
      const auto* stone = stones_.data() + row * stone_columns_ + i - 1;
      for (int k = 0; k < 3; ++k, ++stone) {
        const double dx = stone->x - u, dy = stone->y - v, away = dx * dx + dy * dy;
        if (away < nearest) second = nearest, nearest = away, own = stone->own;
        else second = std::min(second, away);
      }
    }
    const double rim = std::sqrt(second) - std::sqrt(nearest);
    return {own, (rim < 0.1 ? 0.55 : 0.85 + 0.25 * own) + 0.08 * fine};
  }

  std::vector<Stone> stones_;  // while painting gravel
  std::int64_t stone_x_ = 0, stone_y_ = 0, stone_columns_ = 0;
  std::int64_t height_, width_, margin_x_ = 0, margin_y_ = 0, full_width_ = 0, full_height_ = 0;
  std::vector<std::uint8_t> rgb_;
};

}  // namespace vos
