#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/core/utf8.hpp>
#include <vos/project/project.hpp>
#include <vos/serve/refused.hpp>
#include <vos/wire/mask_decode.hpp>
#include <vos/wire/message.hpp>

/// What a client's message says, checked: a number may be anything, a text of any length. What makes no sense is Refused.
namespace vos::serve {

/// The most that one message may ask for.
inline constexpr std::size_t most_marks = 256, most_points = 100'000, most_objects = 4096, most_settings = 64,
                             longest_name = 200;
inline constexpr float farthest_point = 1e5F;

[[noreturn]] inline void refuse(std::string what, std::string where, std::string mend,
                                std::string code = "bad_request") {
  throw Refused(std::move(code), {.what = std::move(what), .where = std::move(where), .mend = std::move(mend)});
}

/// A name that a person gives: short, on one line.
inline std::string name_from(const flatbuffers::String* field, const std::string& where) {
  const auto text = wire::text_of(field);
  if (text.size() > longest_name)
    refuse("a name of " + std::to_string(text.size()) + " bytes", where,
           "names have at most " + std::to_string(longest_name));
  if (printable(text, longest_name) != text)
    refuse("the name '" + printable(text) + "'", where, "names are UTF-8 on one line, without control characters");
  return std::string{text};
}

inline ObjectId object_from(std::int32_t id, const std::string& where) {
  if (id <= 0) refuse("object " + std::to_string(id), where, "ids are positive; the object list tells those there are");
  return id;
}

inline std::vector<ObjectId> objects_from(const flatbuffers::Vector<std::int32_t>* field, const std::string& where) {
  std::vector<ObjectId> objects;
  if (field == nullptr) return objects;
  if (field->size() > most_objects)
    refuse(std::to_string(field->size()) + " objects", where, "name at most " + std::to_string(most_objects));
  for (const auto id : *field) objects.push_back(object_from(id, where));
  std::sort(objects.begin(), objects.end());
  objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  return objects;
}

/// A frame of the video, as far as its length is known.
inline std::int64_t frame_from(std::int64_t index, const ProjectInfo& info, const std::string& where) {
  if (index < 0 || index > std::int64_t{1} << 40 || (info.frames >= 0 && index >= info.frames))
    refuse("frame " + std::to_string(index), where,
           info.frames > 0 ? "frames go from 0 to " + std::to_string(info.frames - 1) : "frames are counted from 0");
  return index;
}

inline PicturePoint point_from(const wire::Point& at, const std::string& where) {
  if (!(std::abs(at.x()) <= farthest_point && std::abs(at.y()) <= farthest_point))  // NaN neither
    refuse("a point at (" + std::to_string(at.x()) + ", " + std::to_string(at.y()) + ")", where,
           "points are in pixels of the frame");
  return {at.x(), at.y()};
}

namespace detail {

class MarkReader {
 public:
  std::vector<Mark> marks(const wire::Prompt& prompt) {
    std::vector<Mark> marks;
    if (prompt.marks() == nullptr) return marks;
    if (prompt.marks()->size() > most_marks)
      refuse(std::to_string(prompt.marks()->size()) + " marks", "Prompt",
             "at most " + std::to_string(most_marks) + " at once");
    std::set<ObjectId> named;
    for (const auto* from : *prompt.marks()) {
      marks.push_back(mark(*from));
      if (marks.back().object != 0 && !named.insert(marks.back().object).second)
        refuse("object " + std::to_string(marks.back().object) + " is marked twice", "Prompt",
               "put all its marks into one");
    }
    return marks;
  }

