#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <vos/data/annotations.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/json_kind.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/catalog/splits.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/error.hpp>

namespace vos::detail {

/// An annotation file and the split that its name or its folder tells.
struct AnnotationFile {
  std::filesystem::path path = {};
  std::string split = {};
};

/// "train" from train.json, instances_train.json, annotations_train.json, train/instances.json or train/_annotations.json.
inline std::string split_of_annotations(const std::filesystem::path& root, const std::filesystem::path& file) {
  auto name = file.stem().string();
  for (const std::string_view prefix : {"_annotations", "annotations", "instances"})
    if (name.starts_with(prefix)) {
      name.erase(0, prefix.size());
      name.erase(0, name.find_first_not_of("_."));
      break;
    }
  const auto folder = file.parent_path();
  if (!name.empty() && name != "coco") return name;
  return folder == root || folder.filename() == "annotations" ? "all" : folder.filename().string();
}

/// The annotation files of a kind in `root`, in its folder `annotations`, or in the folders of its splits.
inline std::vector<AnnotationFile> annotation_files(FolderView& root, JsonKind kind) {
  constexpr std::size_t most_files = 64, most_folders = 64;  // more is no dataset's root
  std::vector<AnnotationFile> found;
  std::size_t seen = 0;
  const auto look = [&](FolderView& folder) {
    for (const auto& file : folder.listing().files) {
      if (!file.ends_with(".json") || ++seen > most_files) continue;
      if (file.starts_with("captions_") || file.starts_with("person_keypoints_") || file.starts_with("panoptic_") ||
          file.starts_with("stuff_") || file.starts_with("image_info_"))
        continue;  // COCO's other tasks: the same images without instances
      if (const auto path = folder.path() / file; json_kind(path) == kind)
        found.push_back({path, split_of_annotations(root.path(), path)});
    }
  };
  look(root);
  std::size_t folders = 0;
  for (const auto& name : root.listing().folders)
    if (++folders <= most_folders) look(root.below(name));
  return found;
}

inline std::string annotation_sign(FolderView& root, JsonKind kind, const char* lists) {
  const auto files = annotation_files(root, kind);
  if (files.empty()) return {};
  return place_in(root.path(), files[0].path) + " lists " + lists +
         (files.size() > 1 ? ", and so do " + std::to_string(files.size() - 1) + " more files" : "");
}

inline const AnnotationFile& choose_annotations(const std::vector<AnnotationFile>& files, const CatalogSpec& spec) {
  std::vector<std::string> splits;
  for (const auto& file : files)
    if (std::find(splits.begin(), splits.end(), file.split) == splits.end()) splits.push_back(file.split);
  const auto split = choose_split(splits, spec.split, spec.root.string());
  std::vector<const AnnotationFile*> meant;
  for (const auto& file : files)
    if (file.split == split) meant.push_back(&file);
  if (meant.size() > 1)
    throw Error({.what = "two annotation files of the split '" + split + "': " + meant[0]->path.filename().string() +
                         " and " + meant[1]->path.filename().string(),
                 .where = meant[0]->path.parent_path().string(),
                 .mend = "move one of them out of the dataset"});
  return *meant[0];
}

/// Where the images that a list names lie: the first of the usual folders that has one of the first few named.
inline std::filesystem::path image_folder_of(const Annotations& list, const std::filesystem::path& root,
                                             const AnnotationFile& file) {
  std::vector<std::filesystem::path> folders;
  for (const auto* images : {"JPEGImages", "", "images"}) {
    folders.push_back(root / file.split / images);
    folders.push_back(file.path.parent_path() / images);
    folders.push_back(root / images / file.split);
    folders.push_back(root / images);
  }
  std::error_code ignored;
  std::size_t tries = 0;
  for (const auto& video : list.videos)
    for (const auto& name : video.files) {
      if (++tries > 32) break;
      inner_name(name, file.path.string());
      for (const auto& folder : folders)
        if (std::filesystem::exists(folder / name, ignored)) return folder.lexically_normal();
    }
  const auto name = list.videos.empty() || list.videos[0].files.empty() ? "" : list.videos[0].files[0];
  throw Error({.what = "the images that the file lists, as " + in_quotes(name) + ", are not there",
               .where = file.path.string(),
               .mend = "they are expected in " + place_in(root, folders[0]) + ", " + place_in(root, folders[2]) +
                       " or " + place_in(root, folders[3].lexically_normal())});
}

/// The names of files below a folder, each folder read once.
class FileNames {
 public:
  explicit FileNames(std::filesystem::path folder) : folder_(std::move(folder)) {}
  bool has(const std::string& name) {
    const auto slash = name.find_last_of('/');
    const auto inner = slash == std::string::npos ? "" : name.substr(0, slash);
    auto [names, fresh] = known_.try_emplace(inner);
    if (fresh)
      for (auto& file : list_folder(folder_ / inner).files) names->second.insert(std::move(file));
    return names->second.contains(slash == std::string::npos ? name : name.substr(slash + 1));
  }

