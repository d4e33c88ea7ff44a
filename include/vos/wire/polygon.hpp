#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/wire/rle.hpp>

namespace vos {

/// Vertices beyond this many pixels from the origin are refused, and so are masks whose outlines cross more columns in all
/// than this: a short text can claim any size.
inline constexpr double polygon_reach = 1 << 24;
inline constexpr std::size_t polygon_crossing_limit = std::size_t{1} << 24;

namespace detail {

/// Where outlines of polygons cross the middle of columns. COCO draws them on a grid five times as fine, point after
/// point; a column's value toggles where two neighbouring points lie left and right of its middle. Only those two points
/// of an edge are looked at here, so that an edge costs what it crosses in the picture, however long it is.
class PolygonOutline {
 public:
  /// `crossings_left` goes down with each crossing; polygons of one mask share it.
  PolygonOutline(std::int64_t height, std::int64_t width, std::size_t& crossings_left, const std::string& where)
      : height_(height), width_(width), left_(crossings_left), where_(where) {}

  void edge(std::int64_t x0, std::int64_t y0, std::int64_t x1, std::int64_t y1) {
    const auto dx = std::abs(x1 - x0), dy = std::abs(y1 - y0);
    if (dx == 0) return;
    const bool wide = dx >= dy;
    if (wide ? x0 > x1 : y0 > y1) std::swap(x0, x1), std::swap(y0, y1);
    const double slope = wide ? static_cast<double>(y1 - y0) / static_cast<double>(dx)
                              : static_cast<double>(x1 - x0) / static_cast<double>(dy);
    const auto minor = [slope](std::int64_t start, std::int64_t t) {
      return static_cast<std::int64_t>(static_cast<double>(start) + slope * static_cast<double>(t) + 0.5);
    };
    const auto low = std::min(x0, x1), high = std::max(x0, x1);
    // Column c is crossed between the points 5c+2 and 5c+3 of the fine grid.
    const auto first = std::max<std::int64_t>(0, (std::max<std::int64_t>(low, 0) + 2) / 5);
    for (auto column = first; column < width_ && 5 * column + 3 <= high; ++column) {
      const auto left = 5 * column + 2;
      if (left < low) continue;
      if (wide) cross(column, std::min(minor(y0, left - x0), minor(y0, left + 1 - x0)));
      else {
        // The first point beyond the middle, seen from the upper end; positions along an edge only rise or only fall.
        std::int64_t before = 0, after = dy;
        while (before + 1 < after) {
          const auto t = before + (after - before) / 2;
          ((minor(x0, t) > left) == (x1 > x0) ? after : before) = t;
        }
        cross(column, y0 + before);
      }
    }
  }

  Rle fill() {
    crossings_.push_back(static_cast<std::uint32_t>(height_ * width_));
    std::sort(crossings_.begin(), crossings_.end());
    // Two toggles at one place cancel: the runs around them are one.
    Rle rle{height_, width_, {}};
    std::uint32_t last = 0;
    bool joins = false;
    for (const auto at : crossings_) {
      const auto run = at - last;
      last = at;
      if (joins) rle.counts.back() += run, joins = false;
      else if (run > 0 || rle.counts.empty()) rle.counts.push_back(run);
      else joins = true;
    }
    return rle;
  }

 private:
  void cross(std::int64_t column, std::int64_t fine_y) {
    if (left_ == 0)
      throw Error(
          {.what = "polygons whose edges cross more than " + std::to_string(polygon_crossing_limit) + " columns",
           .where = where_,
           .mend = "the mask is damaged; write it again from its source"});
    --left_;
    const double y = (static_cast<double>(fine_y) + 0.5) / 5 - 0.5;
    const auto row = static_cast<std::int64_t>(std::ceil(std::clamp(y, 0.0, static_cast<double>(height_))));
    crossings_.push_back(static_cast<std::uint32_t>(column * height_ + row));
  }

  std::int64_t height_, width_;
  std::size_t& left_;
  const std::string& where_;
  std::vector<std::uint32_t> crossings_;
};

/// One polygon of a mask.
inline Rle rle_from_polygon_of(std::int64_t height, std::int64_t width, std::span<const double> points,
                               std::size_t& crossings_left, const std::string& where) {
  if (points.size() == 4) {
    const auto x = points[0], y = points[1], right = x + points[2], bottom = y + points[3];
    return rle_from_polygon_of(height, width, std::array{x, y, x, bottom, right, bottom, right, y}, crossings_left,
                               where);
  }
  if (points.size() < 6 || points.size() % 2 != 0)
    throw Error({.what = "a polygon of " + std::to_string(points.size()) + " numbers",
                 .where = where,
                 .mend = "give x and y of at least three corners, or the four numbers of a box"});
  const auto fine = [&](double value) {
    if (!(std::abs(value) <= polygon_reach))
      throw Error({.what = "a polygon's corner at " + std::to_string(value),
                   .where = where,
                   .mend = "corners lie in the picture, in pixels"});
    return static_cast<std::int64_t>(5 * value + 0.5);
  };
  PolygonOutline outline{height, width, crossings_left, where};
  auto x0 = fine(points[points.size() - 2]), y0 = fine(points[points.size() - 1]);
  for (std::size_t i = 0; i < points.size(); i += 2) {
    const auto x1 = fine(points[i]), y1 = fine(points[i + 1]);
    outline.edge(x0, y0, x1, y1);
    x0 = x1, y0 = y1;
  }
  return outline.fill();
}

}  // namespace detail

/// The mask of a polygon (x, y, x, y, ...), drawn as pycocotools draws it, pixel for pixel. Four numbers are a box:
/// left, top, width, height.
inline Rle rle_from_polygon(std::int64_t height, std::int64_t width, std::span<const double> points,
                            const std::string& where = "polygon") {
  detail::expect_rle_size(height, width, where);
  auto crossings_left = polygon_crossing_limit;
  return detail::rle_from_polygon_of(height, width, points, crossings_left, where);
}

/// The union of a mask's polygons, added one after the other.
///
/// They are united two by two like the digits of a counter, masks of as many polygons each: united with all before it,
/// each of n polygons would cost what those cost.
class PolygonUnion {
 public:
  PolygonUnion(std::int64_t height, std::int64_t width, std::string where = "polygons")
      : height_(height), width_(width), where_(std::move(where)) {
    detail::expect_rle_size(height, width, where_);
  }

  void add(std::span<const double> points) {
    parts_.push_back(detail::rle_from_polygon_of(height_, width_, points, crossings_left_, where_));
    ++count_;
    for (auto pairs = count_; pairs % 2 == 0; pairs /= 2) unite_last();
  }

  /// The mask, once; nothing is to be added then.
  Rle take() {
    if (parts_.empty()) return {height_, width_, {static_cast<std::uint32_t>(height_ * width_)}};
    while (parts_.size() > 1) unite_last();
    return std::move(parts_.back());
  }

 private:
  void unite_last() {
    const auto last = std::move(parts_.back());
    parts_.pop_back();
    parts_.back() = union_of(parts_.back(), last);
  }

  std::int64_t height_, width_;
  std::string where_;
  std::size_t crossings_left_ = polygon_crossing_limit, count_ = 0;
  std::vector<Rle> parts_ = {};
};

}  // namespace vos
