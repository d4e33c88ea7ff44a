#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/error.hpp>
#include <vos/frame/frame.hpp>
#include <vos/io/images.hpp>
#include <vos/project/marks.hpp>
#include <vos/wire/mask_scan.hpp>
#include <vos/wire/polygon.hpp>

namespace vos {

/// How GrabCut is used. Tried on boxes around the objects of three DAVIS videos: less than `core` of the box as sure of the
/// object costs a third of the overlap, a larger `side` time and no less error.
struct GrabCutOptions {
  int side = 160;        ///< pixels: the crop is shrunk to this longer side
  float margin = 0.35F;  ///< of the box around it, for what the background looks like
  float core = 0.6F;     ///< of a box's sides: an ellipse in its middle that is the object's
  int rounds = 3;
};

namespace detail {

inline cv::Point2f to_cv(const PicturePoint& point) { return {point.x, point.y}; }

/// What a person says of places of a picture, beside a box: sure foreground and background, CV_8U 0 or 255.
struct Hints {
  cv::Mat inside, outside;
};

/// A line of discs, drawn exactly: a pixel is painted where its middle is no farther from the line than the radius.
inline void draw_stroke(cv::Mat& to, const Stroke& stroke, uchar value, const std::stop_token& stop = {}) {
  const auto& points = stroke.points;
  const float reach = std::max(stroke.radius, 0.5F);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (stop.stop_requested()) throw Cancelled("marking");
    const auto a = points[i], b = points[std::min(i + 1, points.size() - 1)];
    const float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    const auto low = [&](float x) { return std::max(0, static_cast<int>(std::floor(x - reach - 0.5F))); };
    const auto high = [&](float x, int most) { return std::min(most, static_cast<int>(std::ceil(x + reach + 0.5F))); };
    for (int y = low(std::min(a.y, b.y)); y < high(std::max(a.y, b.y), to.rows); ++y) {
      // The part of the line that is near enough to this row, with a pixel to spare.
      const float middle = static_cast<float>(y) + 0.5F - a.y, spare = reach + 1;
      float first = 0, last = 1;
      if (dy != 0) {
        first = std::clamp(std::min((middle - spare) / dy, (middle + spare) / dy), 0.0F, 1.0F);
        last = std::clamp(std::max((middle - spare) / dy, (middle + spare) / dy), 0.0F, 1.0F);
      }
      const float one = a.x + first * dx, other = a.x + last * dx;
      for (int x = low(std::min(one, other) - 1); x < high(std::max(one, other) + 1, to.cols); ++x) {
        const float px = static_cast<float>(x) + 0.5F - a.x, py = static_cast<float>(y) + 0.5F - a.y;
        const float along = length > 0 ? std::clamp((px * dx + py * dy) / length, 0.0F, 1.0F) : 0.0F;
        const float away_x = px - along * dx, away_y = py - along * dy;
        if (away_x * away_x + away_y * away_y <= reach * reach) to.at<uchar>(y, x) = value;
      }
    }
  }
}

inline void draw_polygon(cv::Mat& to, const Polygon& polygon, uchar value) {
  std::vector<double> corners;
  for (const auto& point : polygon.points) corners.push_back(point.x), corners.push_back(point.y);
  const auto mask = mask_from_rle(rle_from_polygon(to.rows, to.cols, corners, "the polygon"));
  for (int y = 0; y < to.rows; ++y)
    for (int x = 0; x < to.cols; ++x)
      if (mask[static_cast<std::size_t>(y) * static_cast<std::size_t>(to.cols) + static_cast<std::size_t>(x)] != 0)
        to.at<uchar>(y, x) = value;
}

/// The part of a picture in which an object is looked for.
struct Crop {
  cv::Rect place;
  cv::Mat bgr;  // at the reduced size
  float scale = 1;
};

inline Crop crop_of(const cv::Mat& rgb, const cv::Rect& around, const GrabCutOptions& options) {
  const int margin = std::max(12, cvRound(options.margin * static_cast<float>(std::max(around.width, around.height))));
  Crop crop;
  crop.place = cv::Rect(around.x - margin, around.y - margin, around.width + 2 * margin, around.height + 2 * margin) &
               cv::Rect(0, 0, rgb.cols, rgb.rows);
  crop.scale = std::min(
      1.0F, static_cast<float>(options.side) / static_cast<float>(std::max(crop.place.width, crop.place.height)));
  const cv::Size size(std::max(1, cvRound(crop.scale * static_cast<float>(crop.place.width))),
                      std::max(1, cvRound(crop.scale * static_cast<float>(crop.place.height))));
  cv::Mat small;
  cv::resize(rgb(crop.place), small, size, 0, 0, cv::INTER_AREA);
  cv::cvtColor(small, crop.bgr, cv::COLOR_RGB2BGR);
  return crop;
}

/// A mask of the whole picture in the crop's pixels: set where any of a pixel's area is, or at least half of it.
inline cv::Mat in_crop(const cv::Mat& mask, const Crop& crop, bool any) {
  cv::Mat small;
  cv::resize(mask(crop.place), small, crop.bgr.size(), 0, 0, cv::INTER_AREA);
  return any ? cv::Mat(small > 0) : cv::Mat(small > 127);
}

/// The object's pixels in the picture, CV_8U 0 or 255: what is like the places named and unlike the rest, bounded where the
/// colours change. `present`: the mask that it has, empty for none.
inline cv::Mat grab_cut(const cv::Mat& rgb, const Mark& mark, const cv::Mat& present, const GrabCutOptions& options,
                        const std::stop_token& stop) {
  const cv::Rect whole(0, 0, rgb.cols, rgb.rows);
  Hints hints{cv::Mat::zeros(rgb.size(), CV_8U), cv::Mat::zeros(rgb.size(), CV_8U)};
  const float dot = std::max(2.0F, 0.006F * static_cast<float>(std::max(rgb.cols, rgb.rows)));
  cv::Rect around;
  const auto include = [&](const PicturePoint& at, float radius) {
    const cv::Rect place(cvFloor(at.x - radius), cvFloor(at.y - radius), cvCeil(2 * radius), cvCeil(2 * radius));
    around = around.empty() ? place : around | place;
  };
  // A click alone says nothing of the size: an object of a sixth of the picture is looked for.
  const bool sized = mark.box || !present.empty();
  const float reach = sized ? dot : 0.17F * static_cast<float>(std::max(rgb.cols, rgb.rows));
  for (const auto& click : mark.clicks) {
    draw_stroke(click.add ? hints.inside : hints.outside, {.points = {click.at}, .radius = dot}, 255, stop);
    if (click.add) include(click.at, reach);
  }
  for (const auto& stroke : mark.strokes) {
    draw_stroke(stroke.erase ? hints.outside : hints.inside, stroke, 255, stop);
    if (!stroke.erase)
      for (const auto& point : stroke.points) include(point, std::max(reach, stroke.radius));
  }
  cv::Rect box;
  if (mark.box) {
    box = cv::Rect(cv::Point(cvRound(mark.box->x0), cvRound(mark.box->y0)),
                   cv::Point(cvRound(mark.box->x1), cvRound(mark.box->y1))) &
          whole;
    around = box;
  } else if (!present.empty()) {
    around = around.empty() ? cv::boundingRect(present) : around | cv::boundingRect(present);
  }
  around &= whole;
  if (around.empty()) return cv::Mat::zeros(rgb.size(), CV_8U);

  const auto crop = crop_of(rgb, around, options);
  cv::Mat mask(crop.bgr.size(), CV_8U, cv::Scalar(cv::GC_BGD));
  const auto in_small = [&](const cv::Rect& place) {
    const auto x = [&](int at) { return cvRound(crop.scale * static_cast<float>(at - crop.place.x)); };
    const auto y = [&](int at) { return cvRound(crop.scale * static_cast<float>(at - crop.place.y)); };
    return cv::Rect(cv::Point(x(place.x), y(place.y)), cv::Point(x(place.br().x), y(place.br().y))) &
           cv::Rect({}, mask.size());
  };
  if (!present.empty() && cv::countNonZero(present(crop.place)) > 0) {
    mask.setTo(cv::GC_PR_BGD);
    mask.setTo(cv::GC_PR_FGD, in_crop(present, crop, false));
    if (mark.box) {
      cv::Mat outside(mask.size(), CV_8U, cv::Scalar(255));
      outside(in_small(box)).setTo(0);
      mask.setTo(cv::GC_BGD, outside);
    }
  } else {
    const auto place = in_small(around);
    mask(place).setTo(cv::GC_PR_FGD);
    if (mark.box && !place.empty()) {
      const cv::Size2f size(options.core * static_cast<float>(place.width),
                            options.core * static_cast<float>(place.height));
      const auto middle = cv::Point2f(place.tl() + place.br()) / 2;
      cv::ellipse(mask, cv::RotatedRect(middle, size, 0), cv::GC_FGD, cv::FILLED);
    }
  }
  mask.setTo(cv::GC_FGD, in_crop(hints.inside, crop, true));
  mask.setTo(cv::GC_BGD, in_crop(hints.outside, crop, true));

  const auto count = [&](int one, int other) { return cv::countNonZero((mask == one) | (mask == other)); };
  constexpr int enough = 8;  // pixels from which colours can be learned
  if (count(cv::GC_FGD, cv::GC_PR_FGD) >= enough && count(cv::GC_BGD, cv::GC_PR_BGD) >= enough) {
    cv::theRNG().state = 0x5eed;  // of this thread: the colours' clusters begin at random
    cv::Mat background, foreground;
    cv::grabCut(crop.bgr, mask, {}, background, foreground, options.rounds, cv::GC_INIT_WITH_MASK);
  }
  const cv::Mat found = (mask == cv::GC_FGD) | (mask == cv::GC_PR_FGD);
  cv::Mat large;
  cv::resize(found, large, crop.place.size(), 0, 0, cv::INTER_LINEAR);
  cv::Mat result = cv::Mat::zeros(rgb.size(), CV_8U);
  result(crop.place).setTo(255, large > 127);
  result.setTo(255, hints.inside);
  result.setTo(0, hints.outside);
  return result;
}

inline void expect_drawable(const Mark& mark) {
  const auto sound = [](float value) { return std::abs(value) <= 1 << 24; };  // false for NaN
  bool all = !mark.box || (sound(mark.box->x0) && sound(mark.box->y0) && sound(mark.box->x1) && sound(mark.box->y1));
  const auto look = [&](const PicturePoint& point) { all = all && sound(point.x) && sound(point.y); };
  for (const auto& click : mark.clicks) look(click.at);
  for (const auto& stroke : mark.strokes) {
    all = all && sound(stroke.radius);
    for (const auto& point : stroke.points) look(point);
  }
  for (const auto& polygon : mark.polygons)
    for (const auto& point : polygon.points) look(point);
  if (!all)
    throw Error({.what = "a mark that lies nowhere",
                 .where = "object " + std::to_string(mark.object),
                 .mend = "give places in the picture, in pixels"});
  for (const auto& polygon : mark.polygons)
    if (polygon.points.size() < 3)
      throw Error({.what = "a polygon of " + std::to_string(polygon.points.size()) + " points",
                   .where = "object " + std::to_string(mark.object),
                   .mend = "give three points or more"});
}

}  // namespace detail

