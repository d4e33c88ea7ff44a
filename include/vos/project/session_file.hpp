#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/project/edits.hpp>
#include <vos/version.hpp>
#include <vos/wire/mask_scan.hpp>
#include <vos/wire/rle_encode.hpp>

namespace vos {

/// A project in a file: what it was made of, and the edits. docs/concepts/project.md shows one; any language reads it, since
/// masks are COCO RLE.
struct SessionFile {
  struct Source {
    std::string input = {}, name = {};
    std::int64_t max_size = 0;
    std::int64_t height = 0, width = 0, frames = -1;  ///< to tell another video of the same name; 0 and -1: not known
  };
  Source source = {};
  std::string model = "flow", weights = {};
  std::map<std::string, std::string> settings = {};
  EditList edits = {};
};

namespace detail {

inline constexpr const char* session_format = "vos-session";
inline constexpr int session_version = 1;

inline nlohmann::ordered_json json_of(const MaskFrame& masks) {
  std::vector<ObjectId> labels(static_cast<std::size_t>(masks.height * masks.width));
  labels_from_masks(masks, labels.data());
  const auto rles = rles_from_labels(labels, masks.height, masks.width);
  auto objects = nlohmann::ordered_json::array();
  for (const auto id : masks.ids) {
    const auto found = rles.find(id);
    const auto rle = found != rles.end()
                         ? found->second
                         : Rle{masks.height, masks.width, {static_cast<std::uint32_t>(masks.height * masks.width)}};
    objects.push_back(
        {{"id", id}, {"segmentation", {{"size", {masks.height, masks.width}}, {"counts", rle_string(rle)}}}});
  }
  return objects;
}

struct EditToJson {
  using Json = nlohmann::ordered_json;
  Json operator()(const edit::Prompt& it) const {
    Json json{{"edit", "prompt"}, {"frame", it.index}, {"objects", json_of(it.masks)}};
    for (auto& object : json["objects"])
      if (const auto name = it.names.find(object["id"].get<ObjectId>()); name != it.names.end())
        object["name"] = name->second;
    return json;
  }
  Json operator()(const edit::Remove& it) const {
    return {{"edit", "remove"}, {"object", it.object}, {"told", it.told}};
  }
  Json operator()(const edit::Rename& it) const {
    return {
        {"edit", "rename"}, {"object", it.object}, {"name", it.name}, {"category", it.category}, {"colour", it.colour}};
  }
  Json operator()(const edit::Merge& it) const { return {{"edit", "merge"}, {"from", it.from}, {"into", it.into}}; }
  Json operator()(const edit::Split& it) const {
    return {{"edit", "split"}, {"object", it.object}, {"frame", it.index}, {"other", it.other}};
  }
  Json operator()(const edit::PropagateBack& it) const {
    return {{"edit", "propagate_back"}, {"from", it.from}, {"to", it.to}, {"objects", it.objects}};
  }
  Json operator()(const edit::ChooseModel& it) const {
    return {{"edit", "choose_model"}, {"model", it.name}, {"settings", it.settings}};
  }
};

/// Reads values of a session file and says where one is wrong.
class SessionReader {
 public:
  using Json = nlohmann::json;

  explicit SessionReader(std::string file) : file_(std::move(file)) {}

  [[noreturn]] void refuse(const std::string& what, const std::string& at, const std::string& mend = {}) const {
    throw Error({.what = what,
                 .where = file_ + (at.empty() ? "" : ", " + at),
                 .mend = mend.empty() ? "the file is damaged; export the session again" : mend});
  }

  const Json& field(const Json& from, const char* key, const std::string& at) const {
    if (!from.is_object()) refuse("this is no object with fields", at);
    const auto found = from.find(key);
    if (found == from.end()) refuse(std::string{"there is no '"} + key + "'", at);
    return *found;
  }

  std::int64_t number(const Json& from, const char* key, const std::string& at, std::int64_t least,
                      std::int64_t most) const {
    return number(field(from, key, at), at + "." + key, least, most);
  }
  std::int64_t number(const Json& value, const std::string& at, std::int64_t least, std::int64_t most) const {
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62);
    if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
      refuse(
          "'" + shown(value) + "' is not a whole number from " + std::to_string(least) + " to " + std::to_string(most),
          at);
    return value.get<std::int64_t>();
  }

  std::string text(const Json& from, const char* key, const std::string& at, std::size_t most = 4096) const {
    const auto& value = field(from, key, at);
    if (!value.is_string()) refuse("'" + shown(value) + "' is no text", at + "." + key);
    auto text = value.get<std::string>();
    if (text.size() > most) refuse("a text of " + std::to_string(text.size()) + " bytes", at + "." + key);
    return text;
  }

