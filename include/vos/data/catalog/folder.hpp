#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/data/catalog/frames.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/catalog/splits.hpp>

namespace vos::detail {

inline constexpr const char* folder_needs =
    "a folder of frames (images, JPEGImages, frames or img) beside one of masks (masks, Annotations, labels or gt), "
    "with a folder for each video in both, or with the frames and masks of a single video";

/// The folders of frames and masks in `root`, empty where it has not both. Masks are images here: label files of text
/// belong to YOLO.
struct FrameAndMaskNames {
  std::string frames = {}, masks = {};
  bool found() const { return !frames.empty() && !masks.empty(); }
  bool flat = false;  ///< images stand right in there, not in a folder for each video
};

inline FrameAndMaskNames frame_and_mask_names(FolderView& root) {
  FrameAndMaskNames names{root.first_folder(frame_folders), root.first_folder(mask_folders)};
  if (!names.found()) return {};
  auto& frames = root.below(names.frames);
  auto& masks = root.below(names.masks);
  names.flat = has_images(frames.listing());
  if (names.flat) return has_images(masks.listing()) ? names : FrameAndMaskNames{};
  for (const auto& video : frames.listing().folders)
    if (masks.has_folder(video) && has_images(masks.below(video).listing()) &&
        has_images(frames.below(video).listing()))
      return names;
  return {};
}

/// The root itself, or the folder of a split in it.
inline std::vector<std::string> folder_splits(FolderView& root) {
  std::vector<std::string> splits;
  for (const auto* name : {"train", "val", "valid", "test"})
    if (root.has_folder(name) && frame_and_mask_names(root.below(name)).found()) splits.emplace_back(name);
  return splits;
}

inline std::string folder_sign(FolderView& root) {
  const auto names = frame_and_mask_names(root);
  if (names.found()) return "there are " + names.frames + " and " + names.masks;
  const auto splits = folder_splits(root);
  return splits.empty() ? "" : "there are frames and masks in " + join(splits, ", ");
}

/// SPLIT.txt, beside the folders or in one for lists; empty where there is none.
inline std::vector<std::filesystem::path> split_lists(FolderView& root) {
  std::vector<std::filesystem::path> lists;
  for (auto* view : {&root, &root.below("ImageSets"), &root.below("lists"), &root.below("splits")})
    for (const auto& file : view->listing().files)
      for (const auto* name : {"train.txt", "val.txt", "valid.txt", "test.txt"})
        if (file == name) lists.push_back(view->path() / file);
  return lists;
}

inline void read_folder(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  auto* base = &root;
  if (!frame_and_mask_names(root).found()) {
    catalog.split = choose_split(folder_splits(root), spec.split, root.path().string());
    base = &root.below(catalog.split);
  }
  const auto names = frame_and_mask_names(*base);
  const FrameFolders both{base->path() / names.frames, base->path() / names.masks};
  catalog.taken_for =
      "a folder of one's own, " + std::string{names.flat ? "a single video" : "a folder for each video"};
  if (names.flat) {
    if (!spec.split.empty() && catalog.split.empty()) choose_split({}, spec.split, root.path().string());
    catalog.videos.push_back(video_in(base->path().filename().string(), both, catalog));
    return;
  }
  VideoFolders folders{.images = both.images, .masks = both.masks};
  const auto lists = split_lists(*base);
  if (catalog.split.empty() && (!lists.empty() || !spec.split.empty())) {
    std::vector<std::string> splits;
    for (const auto& list : lists) splits.push_back(list.stem().string());
    catalog.split = choose_split(splits, spec.split, base->path().string());
    for (const auto& list : lists) {
      const auto text = read_text(list);
      const bool chosen = list.stem() == catalog.split;
      if (chosen) folders.list = place_in(catalog.root, list);
      for (const auto& line : lines_of(text, list.string())) {
        folders.known.emplace_back(line.text);
        if (chosen) folders.listed.emplace_back(line.text);
      }
    }
    if (folders.listed.empty())
      throw Error(
          {.what = "the list is empty", .where = folders.list, .mend = "write the names of the videos, one a line"});
  }
  catalog.videos = videos_in(folders, catalog);
}

}  // namespace vos::detail
