#pragma once

#include <cstdint>
#include <vector>

#include <vos/fwd.hpp>

namespace vos {

/// One living track in one frame.
struct Track {
  ObjectId id = 0;
  std::int64_t query = -1;  ///< the detection that continues it, -1 where none does
  float score = 0;
  std::int32_t category = -1;
  bool operator==(const Track&) const = default;
};

using Tracks = std::vector<Track>;

}  // namespace vos
