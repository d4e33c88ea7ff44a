#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>

namespace bench {

using LabelVideo = std::vector<vos::LabelImage>;

/// The label maps of each folder below `root` that holds some, in the order of their names. 255 is an object of a binary mask.
inline std::map<std::string, LabelVideo> label_videos_in(const std::filesystem::path& root) {
  std::map<std::string, std::vector<std::filesystem::path>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (entry.path().extension() == ".png")
      files[entry.path().parent_path().filename().string()].push_back(entry.path());
  std::map<std::string, LabelVideo> videos;
  for (auto& [name, paths] : files) {
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      auto& labels = videos[name].emplace_back(vos::labels_from_png(vos::read_file(path), path.string()));
      std::replace(labels.ids.begin(), labels.ids.end(), 255, 1);
    }
  }
  return videos;
}

}  // namespace bench
