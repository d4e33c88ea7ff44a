#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include <vos/data/transform/sizes.hpp>

namespace vos {

/// A window of a picture.
struct CropWindow {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  bool operator==(const CropWindow&) const = default;
};

/// The same window of every frame.
inline Sample cropped(Sample sample, const CropWindow& window) {
  const auto cut = [&](const at::Tensor& tensor, std::int64_t axis) {
    return tensor.narrow(axis, window.top, window.height).narrow(axis + 1, window.left, window.width).contiguous();
  };
  change_maps(sample, [&](const at::Tensor& maps) { return cut(maps, maps.dim() - 2); });
  sample.frames = cut(sample.frames, 1);
  return sample;
}

/// A window of its own for each frame, all of one size.
inline Sample cropped(Sample sample, const std::vector<CropWindow>& windows) {
  const auto cut = [&](const at::Tensor& tensor, std::int64_t time, std::int64_t axis) {
    auto sizes = tensor.sizes().vec();
    sizes[static_cast<std::size_t>(axis)] = windows[0].height;
    sizes[static_cast<std::size_t>(axis) + 1] = windows[0].width;
    auto made = at::empty(sizes, tensor.options());
    for (std::size_t t = 0; t < windows.size(); ++t) {
      const auto& w = windows[t];
      made.narrow(time, static_cast<std::int64_t>(t), 1)
          .copy_(tensor.narrow(time, static_cast<std::int64_t>(t), 1)
                     .narrow(axis, w.top, w.height)
                     .narrow(axis + 1, w.left, w.width));
    }
    return made;
  };
  change_maps(sample, [&](const at::Tensor& maps) { return cut(maps, maps.dim() - 3, maps.dim() - 2); });
  sample.frames = cut(sample.frames, 0, 1);
  return sample;
}

struct RandomCropOptions {
  std::int64_t least = 384, most = 600;  ///< each side of the window lies between these, as far as the picture allows
  bool moving = false;                   ///< the window wanders from one place to another while the clip runs
  bool keep_small = false;               ///< a picture with a side below `least` is not cropped at all (DeVIS)
};

/// A window of random size and place. `moving` is VITA's: the frames lie at sorted random times on a straight way, and
/// half of the clips go it backwards.
struct RandomCrop {
  static constexpr std::string_view name = "random-crop";
  RandomCropOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    if (options.keep_small && std::min(size.height, size.width) < options.least) return sample;
    const auto between = [&](std::int64_t low, std::int64_t high) { return low + random.below(high - low + 1); };
    const auto side = [&](std::int64_t full) {
      return between(std::min(full, options.least), std::min(full, options.most));
    };
    CropWindow window;
    window.height = side(size.height);
    window.width = side(size.width);
    window.top = between(0, size.height - window.height);
    window.left = between(0, size.width - window.width);
    if (!options.moving) return cropped(std::move(sample), window);
    const auto last_top = between(window.top, size.height - window.height);
    const auto last_left = between(window.left, size.width - window.width);
    std::vector<double> times(static_cast<std::size_t>(length_of(sample)));
    for (auto& time : times) time = random.uniform();
    std::sort(times.begin(), times.end());
    if (random.uniform() < 0.5) std::reverse(times.begin(), times.end());
    std::vector<CropWindow> windows;
    for (const double time : times) {
      const auto way = [&](std::int64_t from, std::int64_t to) {
        return static_cast<std::int64_t>(
            std::nearbyint(static_cast<double>(from) * time + static_cast<double>(to) * (1 - time)));
      };
      windows.push_back({way(window.top, last_top), way(window.left, last_left), window.height, window.width});
    }
    return cropped(std::move(sample), windows);
  }
};

struct BalancedCropOptions {
  std::int64_t height = 465, width = 465;
  int tries = 5;
  std::int64_t least_area = 100;  ///< an object of no more than this many pixels in the first frame is dropped
  std::int64_t most_objects = 10;
};