  const Json& list(const Json& from, const char* key, const std::string& at) const {
    const auto& value = field(from, key, at);
    if (!value.is_array()) refuse("'" + shown(value) + "' is no list", at + "." + key);
    return value;
  }

  std::map<std::string, std::string> settings(const Json& from, const std::string& at) const {
    const auto& all = field(from, "settings", at);
    if (!all.is_object()) refuse("'" + shown(all) + "' are no settings", at + ".settings");
    std::map<std::string, std::string> settings;
    for (const auto& [key, value] : all.items()) settings[key] = text(all, key.c_str(), at + ".settings");
    return settings;
  }

 private:
  static std::string shown(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40);
  }

  std::string file_;
};

class EditReader {
 public:
  using Json = SessionReader::Json;

  explicit EditReader(const SessionReader& read) : read_(read) {}

  Edit operator()(const Json& json, const std::string& at) {
    const auto kind = read_.text(json, "edit", at);
    if (kind == "prompt") return prompt(json, at);
    if (kind == "remove") return edit::Remove{id(json, "object", at), frame(json, "told", at)};
    if (kind == "rename")
      return edit::Rename{id(json, "object", at), read_.text(json, "name", at),
                          static_cast<std::int32_t>(read_.number(json, "category", at, -1, most_category)),
                          static_cast<std::uint32_t>(read_.number(json, "colour", at, 0, 0xFFFFFF))};
    if (kind == "merge") {
      const edit::Merge merge{id(json, "from", at), id(json, "into", at)};
      if (merge.from == merge.into) read_.refuse("an object is merged into itself", at);
      return merge;
    }
    if (kind == "split") {
      const edit::Split split{id(json, "object", at), frame(json, "frame", at), id(json, "other", at)};
      if (split.object == split.other) read_.refuse("an object is split off itself", at);
      return split;
    }
    if (kind == "propagate_back") {
      edit::PropagateBack back{frame(json, "from", at), frame(json, "to", at), {}};
      if (back.to >= back.from) read_.refuse("'to' does not lie before 'from'", at);
      for (const auto& one : read_.list(json, "objects", at))
        back.objects.push_back(static_cast<ObjectId>(read_.number(one, at + ".objects", 1, most_id)));
      return back;
    }
    if (kind == "choose_model") return edit::ChooseModel{read_.text(json, "model", at), read_.settings(json, at)};
    read_.refuse("'" + kind + "' is no edit that this version knows", at, "use a newer version of this program");
  }

 private:
  static constexpr std::int64_t most_id = most_object_id, most_category = std::numeric_limits<std::int32_t>::max(),
                                most_frame = std::int64_t{1} << 40;
  /// Of all masks of the file: a few letters can mean many.
  static constexpr std::int64_t most_rows = 1 << 24, most_runs = 1 << 25;

  ObjectId id(const Json& json, const char* key, const std::string& at) const {
    return static_cast<ObjectId>(read_.number(json, key, at, 1, most_id));
  }
  std::int64_t frame(const Json& json, const char* key, const std::string& at) const {
    return read_.number(json, key, at, 0, most_frame);
  }

  edit::Prompt prompt(const Json& json, const std::string& at) {
    edit::Prompt prompt{.index = frame(json, "frame", at)};
    const auto& objects = read_.list(json, "objects", at);
    if (objects.empty()) read_.refuse("a prompt that names no object", at);
    std::int64_t height = 0, width = 0;
    std::vector<ObjectId> ids, labels;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const auto here = at + ".objects[" + std::to_string(i) + "]";
      ids.push_back(id(objects[i], "id", here));
      if (objects[i].contains("name")) prompt.names[ids.back()] = read_.text(objects[i], "name", here);
      const auto& mask = read_.field(objects[i], "segmentation", here);
      const auto& size = read_.list(mask, "size", here);
      if (size.size() != 2) read_.refuse("'size' is not height and width", here);
      const auto h = read_.number(size[0], here + ".size", 1, mask_side_limit);
      const auto w = read_.number(size[1], here + ".size", 1, mask_side_limit);
      if (h * w > mask_pixel_limit) read_.refuse("a mask of " + std::to_string(w) + "x" + std::to_string(h), here);
      if (i == 0) {
        if ((rows_ += h) > most_rows) refuse_more("rows", most_rows, here);
        labels.resize(static_cast<std::size_t>((height = h) * (width = w)));
      }
      if (h != height || w != width) read_.refuse("masks of one frame differ in size", here);
      for_each_segment(rle_from_string(h, w, read_.text(mask, "counts", here, std::size_t{1} << 26), here),
                       [&](std::int64_t begin, std::int64_t end) {
                         for (auto k = begin; k < end; ++k) {
                           auto& label = labels[static_cast<std::size_t>(k % h * w + k / h)];
                           if (label != 0) read_.refuse("masks of one frame overlap", here);
                           label = ids.back();
                         }
                       });
    }
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) read_.refuse("an object is named twice", at);
    prompt.masks = masks_from_labels(labels, height, width, ids);
    runs_ += std::ssize(prompt.masks.layers.at(0).runs);
    if (runs_ > most_runs) refuse_more("runs", most_runs, at);
    return prompt;
  }

  [[noreturn]] void refuse_more(const std::string& what, std::int64_t most, const std::string& at) const {
    read_.refuse("the masks up to here have more than " + std::to_string(most) + " " + what, at,
                 "work on the video in parts, or at a smaller size");
  }

  const SessionReader& read_;
  std::int64_t rows_ = 0, runs_ = 0;
};

}  // namespace detail