 private:
  Mark mark(const wire::Mark& from) {
    Mark mark{.object = from.object(), .name = name_from(from.name(), "Mark.name"), .category = from.category()};
    if (mark.object < 0) object_from(mark.object, "Mark.object");
    if (mark.category < -1) refuse("category " + std::to_string(mark.category), "Mark.category", "-1 is none");
    if (const auto* box = from.box()) {
      const auto a = point_from({box->x0(), box->y0()}, "Mark.box"), b = point_from({box->x1(), box->y1()}, "Mark.box");
      mark.box = Box{a.x, a.y, b.x, b.y};
      if (mark.box->empty()) refuse("a box without area", "Mark.box", "x0 < x1 and y0 < y1");
    }
    if (const auto* clicks = from.clicks()) {
      count(clicks->size());
      for (const auto* click : *clicks) mark.clicks.push_back({point_from(click->at(), "Mark.clicks"), click->add()});
    }
    if (const auto* strokes = from.strokes())
      for (const auto* stroke : *strokes) {
        const auto radius = stroke->radius();
        if (!(radius > 0 && radius <= 1000))
          refuse("a brush of radius " + std::to_string(radius), "Stroke.radius", "it is above 0, up to 1000 pixels");
        mark.strokes.push_back({points(stroke->points(), "Stroke"), radius, stroke->erase()});
      }
    if (const auto* polygons = from.polygons())
      for (const auto* polygon : *polygons) {
        mark.polygons.push_back({points(polygon->points(), "Polygon"), polygon->erase()});
        if (mark.polygons.back().points.size() < 3)
          refuse("a polygon of less than 3 points", "Polygon", "give its corners");
      }
    if (!mark.box && mark.clicks.empty() && mark.strokes.empty() && mark.polygons.empty())
      refuse("a mark that marks nothing", "Mark", "give a box, clicks, strokes or polygons");
    return mark;
  }

  std::vector<PicturePoint> points(const flatbuffers::Vector<const wire::Point*>* from, const std::string& where) {
    std::vector<PicturePoint> points;
    count(from != nullptr ? from->size() : 0);
    if (from != nullptr)
      for (const auto* point : *from) points.push_back(point_from(*point, where));
    if (points.empty()) refuse("no points", where, "give at least one");
    return points;
  }

  void count(std::size_t more) {
    if ((points_ += more + 1) > most_points)
      refuse("more than " + std::to_string(most_points) + " points", "Prompt", "send fewer, or the mask itself");
  }

  std::size_t points_ = 0;
};

}  // namespace detail

/// What a person marked; empty where whole masks were sent.
inline std::vector<Mark> marks_from(const wire::Prompt& prompt) { return detail::MarkReader{}.marks(prompt); }

/// Whole masks of a prompt.
inline MaskFrame masks_from(const wire::Prompt& prompt, const ProjectInfo& info) {
  MaskFrame masks;
  if (const auto fault = decode_masks(wire::bytes_of(prompt.masks()), nullptr, masks); fault != MaskFault::none)
    refuse(std::string{text_of(fault)}, "Prompt.masks", "send masks on their own, in the form that frames have");
  if (masks.ids.empty() || masks.ids.size() > most_objects)
    refuse(std::to_string(masks.ids.size()) + " objects", "Prompt.masks", "from 1 to " + std::to_string(most_objects));
  if (info.height > 0 && (masks.height != info.height || masks.width != info.width))
    refuse("masks of " + std::to_string(masks.width) + "x" + std::to_string(masks.height), "Prompt.masks",
           "the frames have " + std::to_string(info.width) + "x" + std::to_string(info.height), "sizes_differ");
  return masks;
}

using SettingList = flatbuffers::Vector<flatbuffers::Offset<wire::Setting>>;

inline std::map<std::string, std::string> settings_from(const SettingList* field) {
  std::map<std::string, std::string> settings;
  if (field == nullptr) return settings;
  if (field->size() > most_settings)
    refuse(std::to_string(field->size()) + " settings", "Settings", "at most " + std::to_string(most_settings));
  for (const auto* each : *field) {
    auto key = name_from(each->key(), "Setting.key");
    if (key.empty()) refuse("a setting without a name", "Setting.key", "name it");
    settings[std::move(key)] = name_from(each->value(), "Setting.value");
  }
  return settings;
}

}  // namespace vos::serve
