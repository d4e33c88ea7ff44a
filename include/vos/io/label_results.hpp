#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/io/label_store.hpp>
#include <vos/wire/rle.hpp>

namespace vos {

/// Label maps from results in COCO's RLE, as `RleSink` writes them. Such a file numbers its videos and frames; the names
/// come from `truth`: video v is its v-th sequence, item t its t-th frame. A result folder's own frames.jsonl, where there
/// is one, tells the frames better: it also knows those that have no truth. A sequence without an entry is one in which
/// nothing was found.
///
/// Where masks of two objects overlap, the pixel goes to the higher score, then to the smaller id.
class LabelResults final : public LabelStore {
 public:
  /// One file with all videos, `bytes`; `file` is what it is called.
  LabelResults(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes, const LabelStore& truth) {
    std::vector<std::string> names;
    for (const auto& [sequence, stems] : truth.frames()) names.push_back(sequence);
    Frames frames;
    add(file, bytes, truth, frames, [&](std::int64_t video) -> std::string {
      if (names.size() == 1) return names.front();
      if (video < 1 || video > static_cast<std::int64_t>(names.size()))
        refuse("there is no video " + std::to_string(video) + ": the ground truth has " + std::to_string(names.size()),
               file.string(), "number videos from 1, in the order of their names");
      return names[static_cast<std::size_t>(video - 1)];
    });
    for (const auto& [sequence, stems] : truth.frames())
      if (!frames.contains(sequence)) add_empty(file, sequence, names.size() == 1, truth, frames);
    set_frames(std::move(frames));
  }

  /// FOLDER/SEQUENCE/results.json for each sequence.
  LabelResults(const std::vector<std::pair<std::string, std::filesystem::path>>& files, const LabelStore& truth) {
    Frames frames;
    for (const auto& [sequence, file] : files) {
      add(file, read_file(file), truth, frames, [&](std::int64_t) { return sequence; });
      if (!frames.contains(sequence)) add_empty(file, sequence, true, truth, frames);
    }
    set_frames(std::move(frames));
  }

  LabelImage read(const std::string& sequence, const std::string& stem) const override {
    const auto& video = videos_.at(sequence);
    LabelImage image{video.height, video.width, {}};
    image.ids.resize(static_cast<std::size_t>(image.height * image.width));
    const auto frame = static_cast<std::size_t>(video.frame_of.at(stem));
    for (const auto& track : video.tracks) {  // the one on top last
      const auto& text = track.masks[frame];
      if (text.empty()) continue;
      paint(rle_from_string(image.height, image.width, text, where(sequence, stem)), track.id, std::span(image.ids));
    }
    return image;
  }
  /// How large the label maps of a sequence are; 0 where nothing tells.
  std::int64_t pixels(const std::string& sequence) const {
    const auto& video = videos_.at(sequence);
    return video.height * video.width;
  }
  std::string where(const std::string& sequence, const std::string& stem) const override {
    return videos_.at(sequence).file + ", frame " + stem + " of " + sequence;
  }

 private:
  struct Track {
    ObjectId id = 0;
    double score = 0;
    std::vector<std::string> masks = {};  ///< COCO's text, empty where the object is absent
  };
  struct Video {
    std::string file;
    std::int64_t height = 0, width = 0;
    std::vector<Track> tracks = {};
    std::map<std::string, std::int64_t> frame_of = {};
  };

  [[noreturn]] static void refuse(const std::string& what, const std::string& where, const std::string& mend,
                                  int code = exit_code::error) {
    throw Error({.what = what, .where = where, .mend = mend, .exit_code = code});
  }

  template <class NameOf>
  void add(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes, const LabelStore& truth,
           Frames& frames, const NameOf& name_of) {
    using Json = nlohmann::json;
    std::map<std::string, std::int64_t> number_of;
    std::map<std::pair<std::int64_t, ObjectId>, std::size_t> entry_of;
    std::size_t entry = 0;
    try {
      const auto json = Json::parse(bytes);
      if (!json.is_array()) refuse("the results are not a list", file.string(), "write one entry for each object");
      for (; entry < json.size(); ++entry) {
        const auto& item = json[entry];
        const auto at = [&] { return file.string() + ", entry " + std::to_string(entry); };
        const auto number = item.contains("video_id") ? whole(item.at("video_id"), at()) : 1;
        const auto sequence = name_of(number);
        if (const auto [former, fresh] = number_of.emplace(sequence, number); former->second != number)
          refuse("the video ids " + std::to_string(former->second) + " and " + std::to_string(number) +
                     ", where all is of the one sequence " + sequence,
                 at(), "give the truth of all videos, or the results of one");
        auto& video = videos_[sequence];
        video.file = file.string();
        Track track;
        const auto id = item.contains("id") ? whole(item.at("id"), at()) : std::ssize(video.tracks) + 1;
        if (id < 1 || id > std::numeric_limits<ObjectId>::max())
          refuse("the id " + std::to_string(id), at(), "ids go from 1 to 2147483647");
        track.id = static_cast<ObjectId>(id);
        if (const auto [former, fresh] = entry_of.emplace(std::pair{number, track.id}, entry); !fresh)
          refuse("the object " + std::to_string(id) + " of video " + std::to_string(number) + " is entry " +
                     std::to_string(former->second) + " already",
                 at(), "write one entry for each object, with an 'id' of its own");
        track.score = item.value("score", 0.0);
        for (const auto& mask : item.at("segmentations")) track.masks.push_back(text_of(mask, video, at()));
        if (!video.tracks.empty() && video.tracks.front().masks.size() != track.masks.size())
          refuse("objects of one video have " + std::to_string(track.masks.size()) + " and " +
                     std::to_string(video.tracks.front().masks.size()) + " frames",
                 at(), "give an item for each frame, null where the object is absent", exit_code::frames_missing);
        video.tracks.push_back(std::move(track));
      }
    } catch (const Json::exception& e) {
      refuse(std::string{"the results cannot be read: "} + e.what(), file.string() + ", entry " + std::to_string(entry),
             "write the file again");
    }
    for (auto& [sequence, video] : videos_) {
      if (video.file != file.string()) continue;
      std::sort(video.tracks.begin(), video.tracks.end(),
                [](const Track& a, const Track& b) { return a.score != b.score ? a.score < b.score : a.id > b.id; });
      auto& stems = frames[sequence] = names_of(file, sequence, video.tracks.front().masks.size(), truth);
      for (std::size_t t = 0; t < stems.size(); ++t) video.frame_of[stems[t]] = static_cast<std::int64_t>(t);
    }
  }

