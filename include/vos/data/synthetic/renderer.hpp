#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/core/box.hpp>
#include <vos/core/random.hpp>
#include <vos/data/scene.hpp>
#include <vos/data/synthetic/camera.hpp>
#include <vos/data/synthetic/ground.hpp>
#include <vos/data/synthetic/layer.hpp>
#include <vos/data/synthetic/shape.hpp>
#include <vos/data/synthetic/texture.hpp>
#include <vos/error.hpp>
#include <vos/fwd.hpp>

namespace vos {

/// What is to be known of an object in a frame. Pixels are those that it covers by half or more.
struct ObjectView {
  ObjectId id = 0;
  std::int32_t category = 0;
  bool present = false;      ///< it has appeared and not vanished; it may still be out of sight
  Box box = {};              ///< tight, of what is visible; empty where nothing is
  std::int64_t visible = 0;  ///< pixels of it in the label map
  std::int64_t alone = 0;    ///< pixels of it inside the picture if nothing hid it
  std::int64_t whole = 0;    ///< the same with what lies outside, up to a picture's size beyond each side

  /// Share of it that other things hide, of what is inside the picture.
  double occluded() const { return alone > 0 ? 1 - static_cast<double>(visible) / static_cast<double>(alone) : 0; }
  /// Share of it that lies outside the picture.
  double outside() const { return whole > 0 ? 1 - static_cast<double>(alone) / static_cast<double>(whole) : 0; }
  /// Share of it that is to be seen.
  double visibility() const { return whole > 0 ? static_cast<double>(visible) / static_cast<double>(whole) : 0; }
};

/// A rendered frame and its exact labels: the id of a sprite is its place among the scene's objects, from 1.
struct Rendered {
  at::Tensor rgb;                   ///< uint8 [H,W,3]
  at::Tensor labels;                ///< int32 [H,W]
  std::vector<ObjectView> objects;  ///< every object of the scene, by id
};

/// Throws unless a scene can be drawn.
inline void check_scene(const Scene& scene) {
  if (scene.height < 1 || scene.width < 1 || scene.height > 16384 || scene.width > 16384)
    throw Error({.what = "a synthetic clip of " + std::to_string(scene.width) + "x" + std::to_string(scene.height),
                 .where = "synthetic:" + scene.name,
                 .mend = "use a size from 1x1 to 16384x16384",
                 .exit_code = exit_code::usage});
}

/// Draws the frames of a scene. Any frame, in any order, from any thread, is a function of (scene, index) alone.
///
/// Where a shutter blurs motion, labels show the middle of the exposure.
class SceneRenderer {
 public:
  explicit SceneRenderer(Scene scene) : scene_(checked(std::move(scene))), ground_(scene_) {
    for (const auto& sprite : scene_.ground.clutter) {
      const Costume costume(sprite, scene_.height);
      paint(sprite, costume, 0, ground_.whole(),
            {ground_.pixels(), nullptr, ground_.full_width(), ground_.full_height()}, 0);
    }
    for (const auto& sprite : scene_.sprites) costumes_.emplace_back(sprite, scene_.height);
  }

  const Scene& scene() const { return scene_; }

