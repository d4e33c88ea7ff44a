#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <vos/data/pixels/warp.hpp>
#include <vos/data/transform/sizes.hpp>

namespace vos {

/// The clip with each frame through a map of its own (maps [T]); labels and masks by the nearest pixel, background beyond.
inline Sample warped(Sample sample, const std::vector<AffineMap>& maps, WarpFilter filter, const FillColour& fill) {
  const auto size = size_of(sample);
  const auto pixels = size.height * size.width;
  const auto each = [&](const auto* from, auto* to, std::int64_t objects) {
    using Pixel = std::remove_cvref_t<decltype(*to)>;
    for (std::int64_t g = 0; g < objects; ++g)
      for (const auto& map : maps) {
        warp_labels<Pixel>(from, size, map, Pixel{}, to);
        from += pixels;
        to += pixels;
      }
  };
  change_maps(sample, [&](const at::Tensor& whole) {
    const auto plain = whole.contiguous();
    auto made = at::empty_like(plain);
    if (plain.scalar_type() == at::kBool)
      each(plain.const_data_ptr<bool>(), made.mutable_data_ptr<bool>(), plain.size(0));
    else each(plain.const_data_ptr<std::int32_t>(), made.mutable_data_ptr<std::int32_t>(), 1);
    return made;
  });
  const auto plain = sample.frames.contiguous();
  auto made = at::empty_like(plain);
  for (std::size_t t = 0; t < maps.size(); ++t) {
    const auto offset = static_cast<std::int64_t>(t) * pixels * 3;
    warp_picture(plain.const_data_ptr<std::uint8_t>() + offset, size, maps[t], filter, fill,
                 made.mutable_data_ptr<std::uint8_t>() + offset);
  }
  sample.frames = made;
  return sample;
}

struct AffineOptions {
  double degrees = 20;  ///< turned by up to this, either way
  double move = 0.1;    ///< moved by up to this share of width and height, in whole pixels
  double least_scale = 0.9, most_scale = 1.1;
  double shear = 10;  ///< degrees, along x
  double shear_y = 0;
  bool per_frame = true;     ///< else one motion for the whole clip
  bool spare_first = false;  ///< the first frame stays as it is
  WarpFilter filter = WarpFilter::linear;
  FillColour fill = mean_colour;
};

namespace detail {

inline AffineMotion drawn_motion(const AffineOptions& options, PictureSize size, CounterRandom& random) {
  const auto either = [&](double most) { return random.uniform(-most, most); };
  AffineMotion motion;
  motion.degrees = either(options.degrees);
  motion.move_x = std::nearbyint(either(options.move * static_cast<double>(size.width)));
  motion.move_y = std::nearbyint(either(options.move * static_cast<double>(size.height)));
  motion.scale = random.uniform(options.least_scale, options.most_scale);
  motion.shear_x = either(options.shear);
  motion.shear_y = either(options.shear_y);
  return motion;
}

}  // namespace detail

/// Turned, moved, scaled and sheared about the middle, as torchvision's RandomAffine.
struct Affine {
  static constexpr std::string_view name = "affine";
  AffineOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    std::vector<AffineMap> maps;
    for (std::int64_t t = 0; t < length_of(sample); ++t) {
      if (t > 0 && !options.per_frame) maps.push_back(maps.back());
      else {
        const auto motion = detail::drawn_motion(options, size, random);
        maps.push_back(affine_map(motion, static_cast<double>(size.width) / 2, static_cast<double>(size.height) / 2));
      }
    }
    if (options.spare_first && !maps.empty()) maps[0] = {1, 0, 0, 0, 1, 0};
    return warped(std::move(sample), maps, options.filter, options.fill);
  }
};

struct SlowTurnOptions {
  double degrees = 15;        ///< each frame's angle lies in ±degrees
  double middle_share = 0.2;  ///< the centre lies in the middle this much of width and height
  FillColour fill{0, 0, 0};
};

/// VITA's rotation of pseudo-clips: an angle for each frame, sorted so that the clip turns one way, half of the clips the
/// other; one centre for the clip; the canvas is not enlarged. (The official one warps with OpenCV, whose positions are
/// rounded to 1/32 pixel; these are not.)
struct SlowTurn {
  static constexpr std::string_view name = "slow-turn";
  SlowTurnOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    std::vector<double> angles(static_cast<std::size_t>(length_of(sample)));
    for (auto& angle : angles) angle = random.uniform(-options.degrees, options.degrees);
    std::sort(angles.begin(), angles.end());
    if (random.uniform() < 0.5) std::reverse(angles.begin(), angles.end());
    const auto middle = [&](std::int64_t side) {
      return static_cast<double>(side) * random.uniform(0.5 - options.middle_share / 2, 0.5 + options.middle_share / 2);
    };
    const double x = middle(size.width), y = middle(size.height);
    std::vector<AffineMap> maps;
    for (const double angle : angles)
      maps.push_back(affine_map({.degrees = -angle}, x, y));  // theirs turn the other way
    return warped(std::move(sample), maps, WarpFilter::linear, options.fill);
  }
};

static_assert(Transform<Affine> && Transform<SlowTurn>);

}  // namespace vos
