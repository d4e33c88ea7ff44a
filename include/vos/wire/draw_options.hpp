#pragma once

namespace vos {

/// How objects are drawn over a picture. Lengths are pixels of the picture; 0 picks one from the picture's size, so that
/// a drawing looks alike at 240 and at 2160 lines.
struct DrawOptions {
  double opacity = 0.45;  ///< of the colour over an object: 0 leaves the picture, 1 hides it
  bool outline = true;    ///< a solid line along the inner edge of each object
  double outline_width = 0;
  bool ids = true;  ///< the object's number on a plate of its colour
  double digit_height = 0;

  template <class Field>
  void visit(Field&& field) {
    field("opacity", opacity, "of the colour over an object, 0 to 1");
    field("outline", outline, "draw a line along the edge of each object");
    field("outline_width", outline_width, "width of that line in pixels, 0: from the picture's size");
    field("ids", ids, "draw each object's number");
    field("digit_height", digit_height, "height of the numbers in pixels, 0: from the picture's size");
  }
};

}  // namespace vos
