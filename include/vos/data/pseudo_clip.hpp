#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <vos/data/transform/affine.hpp>
#include <vos/data/transform/colour.hpp>

namespace vos {

/// How the frames of a pseudo-clip come from its image.
enum class PseudoMotion : std::uint8_t {
  independent,  ///< each from the image by a motion of its own: AOT, DeVIS
  walk,         ///< each a small step on from the one before, as things move
};

struct PseudoClipOptions {
  std::int64_t length = 5;
  PseudoMotion motion = PseudoMotion::walk;
  AffineOptions reach = {};  ///< how far a frame may be from the image; per_frame is not read
  double stride = 0.5;       ///< walk: the length of a step as a share of `reach`
  double flipped = 0;        ///< share of frames that are mirrored on their own: 0.3 in AOT
  ColourJitterOptions colour{.brightness = 0.05, .contrast = 0.05, .saturation = 0.05, .hue = 0.01, .per_frame = true};
};

/// A still image as a clip: each frame is the image turned, moved, scaled and sheared, with a thin change of colour, its
/// objects alike. An object may move out of the picture, as in a video.
struct PseudoClip {
  static constexpr std::string_view name = "pseudo-clip";
  PseudoClipOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    const auto maps = motions(size, random);
    sample.frames = sample.frames.narrow(0, 0, 1).expand({options.length, -1, -1, -1});
    if (sample.labels.defined()) sample.labels = sample.labels.narrow(0, 0, 1).expand({options.length, -1, -1});
    if (sample.masks.defined()) sample.masks = sample.masks.narrow(1, 0, 1).expand({-1, options.length, -1, -1});
    if (!sample.labelled.empty()) sample.labelled.assign(static_cast<std::size_t>(options.length), sample.labelled[0]);
    sample = warped(std::move(sample), maps, options.reach.filter, options.reach.fill);
    return ColourJitter{options.colour}(std::move(sample), random);
  }

 private:
  std::vector<AffineMap> motions(PictureSize size, CounterRandom& random) const {
    const auto width = static_cast<double>(size.width), height = static_cast<double>(size.height);
    std::vector<AffineMap> maps;
    AffineMotion motion;
    for (std::int64_t t = 0; t < options.length; ++t) {
      const auto drawn = detail::drawn_motion(options.reach, size, random);
      if (options.motion == PseudoMotion::independent || t == 0) motion = drawn;
      else motion = walked(motion, drawn, size);
      auto map = affine_map(options.reach.spare_first && t == 0 ? AffineMotion{} : motion, width / 2, height / 2);
      if (options.flipped > 0 && random.uniform() < options.flipped) {  // the image mirrored before it moves
        for (std::size_t i = 0; i < 3; ++i) map[i] = -map[i];
        map[2] += width;
      }
      maps.push_back(map);
    }
    return maps;
  }

  /// A step from `at`, as long and in such a direction as `drawn` says; what leaves the reach is held at its border.
  AffineMotion walked(const AffineMotion& at, const AffineMotion& drawn, PictureSize size) const {
    const auto& reach = options.reach;
    const auto on = [&](double place, double step, double low, double high) {
      return std::clamp(place + options.stride * step, low, high);
    };
    const auto either = [&](double place, double step, double most) { return on(place, step, -most, most); };
    AffineMotion next;
    next.degrees = either(at.degrees, drawn.degrees, reach.degrees);
    next.move_x = either(at.move_x, drawn.move_x, reach.move * static_cast<double>(size.width));
    next.move_y = either(at.move_y, drawn.move_y, reach.move * static_cast<double>(size.height));
    next.scale =
        on(at.scale, drawn.scale - (reach.least_scale + reach.most_scale) / 2, reach.least_scale, reach.most_scale);
    next.shear_x = either(at.shear_x, drawn.shear_x, reach.shear);
    next.shear_y = either(at.shear_y, drawn.shear_y, reach.shear_y);
    return next;
  }
};

static_assert(Transform<PseudoClip>);

}  // namespace vos
