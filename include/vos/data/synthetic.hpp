#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <vos/core/options.hpp>
#include <vos/core/random.hpp>
#include <vos/core/text.hpp>
#include <vos/data/scene.hpp>
#include <vos/error.hpp>
#include <vos/frame/frame.hpp>
#include <vos/io/source.hpp>

namespace vos {

/// A rendered frame and its exact labels: the id of a sprite is its place among the scene's objects, from 1.
struct Rendered {
  at::Tensor rgb;     // uint8 [H,W,3]
  at::Tensor labels;  // int32 [H,W]
};

/// Draws the frames of a scene. Any frame, in any order, is a function of (scene, index) alone.
class SceneRenderer {
 public:
  explicit SceneRenderer(Scene scene) : scene_(std::move(scene)) {
    if (scene_.height < 1 || scene_.width < 1 || scene_.height > 16384 || scene_.width > 16384)
      throw Error({.what = "a synthetic clip of " + std::to_string(scene_.width) + "x" + std::to_string(scene_.height),
                   .where = "synthetic:" + scene_.name,
                   .mend = "use a size from 1x1 to 16384x16384",
                   .exit_code = exit_code::usage});
    const auto reach = [&](const Swing& swing) {
      return static_cast<std::int64_t>(
                 std::ceil((std::abs(swing.middle) + std::abs(swing.reach)) * static_cast<double>(scene_.height))) +
             2;
    };
    margin_x_ = reach(scene_.camera_x);
    margin_y_ = reach(scene_.camera_y);
    paint_ground();
    for (const auto& sprite : scene_.sprites) tiles_.push_back(texture_tile(sprite));
  }

  const Scene& scene() const { return scene_; }

  Rendered render(std::int64_t frame) const {
    Rendered picture{at::empty({scene_.height, scene_.width, 3}, at::kByte),
                     at::zeros({scene_.height, scene_.width}, at::kInt)};
    auto* rgb = picture.rgb.mutable_data_ptr<std::uint8_t>();
    auto* labels = picture.labels.mutable_data_ptr<std::int32_t>();
    const double height = static_cast<double>(scene_.height);
    const double camera_x = scene_.camera_x.at(frame) * height, camera_y = scene_.camera_y.at(frame) * height;
    draw_ground(rgb, camera_x, camera_y);
    ObjectId id = 0;
    for (std::size_t i = 0; i < scene_.sprites.size(); ++i) {
      const auto& sprite = scene_.sprites[i];
      if (sprite.object) ++id;
      if (frame >= sprite.begin)
        draw_sprite(sprite, tiles_[i], frame, camera_x, camera_y, sprite.object ? id : 0, rgb, labels);
    }
    finish_picture(rgb, frame);
    return picture;
  }

 private:
  static constexpr std::int64_t tile_size = 128;
  using Tile = std::vector<std::uint8_t>;  // rgb, tile_size squared

  /// Smooth noise in -1..1: random values on a lattice of `cell` pixels, blended between, repeating after `repeat` cells.
  static double value_noise(std::uint64_t seed, double x, double y, double cell, std::int64_t repeat = 1 << 20) {
    const double u = x / cell, v = y / cell, fu = std::floor(u), fv = std::floor(v);
    const auto corner = [&](int du, int dv) {
      const auto i = static_cast<std::uint64_t>((static_cast<std::int64_t>(fu) + du) % repeat);
      const auto j = static_cast<std::uint64_t>((static_cast<std::int64_t>(fv) + dv) % repeat);
      const auto key = scramble(seed ^ scramble(i ^ scramble(j)));
      return static_cast<double>(key >> 11) * 0x1.0p-52 - 1.0;
    };
    const auto smooth = [](double t) { return t * t * (3 - 2 * t); };
    const double a = smooth(u - fu), b = smooth(v - fv);
    return (1 - b) * ((1 - a) * corner(0, 0) + a * corner(1, 0)) + b * ((1 - a) * corner(0, 1) + a * corner(1, 1));
  }