 private:
  std::filesystem::path folder_;
  std::unordered_map<std::string, std::unordered_set<std::string>> known_;
};

inline void read_annotated_videos(Annotations&& list, const std::filesystem::path& images, const std::string& where,
                                  Catalog& catalog) {
  FileNames there{images};
  std::unordered_map<std::string, std::int64_t> called;
  catalog.videos.reserve(list.videos.size());
  for (auto& listed : list.videos) {
    auto& video = catalog.videos.emplace_back();
    const auto place = where + ", video " + std::to_string(listed.id);
    video.name = video_name(listed.name, place);
    if (const auto [former, fresh] = called.emplace(video.name, listed.id); !fresh)
      throw Error({.what = "videos " + std::to_string(former->second) + " and " + std::to_string(listed.id) +
                           " are both called " + in_quotes(video.name),
                   .where = place,
                   .mend = "give each a 'name' of its own: outputs are called by it"});
    video.height = listed.height;
    video.width = listed.width;
    video.number = listed.id;
    if (listed.files.empty())
      throw Error({.what = "the video " + in_quotes(video.name) + " has no names of files",
                   .where = place,
                   .mend = "write 'file_names', or 'file_name' for an image"});
    video.frames.reserve(listed.files.size());
    for (auto& name : listed.files) {
      const auto slash = inner_name(name, place).find_last_of('/');
      const auto file = std::string_view{name}.substr(slash == std::string::npos ? 0 : slash + 1);
      if (!there.has(name))
        catalog.findings.push_back(
            finding("missing-image", place, in_quotes(name) + " is not in " + place_in(catalog.root, images)));
      video.frames.push_back({std::string{stem_of(file)}, images / name, {}});
    }
  }
  std::stable_sort(list.categories.begin(), list.categories.end(),
                   [](const auto& a, const auto& b) { return a.id < b.id; });
  catalog.categories = std::move(list.categories);
  std::unordered_map<std::int64_t, std::int32_t> number_of;
  for (std::size_t i = 0; i < catalog.categories.size(); ++i)
    number_of.emplace(catalog.categories[i].id, static_cast<std::int32_t>(i));
  for (auto& track : list.tracks) {
    auto& object = catalog.videos[static_cast<std::size_t>(track.video)].objects.emplace_back();
    object.id = track.id;
    object.category = number_of.at(track.category);
    object.crowd = track.crowd;
    for (std::size_t i = 0; i < track.masks.size(); ++i)
      if (track.masks[i].present()) object.frames.push_back(static_cast<std::int64_t>(i));
    object.masks = std::move(track.masks);
  }
  catalog.keeps = std::move(list.keeps);
}

inline void read_annotation_file(const CatalogSpec& spec, FolderView& root, JsonKind kind, Catalog& catalog) {
  const auto files = annotation_files(root, kind);
  const auto& file = choose_annotations(files, spec);
  catalog.split = file.split;
  auto list = read_annotations(file.path);
  if (list.videos.empty())
    throw Error({.what = "the file lists nothing", .where = file.path.string(), .mend = "fetch it again"});
  const auto images = image_folder_of(list, root.path(), file);
  read_annotated_videos(std::move(list), images, place_in(catalog.root, file.path), catalog);
  catalog.taken_for += ", " + place_in(catalog.root, file.path) + " with images in " + place_in(catalog.root, images);
}

}  // namespace vos::detail
