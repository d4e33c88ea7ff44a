#pragma once

#include <algorithm>
#include <utility>

#include <opencv2/core.hpp>

#include <vos/model/flow/evidence.hpp>

namespace vos::detail::flow {

/// The strongest and second strongest evidence on every pixel; the background's is 0.
class Claims {
 public:
  explicit Claims(const cv::Size& picture)
      : best_(cv::Mat::zeros(picture, CV_32F)), second_(cv::Mat::zeros(picture, CV_32F)) {}

  void add(const Belief& belief) {
    const cv::Rect box = belief.box();
    for (int y = 0; y < box.height; ++y) {
      const auto* claim = belief.evidence.ptr<float>(y);
      auto *first = best_.ptr<float>(y + box.y) + box.x, *next = second_.ptr<float>(y + box.y) + box.x;
      for (int x = 0; x < box.width; ++x) {
        if (claim[x] > first[x]) next[x] = std::exchange(first[x], claim[x]);
        else next[x] = std::max(next[x], claim[x]);
      }
    }
  }
  /// The evidence of an object that was added, less that of its strongest rival: positive where it wins.
  cv::Mat lead(const Belief& belief) const {
    const cv::Rect box = belief.box();
    cv::Mat lead = belief.evidence.clone();
    for (int y = 0; y < box.height; ++y) {
      const auto *first = best_.ptr<float>(y + box.y) + box.x, *next = second_.ptr<float>(y + box.y) + box.x;
      auto* out = lead.ptr<float>(y);
      for (int x = 0; x < box.width; ++x) out[x] -= out[x] >= first[x] ? next[x] : first[x];
    }
    return lead;
  }

 private:
  cv::Mat best_, second_;
};

/// Gives each pixel to one of the objects whose outline holds it: to the one that leads by most.
class Owners {
 public:
  explicit Owners(const cv::Size& picture)
      : owner_(picture, CV_32S, cv::Scalar(-1)), lead_(picture, CV_32F, cv::Scalar(out_of_reach)) {}

  void add(int object, const cv::Mat& outline, const cv::Mat& lead, const cv::Rect& box) {
    for (int y = 0; y < box.height; ++y) {
      const auto* inside = outline.ptr<uchar>(y);
      const auto* here = lead.ptr<float>(y);
      auto* most = lead_.ptr<float>(y + box.y) + box.x;
      auto* owner = owner_.ptr<int>(y + box.y) + box.x;
      for (int x = 0; x < box.width; ++x)
        if (inside[x] != 0 && here[x] > most[x]) most[x] = here[x], owner[x] = object;
    }
  }
  /// CV_8U over the box, 255 where the object owns the pixel.
  cv::Mat of(int object, const cv::Rect& box) const { return box.empty() ? cv::Mat() : cv::Mat(owner_(box) == object); }

 private:
  cv::Mat owner_, lead_;
};

}  // namespace vos::detail::flow
