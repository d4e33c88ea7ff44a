#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/io/files.hpp>
#include <vos/io/label_store.hpp>
#include <vos/io/mots_text.hpp>

namespace vos {

/// The .txt files in a folder: KITTI-MOTS has one for each sequence.
inline std::vector<std::filesystem::path> mots_files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : detail::entries_of(folder))
    if (entry.is_regular_file() && lower_case(entry.path().extension().string()) == ".txt")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Label maps from KITTI-MOTS text, a file a sequence; ids are class * 1000 + instance. Frames without an object have no
/// line: those that `truth` knows are empty. Where it names frames by numbers, its names are used, else six digits.
class MotsLabels final : public LabelStore {
 public:
  explicit MotsLabels(const std::vector<std::filesystem::path>& files, const LabelStore* truth = nullptr) {
    Frames frames;
    for (const auto& file : files) {
      const auto bytes = read_file(file);
      auto sequence = file.stem().string();
      if (truth != nullptr && files.size() == 1 && truth->frames().size() == 1)
        sequence = truth->frames().begin()->first;
      auto& stems = frames[sequence];
      std::map<std::int64_t, std::string> stem_of;
      if (truth != nullptr)
        if (const auto known = truth->frames().find(sequence); known != truth->frames().end())
          for (const auto& stem : known->second) {
            stems.push_back(stem);
            if (const auto number = number_from<std::int64_t>(stem)) stem_of.emplace(*number, stem);
          }
      auto& sequence_frames = sequences_[sequence];
      sequence_frames.file = file.string();
      const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
      for (auto& [number, objects] : mots_from_text(text, file.string())) {
        const auto digits = std::to_string(number);
        const auto [named, added] =
            stem_of.try_emplace(number, std::string(6 - std::min<std::size_t>(digits.size(), 6), '0') + digits);
        if (added) stems.push_back(named->second);
        sequence_frames.objects.emplace(named->second, std::move(objects));
      }
    }
    set_frames(std::move(frames));
  }

  LabelImage read(const std::string& sequence, const std::string& stem) const override {
    const auto& frames = sequences_.at(sequence).objects;
    const auto found = frames.find(stem);
    if (found == frames.end()) return {};
    const auto& first = found->second.front().mask;
    if (first.pixels() > label_pixel_limit)
      throw Error({.what = "masks of " + std::to_string(first.width) + "x" + std::to_string(first.height),
                   .where = where(sequence, stem),
                   .mend = "masks may have " + std::to_string(label_pixel_limit) + " pixels"});
    LabelImage image{first.height, first.width, std::vector<ObjectId>(static_cast<std::size_t>(first.pixels()))};
    for (const auto& object : found->second) paint(object.mask, object.id, std::span(image.ids));
    return image;
  }

  std::string where(const std::string& sequence, const std::string& stem) const override {
    return sequences_.at(sequence).file + ", frame " + stem;
  }

 private:
  struct Sequence {
    std::string file = {};
    std::map<std::string, std::vector<MotsObject>> objects = {};  // by stem
  };
  std::map<std::string, Sequence> sequences_;
};

}  // namespace vos
