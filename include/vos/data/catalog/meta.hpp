#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <simdjson.h>

#include <vos/core/text.hpp>
#include <vos/data/annotations.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/frames.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/error.hpp>

namespace vos::detail {

/// A meta.json as YouTube-VOS began it, MOSE and LVOS changed it: videos, their objects, and in which frames these are.
struct MetaObject {
  std::int64_t id = 0;
  std::string category = {};
  std::vector<std::string> frames = {};  ///< YouTube-VOS: stems
  std::string first = {}, last = {};     ///< LVOS: stems, both included
};
struct MetaVideo {
  std::string name = {};
  std::int64_t length = 0, height = 0, width = 0;  ///< MOSE; 0 where it says nothing
  std::vector<MetaObject> objects = {};
};

class MetaReader {
 public:
  MetaReader(JsonText text, std::string file) : text_(std::move(text)), file_(std::move(file)) {}

  std::vector<MetaVideo> videos() {
    std::vector<MetaVideo> videos;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (const auto error = parser.parse(*text_).get(root))
      refuse(std::string{"is damaged JSON: "} + simdjson::error_message(error), file_);
    simdjson::dom::object list;
    if (root["videos"].get(list) != simdjson::SUCCESS) refuse("has no object 'videos'", file_);
    for (const auto& [name, value] : list) {
      simdjson::dom::object record;
      const auto where = file_ + ", videos." + in_quotes(name);
      if (value.get(record) != simdjson::SUCCESS) refuse("is not an object", where);
      videos.push_back(video(std::string{name}, record, where));
    }
    return videos;
  }

 private:
  MetaVideo video(std::string name, simdjson::dom::object record, const std::string& where) const {
    MetaVideo video{.name = std::move(name)};
    for (const auto& [key, value] : record) {
      if (key == "length") video.length = count(value, where + ".length");
      else if (key == "height") video.height = count(value, where + ".height");
      else if (key == "width") video.width = count(value, where + ".width");
      else if (key == "objects") {
        simdjson::dom::object objects;
        if (value.get(objects) != simdjson::SUCCESS) refuse("is not an object", where + ".objects");
        for (const auto& [id, object] : objects) video.objects.push_back(this->object(id, object, where + ".objects"));
      }
    }
    return video;
  }

  MetaObject object(std::string_view id, simdjson::dom::element value, const std::string& list) const {
    const auto where = list + "." + in_quotes(id);
    const auto number = number_from<std::int64_t>(id);
    if (!number || *number < 1 || *number > 65535) refuse("is not the number of an object, 1 to 65535", where);
    MetaObject object{.id = *number};
    simdjson::dom::object record;
    if (value.get(record) != simdjson::SUCCESS) return object;  // MOSE has said different things here
    for (const auto& [key, field] : record) {
      if (key == "category") object.category = text(field, where + ".category");
      else if (key == "frames") {
        simdjson::dom::array frames;
        if (field.get(frames) != simdjson::SUCCESS) refuse("is not a list of names", where + ".frames");
        for (const auto frame : frames) object.frames.push_back(text(frame, where + ".frames"));
      } else if (key == "frame_range") {
        simdjson::dom::object range;
        if (field.get(range) != simdjson::SUCCESS) refuse("is not {start, end}", where + ".frame_range");
        for (const auto& [end, stem] : range) {
          if (end == "start") object.first = text(stem, where + ".frame_range.start");
          else if (end == "end") object.last = text(stem, where + ".frame_range.end");
        }
      }
    }
    return object;
  }

  static std::string text(simdjson::dom::element value, const std::string& where) {
    std::string_view text;
    std::int64_t number = 0;
    if (value.get(text) == simdjson::SUCCESS) return std::string{text};
    if (value.get(number) == simdjson::SUCCESS) return std::to_string(number);
    refuse("is not a text", where);
  }

  static std::int64_t count(simdjson::dom::element value, const std::string& where) {
    std::int64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || number < 0) refuse("is not a count", where);
    return number;
  }

  [[noreturn]] static void refuse(const std::string& what, const std::string& where) {
    throw Error({.what = what, .where = where, .mend = "fetch the file again, or write it again from its source"});
  }