/// The masks that marks mean in a frame, of the objects marked alone; `present` are the masks that objects have there. The same
/// call gives the same masks, on any thread.
///
/// Strokes and polygons on their own are drawn as they are. A box, a click, and strokes beside them are hints, from which
/// GrabCut finds the mask: in a crop around them, at a reduced size, so that it takes as long for any picture.
inline MaskFrame masks_from_marks(const Frame& frame, const MaskFrame& present, const std::vector<Mark>& marks,
                                  const std::stop_token& stop = {}, const GrabCutOptions& options = {}) {
  const auto rgb = mat_of(frame.rgb);
  cv::Mat labels = cv::Mat::zeros(rgb.size(), CV_32S);
  std::vector<ObjectId> ids;
  for (const auto& mark : marks) {
    if (stop.stop_requested()) throw Cancelled("marking");
    detail::expect_drawable(mark);
    cv::Mat mask = cv::Mat::zeros(rgb.size(), CV_8U);
    const auto slot = std::lower_bound(present.ids.begin(), present.ids.end(), mark.object);
    const bool known = slot != present.ids.end() && *slot == mark.object && !present.layers.empty();
    if (known) {
      std::vector<uchar> value_of(present.ids.size() + 1);
      value_of[static_cast<std::size_t>(slot - present.ids.begin()) + 1] = 255;
      paint_rows<uchar>(present.layers[0], present.width, value_of, mask.data);
    }
    if (mark.box || !mark.clicks.empty()) {
      mask = detail::grab_cut(rgb, mark, known && cv::countNonZero(mask) > 0 ? mask : cv::Mat{}, options, stop);
    } else {
      for (const auto& stroke : mark.strokes) detail::draw_stroke(mask, stroke, stroke.erase ? 0 : 255, stop);
    }
    for (const auto& polygon : mark.polygons) detail::draw_polygon(mask, polygon, polygon.erase ? 0 : 255);
    labels.setTo(0, labels == mark.object);
    labels.setTo(mark.object, mask);
    ids.push_back(mark.object);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const std::span<const ObjectId> map{labels.ptr<ObjectId>(), labels.total()};
  return masks_from_labels(map, rgb.rows, rgb.cols, ids);
}

}  // namespace vos
