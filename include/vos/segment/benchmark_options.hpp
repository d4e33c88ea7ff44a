#pragma once

#include <cstdint>

namespace vos {

struct BenchmarkOptions {
  std::int64_t top = 10;

  void visit(auto&& field) {
    field("top", top, "mode=benchmark: results of a video, at most: 10 for YouTube-VIS, 20 for OVIS");
  }
};

}  // namespace vos
