#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vos/fwd.hpp>

namespace vos {

/// A label map that somebody else owns: ids row by row, 0 for none.
struct LabelView {
  std::span<const ObjectId> ids;
  std::int64_t height = 0, width = 0;

  LabelView() = default;
  LabelView(std::span<const ObjectId> labels, std::int64_t rows, std::int64_t columns)
      : ids(labels), height(rows), width(columns) {
    assert(static_cast<std::int64_t>(ids.size()) == rows * columns);
  }
};

}  // namespace vos
