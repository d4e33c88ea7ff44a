#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/model/flow/motion.hpp>
#include <vos/model/flow/patch.hpp>

namespace vos::detail::flow {

/// Bins of Lab colour: `light` levels, and `chroma` levels of `chroma_step` each for a and b around grey. Real pictures
/// crowd around grey, so that bins over the whole range would stand empty.
struct ColourBins {
  int light, chroma, chroma_step;

  constexpr std::size_t count() const { return static_cast<std::size_t>(light * chroma * chroma); }
  int of(const cv::Vec3b& lab) const {
    const auto level = [this](int value) {
      return std::clamp((value - 128 + chroma * chroma_step / 2) / chroma_step, 0, chroma - 1);
    };
    return (lab[0] * light / 256 * chroma + level(lab[1])) * chroma + level(lab[2]);
  }
  /// CV_16U, a bin a pixel.
  cv::Mat of_all(const cv::Mat& lab) const {
    cv::Mat bins(lab.size(), CV_16U);
    for (int y = 0; y < lab.rows; ++y)
      std::transform(lab.ptr<cv::Vec3b>(y), lab.ptr<cv::Vec3b>(y) + lab.cols, bins.ptr<std::uint16_t>(y),
                     [this](const cv::Vec3b& pixel) { return static_cast<std::uint16_t>(of(pixel)); });
    return bins;
  }
};

inline constexpr ColourBins global_bins{16, 24, 4}, local_bins{12, 12, 8};

/// [1 2 1] / 4 along one axis of a dense array of shape [outer, length, inner], zero beyond its ends.
inline void blur_axis(std::vector<float>& values, std::size_t length, std::size_t inner) {
  std::vector<float> before(inner), here(inner);
  for (std::size_t block = 0; block < values.size(); block += length * inner) {
    std::fill(before.begin(), before.end(), 0.0F);
    for (std::size_t i = 0; i < length; ++i) {
      float* line = values.data() + block + i * inner;
      std::copy(line, line + inner, here.begin());
      if (i + 1 < length) {
        const float* after = line + inner;
        for (std::size_t k = 0; k < inner; ++k) line[k] = 0.25F * (before[k] + after[k]) + 0.5F * here[k];
      } else {
        for (std::size_t k = 0; k < inner; ++k) line[k] = 0.25F * before[k] + 0.5F * here[k];
      }
      before.swap(here);
    }
  }
}

inline void blur_colours(std::vector<float>& values, const ColourBins& bins) {
  const auto chroma = static_cast<std::size_t>(bins.chroma);
  blur_axis(values, chroma, 1);
  blur_axis(values, chroma, chroma);
  blur_axis(values, static_cast<std::size_t>(bins.light), chroma * chroma);
}

/// How the colours of a picture are spread: overall, or within a mask.
class Histogram {
 public:
  Histogram() : weight_(global_bins.count()) {}

  /// Counts every pixel of `bins` (Picture::global) once.
  explicit Histogram(const cv::Mat& bins) : Histogram() {
    for (int y = 0; y < bins.rows; ++y)
      for (const auto *bin = bins.ptr<std::uint16_t>(y), *end = bin + bins.cols; bin < end; ++bin) weight_[*bin] += 1;
    blur_colours(weight_, global_bins);
  }
  /// Counts pixels by what the mask says.
  Histogram(const cv::Mat& bins, const Patch& mask) : Histogram() {
    for (int y = 0; y < mask.box.height; ++y) {
      const auto* bin = bins.ptr<std::uint16_t>(y + mask.box.y) + mask.box.x;
      const auto* value = mask.values.ptr<float>(y);
      for (int x = 0; x < mask.box.width; ++x) weight_[bin[x]] += value[x];
    }
    blur_colours(weight_, global_bins);
  }

  /// Running mean: keeps `keep` of what it was.
  void blend(const Histogram& newer, float keep) {
    for (std::size_t i = 0; i < weight_.size(); ++i) weight_[i] = keep * weight_[i] + (1 - keep) * newer.weight_[i];
  }

  /// For each bin: the log odds that a pixel of this colour belongs to `object` rather than to the rest of `all`.
  friend std::vector<float> log_odds(const Histogram& object, const Histogram& all) {
    double inside = 0, total = 0;
    for (std::size_t i = 0; i < object.weight_.size(); ++i) inside += object.weight_[i], total += all.weight_[i];
    // Shares of each, so that a small object is not outvoted; the floor keeps unseen colours neutral.
    const auto floor = 1e-5F;
    const auto in = static_cast<float>(1 / std::max(inside, 1.0)),
               out = static_cast<float>(1 / std::max(total - inside, 1.0));
    std::vector<float> odds(object.weight_.size());
    for (std::size_t i = 0; i < odds.size(); ++i) {
      if (all.weight_[i] <= 0 && object.weight_[i] <= 0) continue;
      const float rest = std::max(all.weight_[i] - object.weight_[i], 0.0F);
      odds[i] = std::clamp(std::log((object.weight_[i] * in + floor) / (rest * out + floor)), -3.0F, 3.0F);
    }
    return odds;
  }

 private:
  std::vector<float> weight_;
};

/// Colours by place: a coarse grid of cells, a small histogram in each, everything blurred into its neighbours, as in a
/// bilateral grid. Covers only the cells of `cells`.
class ColourGrid {
 public:
  static constexpr int cell = 20;  // pixels

  ColourGrid(const cv::Rect& pixels, const cv::Size& picture) {
    const cv::Point first = pixels.tl() / cell, last = (pixels.br() - cv::Point(1, 1)) / cell;
    cells_ = grown(cv::Rect(first, last + cv::Point(1, 1)), 1, {picture.width / cell + 1, picture.height / cell + 1});
    weight_.resize(static_cast<std::size_t>(cells_.area()) * local_bins.count());
  }

  /// `bins` is Picture::local carried to the present over the whole picture; `mask` counts its pixels (all where empty).
  void add(const cv::Mat& bins, const cv::Mat& mask, const cv::Rect& box, float weight) {
    for (int y = 0; y < box.height; ++y) {
      const auto* bin = bins.ptr<std::uint16_t>(y + box.y) + box.x;
      const auto* value = mask.empty() ? nullptr : mask.ptr<float>(y);
      for (int x = 0; x < box.width; ++x) {
        if (bin[x] == nowhere || (value != nullptr && value[x] <= 0)) continue;
        weight_[index((x + box.x) / cell, (y + box.y) / cell, bin[x])] += value != nullptr ? weight * value[x] : weight;
      }
    }
  }
  void blur() {
    blur_colours(weight_, local_bins);
    const auto width = static_cast<std::size_t>(cells_.width);
    blur_axis(weight_, width, local_bins.count());
    blur_axis(weight_, static_cast<std::size_t>(cells_.height), width * local_bins.count());
  }
  float at(int x, int y, int bin) const {
    const cv::Point place(x / cell, y / cell);
    return cells_.contains(place) ? weight_[index(place.x, place.y, bin)] : 0.0F;
  }

  /// Marks pixels that come from outside the earlier frame.
  static constexpr std::uint16_t nowhere = 65535;

 private:
  std::size_t index(int x, int y, int bin) const {
    return static_cast<std::size_t>((y - cells_.y) * cells_.width + x - cells_.x) * local_bins.count() +
           static_cast<std::size_t>(bin);
  }

  cv::Rect cells_;
  std::vector<float> weight_;
};

}  // namespace vos::detail::flow
