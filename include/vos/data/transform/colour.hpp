#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <vos/data/pixels/blur.hpp>
#include <vos/data/pixels/colour.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/data/transform.hpp>

namespace vos {
namespace detail {

/// Frames that nobody else sees, to be changed in place.
inline void own_frames(Sample& sample) {
  if (!sample.frames.is_contiguous() || sample.frames.use_count() > 1 || sample.frames.storage().use_count() > 1)
    sample.frames = sample.frames.clone(at::MemoryFormat::Contiguous);
}

inline std::span<std::uint8_t> pixels_of(const Sample& sample, std::int64_t t) {
  const auto count = sample.frames.size(1) * sample.frames.size(2) * 3;
  return {sample.frames.mutable_data_ptr<std::uint8_t>() + t * count, static_cast<std::size_t>(count)};
}

}  // namespace detail

struct ColourJitterOptions {
  double brightness = 0.4, contrast = 0.4, saturation = 0.2,
         hue = 0.1;  ///< factors 1 ± these; hue: ± turns of the wheel
  double probability = 1;
  bool per_frame = false;  ///< a draw for each frame: what DeAOT and DeVIS train on
};

/// torchvision's ColorJitter on 8-bit pictures: the four changes in random order.
struct ColourJitter {
  static constexpr std::string_view name = "colour-jitter";
  ColourJitterOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    detail::own_frames(sample);
    Draw draw;
    for (std::int64_t t = 0; t < length_of(sample); ++t) {
      if (t == 0 || options.per_frame) draw = drawn(random);
      if (draw.yes) apply(draw, detail::pixels_of(sample, t));
    }
    return sample;
  }

 private:
  struct Draw {
    bool yes = false;
    std::array<int, 4> order{0, 1, 2, 3};
    double brightness = 1, contrast = 1, saturation = 1, hue = 0;
  };

  Draw drawn(CounterRandom& random) const {
    Draw draw;
    draw.yes = random.uniform() < options.probability;
    for (std::size_t i = 3; i > 0; --i)
      std::swap(draw.order[i], draw.order[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i) + 1))]);
    const auto factor = [&](double reach) { return random.uniform(std::max(0.0, 1 - reach), 1 + reach); };
    draw.brightness = factor(options.brightness);
    draw.contrast = factor(options.contrast);
    draw.saturation = factor(options.saturation);
    draw.hue = random.uniform(-options.hue, options.hue);
    return draw;
  }

  void apply(const Draw& draw, std::span<std::uint8_t> rgb) const {
    for (const int change : draw.order) {
      if (change == 0 && options.brightness > 0) change_brightness(rgb, draw.brightness);
      if (change == 1 && options.contrast > 0) change_contrast(rgb, draw.contrast);
      if (change == 2 && options.saturation > 0) change_saturation(rgb, draw.saturation);
      if (change == 3 && options.hue > 0) change_hue(rgb, draw.hue);
    }
  }
};

struct GreyscaleOptions {
  double probability = 0.2;
  bool per_frame = false;
};

struct Greyscale {
  static constexpr std::string_view name = "greyscale";
  GreyscaleOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    bool yes = false;
    for (std::int64_t t = 0; t < length_of(sample); ++t) {
      if (t == 0 || options.per_frame) yes = random.uniform() < options.probability;
      if (!yes) continue;
      detail::own_frames(sample);
      make_grey(detail::pixels_of(sample, t));
    }
    return sample;
  }
};

struct BlurOptions {
  double probability = 0.3;
  double least_sigma = 0.1, most_sigma = 2;
  bool per_frame = false;
};

struct Blur {
  static constexpr std::string_view name = "blur";
  BlurOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    bool yes = false;
    double sigma = 0;
    for (std::int64_t t = 0; t < length_of(sample); ++t) {
      if (t == 0 || options.per_frame) {
        yes = random.uniform() < options.probability;
        sigma = random.uniform(options.least_sigma, options.most_sigma);
      }
      if (!yes) continue;
      detail::own_frames(sample);
      blur_picture(detail::pixels_of(sample, t).data(), size_of(sample), sigma);
    }
    return sample;
  }
};

static_assert(Transform<ColourJitter> && Transform<Greyscale> && Transform<Blur>);

}  // namespace vos
