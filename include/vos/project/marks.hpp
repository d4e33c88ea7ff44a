#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <vos/core/box.hpp>
#include <vos/fwd.hpp>

namespace vos {

/// A place in a frame, in its pixels: (0,0) is the upper left corner of the first one.
struct PicturePoint {
  float x = 0, y = 0;
  bool operator==(const PicturePoint&) const = default;
};

struct Click {
  PicturePoint at;
  bool add = true;  ///< false: this place is not the object
};

struct Stroke {
  std::vector<PicturePoint> points;
  float radius = 1;
  bool erase = false;
};

struct Polygon {
  std::vector<PicturePoint> points;
  bool erase = false;
};

/// How a person says what one object is in a frame, in any of these ways together. A box, clicks, and strokes beside them, are
/// hints from which a mask is found; strokes and polygons on their own are the mask, drawn over the one that the object has.
struct Mark {
  ObjectId object = 0;  ///< 0: a new one
  std::optional<Box> box = {};
  std::vector<Click> clicks = {};
  std::vector<Stroke> strokes = {};
  std::vector<Polygon> polygons = {};
  std::string name = {};  ///< of a new object; empty: none yet
  std::int32_t category = -1;
};

}  // namespace vos
