#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/fwd.hpp>
#include <vos/wire/draw_options.hpp>
#include <vos/wire/number.hpp>
#include <vos/wire/palette.hpp>

namespace vos {
namespace detail {

/// Lays one colour over a run of pixels; `opacity` in 256ths.
class Tint {
 public:
  Tint(Colour colour, int opacity) : keep_(static_cast<std::uint16_t>(256 - opacity)) {
    const std::array<std::uint8_t, 3> channels{colour.r, colour.g, colour.b};
    for (std::size_t i = 0; i < add_.size(); ++i) add_[i] = static_cast<std::uint16_t>(channels[i % 3] * opacity + 128);
  }

  void lay(std::uint8_t* bytes, std::int64_t count) const {
    std::int64_t i = 0;
    for (; i + block <= count; i += block)  // a fixed length lets the compiler use vectors
      for (std::int64_t k = 0; k < block; ++k) bytes[i + k] = mix(bytes[i + k], k);
    for (std::int64_t k = 0; i + k < count; ++k) bytes[i + k] = mix(bytes[i + k], k);
  }

 private:
  static constexpr std::int64_t block = 48;
  std::uint8_t mix(std::uint8_t under, std::int64_t k) const {
    return static_cast<std::uint8_t>(static_cast<std::uint16_t>(under * keep_ + add_[static_cast<std::size_t>(k)]) >>
                                     8);
  }

  std::uint16_t keep_;
  std::array<std::uint16_t, block> add_{};
};

/// What is learned of an object while it is tinted: enough to place its number.
struct DrawnObject {
  explicit DrawnObject(ObjectId id, int opacity) : colour(object_colour(id)), tint(colour, opacity) {}

  Colour colour;
  Tint tint;
  std::int64_t area = 0, sum_y = 0;
  std::int64_t x0 = INT64_MAX, y0 = INT64_MAX, x1 = 0, y1 = 0;
};

/// Tints every object's pixels and gives the objects by id.
inline std::map<ObjectId, DrawnObject> tint_objects(Picture picture, std::span<const ObjectId> labels, int opacity) {
  std::map<ObjectId, DrawnObject> objects;
  auto last = objects.end();
  for (std::int64_t y = 0; y < picture.height; ++y) {
    const auto* row = labels.data() + y * picture.width;
    for (std::int64_t x = 0; x < picture.width;) {
      const auto id = row[x];
      const auto begin = x;
      while (x < picture.width && row[x] == id) ++x;
      if (id == 0) continue;
      if (last == objects.end() || last->first != id) last = objects.try_emplace(id, id, opacity).first;
      auto& object = last->second;
      object.tint.lay(picture.rgb + (y * picture.width + begin) * 3, (x - begin) * 3);
      object.area += x - begin;
      object.sum_y += y * (x - begin);
      object.x0 = std::min(object.x0, begin);
      object.x1 = std::max(object.x1, x);
      object.y0 = std::min(object.y0, y);
      object.y1 = y + 1;
    }
  }
  return objects;
}

/// Paints each object's pixels that are nearer than `width` to a pixel of its edge, and a thin shade outside.
inline void outline_objects(Picture picture, std::span<const ObjectId> labels, std::int64_t width,
                            const std::map<ObjectId, DrawnObject>& objects) {
  std::vector<std::pair<std::int64_t, std::int64_t>> disc;  // dy, dx
  for (auto dy = 1 - width; dy < width; ++dy)
    for (auto dx = 1 - width; dx < width; ++dx)
      if (dx * dx + dy * dy < width * width) disc.emplace_back(dy, dx);
  const auto w = picture.width, h = picture.height;
  std::vector<std::uint8_t> edge(static_cast<std::size_t>(w) + 8);  // padded, to be read a word at a time
  auto last = objects.end();
  for (std::int64_t y = 0; y < h; ++y) {
    const auto* row = labels.data() + y * w;
    const auto* above = y > 0 ? row - w : row;
    const auto* below = y + 1 < h ? row + w : row;
    // The picture's border is no edge: an object goes on behind it.
    for (std::int64_t x = 0; x < w; ++x)
      edge[static_cast<std::size_t>(x)] = (row[x] != above[x]) | (row[x] != below[x]);
    for (std::int64_t x = 1; x < w; ++x) edge[static_cast<std::size_t>(x)] |= row[x] != row[x - 1];
    for (std::int64_t x = 0; x + 1 < w; ++x) edge[static_cast<std::size_t>(x)] |= row[x] != row[x + 1];
    for (std::int64_t x = 0; x < w; ++x) {
      if (x % 8 == 0) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, edge.data() + x, 8);
        if (eight == 0) {
          x += 7;
          continue;
        }
      }
      if (edge[static_cast<std::size_t>(x)] == 0) continue;
      const auto id = row[x];
      if (id == 0) {  // a shade around objects sets them off from a ground of their own colour
        for (int k = 0; k < 3; ++k)
          picture.rgb[(y * w + x) * 3 + k] = static_cast<std::uint8_t>(picture.rgb[(y * w + x) * 3 + k] / 2);
        continue;
      }
      if (last == objects.end() || last->first != id) last = objects.find(id);
      for (const auto& [dy, dx] : disc) {
        const auto py = y + dy, px = x + dx;
        if (py < 0 || py >= h || px < 0 || px >= w || labels[static_cast<std::size_t>(py * w + px)] != id) continue;
        auto* pixel = picture.rgb + (py * w + px) * 3;
        pixel[0] = last->second.colour.r;
        pixel[1] = last->second.colour.g;
        pixel[2] = last->second.colour.b;
      }
    }
  }
}