  Rendered render(std::int64_t frame) const {
    Rendered picture{
        at::empty({scene_.height, scene_.width, 3}, at::kByte), at::empty({scene_.height, scene_.width}, at::kInt), {}};
    const Canvas canvas{picture.rgb.mutable_data_ptr<std::uint8_t>(), picture.labels.mutable_data_ptr<std::int32_t>(),
                        scene_.width, scene_.height};
    std::fill_n(canvas.labels, picture.labels.numel(), 0);  // at::zeros would wake LibTorch's threads for this
    const double now = static_cast<double>(frame), open = scene_.shutter / 2;
    const auto view = view_of(scene_, now);
    ground_.draw(canvas.rgb, view, view_of(scene_, now - open), view_of(scene_, now + open));

    const auto ids = object_ids();
    picture.objects.resize(static_cast<std::size_t>(objects_in(scene_)));
    for (const auto i : back_to_front(now)) {
      const auto& sprite = scene_.sprites[i];
      const bool present = frame >= sprite.begin && frame < sprite.end;
      ObjectView seen{.id = ids[i], .category = sprite.category, .present = present};
      if (present) {
        const auto [inside, outside] = paint(sprite, costumes_[i], now, view, canvas, ids[i]);
        seen.alone = inside;
        seen.whole = inside + outside;
      }
      if (sprite.object) picture.objects[static_cast<std::size_t>(ids[i]) - 1] = seen;
    }
    find_visible(canvas, picture.objects);
    finish_picture(canvas.rgb, frame);
    return picture;
  }

 private:
  /// What of a sprite does not change from frame to frame.
  struct Costume {
    Outlines outlines;
    Texture texture;
    Costume(const Sprite& sprite, std::int64_t height)
        : outlines(outlines_of(sprite)), texture(sprite, texture_size(sprite, height)) {}

    /// About a texel to a pixel; the first weave keeps the size that it always had.
    static std::int64_t texture_size(const Sprite& sprite, std::int64_t height) {
      const double pixels = 2.5 * sprite.radius.middle * std::min(1.0, sprite.aspect) * static_cast<double>(height);
      return sprite.weave == Weave::mottled ? 128 : pixels > 320 ? 512 : pixels > 160 ? 256 : pixels > 40 ? 128 : 64;
    }
  };

  struct Canvas {
    std::uint8_t* rgb;
    std::int32_t* labels;  // may be null
    std::int64_t width, height;
    Window window() const { return {0, 0, width, height}; }
  };

  static Scene checked(Scene scene) {
    check_scene(scene);
    return scene;
  }

  /// The id of each sprite, 0 for scenery.
  std::vector<ObjectId> object_ids() const {
    std::vector<ObjectId> ids;
    ObjectId last = 0;
    for (const auto& sprite : scene_.sprites) ids.push_back(sprite.object ? ++last : 0);
    return ids;
  }

  std::vector<std::size_t> back_to_front(double frame) const {
    std::vector<double> depths;
    for (const auto& sprite : scene_.sprites) depths.push_back(sprite.depth.at(frame));
    std::vector<std::size_t> order(depths.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return depths[a] < depths[b]; });
    return order;
  }

  struct Pixels {
    std::int64_t inside = 0, outside = 0;
  };

