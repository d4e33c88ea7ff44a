#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <vector>

#include <vos/data/scene.hpp>
#include <vos/data/synthetic/camera.hpp>
#include <vos/data/synthetic/outline.hpp>

namespace vos {

/// Pixels x0..x1-1, y0..y1-1.
struct Window {
  std::int64_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  bool empty() const { return x0 >= x1 || y0 >= y1; }
  std::int64_t width() const { return x1 - x0; }
  std::int64_t height() const { return y1 - y0; }
  bool contains(const Window& other) const {
    return other.x0 >= x0 && other.y0 >= y0 && other.x1 <= x1 && other.y1 <= y1;
  }
};

inline Window intersection(const Window& a, const Window& b) {
  return {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
}
inline Window hull(const Window& a, const Window& b) {
  return {std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)};
}

/// An outline with its place in the picture: which share of a pixel it covers.
class Shape {
 public:
  double x = 0, y = 0;                                  ///< centre, pixels
  double m00 = 1, m01 = 0, m10 = 0, m11 = 1;            ///< from pixels off the centre to the shape's own axes
  double rx = 1, ry = 1;                                ///< pixels to a unit of radius along them
  std::array<double, 3> bulge{};                        ///< of a round outline
  std::shared_ptr<const OutlineTable> table = nullptr;  ///< of any other
  double hole = 0;
  double texture_x = 1, texture_y = 1;  ///< pixels of texture to a unit of radius
  double texture_unit = 1;              ///< pixels of texture to 0.4 of a tile
  double tile_x = 1, tile_y = 1;        ///< the same, tiles to a unit of radius
  double body_y = 0, body_height = 1;   ///< of the whole figure: its shading
  double gain = 1, mix = 0;             ///< as Part has them

  void finish() {
    tile_x = texture_x / texture_unit * 0.4, tile_y = texture_y / texture_unit * 0.4;
    ux_ = m00 / rx, uy_ = m01 / rx, vx_ = m10 / ry, vy_ = m11 / ry;
    most_ = 1;
    for (const auto each : bulge) most_ += std::abs(each);
    if (table) {
      most_ = table->most();
      edge_ = 1 / std::sqrt(ux_ * ux_ + uy_ * uy_ + vx_ * vx_ + vy_ * vy_);
      sure_ = 0.5 * table->steepest() / edge_;
    } else {
      edge_ = std::min(rx, ry);
      sure_ = 0.5 / edge_;
    }
  }

  double most() const { return most_; }  ///< greatest radius, in units

  /// Where it can cover anything.
  Window window() const {
    const double reach = most_ + sure_, det = ux_ * vy_ - uy_ * vx_;
    const double half_width = reach * std::hypot(vy_, uy_) / std::abs(det) + 1;
    const double half_height = reach * std::hypot(vx_, ux_) / std::abs(det) + 1;
    const auto pixel = [](double place) { return static_cast<std::int64_t>(std::floor(std::clamp(place, -1e9, 1e9))); };
    return {pixel(x - half_width), pixel(y - half_height), pixel(x + half_width) + 1, pixel(y + half_height) + 1};
  }

  /// Calls `put(px, py, cover, u, v)` for each pixel of `clip` that it covers in part; (u,v) is the pixel's place in
  /// units of radius.
  template <class Put>
  void draw(const Window& clip, Put&& put) const {
    const auto area = intersection(clip, window());
    const double reach = (most_ + sure_) * (most_ + sure_);
    const double a = ux_ * ux_ + vx_ * vx_;
    for (auto py = area.y0; py < area.y1; ++py) {
      const double dy = static_cast<double>(py) + 0.5 - y;
      // The row's pixels within `reach` solve a quadratic inequality.
      const double b = (ux_ * uy_ + vx_ * vy_) * dy, root = b * b - a * ((uy_ * uy_ + vy_ * vy_) * dy * dy - reach);
      if (root < 0) continue;
      const double middle = x - b / a - 0.5, half = std::sqrt(root) / a + 1;
      const auto first = std::max(area.x0, static_cast<std::int64_t>(std::floor(std::max(middle - half, -1e9))));
      const auto last = std::min(area.x1 - 1, static_cast<std::int64_t>(std::floor(std::min(middle + half, 1e9))));
      const auto each = [&](const auto& cover_at) {
        for (auto px = first; px <= last; ++px) {
          const auto [u, v, cover] = cover_at(static_cast<double>(px) + 0.5 - x);
          if (cover > 0) put(px, py, cover, u, v);
        }
      };
      if (table) each([&](double dx) { return table_cover(ux_ * dx + uy_ * dy, vx_ * dx + vy_ * dy); });
      else each([&](double dx) { return round_cover((m00 * dx + m01 * dy) / rx, (m11 * dy + m10 * dx) / ry); });
    }
  }

 private:
  struct Place {
    double u, v, cover;
  };

  /// Harmonics of the outline from the angle's cosine and sine, without finding the angle.
  Place round_cover(double u, double v) const {
    const double radius = std::sqrt(u * u + v * v);
    const double c = radius > 0 ? u / radius : 1, s = radius > 0 ? v / radius : 0, c2 = c * c - s * s;
    const double outline = 1 + bulge[0] * c2 + bulge[1] * c * (4 * c * c - 3) + bulge[2] * (2 * c2 * c2 - 1);
    return {u, v, std::clamp((outline - radius) * edge_ + 0.5, 0.0, 1.0)};
  }

