#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/lint/codes.hpp>

namespace vos::detail {

/// Images and masks of a folder each, brought together by their stems.
struct FrameFolders {
  std::filesystem::path images = {}, masks = {};
};

/// The frames of a video in natural order; what finds no partner becomes a finding.
///
/// A mask may be of any image kind: one that is a JPEG is found out when it is read, and said to be one.
inline std::vector<CatalogFrame> frames_in(const FrameFolders& folders, const FolderListing& images,
                                           const FolderListing& masks, Catalog& catalog) {
  std::vector<CatalogFrame> frames;
  std::unordered_map<std::string_view, std::size_t> by_stem;
  for (const auto& file : images.files) {
    if (!is_image_name(file)) continue;
    const auto stem = stem_of(file);
    if (!by_stem.emplace(stem, frames.size()).second) {
      catalog.findings.push_back(finding("same-stem", place_in(catalog.root, folders.images / file),
                                         "another image of this folder is called " + in_quotes(stem) + " too"));
      continue;
    }
    frames.push_back({std::string{stem}, folders.images / file, {}});
  }
  for (const auto& file : masks.files) {
    if (!is_image_name(file)) continue;
    const auto frame = by_stem.find(stem_of(file));
    if (frame == by_stem.end())
      catalog.findings.push_back(
          finding("mask-without-frame", place_in(catalog.root, folders.masks / file),
                  "there is no image " + in_quotes(stem_of(file)) + " in " + place_in(catalog.root, folders.images)));
    else if (auto& labels = frames[frame->second].labels; labels.empty()) labels = folders.masks / file;
    else {
      catalog.findings.push_back(finding("same-stem", place_in(catalog.root, folders.masks / file),
                                         in_quotes(labels.filename().string()) + " is a mask of this frame too"));
      if (lower_case(file).ends_with(".png")) labels = folders.masks / file;
    }
  }
  return frames;
}

inline CatalogVideo video_in(std::string name, const FrameFolders& folders, Catalog& catalog) {
  CatalogVideo video;
  video.frames = frames_in(folders, list_folder(folders.images), list_folder(folders.masks), catalog);
  video.name = std::move(name);
  if (video.frames.empty())
    catalog.findings.push_back(
        finding("empty-video", place_in(catalog.root, folders.images), "the folder holds no images"));
  return video;
}

/// Videos as folders of images and folders of masks with the same names.
///
/// `listed` decides which and in which order; nothing listed means all. `known` are the names that any list knows, for
/// telling of videos that none does; empty where that does not matter.
struct VideoFolders {
  std::filesystem::path images = {}, masks = {};
  std::vector<std::string> listed = {}, known = {};
  std::string list = {};  ///< where the names are from, for findings
};

inline std::vector<CatalogVideo> videos_in(const VideoFolders& folders, Catalog& catalog) {
  const auto on_disk = list_folder(folders.images).folders;
  std::unordered_map<std::string_view, int> there;
  for (const auto& name : on_disk) there.emplace(name, 0);
  std::vector<CatalogVideo> videos;
  for (const auto& name : folders.listed.empty() ? on_disk : folders.listed) {
    const auto found = there.find(inner_name(name, folders.list));
    if (found == there.end()) {
      catalog.findings.push_back(finding("missing-video", folders.list,
                                         in_quotes(name) + " is not in " + place_in(catalog.root, folders.images)));
      continue;
    }
    if (found->second++ > 0) {
      catalog.findings.push_back(finding("listed-twice", folders.list, in_quotes(name) + " is listed more than once"));
      continue;
    }
    videos.push_back(video_in(name, {folders.images / name, folders.masks / name}, catalog));
    if (videos.back().frames.empty()) videos.pop_back();
  }
  for (const auto& name : folders.known) there.erase(name);
  if (!folders.known.empty())
    for (const auto& name : on_disk)
      if (there.contains(name))
        catalog.findings.push_back(finding("unlisted-video", place_in(catalog.root, folders.images / name),
                                           "no list names the video " + in_quotes(name)));
  for (const auto& name : list_folder(folders.masks).folders)
    if (std::find(on_disk.begin(), on_disk.end(), name) == on_disk.end())
      catalog.findings.push_back(finding("mask-without-frame", place_in(catalog.root, folders.masks / name),
                                         "there is no folder of images of this name"));
  return videos;
}

}  // namespace vos::detail