  /// A sequence in which nothing was found. `journal`: the one beside the file is of this sequence.
  void add_empty(const std::filesystem::path& file, const std::string& sequence, bool journal, const LabelStore& truth,
                 Frames& frames) {
    auto& stems = frames[sequence];
    if (journal) stems = journal_stems(file.parent_path() / "frames.jsonl");
    if (const auto known = truth.frames().find(sequence); stems.empty() && known != truth.frames().end())
      stems = known->second;
    auto& video = videos_[sequence];
    video.file = file.string();
    for (std::size_t t = 0; t < stems.size(); ++t) video.frame_of[stems[t]] = static_cast<std::int64_t>(t);
  }

  /// A whole number; the library would cast any.
  static std::int64_t whole(const nlohmann::json& value, const std::string& where) {
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{1} << 62);
    if (!fits)
      refuse("'" + value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 40) +
                 "' is not a whole number",
             where, "write the file again");
    return value.get<std::int64_t>();
  }

  /// A mask's text, after its size is seen to be the video's.
  static std::string text_of(const nlohmann::json& mask, Video& video, const std::string& where) {
    if (mask.is_null()) return {};
    const auto& size = mask.at("size");
    const auto height = whole(size.at(0), where), width = whole(size.at(1), where);
    if (height < 1 || width < 1 || height > label_pixel_limit || width > label_pixel_limit ||
        height * width > label_pixel_limit)
      refuse("a mask of height " + std::to_string(height) + " and width " + std::to_string(width), where,
             "masks may have " + std::to_string(label_pixel_limit) + " pixels");
    if (video.height == 0) video.height = height, video.width = width;
    if (video.height != height || video.width != width)
      refuse("masks of one video are " + std::to_string(video.width) + "x" + std::to_string(video.height) + " and " +
                 std::to_string(width) + "x" + std::to_string(height),
             where, "write all masks of a video at its size", exit_code::sizes_differ);
    const auto& counts = mask.at("counts");
    if (counts.is_string()) return counts.get<std::string>();
    std::vector<std::uint32_t> runs;
    for (const auto& count : counts) {
      const auto run = whole(count, where);
      if (run < 0 || run > height * width)
        refuse("a run of " + std::to_string(run) + " pixels", where, "write the file again");
      runs.push_back(static_cast<std::uint32_t>(run));
    }
    return rle_string(rle_from_counts(height, width, std::move(runs), where));
  }

  static std::vector<std::string> names_of(const std::filesystem::path& file, const std::string& sequence,
                                           std::size_t count, const LabelStore& truth) {
    if (auto stems = journal_stems(file.parent_path() / "frames.jsonl"); count > 0 && stems.size() == count)
      return stems;
    const auto known = truth.frames().find(sequence);
    if (known == truth.frames().end()) {
      std::vector<std::string> numbers;
      for (std::size_t t = 0; t < count; ++t) numbers.push_back(std::to_string(t));
      return numbers;  // a sequence that nobody asked for: counted, never read
    }
    if (known->second.size() != count)
      refuse("the results have " + std::to_string(count) + " frames of " + sequence + ", the ground truth " +
                 std::to_string(known->second.size()),
             file.string(), "write an item for each frame of the ground truth, or keep frames.jsonl beside the file",
             exit_code::frames_missing);
    return known->second;
  }

  /// The frames' names in a result folder's journal; none where there is no such file, or it says something else.
  static std::vector<std::string> journal_stems(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::vector<std::string> stems;
    for (std::string line; std::getline(file, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (json.is_object() && json.contains("stem") && json["stem"].is_string())
        stems.push_back(json["stem"].get<std::string>());
    }
    return stems;
  }

  std::map<std::string, Video> videos_;
};

}  // namespace vos