/// Where an object's number stands: amid the longest run of its middle row, or outside where it would hide the object.
inline void number_object(Picture picture, std::span<const ObjectId> labels, ObjectId id, const DrawnObject& object,
                          double digit_height) {
  const NumberPlate plate{id, digit_height};
  const auto width = static_cast<std::int64_t>(plate.width()), height = static_cast<std::int64_t>(plate.height());
  if (object.x1 - object.x0 < 2 * width && object.y1 - object.y0 < 2 * height) {
    const NumberPlate small{id, std::max(9.0, 0.8 * digit_height)};
    const auto w = static_cast<std::int64_t>(small.width()), h = static_cast<std::int64_t>(small.height());
    const auto above = object.y0 - h / 4 - h;
    small.draw(picture, (object.x0 + object.x1 - w) / 2, above >= 0 ? above : object.y1 + h / 4, object.colour);
    return;
  }
  const auto middle = object.sum_y / object.area;
  std::int64_t longest = 0, centre = 0, at = middle;
  for (std::int64_t step = 0; longest == 0; ++step)  // the row of the centre of mass, or the nearest that has pixels
    for (const auto y : {middle - step, middle + step}) {
      if (longest > 0 || y < object.y0 || y >= object.y1) continue;
      const auto* row = labels.data() + y * picture.width;
      for (auto x = object.x0; x < object.x1; ++x) {
        const auto begin = x;
        while (x < object.x1 && row[x] == id) ++x;
        if (x - begin > longest) longest = x - begin, centre = (begin + x) / 2, at = y;
      }
    }
  plate.draw(picture, centre - width / 2, at - height / 2, object.colour);
}

}  // namespace detail

/// How thick lines and numbers are where the options leave it open.
inline double outline_width_for(std::int64_t height, std::int64_t width) {
  return std::max(1.0, std::round(static_cast<double>(std::min(height, width)) / 220));
}
inline double digit_height_for(std::int64_t height, std::int64_t width) {
  return std::max(
      9.0,
      std::round(0.8 * std::sqrt(static_cast<double>(std::min(height, width)))));  // large pictures hold more objects
}

/// Draws the objects of a label map (row by row, 0 for none) over a picture of the same size, in place. Equal inputs give
/// equal bytes. Numbers are drawn for the 200 largest objects.
inline void blend(Picture picture, std::span<const ObjectId> labels, const DrawOptions& options = {}) {
  if (labels.size() != static_cast<std::size_t>(picture.height * picture.width))
    throw Error({.what = std::to_string(labels.size()) + " labels for a picture of " + std::to_string(picture.width) +
                         "x" + std::to_string(picture.height),
                 .where = "blend"});
  const auto opacity = static_cast<int>(std::lround(std::clamp(options.opacity, 0.0, 1.0) * 256));
  const auto objects = detail::tint_objects(picture, labels, opacity);
  if (options.outline && !objects.empty()) {
    const auto width =
        options.outline_width > 0 ? options.outline_width : outline_width_for(picture.height, picture.width);
    detail::outline_objects(picture, labels, std::clamp<std::int64_t>(std::llround(width), 1, 64), objects);
  }
  if (!options.ids) return;
  const auto digits = options.digit_height > 0 ? std::min(options.digit_height, 1000.0)
                                               : digit_height_for(picture.height, picture.width);
  std::vector<std::pair<ObjectId, const detail::DrawnObject*>> order;
  for (const auto& [id, object] : objects) order.emplace_back(id, &object);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second->area > b.second->area; });
  order.resize(std::min<std::size_t>(order.size(), 200));
  for (const auto& [id, object] : order) detail::number_object(picture, labels, id, *object, digits);
}

}  // namespace vos