  static std::uint8_t grey(double value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0) + 0.5); }

  void paint_ground() {
    ground_width_ = scene_.width + 2 * margin_x_;
    ground_height_ = scene_.height + 2 * margin_y_;
    ground_.resize(static_cast<std::size_t>(ground_width_ * ground_height_ * 3));
    const double unit = static_cast<double>(scene_.height);
    auto* out = ground_.data();
    for (std::int64_t y = 0; y < ground_height_; ++y)
      for (std::int64_t x = 0; x < ground_width_; ++x) {
        const double px = static_cast<double>(x), py = static_cast<double>(y);
        const double broad = value_noise(scene_.seed, px, py, 0.3 * unit + 1);
        const double fine = value_noise(scene_.seed + 1, px, py, 0.04 * unit + 1);
        const double grain = value_noise(scene_.seed + 2, px, py, 0.01 * unit + 1);
        const double shade = 112 + 34 * broad + 20 * fine + 12 * grain;
        *out++ = grey(shade * 0.96 + 10 * broad);
        *out++ = grey(shade * 1.02);
        *out++ = grey(shade * 0.92 - 12 * broad);
      }
  }

  Tile texture_tile(const Sprite& sprite) const {
    Tile tile(tile_size * tile_size * 3);
    auto* out = tile.data();
    for (std::int64_t y = 0; y < tile_size; ++y)
      for (std::int64_t x = 0; x < tile_size; ++x) {
        const double px = static_cast<double>(x), py = static_cast<double>(y);
        const double blotch = value_noise(sprite.texture, px, py, 32, tile_size / 32);
        const double grain = value_noise(sprite.texture + 1, px, py, 8, tile_size / 8);
        const double gain = 0.82 + 0.34 * (blotch > 0.08 ? 1 : 0) + 0.12 * grain;
        for (const auto channel : sprite.paint) *out++ = grey(channel * gain + 14 * grain);
      }
    return tile;
  }

  void draw_ground(std::uint8_t* rgb, double camera_x, double camera_y) const {
    const double left = static_cast<double>(margin_x_) + camera_x, top = static_cast<double>(margin_y_) + camera_y;
    const auto x0 = static_cast<std::int64_t>(std::floor(left)), y0 = static_cast<std::int64_t>(std::floor(top));
    // Sub-pixel camera motion: four neighbours in 1/16 steps, the weights the same for the whole frame.
    const int a = static_cast<int>((left - std::floor(left)) * 16), b = static_cast<int>((top - std::floor(top)) * 16);
    const int w00 = (16 - a) * (16 - b), w01 = a * (16 - b), w10 = (16 - a) * b, w11 = a * b;
    const auto row_bytes = ground_width_ * 3;
    for (std::int64_t y = 0; y < scene_.height; ++y) {
      const auto* from = ground_.data() + (y0 + y) * row_bytes + x0 * 3;
      auto* to = rgb + y * scene_.width * 3;
      for (std::int64_t i = 0; i < scene_.width * 3; ++i)
        to[i] = static_cast<std::uint8_t>(
            (w00 * from[i] + w01 * from[i + 3] + w10 * from[i + row_bytes] + w11 * from[i + row_bytes + 3] + 128) >> 8);
    }
  }

  void draw_sprite(const Sprite& sprite, const Tile& tile, std::int64_t frame, double camera_x, double camera_y,
                   ObjectId id, std::uint8_t* rgb, std::int32_t* labels) const {
    const double height = static_cast<double>(scene_.height), width = static_cast<double>(scene_.width);
    const double centre_x = sprite.x.at(frame) * width - camera_x, centre_y = sprite.y.at(frame) * height - camera_y;
    const double ry = std::max(0.5, sprite.radius.at(frame) * height), rx = ry * sprite.aspect;
    std::array<double, 3> bulge{};
    double most = 1;
    for (std::size_t k = 0; k < 3; ++k) bulge[k] = sprite.bulge[k].at(frame), most += std::abs(bulge[k]);
    const double angle = 2 * std::numbers::pi * sprite.turns * static_cast<double>(frame) / 90;
    const double cosine = std::cos(angle), sine = std::sin(angle);
    const double reach = most * std::max(rx, ry) + 1, edge = std::min(rx, ry);  // edge: pixels per unit of radius

    const auto first_x = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre_x - reach));
    const auto last_x = std::min(scene_.width - 1, static_cast<std::int64_t>(centre_x + reach));
    const auto first_y = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre_y - reach));
    const auto last_y = std::min(scene_.height - 1, static_cast<std::int64_t>(centre_y + reach));
    for (auto y = first_y; y <= last_y; ++y)
      for (auto x = first_x; x <= last_x; ++x) {
        const double dx = static_cast<double>(x) + 0.5 - centre_x, dy = static_cast<double>(y) + 0.5 - centre_y;
        const double u = (cosine * dx + sine * dy) / rx, v = (cosine * dy - sine * dx) / ry;  // shape's own frame
        const double square = u * u + v * v;
        if (square > most * most * 1.21 + 4 / (edge * edge)) continue;
        const double radius = std::sqrt(square);
        // Harmonics of the outline from the angle's cosine and sine, without finding the angle.
        const double c = radius > 0 ? u / radius : 1, s = radius > 0 ? v / radius : 0, c2 = c * c - s * s;
        const double outline = 1 + bulge[0] * c2 + bulge[1] * c * (4 * c * c - 3) + bulge[2] * (2 * c2 * c2 - 1);
        const double cover = std::clamp((outline - radius) * edge + 0.5, 0.0, 1.0);
        if (cover <= 0) continue;
        const auto texel = [&](double t) {  // the tile repeats every 2.5 small radii along both axes
          return static_cast<std::int64_t>((t / edge * 0.4 + 64) * tile_size) & (tile_size - 1);
        };
        const auto* colour = tile.data() + (texel(v * ry) * tile_size + texel(u * rx)) * 3;
        const double shade = 1.06 - 0.22 * std::clamp(0.5 + 0.5 * dy / (ry * most), 0.0, 1.0);
        auto* pixel = rgb + (y * scene_.width + x) * 3;
        for (int k = 0; k < 3; ++k) pixel[k] = grey(pixel[k] + cover * (colour[k] * shade - pixel[k]));
        if (cover >= 0.5) labels[y * scene_.width + x] = id;
      }
  }

  /// Light and sensor noise.
  void finish_picture(std::uint8_t* rgb, std::int64_t frame) const {
    std::array<std::uint8_t, 256 * 16> table{};  // [noise][value]
    const double light = scene_.light.at(frame);
    for (int n = 0; n < 16; ++n)
      for (int value = 0; value < 256; ++value)
        table[static_cast<std::size_t>(n * 256 + value)] = grey(value * light + (n - 7.5) / 7.5 * scene_.noise);
    const auto count = scene_.height * scene_.width * 3;
    std::uint64_t key = scramble(scene_.seed ^ scramble(static_cast<std::uint64_t>(frame) + 77));
    for (std::int64_t i = 0; i < count;) {
      auto bits = scramble(key += 0x9E3779B97F4A7C15ULL);
      for (int k = 0; k < 16 && i < count; ++k, ++i, bits >>= 4) rgb[i] = table[(bits & 15) * 256 + rgb[i]];
    }
  }

  Scene scene_;
  std::int64_t margin_x_ = 0, margin_y_ = 0, ground_width_ = 0, ground_height_ = 0;
  std::vector<std::uint8_t> ground_;
  std::vector<Tile> tiles_;
};

