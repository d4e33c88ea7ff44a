#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/fwd.hpp>
#include <vos/wire/rle.hpp>

namespace vos {

/// In KITTI-MOTS an id is class * 1000 + instance, in text and in 16-bit PNGs alike; this one is the ignored region.
inline constexpr ObjectId mots_ignored = 10000;
inline constexpr ObjectId mots_class_of(ObjectId id) { return id / 1000; }

/// A mask of a MOTS file.
struct MotsObject {
  ObjectId id = 0;
  Rle mask = {};
};

namespace detail {

/// Masks of one frame must not share a pixel.
inline void expect_apart(const std::vector<MotsObject>& objects, const std::string& where) {
  struct Segment {
    std::int64_t begin, end;
    ObjectId id;
  };
  std::vector<Segment> all;
  for (const auto& object : objects)
    for_each_segment(object.mask,
                     [&](std::int64_t begin, std::int64_t end) { all.push_back({begin, end, object.id}); });
  std::sort(all.begin(), all.end(), [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i].begin < all[i - 1].end)
      throw Error(
          {.what = "the masks of " + std::to_string(all[i - 1].id) + " and " + std::to_string(all[i].id) + " overlap",
           .where = where,
           .mend = "give each pixel to one object"});
}

}  // namespace detail

/// Reads KITTI-MOTS text: a line a mask, `frame id class height width rle`. By frame, in the order of the file; a frame
/// without a mask has no line. `where` names the file in an Error.
inline std::map<std::int64_t, std::vector<MotsObject>> mots_from_text(std::string_view text, const std::string& where) {
  std::map<std::int64_t, std::vector<MotsObject>> frames;
  std::set<std::pair<std::int64_t, ObjectId>> seen;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    auto line = text.substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    ++line_number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    const auto place = [&] { return where + ", line " + std::to_string(line_number); };
    const auto refuse = [&](const std::string& what, const std::string& mend) -> Error {
      return Error({.what = what, .where = place(), .mend = mend});
    };
    std::vector<std::string_view> words;
    for (std::size_t begin = 0; words.size() < 7 && begin <= line.size();) {
      const auto word = line.substr(begin, line.find(' ', begin) - begin);
      words.push_back(word);
      begin += word.size() + 1;
    }
    if (words.size() != 6) throw refuse("not six words", "write 'frame id class height width rle'");
    std::int64_t numbers[5] = {};
    for (std::size_t i = 0; i < 5; ++i) {
      const auto number = number_from<std::int64_t>(words[i]);
      if (!number || *number < 0 || *number > INT32_MAX)
        throw refuse("'" + std::string{words[i].substr(0, 40)} + "' is not a number from 0 to 2147483647",
                     "write 'frame id class height width rle'");
      numbers[i] = *number;
    }
    const auto [frame, id, category, height, width] = numbers;
    if (id < 1 || id / 1000 != category)
      throw refuse("the id " + std::to_string(id) + " of class " + std::to_string(category),
                   "ids are class * 1000 + instance");
    if (!seen.emplace(frame, static_cast<ObjectId>(id)).second)
      throw refuse("a second mask of " + std::to_string(id) + " in frame " + std::to_string(frame),
                   "give an object one mask a frame");
    auto& objects = frames[frame];
    objects.push_back({static_cast<ObjectId>(id), rle_from_string(height, width, words[5], place())});
    if (const auto& first = objects.front().mask; first.height != height || first.width != width)
      throw Error({.what = "masks of " + std::to_string(first.width) + "x" + std::to_string(first.height) + " and " +
                           std::to_string(width) + "x" + std::to_string(height) + " in one frame",
                   .where = place(),
                   .mend = "write masks at the size of the frame",
                   .exit_code = exit_code::sizes_differ});
  }
  for (const auto& [frame, objects] : frames) detail::expect_apart(objects, where + ", frame " + std::to_string(frame));
  return frames;
}

/// The line of a mask, with its line end.
inline std::string mots_line(std::int64_t frame, const MotsObject& object) {
  std::string line;
  for (const auto number :
       {frame, std::int64_t{object.id}, std::int64_t{mots_class_of(object.id)}, object.mask.height, object.mask.width})
    (line += std::to_string(number)) += ' ';
  return (line += rle_string(object.mask)) += '\n';
}

}  // namespace vos