/// An edit as JSON on one line. It is asked for at each save, so whoever holds edits keeps it.
inline std::string edit_text(const Edit& edit) {
  return std::visit(detail::EditToJson{}, edit).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The text of a session file. `text_of` gives an edit's line.
template <class Text>
std::string session_text(const SessionFile& session, Text&& text_of) {
  using Json = nlohmann::ordered_json;
  const auto& source = session.source;
  Json head{{"format", detail::session_format},
            {"version", detail::session_version},
            {"vos", version},
            {"source",
             {{"input", source.input},
              {"name", source.name},
              {"max_size", source.max_size},
              {"height", source.height},
              {"width", source.width},
              {"frames", source.frames}}},
            {"model", session.model},
            {"weights", session.weights},
            {"settings", session.settings}};
  auto text = head.dump(1, ' ', false, Json::error_handler_t::replace);
  text.resize(text.size() - 2);  // its closing brace: the edits follow, a line each
  for (const auto& [key, edits] :
       {std::pair{"edits", session.edits.done()}, std::pair{"undone", session.edits.undone()}}) {
    text += std::string{",\n \""} + key + "\": [";
    for (std::size_t i = 0; i < edits.size(); ++i) (text += i == 0 ? "\n  " : ",\n  ") += text_of(edits[i]);
    text += edits.empty() ? "]" : "\n ]";
  }
  return text + "\n}\n";
}

/// Reads a session file's text. `file` names it in an Error, which also says where in it something is wrong.
inline SessionFile session_from_text(std::string_view text, const std::string& file) {
  const detail::SessionReader read{file};
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    read.refuse(std::string{"it cannot be read: "} + e.what(), "");
  }
  if (!json.is_object() || !json.contains("format") || json["format"] != detail::session_format)
    read.refuse("this is no session file", "", "name the file that the export 'session' gave");
  if (const auto number = read.number(json, "version", "file", 1, 1 << 20); number > detail::session_version)
    read.refuse("it is of version " + std::to_string(number), "version", "use a newer version of this program");
  SessionFile session;
  const auto& source = read.field(json, "source", "file");
  constexpr auto most = std::int64_t{1} << 40;
  session.source = {.input = read.text(source, "input", "source"),
                    .name = read.text(source, "name", "source"),
                    .max_size = read.number(source, "max_size", "source", 0, most),
                    .height = read.number(source, "height", "source", 0, most),
                    .width = read.number(source, "width", "source", 0, most),
                    .frames = read.number(source, "frames", "source", -1, most)};
  session.model = read.text(json, "model", "file");
  session.weights = read.text(json, "weights", "file");
  session.settings = read.settings(json, "file");
  detail::EditReader edit_of{read};
  std::size_t undone = 0, total = 0;
  for (const char* key : {"edits", "undone"}) {
    const auto& edits = read.list(json, key, "file");
    if ((total += edits.size()) > most_edits)
      read.refuse(std::to_string(total) + " edits", key,
                  "a session has at most " + std::to_string(most_edits) + ": work on the video in parts");
    for (std::size_t i = 0; i < edits.size(); ++i)
      session.edits.add(edit_of(edits[i], std::string{key} + "[" + std::to_string(i) + "]"));
    undone = edits.size();
  }
  for (; undone > 0; --undone) session.edits.undo();
  return session;
}

}  // namespace vos
