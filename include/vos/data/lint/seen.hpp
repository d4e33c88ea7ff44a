#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/fwd.hpp>

namespace vos {

/// What decoding an image showed; `height` 0 if it could not be decoded.
struct SeenImage {
  std::int64_t height = 0, width = 0;
  std::uint64_t content = 0;  ///< equal pixels, equal number
  bool read() const { return height > 0; }
};

/// What decoding a label map showed.
struct SeenMask {
  std::int64_t height = 0, width = 0;
  bool palette = false;  ///< indexed, not grey
  bool white = false;    ///< grey with no value but 0 and white, which reads as object 1
  std::vector<std::pair<ObjectId, std::int64_t>> areas = {};  ///< rising ids but 0, each with its pixels
  bool read() const { return height > 0; }
};

/// What the masks of a list showed in one frame.
struct ListedMask {
  std::int64_t object = 0;  ///< index into the video's objects
  std::int64_t area = 0;
};

struct SeenFrame {
  bool looked = false;  ///< false: passed over, as --quick does
  SeenImage image = {};
  SeenMask mask = {};
  std::vector<ListedMask> listed = {};
  std::vector<Finding> findings = {};  ///< of this frame alone
};

namespace detail {

inline std::string size_text(std::int64_t height, std::int64_t width) {
  return std::to_string(width) + "x" + std::to_string(height);
}

}  // namespace detail
}  // namespace vos
