#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <simdjson.h>

#include <vos/data/annotated.hpp>
#include <vos/data/mask_rle.hpp>
#include <vos/error.hpp>

namespace vos {

/// Where no file names tell how many frames a video has, a few letters can claim any number: nine hours at 30 per second.
inline constexpr std::int64_t annotated_length_limit = 1'000'000;

namespace detail {

namespace json = simdjson::ondemand;

/// A JSON file's text with the room behind it that the parser needs.
using JsonText = std::shared_ptr<const simdjson::padded_string>;

inline JsonText load_json(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path))
    throw Error({.what = "there is no such file", .where = path.string(), .mend = "check the name"});
  simdjson::padded_string text;
  if (const auto error = simdjson::padded_string::load(path.string()).get(text))
    throw Error({.what = std::string{"cannot be read: "} + simdjson::error_message(error),
                 .where = path.string(),
                 .mend = "check the permissions and the free memory"});
  return std::make_shared<const simdjson::padded_string>(std::move(text));
}

/// Reads annotation and result files in one pass over their text. What it is looking at is kept as it goes, so that an
/// error can say where without any record paying for it.
class AnnotationReader {
 public:
  AnnotationReader(JsonText text, std::string file) : text_(std::move(text)), file_(std::move(file)) {}

  Annotations annotations() {
    Annotations all;
    bool images = false, videos = false;
    parse([&](json::document& document) {
      json::object root = document.get_object();
      for (auto field : root) {
        const std::string_view key = field.unescaped_key();
        if (key == "videos" || key == "images") {
          (key == "videos" ? videos : images) = true;
          each_record(field.value().value(), key == "videos" ? "videos" : "images",
                      [&](json::object record) { all.videos.push_back(video(record)); });
        } else if (key == "categories") {
          each_record(field.value().value(), "categories",
                      [&](json::object record) { all.categories.push_back(category(record)); });
        } else if (key == "annotations") {
          each_record(field.value().value(), "annotations",
                      [&](json::object record) { all.tracks.push_back(track(record, false)); });
        }
      }
    });
    list_ = nullptr;
    if (videos == images)
      refuse(videos ? "lists both 'videos' and 'images'" : "lists neither 'videos' nor 'images'",
             "give an annotation file of YouTube-VIS, OVIS or COCO");
    list_ = "categories";
    expect_unique(all.categories, "category");
    list_ = videos ? "videos" : "images";
    expect_unique(all.videos, "video");
    list_ = "annotations";
    expect_unique(all.tracks, "annotation");
    resolve(all.tracks, all.videos);
    if (videos) expect_positive(all.tracks);
    expect_categories(all);
    all.keeps = text_;
    return all;
  }

  ResultTracks results(const std::vector<AnnotatedVideo>& videos) {
    ResultTracks all;
    parse([&](json::document& document) {
      each_record(document, "", [&](json::object record) {
        all.tracks.push_back(track(record, true));
        all.tracks.back().id = record_ + 1;
      });
    });
    list_ = nullptr;
    if (all.tracks.empty()) refuse("holds no result", "write one record for each object found");
    list_ = "";
    resolve(all.tracks, videos);
    all.keeps = text_;
    return all;
  }

