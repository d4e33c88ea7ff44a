#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/io/png_labels.hpp>

namespace vos::eval {

/// The first `count` code points of a text in UTF-8.
inline std::string first_code_points(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && seen++ == count) break;
  return std::string{text.substr(0, end)};
}

struct Bar {
  std::string name;
  std::vector<double> values;  ///< each from 0 to 1, or NaN
};

/// A row of bars for each name, one bar for each of `series`.
std::string bar_chart(const std::vector<std::string>& series, const std::vector<Bar>& bars);

struct Line {
  std::vector<double> values;  ///< NaN leaves a gap
  int colour = 0;
  bool dashed = false;
};

/// Values from 0 to 1 over frames.
std::string line_chart(const std::vector<Line>& lines, const std::vector<std::string>& frames);

/// What of an object was found, missed and invented, drawn over the frame where `frame_url` gives one, cropped to where
/// something is. An id of 0 stands for every object.
std::string mask_picture(const LabelImage& truth, const LabelImage& guess, ObjectId truth_id, ObjectId guess_id,
                         const std::string& frame_url);

/// The CSS colour of series `i`.
std::string colour_of(int i);

}  // namespace vos::eval
