#pragma once

#include <cstdint>
#include <string_view>

namespace vos {

/// A mask as an annotation file writes it, not decoded yet: a view into the file's bytes, which must outlive it.
/// Decoded by `rle_from(MaskText, ...)` in data/mask_rle.hpp.
struct MaskText {
  enum class Form : std::uint8_t {
    none,       ///< null: the object is not in this frame
    text,       ///< COCO's compressed string, still with JSON's escapes, without the quotes
    counts,     ///< a JSON array of run lengths
    polygons,   ///< a JSON array of flat x,y arrays, in pixels
    fractions,  ///< the same in fractions of the picture's width and height (YOLO)
  };
  Form form = Form::none;
  std::int32_t height = 0, width = 0;  ///< 0 for polygons: those of the video
  std::string_view json = {};
  bool present() const { return form != Form::none; }
};

}  // namespace vos
