#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <vos/data/synthetic/shape.hpp>
#include <vos/data/synthetic/texture.hpp>

namespace vos {

/// A sprite drawn for itself, so that it can be blurred by its motion before it is laid over the picture.
class Layer {
 public:
  Layer() = default;
  explicit Layer(const Window& window) : window_(window.empty() ? Window{} : window) {
    pixels_.resize(static_cast<std::size_t>(window_.width() * window_.height()));
  }

  const Window& window() const { return window_; }

  /// The window from which a motion of (dx,dy) pixels can reach `picture`.
  static Window around(const Window& picture, double dx, double dy) {
    const auto x = static_cast<std::int64_t>(std::min(std::abs(dx), longest)) + 2;
    const auto y = static_cast<std::int64_t>(std::min(std::abs(dy), longest)) + 2;
    return {picture.x0 - x, picture.y0 - y, picture.x1 + x, picture.y1 + y};
  }

  /// Lays a colour over what is there.
  void put(std::int64_t x, std::int64_t y, double cover, const Texture::Colour& colour) {
    auto& pixel = pixels_[static_cast<std::size_t>((y - window_.y0) * window_.width() + x - window_.x0)];
    const auto share = static_cast<float>(cover);
    for (std::size_t k = 0; k < 3; ++k) pixel[k] += share * (static_cast<float>(std::min(colour[k], 255.0)) - pixel[k]);
    pixel[3] += share * (1 - pixel[3]);
  }

  /// Lays the mean of its places along (dx,dy) over a picture rgb [height,width,3].
  void smear_onto(std::uint8_t* rgb, std::int64_t width, std::int64_t height, double dx, double dy) const {
    if (window_.empty()) return;
    const double length = std::hypot(dx, dy), scale = std::min(1.0, longest / length);
    const int steps = std::clamp(static_cast<int>(length * scale / 1.3) + 1, 2, 16);
    struct Step {
      std::int64_t x, y;
    };
    std::vector<Step> shifts;
    Window area = window_;
    for (int k = 0; k < steps; ++k) {
      const double t = ((k + 0.5) / steps - 0.5) * scale;
      shifts.push_back({std::lround(dx * t), std::lround(dy * t)});
      area = hull(area, {window_.x0 + shifts[k].x, window_.y0 + shifts[k].y, window_.x1 + shifts[k].x,
                         window_.y1 + shifts[k].y});
    }
    area = intersection(area, {0, 0, width, height});
    std::vector<Pixel> row(static_cast<std::size_t>(std::max<std::int64_t>(0, area.width())));
    const auto weight = 1 / static_cast<float>(steps);
    for (auto y = area.y0; y < area.y1; ++y) {
      std::fill(row.begin(), row.end(), Pixel{});
      for (const auto& shift : shifts) {
        const auto from_y = y - shift.y;
        if (from_y < window_.y0 || from_y >= window_.y1) continue;
        const auto first = std::max(area.x0, window_.x0 + shift.x), last = std::min(area.x1, window_.x1 + shift.x);
        const auto* from = pixels_.data() + (from_y - window_.y0) * window_.width() + first - shift.x - window_.x0;
        auto* to = row.data() + first - area.x0;
        for (auto x = first; x < last; ++x, ++from, ++to)
          for (std::size_t k = 0; k < 4; ++k) (*to)[k] += (*from)[k];
      }
      auto* pixel = rgb + (y * width + area.x0) * 3;
      for (const auto& sum : row) {
        if (sum[3] > 0) {
          const float rest = 1 - sum[3] * weight;
          for (std::size_t k = 0; k < 3; ++k)
            pixel[k] = static_cast<std::uint8_t>(
                std::clamp(static_cast<float>(pixel[k]) * rest + sum[k] * weight, 0.0F, 255.0F) + 0.5F);
        }
        pixel += 3;
      }
    }
  }

 private:
  using Pixel = std::array<float, 4>;    // colour times cover, and cover
  static constexpr double longest = 20;  // pixels of blur, at most

  Window window_{};
  std::vector<Pixel> pixels_;
};

/// Cover on a coarse grid, to be softened.
class SoftMask {
 public:
  explicit SoftMask(const Window& window)
      : window_(window), cover_(static_cast<std::size_t>(window.width() * window.height())) {}

  const Window& window() const { return window_; }

  void put(std::int64_t x, std::int64_t y, double cover) {
    auto& here = cover_[static_cast<std::size_t>((y - window_.y0) * window_.width() + x - window_.x0)];
    here = std::max(here, static_cast<float>(cover));
  }

  /// Two means over windows of 2 `radius` + 1 cells, along both axes.
  void soften(std::int64_t radius) {
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t y = 0; y < window_.height(); ++y)
        mean(cover_.data() + y * window_.width(), 1, window_.width(), radius);
      for (std::int64_t x = 0; x < window_.width(); ++x)
        mean(cover_.data() + x, window_.width(), window_.height(), radius);
    }
  }

  /// Calls `act(x, y, cover)` for the pixels of `area` where there is any; a cell is 4x4 pixels.
  template <class Act>
  void for_each(const Window& area, Act&& act) const {
    std::vector<float> line(static_cast<std::size_t>(window_.width()));
    const auto place = [](std::int64_t pixel, std::int64_t first) {  // pixel centres between cell centres, in eighths
      const auto eighths = 2 * pixel - 3 - 8 * first;
      return std::pair{eighths >> 3, static_cast<float>(eighths & 7) / 8};
    };
    for (auto y = area.y0; y < area.y1; ++y) {
      const auto [row, b] = place(y, window_.y0);
      const auto* upper = cover_.data() + row * window_.width();
      const auto* lower = upper + window_.width();
      for (std::size_t i = 0; i < line.size(); ++i) line[i] = upper[i] + b * (lower[i] - upper[i]);
      for (auto x = area.x0; x < area.x1; ++x) {
        const auto [column, a] = place(x, window_.x0);
        const auto* cell = line.data() + column;
        if (const float cover = cell[0] + a * (cell[1] - cell[0]); cover > 0.004F) act(x, y, cover);
      }
    }
  }

 private:
  void mean(float* line, std::int64_t stride, std::int64_t count, std::int64_t radius) {
    before_.assign(static_cast<std::size_t>(count), 0);
    for (std::int64_t i = 0; i < count; ++i) before_[static_cast<std::size_t>(i)] = line[i * stride];
    float sum = 0;
    for (std::int64_t i = 0; i < std::min(radius, count); ++i) sum += before_[static_cast<std::size_t>(i)];
    for (std::int64_t i = 0; i < count; ++i) {
      if (i + radius < count) sum += before_[static_cast<std::size_t>(i + radius)];
      if (i > radius) sum -= before_[static_cast<std::size_t>(i - radius - 1)];
      line[i * stride] = sum / static_cast<float>(2 * radius + 1);
    }
  }

  Window window_;
  std::vector<float> cover_, before_;
};

}  // namespace vos