  JsonText text_;
  std::string file_;
};

/// Lists the frames of a video's objects by index; a frame that is not there becomes a finding.
class FrameIndex {
 public:
  explicit FrameIndex(const std::vector<CatalogFrame>& frames) : frames_(frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) index_.emplace(frames[i].stem, static_cast<std::int64_t>(i));
  }

  /// Rising, each once; `missing(stem)` for the rest.
  template <class Missing>
  std::vector<std::int64_t> indexes(const MetaObject& object, Missing&& missing) const {
    std::vector<std::int64_t> indexes;
    for (const auto& stem : object.frames) {
      if (const auto found = index_.find(stem); found != index_.end()) indexes.push_back(found->second);
      else missing(stem);
    }
    if (!object.first.empty())
      for (std::size_t i = 0; i < frames_.size(); ++i)
        if (!natural_less(frames_[i].stem, object.first) &&
            (object.last.empty() || !natural_less(object.last, frames_[i].stem)))
          indexes.push_back(static_cast<std::int64_t>(i));
    std::sort(indexes.begin(), indexes.end());
    indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
    return indexes;
  }

 private:
  const std::vector<CatalogFrame>& frames_;
  std::unordered_map<std::string_view, std::int64_t> index_;
};

/// Category numbers by name, in the order of the names: these lists have no numbers of their own.
inline void number_categories(const std::vector<MetaVideo>& metas, Catalog& catalog,
                              std::map<std::string, std::int32_t>& number_of) {
  for (const auto& meta : metas)
    for (const auto& object : meta.objects)
      if (!object.category.empty()) number_of.emplace(object.category, 0);
  for (auto& [name, number] : number_of) {
    number = static_cast<std::int32_t>(catalog.categories.size());
    catalog.categories.push_back({number + 1, name});
  }
}

/// The videos that a meta.json lists, from folders of images and masks.
inline void read_meta_videos(const std::filesystem::path& meta_file, const std::filesystem::path& images,
                             const std::filesystem::path& masks, Catalog& catalog) {
  const auto where = place_in(catalog.root, meta_file);
  const auto metas = MetaReader{load_json(meta_file), where}.videos();
  std::map<std::string, std::int32_t> categories;
  number_categories(metas, catalog, categories);
  VideoFolders folders{.images = images, .masks = masks, .list = where};
  for (const auto& meta : metas) folders.listed.push_back(meta.name);
  if (metas.empty())
    throw Error({.what = "the list has no videos", .where = meta_file.string(), .mend = "fetch the file again"});
  folders.known = folders.listed;
  catalog.videos = videos_in(folders, catalog);
  std::unordered_map<std::string_view, const MetaVideo*> meta_of;
  for (const auto& meta : metas) meta_of.emplace(meta.name, &meta);
  for (auto& video : catalog.videos) {
    const auto& meta = *meta_of.at(video.name);
    const auto place = where + ", videos." + in_quotes(video.name);
    video.height = meta.height;
    video.width = meta.width;
    if (meta.length > 0 && meta.length != static_cast<std::int64_t>(video.frames.size()))
      catalog.findings.push_back(finding("length-differs", place,
                                         "the list says " + std::to_string(meta.length) + " frames, there are " +
                                             std::to_string(video.frames.size())));
    const FrameIndex index{video.frames};
    std::map<std::string, std::string, decltype(&natural_less)> missing{&natural_less};  // frame, first object
    for (const auto& object : meta.objects) {
      CatalogObject& known = video.objects.emplace_back();
      known.id = object.id;
      if (!object.category.empty()) known.category = categories.at(object.category);
      known.frames = index.indexes(object, [&](const std::string& stem) {
        missing.emplace(inner_name(stem, place), std::to_string(object.id));
      });
    }
    for (const auto& [stem, id] : missing)
      catalog.findings.push_back(
          finding("missing-image", place,
                  "object " + id + " is listed for frame " + in_quotes(stem) + ", but there is no such image"));
  }
}

}  // namespace vos::detail