  /// Draws a sprite and its labels, counts its pixels inside and outside of the picture.
  Pixels paint(const Sprite& sprite, const Costume& costume, double now, const View& view, const Canvas& canvas,
               ObjectId id) const {
    const auto shapes = shapes_of(sprite, costume.outlines, now, view);
    Window extent = shapes.front().window();
    for (const auto& shape : shapes) extent = hull(extent, shape.window());
    Pixels pixels{.outside = sprite.object ? outside_area(shapes, extent, canvas) : 0};

    if (sprite.shadow > 0) cast_shadow(shapes, extent, sprite.shadow, canvas);
    const auto [blur_x, blur_y] = canvas.labels != nullptr ? motion(sprite, now) : std::array<double, 2>{};
    const bool blurred = std::hypot(blur_x, blur_y) >= 1;
    Layer layer;
    if (blurred) layer = Layer(intersection(extent, Layer::around(canvas.window(), blur_x, blur_y)));
    const auto clip = blurred ? layer.window() : intersection(extent, canvas.window());

    for (const auto& shape : shapes)
      shape.draw(clip, [&](std::int64_t x, std::int64_t y, double cover, double u, double v) {
        const auto colour = colour_of(sprite, costume.texture, shape, y, u, v);
        if (blurred) {
          layer.put(x, y, cover, colour);
          if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) return;
        } else {
          auto* pixel = canvas.rgb + (y * canvas.width + x) * 3;
          if (cover == 1 && costume.texture.is_smooth())
            for (std::size_t k = 0; k < 3; ++k) pixel[k] = grey_level(colour[k]);
          else
            for (std::size_t k = 0; k < 3; ++k) pixel[k] = grey_level(pixel[k] + cover * (colour[k] - pixel[k]));
        }
        if (cover < 0.5 || canvas.labels == nullptr) return;
        auto& label = canvas.labels[y * canvas.width + x];
        pixels.inside += label != id;  // parts overlap; what lies behind has other ids
        label = id;
      });
    if (blurred) layer.smear_onto(canvas.rgb, canvas.width, canvas.height, blur_x, blur_y);
    return pixels;
  }

  static Texture::Colour colour_of(const Sprite& sprite, const Texture& texture, const Shape& shape, std::int64_t y,
                                   double u, double v) {
    const double dy = static_cast<double>(y) + 0.5 - shape.body_y;
    const double shade = 1.06 - 0.22 * std::clamp(0.5 + 0.5 * dy / shape.body_height, 0.0, 1.0);
    auto colour = texture.is_smooth() ? texture.blended(u * shape.tile_x, v * shape.tile_y)
                                      : texture.nearest(u * shape.texture_x / shape.texture_unit * 0.4,
                                                        v * shape.texture_y / shape.texture_unit * 0.4);
    if (shape.mix > 0)
      for (std::size_t k = 0; k < 3; ++k) colour[k] += shape.mix * (sprite.accent[k] - colour[k]);
    for (auto& channel : colour) channel *= shape.gain * shade;
    return colour;
  }

  /// How many pixels the sprite moves in the picture while the shutter is open.
  std::array<double, 2> motion(const Sprite& sprite, double now) const {
    if (scene_.shutter <= 0) return {0, 0};
    const auto place = [&](double when) {
      View view = view_of(scene_, when);
      double x = (sprite.x.at(when) + sprite.wander_x.at(when)) * view.width;
      double y = (sprite.y.at(when) + sprite.wander_y.at(when)) * view.height;
      view.look_at(x, y);
      return std::array<double, 2>{x, y};
    };
    const auto opened = place(now - scene_.shutter / 2), closed = place(now + scene_.shutter / 2);
    return {closed[0] - opened[0], closed[1] - opened[1]};
  }

  /// Pixels outside the picture, looked for up to its own size beyond each side.
  static std::int64_t outside_area(const std::vector<Shape>& shapes, const Window& extent, const Canvas& canvas) {
    const auto picture = canvas.window();
    if (picture.contains(extent)) return 0;
    const auto around = intersection(extent, {-canvas.width, -canvas.height, 2 * canvas.width, 2 * canvas.height});
    if (around.empty()) return 0;
    std::vector<bool> covered(static_cast<std::size_t>(std::max<std::int64_t>(0, around.width() * around.height())));
    for (const auto& shape : shapes)
      shape.draw(around, [&](std::int64_t x, std::int64_t y, double cover, double, double) {
        const bool inside = x >= 0 && y >= 0 && x < canvas.width && y < canvas.height;
        if (cover >= 0.5 && !inside)
          covered[static_cast<std::size_t>((y - around.y0) * around.width() + x - around.x0)] = true;
      });
    return std::count(covered.begin(), covered.end(), true);
  }

  /// Darkens what lies behind a sprite, to its lower right, softly: worked out at a quarter of the resolution.
  static void cast_shadow(const std::vector<Shape>& shapes, const Window& extent, double strength,
                          const Canvas& canvas) {
    const double reach = 0.12 * shapes.front().texture_unit;
    const auto soft = std::max<std::int64_t>(1, static_cast<std::int64_t>(reach / 6));
    const auto margin = 4 * (2 * soft + 2);
    const auto away = static_cast<std::int64_t>(reach * 1.2);
    const Window lit{extent.x0 + away - margin, extent.y0 + away - margin, extent.x1 + away + margin,
                     extent.y1 + away + margin};
    const auto area = intersection(lit, canvas.window());
    if (area.empty()) return;
    SoftMask mask({area.x0 / 4 - 2 - 2 * soft, area.y0 / 4 - 2 - 2 * soft, area.x1 / 4 + 3 + 2 * soft,
                   area.y1 / 4 + 3 + 2 * soft});
    for (auto shape : shapes) {
      shape.x = (shape.x + static_cast<double>(away)) / 4, shape.y = (shape.y + static_cast<double>(away)) / 4;
      shape.rx /= 4, shape.ry /= 4;
      shape.finish();
      shape.draw(mask.window(),
                 [&](std::int64_t x, std::int64_t y, double cover, double, double) { mask.put(x, y, cover); });
    }
    mask.soften(soft);
    mask.for_each(area, [&](std::int64_t x, std::int64_t y, float dark) {
      auto* pixel = canvas.rgb + (y * canvas.width + x) * 3;
      const auto left = static_cast<int>(256 * (1 - static_cast<float>(strength) * dark));
      for (int k = 0; k < 3; ++k) pixel[k] = static_cast<std::uint8_t>(pixel[k] * left >> 8);
    });
  }

  static void find_visible(const Canvas& canvas, std::vector<ObjectView>& objects) {
    struct Extent {
      std::int64_t area = 0, x0 = 1 << 20, y0 = 1 << 20, x1 = 0, y1 = 0;
    };
    std::vector<Extent> extents(objects.size() + 1);
    for (std::int64_t y = 0; y < canvas.height; ++y) {
      const auto* row = canvas.labels + y * canvas.width;
      for (std::int64_t begin = 0, end = 0; begin < canvas.width; begin = end) {
        while (end < canvas.width && row[end] == row[begin]) ++end;
        auto& extent = extents[static_cast<std::size_t>(row[begin])];
        extent = {extent.area + end - begin, std::min(extent.x0, begin), std::min(extent.y0, y),
                  std::max(extent.x1, end), y + 1};
      }
    }
    for (auto& object : objects) {
      const auto& extent = extents[static_cast<std::size_t>(object.id)];
      object.visible = extent.area;
      if (extent.area > 0)
        object.box = {static_cast<float>(extent.x0), static_cast<float>(extent.y0), static_cast<float>(extent.x1),
                      static_cast<float>(extent.y1)};
    }
  }

  /// Light and sensor noise.
  void finish_picture(std::uint8_t* rgb, std::int64_t frame) const {
    std::array<std::array<std::uint8_t, 256 * 16>, 3> tables;  // [channel][noise][value]
    const double now = static_cast<double>(frame), light = scene_.light.at(now), warmth = scene_.warmth.at(now);
    for (std::size_t c = 0; c < 3; ++c) {
      const double gain = light * (1 + warmth * (1 - static_cast<double>(c)));
      for (int n = 0; n < 16; ++n)
        for (int value = 0; value < 256; ++value)
          tables[c][static_cast<std::size_t>(n * 256 + value)] =
              grey_level(value * gain + (n - 7.5) / 7.5 * scene_.noise);
    }
    const auto count = scene_.height * scene_.width * 3;
    std::uint64_t key = scramble(scene_.seed ^ scramble(static_cast<std::uint64_t>(frame) + 77));
    std::size_t c = 0;
    for (std::int64_t i = 0; i < count;) {
      auto bits = scramble(key += 0x9E3779B97F4A7C15ULL);
      for (int k = 0; k < 16 && i < count; ++k, ++i, bits >>= 4) {
        rgb[i] = tables[c][(bits & 15) * 256 + rgb[i]];
        c = c == 2 ? 0 : c + 1;
      }
    }
  }

  Scene scene_;
  GroundPlane ground_;
  std::vector<Costume> costumes_;
};

}  // namespace vos
