#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/data/mask_text.hpp>
#include <vos/error.hpp>
#include <vos/wire/polygon.hpp>
#include <vos/wire/rle.hpp>

namespace vos {

namespace detail {

/// Walks through a JSON array of numbers, or of arrays of numbers.
class NumberList {
 public:
  NumberList(std::string_view json, const std::string& where) : json_(json), where_(where) {}

  /// True, and past it, if the next character that is not space is `wanted`.
  bool take(char wanted) {
    skip_space();
    if (at_ == json_.size() || json_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) refuse(std::string{"'"} + wanted + "'");
  }

  template <class Number>
  Number number(const char* kind) {
    skip_space();
    Number value{};
    const auto [end, error] = std::from_chars(json_.data() + at_, json_.data() + json_.size(), value);
    if (error != std::errc{}) refuse(kind);
    at_ = static_cast<std::size_t>(end - json_.data());
    return value;
  }

  /// Calls `element()` for each element of an array.
  template <class Element>
  void array(Element&& element) {
    expect('[');
    if (take(']')) return;
    do element();
    while (take(','));
    expect(']');
  }

  void expect_end() {
    skip_space();
    if (at_ != json_.size()) refuse("the end of the list");
  }

 private:
  void skip_space() {
    while (at_ < json_.size() && (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\r' || json_[at_] == '\t'))
      ++at_;
  }

  [[noreturn]] void refuse(const std::string& wanted) const {
    throw Error({.what = "expected " + wanted + " in '" + std::string{json_.substr(at_, 20)} + "'",
                 .where = where_,
                 .mend = "the mask is damaged; write it again from its source"});
  }

  std::string_view json_;
  const std::string& where_;
  std::size_t at_ = 0;
};

/// COCO's text form as JSON writes it: its backslash comes escaped.
inline std::string unescaped(std::string_view json, const std::string& where) {
  std::string text;
  text.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\') {
      text += json[i];
      continue;
    }
    unsigned code = 0;
    const auto escape = json.substr(i + 1, 1);
    if (escape == "\\" || escape == "/") text += escape, ++i;
    else if (const auto* digits = json.data() + i + 2;
             escape == "u" && json.size() - i >= 6 && std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4 &&
             code < 128)
      text += static_cast<char>(code), i += 5;
    else refuse_rle("'counts' is not COCO's text form at byte " + std::to_string(i), where);
  }
  return text;
}

}  // namespace detail

/// Decodes a mask of an annotation file. One that says its size must have `height` and `width`; polygons are drawn at
/// that size, and one that is not present is empty. `where` names the mask in an Error.
inline Rle rle_from(const MaskText& mask, std::int64_t height, std::int64_t width, const std::string& where) {
  using Form = MaskText::Form;
  if ((mask.form == Form::text || mask.form == Form::counts) && (mask.height != height || mask.width != width))
    throw Error({.what = "a mask of " + std::to_string(mask.width) + "x" + std::to_string(mask.height) +
                         " in a video of " + std::to_string(width) + "x" + std::to_string(height),
                 .where = where,
                 .mend = "write masks at the size of the video; 'size' is [height, width]",
                 .exit_code = exit_code::sizes_differ});
  detail::expect_rle_size(height, width, where);
  detail::NumberList list{mask.json, where};
  switch (mask.form) {
    case Form::none: break;
    case Form::text:
      if (mask.json.find('\\') == std::string_view::npos) return rle_from_string(height, width, mask.json, where);
      return rle_from_string(height, width, detail::unescaped(mask.json, where), where);
    case Form::counts: {
      std::vector<std::uint32_t> counts;
      list.array([&] { counts.push_back(list.number<std::uint32_t>("a run length")); });
      list.expect_end();
      return rle_from_counts(height, width, std::move(counts), where);
    }
    case Form::polygons:
    case Form::fractions: {
      PolygonUnion polygons{height, width, where};
      list.array([&] {
        std::vector<double> points;
        list.array([&] { points.push_back(list.number<double>("a coordinate")); });
        if (mask.form == Form::fractions)
          for (std::size_t i = 0; i < points.size(); ++i) points[i] *= static_cast<double>(i % 2 == 0 ? width : height);
        polygons.add(points);
      });
      list.expect_end();
      return polygons.take();
    }
  }
  return {height, width, {static_cast<std::uint32_t>(height * width)}};
}

/// The same at the size that the mask itself states; for polygons that of the video.
inline Rle rle_at_own_size(const MaskText& mask, std::int64_t height, std::int64_t width, const std::string& where) {
  const bool states = mask.form == MaskText::Form::text || mask.form == MaskText::Form::counts;
  return states ? rle_from(mask, mask.height, mask.width, where) : rle_from(mask, height, width, where);
}

}  // namespace vos
