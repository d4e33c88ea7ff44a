#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/meta.hpp>
#include <vos/data/catalog/splits.hpp>
#include <vos/error.hpp>

namespace vos::detail {

inline constexpr const char* ytvos_needs = "SPLIT/JPEGImages/VIDEO and SPLIT/meta.json (SPLIT: train, valid, test)";
inline constexpr const char* mose_needs =
    "SPLIT/JPEGImages/VIDEO and meta_SPLIT.json beside SPLIT (SPLIT: train, valid)";
inline constexpr const char* lvos_needs =
    "SPLIT/JPEGImages/VIDEO and SPLIT/SPLIT_meta.json (SPLIT: train, valid, test)";

/// The three layouts are one but for the name and place of the list of objects.
inline std::string meta_name(Layout layout, const std::string& split) {
  return layout == Layout::ytvos  ? "meta.json"
         : layout == Layout::mose ? "meta_" + split + ".json"
                                  : split + "_meta.json";
}

/// The list of a split whose folder is `folder`, empty if there is none. MOSE keeps it beside the folder, or in it.
inline std::filesystem::path meta_of_split(Layout layout, FolderView& parent, const std::string& split) {
  if (!parent.has_folder(split) || !parent.below(split).has_folder("JPEGImages")) return {};
  const auto name = meta_name(layout, split);
  if (parent.below(split).has_file(name)) return parent.path() / split / name;
  if (layout == Layout::mose && parent.has_file(name)) return parent.path() / name;
  return {};
}

/// The splits in `root` that have their list.
inline std::vector<std::string> meta_splits(Layout layout, FolderView& root) {
  std::vector<std::string> splits;
  for (const auto& name : root.listing().folders)
    if (!name.ends_with("_all_frames") && !meta_of_split(layout, root, name).empty()) splits.push_back(name);
  return splits;
}

/// Whether `folder` is itself the folder of a split, with its list inside.
inline std::filesystem::path meta_inside(Layout layout, FolderView& folder) {
  if (!folder.has_folder("JPEGImages")) return {};
  for (const auto& file : folder.listing().files) {
    const bool matches = layout == Layout::ytvos  ? file == "meta.json"
                         : layout == Layout::mose ? file.starts_with("meta_") && file.ends_with(".json")
                                                  : file.ends_with("_meta.json");
    if (matches) return folder.path() / file;
  }
  return {};
}

inline std::string meta_sign(Layout layout, FolderView& root) {
  if (const auto meta = meta_inside(layout, root); !meta.empty())
    return "there are JPEGImages and " + meta.filename().string();
  const auto splits = meta_splits(layout, root);
  if (splits.empty()) return {};
  const auto& split = splits.front();
  return "there are " + split + "/JPEGImages and " + place_in(root.path(), meta_of_split(layout, root, split)) +
         (splits.size() > 1 ? ", and " + std::to_string(splits.size() - 1) + " more such splits" : "");
}

/// A meta.json is YouTube-VOS's unless the folder has one of the other two besides.
inline std::string ytvos_sign(FolderView& root) {
  return meta_sign(Layout::mose, root).empty() && meta_sign(Layout::lvos, root).empty() ? meta_sign(Layout::ytvos, root)
                                                                                        : "";
}
inline std::string mose_sign(FolderView& root) { return meta_sign(Layout::mose, root); }
inline std::string lvos_sign(FolderView& root) { return meta_sign(Layout::lvos, root); }

/// The frames at 30 per second lie beside the split; their masks and lists are those of the split.
inline std::filesystem::path all_frames_of(const std::filesystem::path& split_folder) {
  const auto folder = split_folder.parent_path() / (split_folder.filename().string() + "_all_frames");
  if (!std::filesystem::is_directory(folder / "JPEGImages"))
    throw Error({.what = "there are no frames at 30 per second",
                 .where = (folder / "JPEGImages").string(),
                 .mend = "fetch them, or leave --all-frames out",
                 .exit_code = exit_code::usage});
  return folder;
}

inline void read_meta_layout(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  auto folder = root.path();
  auto meta = meta_inside(catalog.layout, root);
  if (!meta.empty()) {
    catalog.split = folder.filename().string();
    if (!spec.split.empty()) choose_split({catalog.split}, spec.split, folder.string());
  } else {
    catalog.split = choose_split(meta_splits(catalog.layout, root), spec.split, folder.string());
    meta = meta_of_split(catalog.layout, root, catalog.split);
    folder /= catalog.split;
  }
  const auto images = spec.all_frames ? all_frames_of(folder) : folder;
  catalog.void_255 = true;
  read_meta_videos(meta, images / "JPEGImages", folder / "Annotations", catalog);
  const std::string name = catalog.layout == Layout::ytvos  ? "YouTube-VOS"
                           : catalog.layout == Layout::mose ? "MOSE"
                                                            : "LVOS";
  catalog.taken_for = name + ", split " + catalog.split + (spec.all_frames ? ", all frames" : "");
}

}  // namespace vos::detail