/// A window in whose first frame an object is to be seen, as AOT crops: up to `tries` places are tried. Objects too small
/// there are dropped, at most `most_objects` random ones kept, all numbered anew from 1.
struct BalancedCrop {
  static constexpr std::string_view name = "balanced-crop";
  BalancedCropOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const auto size = size_of(sample);
    CropWindow window{0, 0, std::min(options.height, size.height), std::min(options.width, size.width)};
    std::vector<std::size_t> kept;
    for (int i = 0; i < options.tries && kept.empty(); ++i) {
      window.top = random.below(size.height - window.height + 1);
      window.left = random.below(size.width - window.width + 1);
      kept = objects_in(sample, window);
    }
    const auto many = static_cast<std::size_t>(options.most_objects);
    if (kept.size() > many) {
      for (std::size_t i = 0; i < many; ++i)  // the first of a shuffle
        std::swap(kept[i],
                  kept[i + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(kept.size() - i)))]);
      kept.resize(many);
    }
    return renumbered(cropped(std::move(sample), window), kept);
  }

 private:
  std::vector<std::size_t> objects_in(const Sample& sample, const CropWindow& window) const {
    Sample first{.name = sample.name,
                 .frames = sample.frames.narrow(0, 0, 1),
                 .ids = sample.ids,
                 .categories = sample.categories};
    if (sample.labels.defined()) first.labels = sample.labels.narrow(0, 0, 1);
    if (sample.masks.defined()) first.masks = sample.masks.narrow(1, 0, 1);
    const auto seen = appearances_of(cropped(std::move(first), window));
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < seen.size(); ++i)
      if (seen[i][0].area > options.least_area) places.push_back(i);
    return places;
  }
};

struct ResizedCropOptions {
  std::int64_t height = 465, width = 465;
  double least_area = 0.8, most_area = 1;                ///< of the picture's
  double least_aspect = 3.0 / 4, most_aspect = 4.0 / 3;  ///< width over height, drawn evenly in its logarithm
  ResizeKernel kernel = ResizeKernel::pillow_cubic;
  bool per_frame = false;
};

/// A window of random area and aspect, resized: torchvision's RandomResizedCrop, with its ten tries and its centred
/// fallback.
struct ResizedCrop {
  static constexpr std::string_view name = "resized-crop";
  ResizedCropOptions options = {};

  Sample operator()(Sample sample, CounterRandom& random) const {
    const PictureSize out{options.height, options.width};
    if (!options.per_frame) {
      const auto window = draw(size_of(sample), random);
      return detail::resized(cropped(std::move(sample), window), out, options.kernel);
    }
    const auto length = length_of(sample);
    auto frames = at::empty({length, out.height, out.width, 3}, sample.frames.options());
    std::vector<CropWindow> windows;
    for (std::int64_t t = 0; t < length; ++t) {
      windows.push_back(draw(size_of(sample), random));
      const auto& w = windows.back();
      const auto part = sample.frames.narrow(0, t, 1).narrow(1, w.top, w.height).narrow(2, w.left, w.width);
      frames.narrow(0, t, 1).copy_(resize_frames(part, out, options.kernel));
    }
    change_maps(sample, [&](const at::Tensor& maps) {
      auto sizes = maps.sizes().vec();
      const auto axis = maps.dim() - 3;
      sizes[static_cast<std::size_t>(axis) + 1] = out.height;
      sizes.back() = out.width;
      auto made = at::empty(sizes, maps.options());
      for (std::int64_t t = 0; t < length; ++t) {
        const auto& w = windows[static_cast<std::size_t>(t)];
        const auto part = maps.narrow(axis, t, 1).narrow(axis + 1, w.top, w.height).narrow(axis + 2, w.left, w.width);
        made.narrow(axis, t, 1).copy_(resize_maps(part, out, options.kernel));
      }
      return made;
    });
    sample.frames = frames;
    return sample;
  }

 private:
  CropWindow draw(PictureSize size, CounterRandom& random) const {
    const auto height = static_cast<double>(size.height), width = static_cast<double>(size.width);
    for (int i = 0; i < 10; ++i) {
      const double area = height * width * random.uniform(options.least_area, options.most_area);
      const double aspect = std::exp(random.uniform(std::log(options.least_aspect), std::log(options.most_aspect)));
      const auto w = static_cast<std::int64_t>(std::nearbyint(std::sqrt(area * aspect)));
      const auto h = static_cast<std::int64_t>(std::nearbyint(std::sqrt(area / aspect)));
      if (w < 1 || h < 1 || w > size.width || h > size.height) continue;
      const auto top = random.below(size.height - h + 1);
      return {top, random.below(size.width - w + 1), h, w};
    }
    auto w = size.width, h = size.height;
    if (width / height < options.least_aspect)
      h = static_cast<std::int64_t>(std::nearbyint(width / options.least_aspect));
    else if (width / height > options.most_aspect)
      w = static_cast<std::int64_t>(std::nearbyint(height * options.most_aspect));
    return {(size.height - h) / 2, (size.width - w) / 2, h, w};
  }
};

static_assert(Transform<RandomCrop> && Transform<BalancedCrop> && Transform<ResizedCrop>);

}  // namespace vos