 private:
  template <class Read>
  void parse(Read&& read) {
    json::parser parser;
    try {
      auto document = parser.iterate(*text_).take_value();
      read(document);
      if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
        list_ = nullptr;
        refuse("goes on after its end", "write the file again");
      }
    } catch (const simdjson::simdjson_error& error) {
      const auto code = error.error();
      if (code == simdjson::CAPACITY) {
        list_ = nullptr;
        refuse("is larger than 4 GB", "split it by videos");
      }
      if (code == simdjson::INCORRECT_TYPE || code == simdjson::NUMBER_ERROR || code == simdjson::NUMBER_OUT_OF_RANGE)
        refuse("is not " + std::string{wanted_}, "write the file again");
      refuse(std::string{"is damaged JSON: "} + error.what(), "write the file again");
    }
  }

  /// Calls `read(record)` for each object of a list, which may be null.
  template <class Value, class Read>
  void each_record(Value&& value, const char* list, Read&& read) {
    list_ = list;
    record_ = entry_ = -1;
    key_ = {};
    wanted_ = "a list of records";
    if (value.is_null()) return;
    json::array records = value.get_array();  // a result in the loop's head would not throw until its first element
    for (auto record : records) {
      ++record_;
      key_ = {};
      entry_ = -1;
      wanted_ = "a record";
      read(record.get_object().value());
    }
  }

  /// Calls `read(key, value)` for each field of a record.
  template <class Read>
  void each_field(json::object record, Read&& read) {
    for (auto field : record) {
      key_ = field.unescaped_key();
      entry_ = -1;
      read(key_, field.value().value());
    }
    key_ = {};
    entry_ = -1;
  }

  template <class Read>
  void each_entry(json::value value, const char* wanted, Read&& read) {
    wanted_ = wanted;
    json::array entries = value.get_array();
    for (auto entry : entries) {
      ++entry_;
      wanted_ = wanted;
      read(entry.value());
    }
    entry_ = -1;
  }

  std::int64_t integer(json::value value) {
    wanted_ = "an integer";
    return value.get_int64();
  }

  double number(json::value value) {
    wanted_ = "a number";
    return value.get_double();
  }

  std::string text(json::value value) {
    wanted_ = "a text";
    return std::string{std::string_view{value.get_string()}};
  }

  /// YouTube-VIS writes 0 and 1, some writers false and true.
  bool flag(json::value value) {
    wanted_ = "0 or 1";
    if (value.type() == json::json_type::boolean) return value.get_bool();
    const std::int64_t number = value.get_int64();
    if (number != 0 && number != 1) refuse("is not 0 or 1", "write the file again");
    return number == 1;
  }

  AnnotatedVideo video(json::object record) {
    AnnotatedVideo video;
    Seen id, height, width;
    bool image = true;
    each_field(record, [&](std::string_view key, json::value value) {
      if (key == "id") video.id = integer(value), id.set();
      else if (key == "height") video.height = integer(value), height.set();
      else if (key == "width") video.width = integer(value), width.set();
      else if (key == "length") video.length = integer(value), image = false;
      else if (key == "name") video.name = text(value);
      else if (key == "file_name") video.files = {text(value)};
      else if (key == "file_names") {
        image = false;
        video.files.clear();
        each_entry(value, "a list of texts", [&](json::value entry) { video.files.push_back(text(entry)); });
      }
    });
    expect(id, "id"), expect(height, "height"), expect(width, "width");
    detail::expect_rle_size(video.height, video.width, where());
    if (image) video.length = 1;
    else if (video.length == 0) video.length = static_cast<std::int64_t>(video.files.size());
    if (video.length < 1) refuse("has no frames", "list them in 'file_names'");
    if (!video.files.empty() && video.length != static_cast<std::int64_t>(video.files.size()))
      refuse("has a 'length' of " + std::to_string(video.length) + " and " + std::to_string(video.files.size()) +
                 " 'file_names'",
             "give a name for each frame");
    if (video.length > annotated_length_limit && video.files.empty())
      refuse("has a 'length' of " + std::to_string(video.length) + " and no 'file_names'",
             "videos may have " + std::to_string(annotated_length_limit) + " frames, or a name for each");
    if (video.name.empty() && !video.files.empty()) {
      const auto first = std::filesystem::path{video.files.front()}.lexically_normal();
      video.name = (image ? first.parent_path() / first.stem() : first.parent_path()).generic_string();
    }
    if (video.name.empty()) video.name = std::to_string(video.id);
    return video;
  }

  CatalogCategory category(json::object record) {
    CatalogCategory category;
    Seen id;
    each_field(record, [&](std::string_view key, json::value value) {
      if (key == "id") category.id = integer(value), id.set();
      else if (key == "name") category.name = text(value);
    });
    expect(id, "id");
    if (category.name.empty()) category.name = std::to_string(category.id);
    return category;
  }

  /// `video` is the id that the file says, for `resolve` to look up: videos may be listed after their objects.
  AnnotatedTrack track(json::object record, bool result) {
    AnnotatedTrack track;
    Seen id, video, category, score, masks;
    each_field(record, [&](std::string_view key, json::value value) {
      if (key == "id" && !result) track.id = integer(value), id.set();
      else if (key == "video_id" || key == "image_id") track.video = integer(value), video.set();
      else if (key == "category_id") track.category = integer(value), category.set();
      else if (key == "iscrowd" && !result) track.crowd = flag(value);
      else if (key == "score") track.score = number(value), score.set();
      else if (key == "segmentation") track.masks = {mask(value)}, masks.set();
      else if (key == "area" && !result) track.areas = {area(value)};
      else if (key == "segmentations") {
        track.masks.clear();
        each_entry(value, "a list of masks", [&](json::value entry) { track.masks.push_back(mask(entry)); });
        masks.set();
      } else if (key == "areas" && !result) {
        track.areas.clear();
        wanted_ = "a list of numbers";
        if (!value.is_null())
          each_entry(value, wanted_, [&](json::value entry) { track.areas.push_back(area(entry)); });
      }
    });
    if (!result) expect(id, "id");
    expect(video, "video_id"), expect(category, "category_id");
    if (result) expect(score, "score"), expect(masks, "segmentations");
    if (masks && track.masks.empty())  // every video has a frame
      refuse("has 0 'segmentations'", "give one entry for each frame, null where the object is absent");
    track.masks.shrink_to_fit();
    track.areas.shrink_to_fit();
    return track;
  }

  double area(json::value value) {
    wanted_ = "a number";
    return value.is_null() ? 0 : number(value);
  }

  MaskText mask(json::value value) {
    wanted_ = "a mask: null, an RLE or polygons";
    switch (value.type().value()) {
      case json::json_type::null:
        if (!value.is_null()) refuse("is damaged JSON", "write the file again");
        return {};
      case json::json_type::array:
        return {.form = MaskText::Form::polygons, .json = value.get_array().value().raw_json()};
      case json::json_type::object: break;
      default: refuse("is not " + std::string{wanted_}, "write the file again");
    }
    MaskText mask;
    Seen size, counts;
    json::object rle = value.get_object();
    for (auto field : rle) {
      const std::string_view key = field.unescaped_key();
      if (key == "size") {
        wanted_ = "a mask whose 'size' is [height, width]";
        std::int64_t sides[2] = {}, count = 0;
        json::array list = field.value().get_array();
        for (auto side : list) {
          if (count == 2) refuse("is not " + std::string{wanted_}, "write the file again");
          sides[count++] = side.get_int64();
        }
        if (count != 2) refuse("is not " + std::string{wanted_}, "write the file again");
        detail::expect_rle_size(sides[0], sides[1], where());
        mask.height = static_cast<std::int32_t>(sides[0]);
        mask.width = static_cast<std::int32_t>(sides[1]);
        size.set();
      } else if (key == "counts") {
        wanted_ = "a mask whose 'counts' are a text or a list";
        auto runs = field.value().value();
        if (runs.type() == json::json_type::string) {
          mask.form = MaskText::Form::text;
          auto raw = runs.raw_json_token();  // with its quotes, and the space behind it
          mask.json = raw.substr(1, raw.find_last_of('"') - 1);
          static_cast<void>(runs.get_raw_json_string().value());
        } else {
          mask.form = MaskText::Form::counts;
          mask.json = runs.get_array().value().raw_json();
        }
        counts.set();
      }
    }
    expect(size, "size"), expect(counts, "counts");
    return mask;
  }

  /// Whether a record had a field.
  class Seen {
   public:
    void set() { seen_ = true; }
    explicit operator bool() const { return seen_; }

   private:
    bool seen_ = false;
  };

  void expect(const Seen& seen, const char* key) const {
    if (!seen) refuse(std::string{"lacks '"} + key + "'", "write it for every record");
  }

  template <class Records>
  void expect_unique(const Records& records, const char* kind) {
    std::unordered_set<std::int64_t> ids;
    for (std::size_t i = 0; i < records.size(); ++i)
      if (!ids.insert(records[i].id).second) {
        record_ = static_cast<std::int64_t>(i);
        refuse(std::string{"has the id "} + std::to_string(records[i].id) + " of a former " + kind, "ids must differ");
      }
  }

  /// Turns video ids into indexes, and checks what depends on the video.
  void resolve(std::vector<AnnotatedTrack>& tracks, const std::vector<AnnotatedVideo>& videos) {
    std::unordered_map<std::int64_t, std::int64_t> index_of;
    for (std::size_t i = 0; i < videos.size(); ++i) index_of.emplace(videos[i].id, static_cast<std::int64_t>(i));
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      auto& track = tracks[i];
      record_ = static_cast<std::int64_t>(i);
      const auto found = index_of.find(track.video);
      if (found == index_of.end())
        refuse("names the video " + std::to_string(track.video) + ", which is not listed",
               "use the ids of the ground truth's 'videos'");
      track.video = found->second;
      const auto& video = videos[static_cast<std::size_t>(track.video)];
      const auto expect_length = [&](std::size_t length, const char* key) {
        if (length != static_cast<std::size_t>(video.length))
          refuse("has " + std::to_string(length) + " '" + key + "', its video " + std::to_string(video.id) + " has " +
                     std::to_string(video.length) + " frames",
                 "give one entry for each frame, null where the object is absent");
      };
      // An object without masks keeps none: a null for each frame could be any multiple of the file's size.
      if (!track.masks.empty()) expect_length(track.masks.size(), "segmentations");
      if (!track.areas.empty()) expect_length(track.areas.size(), "areas");
    }
  }

  /// The official evaluator takes 0 for "not matched", so that such an object could never be found.
  void expect_positive(const std::vector<AnnotatedTrack>& tracks) {
    for (std::size_t i = 0; i < tracks.size(); ++i)
      if (tracks[i].id < 1) {
        record_ = static_cast<std::int64_t>(i);
        refuse("has the id " + std::to_string(tracks[i].id), "ids of annotations begin at 1");
      }
  }

  void expect_categories(const Annotations& all) {
    std::unordered_set<std::int64_t> known;
    for (const auto& category : all.categories) known.insert(category.id);
    for (std::size_t i = 0; i < all.tracks.size(); ++i)
      if (!known.contains(all.tracks[i].category)) {
        record_ = static_cast<std::int64_t>(i);
        refuse("names the category " + std::to_string(all.tracks[i].category) + ", which is not listed",
               "list it in 'categories'");
      }
  }

  std::string where() const {
    std::string place = file_;
    if (list_ == nullptr) return place;
    place += ", ";
    place += list_;
    const auto index = [&place](std::int64_t number) {
      if (number >= 0) (place += '[').append(std::to_string(number)) += ']';
    };
    index(record_);
    if (!key_.empty()) (place += '.') += key_.substr(0, 40);
    index(entry_);
    return place;
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& mend) const {
    throw Error({.what = what, .where = where(), .mend = mend});
  }

  JsonText text_;
  std::string file_;
  const char* list_ = nullptr;  // what is being read: list[record].key[entry]
  std::int64_t record_ = -1, entry_ = -1;
  std::string_view key_ = {};
  const char* wanted_ = "a JSON object";
};

}  // namespace detail

/// Reads a file of YouTube-VIS, OVIS or COCO. Memory is little more than the file's size, whatever it says; a structural
/// fault is an Error that names file, record and key. Masks are decoded later, by `rle_from`.
inline Annotations read_annotations(const std::filesystem::path& path) {
  return detail::AnnotationReader{detail::load_json(path), path.string()}.annotations();
}

/// The same from text in memory; `where` names it in an Error.
inline Annotations annotations_from(std::string_view text, const std::string& where) {
  return detail::AnnotationReader{std::make_shared<const simdjson::padded_string>(text), where}.annotations();
}

/// Reads results for the videos of a ground truth.
inline ResultTracks read_results(const std::filesystem::path& path, const std::vector<AnnotatedVideo>& videos) {
  return detail::AnnotationReader{detail::load_json(path), path.string()}.results(videos);
}

inline ResultTracks results_from(std::string_view text, const std::string& where,
                                 const std::vector<AnnotatedVideo>& videos) {
  return detail::AnnotationReader{std::make_shared<const simdjson::padded_string>(text), where}.results(videos);
}

}  // namespace vos
