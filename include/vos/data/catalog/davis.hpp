#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/frames.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/catalog/splits.hpp>
#include <vos/error.hpp>

namespace vos::detail {

inline constexpr const char* davis_needs =
    "JPEGImages/480p or JPEGImages/Full-Resolution, with a folder for each video";

/// By what a folder is recognised as the root of DAVIS; empty if it is not.
inline std::string davis_sign(FolderView& root) {
  for (const auto* resolution : {"480p", "Full-Resolution", "1080p"})
    if (root.has_folder("JPEGImages") && root.below("JPEGImages").has_folder(resolution) &&
        !has_images(root.below("JPEGImages").below(resolution).listing()))
      return std::string{"there is JPEGImages/"} + resolution;
  return {};
}

/// Names of videos and, where a list names them, of their frames: "bear", or "/JPEGImages/480p/bear/00000.jpg" and then
/// its mask, perhaps with more columns.
struct DavisList {
  std::vector<std::string> videos = {};                          ///< in the list's order
  std::vector<std::pair<std::string, std::string>> frames = {};  ///< video and stem
};

inline DavisList davis_list(std::string_view text, const std::string& where) {
  DavisList list;
  for (const auto& line : lines_of(text, where)) {
    const auto place = where + ":" + std::to_string(line.number);
    auto path = std::string{words_of(line.text)[0]};
    if (path.find('/') == std::string::npos) {
      list.videos.push_back(inner_name(path, place));
      continue;
    }
    path.erase(0, path.front() == '/' ? 1 : 0);
    const auto parts = split(inner_name(path, place), '/');
    if (parts.size() < 3 || parts[parts.size() - 2].empty() || parts.back().empty())
      throw Error({.what = "a line is neither a video's name nor the path of a frame: " + in_quotes(line.text),
                   .where = place,
                   .mend = "write 'bear', or '/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png'"});
    const auto& video = parts[parts.size() - 2];
    if (list.videos.empty() || list.videos.back() != video) list.videos.push_back(video);
    list.frames.emplace_back(video, stem_of(parts.back()));
  }
  return list;
}

/// The list to use: of the year and split asked for, or of the newest year that has such a split.
struct DavisChoice {
  std::string year = {}, split = {};  ///< empty where there are no lists
};

inline DavisChoice choose_davis_list(const CatalogSpec& spec, FolderView& sets) {
  std::vector<std::string> years;  // newest first
  std::map<std::string, std::vector<std::string>> splits;
  for (const auto& year : sets.listing().folders)
    for (const auto& file : sets.below(year).listing().files)
      if (file.ends_with(".txt")) splits[year].emplace_back(stem_of(file));
  for (auto it = splits.rbegin(); it != splits.rend(); ++it) years.push_back(it->first);
  if (!spec.year.empty()) {
    if (!splits.contains(spec.year))
      throw Error({.what = "there are no lists of the year '" + spec.year + "'",
                   .where = sets.path().string(),
                   .mend = years.empty() ? "leave --year out" : "years: " + join(years, ", "),
                   .exit_code = exit_code::usage});
    return {spec.year, choose_split(splits[spec.year], spec.split, (sets.path() / spec.year).string())};
  }
  const auto wanted = spec.split.empty() ? "train" : spec.split;
  for (const auto& year : years)
    if (const auto& there = splits[year]; std::find(there.begin(), there.end(), wanted) != there.end())
      return {year, wanted};
  if (!years.empty()) return {years[0], choose_split(splits[years[0]], spec.split, (sets.path() / years[0]).string())};
  if (!spec.split.empty()) choose_split({}, spec.split, sets.path().string());
  return {};
}

inline void report_missing_frames(const DavisList& list, const std::string& where, Catalog& catalog) {
  std::map<std::string, const CatalogVideo*, std::less<>> videos;
  for (const auto& video : catalog.videos) videos.emplace(video.name, &video);
  for (const auto& [name, stem] : list.frames) {
    const auto video = videos.find(name);
    if (video == videos.end()) continue;  // missing altogether, and told already
    const auto& frames = video->second->frames;
    const auto at = std::lower_bound(frames.begin(), frames.end(), stem, [](const auto& frame, const auto& text) {
      return natural_less(frame.stem, text);
    });
    if (at == frames.end() || at->stem != stem)
      catalog.findings.push_back(
          finding("missing-image", where, in_quotes(name + "/" + stem) + " is listed, but there is no such image"));
  }
}

inline void read_davis(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  auto& images = root.below("JPEGImages");
  const auto& resolutions = images.listing().folders;
  auto resolution =
      spec.resolution.empty() ? std::string{images.has_folder("480p") ? "480p" : resolutions[0]} : spec.resolution;
  if (!images.has_folder(resolution))
    throw Error({.what = "there is no resolution '" + resolution + "'" + did_you_mean(resolution, resolutions),
                 .where = images.path().string(),
                 .mend = "resolutions: " + join(resolutions, ", "),
                 .exit_code = exit_code::usage});
  auto& sets = root.below("ImageSets");
  const auto choice = choose_davis_list(spec, sets);
  catalog.split = choice.split;
  catalog.binary_masks = choice.year == "2016";
  catalog.void_255 = !catalog.binary_masks;
  VideoFolders folders{.images = images.path() / resolution, .masks = root.path() / "Annotations" / resolution};
  DavisList list;
  if (choice.year.empty()) {
    catalog.findings.push_back(
        finding("no-list", "ImageSets", "there is no ImageSets/YEAR/SPLIT.txt: all videos were taken"));
  } else {
    for (const auto& year : sets.listing().folders)
      for (const auto& file : sets.below(year).listing().files) {
        if (!file.ends_with(".txt")) continue;
        const auto path = sets.path() / year / file;
        auto names = davis_list(read_text(path), path.string());
        folders.known.insert(folders.known.end(), names.videos.begin(), names.videos.end());
        if (year == choice.year && stem_of(file) == choice.split) list = std::move(names);
      }
    folders.list = "ImageSets/" + choice.year + "/" + choice.split + ".txt";
    folders.listed = list.videos;
    if (list.videos.empty())
      throw Error({.what = "the list is empty",
                   .where = (root.path() / folders.list).string(),
                   .mend = "write the names of the videos, one a line"});
  }
  catalog.videos = videos_in(folders, catalog);
  report_missing_frames(list, folders.list, catalog);
  catalog.taken_for =
      "DAVIS" + (choice.year.empty() ? "" : " " + choice.year + ", split " + choice.split) + ", " + resolution;
}

}  // namespace vos::detail