/// Reads "crossing,frames=90,size=854x480,objects=4,seed=1,fps=25".
inline Scene scene_from(std::string_view text) {
  static const std::vector<std::string> keys{"frames", "size", "objects", "seed", "fps", "noise"};
  const auto parts = split(text, ',');
  std::map<std::string, std::string> given;
  const auto refuse = [&](const std::string& what, const std::string& mend) -> void {
    throw Error({.what = what, .where = "synthetic:" + std::string{text}, .mend = mend, .exit_code = exit_code::usage});
  };
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equals = parts[i].find('=');
    const auto key = parts[i].substr(0, equals);
    if (equals == std::string::npos || std::find(keys.begin(), keys.end(), key) == keys.end())
      refuse("'" + parts[i] + "' is not a setting of a synthetic clip" + did_you_mean(key, keys),
             "settings: frames=N, size=WxH, objects=N, seed=N, fps=X, noise=X");
    given[key] = parts[i].substr(equals + 1);
  }
  const auto number = [&]<class Number>(const std::string& key, Number usual, Number low, Number high) {
    if (!given.contains(key)) return usual;
    const auto value = number_from<Number>(given[key]);
    if (!value || !(*value >= low && *value <= high))
      refuse("'" + given[key] + "' is not a usable " + key,
             "use a number from " + detail::option_text(low) + " to " + detail::option_text(high));
    return *value;
  };
  const auto seed = number("seed", std::int64_t{1}, std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
  auto scene = scene_named(parts[0], number("objects", std::int64_t{0}, std::int64_t{0}, std::int64_t{1000}),
                           static_cast<std::uint64_t>(seed));
  scene.frames = number("frames", scene.frames, std::int64_t{0}, std::int64_t{1} << 40);
  scene.fps = number("fps", scene.fps, 0.001, 1000.0);
  scene.noise = number("noise", scene.noise, 0.0, 255.0);
  if (given.contains("size")) {
    const auto sides = split(given["size"], 'x');
    const auto side = [&](std::size_t i) {
      return sides.size() == 2 ? number_from<std::int64_t>(sides[i]) : std::nullopt;
    };
    if (!side(0) || !side(1)) refuse("'" + given["size"] + "' is not a size", "write WIDTHxHEIGHT, as 854x480");
    scene.width = *side(0);
    scene.height = *side(1);
  }
  return scene;
}