  Place table_cover(double u, double v) const {
    const double square = u * u + v * v;
    if (const double inner = table->least() - sure_; hole == 0 && inner > 0 && square < inner * inner) return {u, v, 1};
    const double radius = std::sqrt(square);
    if (radius == 0) return {u, v, hole == 0 ? 1.0 : 0.0};
    const auto ray = table->towards(u, v);
    double inside = ray.radius - radius;  // in units, along the ray
    if (hole > 0) inside = std::min(inside, radius - hole * ray.radius);
    if (inside > sure_) return {u, v, 1};
    if (inside < -sure_) return {u, v, 0};
    // In pixels, across the outline: divided by the gradient's length.
    const double along = ray.slope / square;
    const double fu = u / radius + along * v, fv = v / radius - along * u;
    const double gx = fu * ux_ + fv * vx_, gy = fu * uy_ + fv * vy_;
    return {u, v, std::clamp(inside / std::sqrt(gx * gx + gy * gy) + 0.5, 0.0, 1.0)};
  }

  double ux_ = 1, uy_ = 0, vx_ = 0, vy_ = 1, most_ = 1, edge_ = 1;
  double sure_ = 0.5;  // so far off the outline, in units, a pixel is covered wholly or not at all
};

/// A sprite's outlines, made once: its parts in their shapes of rest.
using Outlines = std::vector<std::shared_ptr<const OutlineTable>>;

inline Outlines outlines_of(const Sprite& sprite) {
  Outlines tables;
  for (const auto& part : sprite.parts)
    tables.push_back(std::make_shared<const OutlineTable>(part.outline, part.points));
  return tables;
}

namespace detail {

/// How much of its side a figure shows that looks where it goes: from -1 (left) to 1 (right), little while it turns round.
inline double facing(const Sprite& sprite, double frame) {
  const auto speed = [](const Swing& swing) { return 2 * std::numbers::pi * std::abs(swing.reach / swing.period); };
  const double most = speed(sprite.x) + speed(sprite.wander_x);
  if (!sprite.faces_motion || most < 1e-9) return 1;
  const auto place = [&](double when) { return sprite.x.at(when) + sprite.wander_x.at(when); };
  const double side = std::clamp((place(frame + 0.5) - place(frame - 0.5)) / (0.15 * most), -1.0, 1.0);
  return side < 0 ? std::min(side, -0.4) : std::max(side, 0.4);
}

}  // namespace detail

/// Where a sprite's shapes are at a time, as `view` sees them, from back to front.
inline std::vector<Shape> shapes_of(const Sprite& sprite, const Outlines& outlines, double frame, const View& view) {
  Shape body;
  body.x = (sprite.x.at(frame) + sprite.wander_x.at(frame)) * view.width;
  body.y = (sprite.y.at(frame) + sprite.wander_y.at(frame)) * view.height;
  view.look_at(body.x, body.y);
  body.ry = std::max(0.5, sprite.radius.at(frame) * view.height) * view.zoom;
  const double rest = body.ry * sprite.aspect, side = detail::facing(sprite, frame);
  body.rx = std::max(0.25, rest * sprite.stretch.at(frame) * std::abs(side));
  const double angle =
      2 * std::numbers::pi * sprite.turns * frame / 90 + 2 * std::numbers::pi * sprite.tilt.at(frame) + view.roll;
  const double cosine = std::cos(angle), sine = std::sin(angle), lean = sprite.shear.at(frame);
  const double ahead = side < 0 ? -1 : 1;
  body.m00 = ahead * (cosine - lean * sine), body.m01 = ahead * (sine + lean * cosine);
  body.m10 = -sine, body.m11 = cosine;
  for (std::size_t k = 0; k < 3; ++k) body.bulge[k] = sprite.bulge[k].at(frame);
  body.texture_x = rest, body.texture_y = body.ry, body.texture_unit = std::min(rest, body.ry);
  body.body_y = body.y, body.body_height = body.ry;
  if (sprite.parts.empty()) {
    body.finish();
    body.body_height *= body.most();
    return {body};
  }

  const bool bulges = std::any_of(body.bulge.begin(), body.bulge.end(), [](double each) { return each != 0; });
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < sprite.parts.size(); ++i) {
    const auto& part = sprite.parts[i];
    const double turn = 2 * std::numbers::pi * part.turn.at(frame), c = std::cos(turn), s = std::sin(turn);
    const double hang = part.hinge * part.size, across = (part.x - s * hang) * body.rx,
                 down = (part.y + c * hang) * body.ry;
    Shape shape = body;
    // Back from the body's axes to the picture's: the matrix has determinant `ahead`.
    shape.x = body.x + (body.m11 * across - body.m01 * down) * ahead;
    shape.y = body.y + (body.m00 * down - body.m10 * across) * ahead;
    shape.ry = std::max(0.4, body.ry * part.size);
    shape.rx = std::max(0.4, body.ry * part.size * part.aspect);
    const double squash = body.ry / body.rx;
    shape.m00 = c * squash * body.m00 + s * body.m10, shape.m01 = c * squash * body.m01 + s * body.m11;
    shape.m10 = c * body.m10 - s * squash * body.m00, shape.m11 = c * body.m11 - s * squash * body.m01;
    shape.table = bulges ? std::make_shared<const OutlineTable>(outlines[i]->bulged(body.bulge)) : outlines[i];
    shape.hole = part.hole;
    shape.texture_x = shape.rx * sprite.aspect, shape.texture_y = shape.ry;
    shape.gain = part.gain, shape.mix = part.mix;
    shape.finish();
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

}  // namespace vos
