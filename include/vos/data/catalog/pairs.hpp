#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/folder.hpp>
#include <vos/data/catalog/frames.hpp>
#include <vos/data/catalog/image_size.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/splits.hpp>
#include <vos/error.hpp>

namespace vos::detail {

inline constexpr const char* pairs_needs =
    "an image and a mask of the same name: images and masks in a folder each, perhaps with a folder for each set in "
    "both, "
    "or NAME.jpg beside NAME.png";

/// Whether most images of a folder have a mask beside them: NAME.jpg and NAME.png, as MSRA10K comes.
inline bool pairs_side_by_side(const FolderListing& listing) {
  std::size_t photos = 0, both = 0;
  for (const auto& file : listing.files) {
    const auto extension = lower_case(std::string_view{file}.substr(stem_of(file).size()));
    if (extension != ".jpg" && extension != ".jpeg") continue;
    ++photos;
    both += listing.has_file(std::string{stem_of(file)} + ".png") ? 1U : 0U;
    if (photos == 200) break;
  }
  return photos > 0 && 2 * both > photos;
}

/// Whether a folder shows single pictures or a video: a video's frames have one size. Nothing where the first few
/// pictures do not tell.
inline std::optional<bool> shows_single_pictures(const std::filesystem::path& folder, const FolderListing& images,
                                                 const FolderListing& masks) {
  const auto names = image_names(images);
  if (image_names(masks).size() * 2 < names.size()) return false;  // pictures have a mask each
  std::optional<ImageSize> first;
  std::size_t sizes = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto size = image_size_of(folder / names[i * names.size() / 16]);
    if (!size) continue;
    if (!first) first = size;
    else if (size != first) return true;
    ++sizes;
  }
  // A video's frames are numbered: "00005", "frame_12".
  const auto prefix_of = [](std::string_view stem) { return stem.substr(0, stem.find_last_not_of("0123456789") + 1); };
  const auto prefix = prefix_of(stem_of(names[0]));
  const bool numbered = std::all_of(names.begin(), names.end(), [&](const auto& name) {
    return prefix_of(stem_of(name)) == prefix && stem_of(name).size() > prefix.size();
  });
  if (sizes > 0 && numbered) return false;
  return std::nullopt;
}

/// The same for frames and masks in `root`: of a flat folder, or of the first folder below.
inline std::optional<bool> shows_single_pictures(FolderView& root) {
  const auto names = frame_and_mask_names(root);
  if (!names.found()) return std::nullopt;
  auto* images = &root.below(names.frames);
  auto* masks = &root.below(names.masks);
  if (!names.flat) {
    const auto set = images->listing().folders.front();
    images = &images->below(set);
    masks = &masks->below(set);
    if (!has_images(images->listing())) return std::nullopt;
  }
  return shows_single_pictures(images->path(), images->listing(), masks->listing());
}

inline std::string pairs_sign(FolderView& root) {
  if (pairs_side_by_side(root.listing())) return "pictures and masks of the same names lie side by side";
  const auto names = frame_and_mask_names(root);
  return names.found() ? "there are " + names.frames + " and " + names.masks : "";
}

/// Frames as videos of one frame each.
inline void add_pictures(std::vector<CatalogFrame>&& frames, const std::string& prefix, Catalog& catalog) {
  for (auto& frame : frames) {
    auto& picture = catalog.videos.emplace_back();
    picture.name = prefix + frame.stem;
    picture.frames.push_back(std::move(frame));
  }
}

inline void read_picture_folders(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  if (!spec.split.empty()) choose_split({}, spec.split, root.path().string());
  catalog.taken_for = "pictures with a mask each";
  if (const auto& listing = root.listing(); pairs_side_by_side(listing)) {
    FolderListing photos, masks;
    for (const auto& file : listing.files) (lower_case(file).ends_with(".png") ? masks : photos).files.push_back(file);
    add_pictures(frames_in({root.path(), root.path()}, photos, masks, catalog), "", catalog);
    return;
  }
  const auto names = frame_and_mask_names(root);
  auto& images = root.below(names.frames);
  auto& masks = root.below(names.masks);
  if (names.flat) {
    add_pictures(frames_in({images.path(), masks.path()}, images.listing(), masks.listing(), catalog), "", catalog);
    return;
  }
  for (const auto& set : images.listing().folders) {
    auto& pictures = images.below(set);
    auto& their_masks = masks.below(set);
    add_pictures(frames_in({pictures.path(), their_masks.path()}, pictures.listing(), their_masks.listing(), catalog),
                 set + "/", catalog);
  }
}

/// 255 is void in masks with a palette, as PASCAL VOC marks what is neither object nor ground. In grey ones it is the
/// object, perhaps with soft edges below it. The first mask tells which they are.
inline void read_pairs(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  read_picture_folders(spec, root, catalog);
  const auto masked = std::find_if(catalog.videos.begin(), catalog.videos.end(),
                                   [](const CatalogVideo& video) { return !video.frames[0].labels.empty(); });
  catalog.void_255 = masked != catalog.videos.end() && has_palette(masked->frames[0].labels);
}

}  // namespace vos::detail
