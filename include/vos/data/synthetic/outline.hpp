#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <vos/data/scene.hpp>

namespace vos {

/// How far an outline lies from its centre in direction `angle` (0 ahead, a quarter turn down).
inline double outline_radius(Outline outline, int points, double angle) {
  const double c = std::cos(angle), s = std::sin(angle), pi = std::numbers::pi, n = std::max(points, 2);
  const auto into_sector = [&](double sector) {  // 0 at the sector's first ray; the first ray of all points up
    const double turned = angle + pi / 2;
    return turned - sector * std::floor(turned / sector);
  };
  switch (outline) {
    case Outline::round: break;
    case Outline::polygon: return std::cos(pi / n) / std::cos(into_sector(2 * pi / n) - pi / n);
    case Outline::star: {  // the line from a tip (1 at angle 0) to a notch (0.45 at pi / n), met by the ray between
      const double t = std::abs(into_sector(2 * pi / n) - pi / n), from_tip = pi / n - t;
      const double notch = 0.45, x = notch * std::cos(pi / n), y = notch * std::sin(pi / n);
      return y / (y * std::cos(from_tip) + (1 - x) * std::sin(from_tip));
    }
    case Outline::box: {  // a superellipse of degree 8: straight sides, round corners
      const double c4 = c * c * c * c, s4 = s * s * s * s;
      return std::pow(c4 * c4 + s4 * s4, -1.0 / 8);
    }
    case Outline::pill: {
      const double w = 0.42, reach = 1 - w, x = std::abs(c), y = std::abs(s);
      if (w * y <= reach * x) return w / x;  // the straight side
      return reach * y + std::sqrt(w * w - reach * reach * x * x);
    }
    case Outline::flower: return 0.76 + 0.24 * std::cos(n * (angle + pi / 2));
    case Outline::leaf: {  // where two discs overlap: 2 high, 0.9 wide
      const double far = 0.886;
      return std::sqrt(far * far * c * c + 1) - far * std::abs(c);
    }
    case Outline::gear: return 0.87 + 0.13 * std::clamp(3 * std::cos(n * angle), -1.0, 1.0);
  }
  return 1;
}

/// An outline ready to be asked for many directions: by diamond angle, which needs no arctangent, in 512 steps.
class OutlineTable {
 public:
  static constexpr int steps = 512;

  OutlineTable(Outline outline, int points) {
    for (int k = 0; k <= steps; ++k) {
      const double angle = angle_of(k);
      radius_[static_cast<std::size_t>(k)] = outline_radius(outline, points, angle);
    }
    find_slopes();
  }

  /// The same with harmonics added, as a share of the radius.
  OutlineTable bulged(const std::array<double, 3>& bulge) const {
    OutlineTable table = *this;
    for (std::size_t k = 0; k <= steps; ++k) {
      const auto& base = bases()[k];
      table.radius_[k] *= std::max(0.1, 1 + bulge[0] * base[0] + bulge[1] * base[1] + bulge[2] * base[2]);
    }
    table.find_slopes();
    return table;
  }

  struct Ray {
    double radius, slope;  // slope: change of the radius per radian
  };

  /// Towards (u,v), which is not (0,0).
  Ray towards(double u, double v) const {
    const double part = v / (std::abs(u) + std::abs(v));
    const double place = (u < 0 ? 2 - part : part < 0 ? 4 + part : part) * (steps / 4);
    const auto k = std::min(static_cast<std::size_t>(place), static_cast<std::size_t>(steps - 1));
    const double t = place - static_cast<double>(k);
    return {radius_[k] + t * (radius_[k + 1] - radius_[k]), slope_[k] + t * (slope_[k + 1] - slope_[k])};
  }

  double least() const { return least_; }
  double most() const { return most_; }
  double steepest() const { return steepest_; }  ///< greatest length of the gradient of `radius(direction) - distance`

 private:
  static double angle_of(int k) {
    const double place = 4.0 * k / steps, side = place - std::floor(place);
    return std::atan2(side, 1 - side) + std::numbers::pi / 2 * std::floor(place);
  }

  static const std::vector<std::array<double, 3>>& bases() {
    static const auto all = [] {
      std::vector<std::array<double, 3>> list;
      for (int k = 0; k <= steps; ++k)
        list.push_back({std::cos(2 * angle_of(k)), std::cos(3 * angle_of(k)), std::cos(4 * angle_of(k))});
      return list;
    }();
    return all;
  }

  void find_slopes() {
    least_ = most_ = radius_[0];
    steepest_ = 1;
    for (std::size_t k = 0; k <= steps; ++k) {
      const auto before = k == 0 ? steps - 1 : k - 1, after = k == steps ? 1 : k + 1;
      slope_[k] = (radius_[after] - radius_[before]) / width(k);
      least_ = std::min(least_, radius_[k]);
      most_ = std::max(most_, radius_[k]);
      steepest_ = std::max(steepest_, std::hypot(1, slope_[k] / radius_[k]));
    }
  }

  /// The angle between the neighbours of step `k`.
  static double width(std::size_t k) {
    static const auto all = [] {
      std::array<double, steps + 1> list{};
      for (int i = 0; i <= steps; ++i) list[static_cast<std::size_t>(i)] = angle_of(i + 1) - angle_of(i - 1);
      return list;
    }();
    return all[k];
  }

  std::array<double, steps + 1> radius_{}, slope_{};
  double least_ = 1, most_ = 1, steepest_ = 1;
};

}  // namespace vos