/// A scene as a source of frames, with its truth.
class SyntheticSource final : public FrameSource {
 public:
  SyntheticSource(Scene scene, FrameRange range) : renderer_(std::move(scene)), range_(range), next_(range.begin) {
    const auto& s = renderer_.scene();
    info_ = {.name = s.name,
             .frames = detail::frames_in(range_, s.frames),
             .fps = s.fps,
             .height = s.height,
             .width = s.width};
  }

  std::optional<Frame> next() override {
    const auto& s = renderer_.scene();
    const auto end = std::min(range_.end, s.frames);
    if (next_ >= end) return std::nullopt;
    const auto index = std::exchange(next_, range_.step < end - next_ ? next_ + range_.step : end);
    return Frame{index, static_cast<double>(index) / s.fps, renderer_.render(index).rgb};
  }

  const SourceInfo& info() const override { return info_; }

  std::string stem(std::int64_t index) const override { return detail::numbered_stem(index); }

  at::Tensor truth(std::int64_t index) const override { return renderer_.render(index).labels; }

 private:
  SceneRenderer renderer_;
  FrameRange range_;
  std::int64_t next_;
  SourceInfo info_;
};

/// Opens "synthetic:NAME[,key=value…]". A smaller `max_size` renders the scene at that size.
inline std::unique_ptr<FrameSource> open_synthetic(const SourceSpec& spec) {
  check_spec(spec);
  auto scene = scene_from(std::string_view{spec.input}.substr(spec.input.find(':') + 1));
  if (const auto longer = std::max(scene.height, scene.width); spec.max_size > 0 && longer > spec.max_size) {
    scene.height = std::max<std::int64_t>(1, (scene.height * spec.max_size + longer / 2) / longer);
    scene.width = std::max<std::int64_t>(1, (scene.width * spec.max_size + longer / 2) / longer);
  }
  return std::make_unique<SyntheticSource>(std::move(scene), spec.frames);
}

}  // namespace vos
