#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include <vos/data/scene.hpp>

namespace vos {

/// Where the camera looks: the picture of the world in pixels, as sprites give it, before and after.
struct View {
  double height = 0, width = 0;     ///< pixels of the world's unit picture
  double shift_x = 0, shift_y = 0;  ///< pixels by which the camera has gone
  double zoom = 1, roll = 0;        ///< roll in radians

  bool upright() const { return zoom == 1 && roll == 0; }

  /// A place of the world, in pixels, in the picture.
  void look_at(double& x, double& y) const {
    x -= shift_x;
    y -= shift_y;
    if (upright()) return;
    const double dx = x - width / 2, dy = y - height / 2, c = zoom * std::cos(roll), s = zoom * std::sin(roll);
    x = width / 2 + c * dx - s * dy;
    y = height / 2 + s * dx + c * dy;
  }
};

/// `frame` may lie between frames.
inline View view_of(const Scene& scene, double frame) {
  const double height = static_cast<double>(scene.height);
  return {.height = height,
          .width = static_cast<double>(scene.width),
          .shift_x = scene.camera_x.at(frame) * height,
          .shift_y = scene.camera_y.at(frame) * height,
          .zoom = scene.zoom.at(frame),
          .roll = 2 * std::numbers::pi * scene.roll.at(frame)};
}

}  // namespace vos
