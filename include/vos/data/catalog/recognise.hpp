#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/coco.hpp>
#include <vos/data/catalog/davis.hpp>
#include <vos/data/catalog/folder.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/catalog/pairs.hpp>
#include <vos/data/catalog/video_json.hpp>
#include <vos/data/catalog/yolo.hpp>
#include <vos/data/catalog/ytvos.hpp>
#include <vos/error.hpp>

namespace vos {
namespace detail {

/// A layout: its name on command lines, by what it is recognised, and how it is read.
struct LayoutReader {
  Layout layout;
  const char* name;
  const char* needs;                                        ///< what must be there, for people
  std::string (*sign)(FolderView& root);                    ///< what of that is there, empty if it is not this layout
  void (*read)(const CatalogSpec&, FolderView&, Catalog&);  ///< `root` has the sign
};

inline constexpr std::array layout_readers{
    LayoutReader{Layout::davis, "davis", davis_needs, davis_sign, read_davis},
    LayoutReader{Layout::ytvos, "ytvos", ytvos_needs, ytvos_sign, read_meta_layout},
    LayoutReader{Layout::mose, "mose", mose_needs, mose_sign, read_meta_layout},
    LayoutReader{Layout::lvos, "lvos", lvos_needs, lvos_sign, read_meta_layout},
    LayoutReader{Layout::ytvis, "ytvis", ytvis_needs, ytvis_sign, read_ytvis},
    LayoutReader{Layout::coco, "coco", coco_needs, coco_sign, read_coco},
    LayoutReader{Layout::yolo, "yolo", yolo_needs, yolo_sign, read_yolo},
    LayoutReader{Layout::pairs, "pairs", pairs_needs, pairs_sign, read_pairs},
    LayoutReader{Layout::folder, "folder", folder_needs, folder_sign, read_folder},
};

inline bool is_plain_folder(Layout layout) { return layout == Layout::pairs || layout == Layout::folder; }

/// A folder that some layouts could be read from, each with its sign.
struct Recognised {
  std::shared_ptr<FolderView> root = {};
  std::vector<std::pair<const LayoutReader*, std::string>> layouts = {};
};

/// What `wanted` ("auto" or one) could be at `path`. Frames and masks in two folders are part of many layouts: they count
/// for themselves only where nothing more telling is there.
inline Recognised recognise_at(const std::filesystem::path& path, std::string_view wanted) {
  Recognised found{std::make_shared<FolderView>(path), {}};
  for (const auto& reader : layout_readers) {
    if (wanted != "auto" && wanted != reader.name) continue;
    if (wanted == "auto" && is_plain_folder(reader.layout) && !found.layouts.empty() &&
        !is_plain_folder(found.layouts[0].first->layout))
      continue;
    if (auto sign = reader.sign(*found.root); !sign.empty()) found.layouts.emplace_back(&reader, std::move(sign));
  }
  const auto drop = [&](Layout layout) {
    std::erase_if(found.layouts, [&](const auto& entry) { return entry.first->layout == layout; });
  };
  if (wanted == "auto" && found.layouts.size() == 2 && is_plain_folder(found.layouts[0].first->layout))
    if (const auto single = shows_single_pictures(*found.root)) drop(*single ? Layout::folder : Layout::pairs);
  return found;
}

/// Words about what is in a folder, for someone who expected a dataset there.
inline std::string contents_of(FolderView& root) {
  const auto& listing = root.listing();
  const auto names = [](const std::vector<std::string>& all) {
    std::vector<std::string> first(all.begin(),
                                   all.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(all.size(), 6)));
    return all.empty() ? "" : " (" + join(first, ", ") + (all.size() > 6 ? ", ..." : "") + ")";
  };
  auto text = counted(listing.folders.size(), "folder") + names(listing.folders) + " and " +
              counted(listing.files.size(), "file") + names(listing.files);
  std::size_t png = 0, other = 0, folders = 0;
  const auto count = [&](FolderView& folder) {
    for (const auto& file : folder.listing().files)
      if (is_image_name(file)) ++(lower_case(file).ends_with(".png") ? png : other);
  };
  for (const auto& name : listing.folders) {
    if (++folders > 8) break;
    count(root.below(name));
    if (!root.below(name).listing().folders.empty())
      count(root.below(name).below(root.below(name).listing().folders[0]));
  }
  if (png > 0 && other == 0)
    text += "; below are PNG files alone: masks without their frames, it seems, which vos-eval reads, but nothing else";
  return text;
}

[[noreturn]] inline void refuse_unknown_layout(const CatalogSpec& spec) {
  FolderView root{spec.root};
  std::string needs;
  for (const auto& reader : layout_readers)
    if (spec.layout == "auto" || spec.layout == reader.name)
      needs += std::string{"\n    "} + reader.name + ": " + reader.needs;
  throw Error({.what = (spec.layout == "auto" ? std::string{"no layout of a dataset is recognised"}
                                              : "this is not the layout '" + spec.layout + "'") +
                       ": found " + contents_of(root),
               .where = spec.root.string(),
               .mend = "name the folder that holds:" + needs});
}

[[noreturn]] inline void refuse_ambiguous(const Recognised& found) {
  std::vector<std::string> reasons, names;
  for (const auto& [reader, sign] : found.layouts) {
    reasons.push_back(std::string{reader->name} + " (" + sign + ")");
    names.push_back(std::string{"--layout "} + reader->name);
  }
  throw Error({.what = "this could be " + join(reasons, " or "),
               .where = found.root->path().string(),
               .mend = "say which it is: " + join(names, " or ")});
}

/// Folders within a dataset, from which one step up is meant.
inline bool is_inner_folder(std::string_view name) {
  for (const auto* known :
       {"JPEGImages", "Annotations", "ImageSets", "annotations", "images", "masks", "labels", "frames"})
    if (name == known) return true;
  return false;
}

/// A folder's parent and its own name, however it was written.
inline std::pair<std::filesystem::path, std::string> parent_and_name(const std::filesystem::path& folder) {
  const auto whole = std::filesystem::absolute(folder).lexically_normal();
  const auto plain = whole.has_filename() ? whole : whole.parent_path();
  return {plain.parent_path(), plain.filename().string()};
}

/// Whether a folder is that of a split of MOSE, whose list lies beside it.
inline bool is_mose_split(const std::filesystem::path& folder) {
  const auto [parent, name] = parent_and_name(folder);
  FolderView above{parent};
  return !meta_of_split(Layout::mose, above, name).empty();
}

/// The one dataset in a folder; none where there is none.
inline Recognised recognise_below(FolderView& root, const CatalogSpec& spec) {
  constexpr std::size_t most = 64;  // so many folders are videos, not datasets
  std::vector<Recognised> found;
  std::vector<std::string> names;
  std::size_t looked = 0;
  for (const auto& name : root.listing().folders) {
    if (++looked > most) break;
    auto one = recognise_at(root.path() / name, spec.layout);
    if (one.layouts.empty()) continue;
    names.push_back(name);
    found.push_back(std::move(one));
  }
  if (found.size() < 2) return found.empty() ? Recognised{} : found[0];
  // "2018" and "2019": the year asked for, or the newest.
  const bool years = std::all_of(names.begin(), names.end(), [](const auto& name) {
    return name.size() == 4 && number_from<int>(name).has_value();
  });
  const auto wanted = std::find(names.begin(), names.end(), spec.year);
  if (years && spec.year.empty()) return found.back();
  if (years && wanted != names.end()) return found[static_cast<std::size_t>(wanted - names.begin())];
  throw Error({.what = "there are several datasets: " + join(names, ", "),
               .where = root.path().string(),
               .mend = "name one of these folders"});
}

/// The dataset at `spec.root`, or one level below or above where that is clear.
inline Recognised recognise(const CatalogSpec& spec) {
  const bool mose = (spec.layout == "auto" || spec.layout == "mose") && is_mose_split(spec.root);
  auto here = recognise_at(spec.root, spec.layout);
  if (!here.layouts.empty() && !(mose && is_plain_folder(here.layouts[0].first->layout))) return here;
  const auto [parent, name] = parent_and_name(spec.root);
  if (mose) return recognise_at(parent, "mose");
  if (auto below = recognise_below(*here.root, spec); !below.layouts.empty()) return below;
  if (is_inner_folder(name))
    if (auto above = recognise_at(parent, spec.layout); !above.layouts.empty()) return above;
  refuse_unknown_layout(spec);
}

}  // namespace detail

/// The names of the layouts, as `CatalogSpec::layout` takes them, without "auto".
inline std::vector<std::string> layout_names() {
  std::vector<std::string> names;
  for (const auto& reader : detail::layout_readers) names.emplace_back(reader.name);
  return names;
}

inline std::string layout_name(Layout layout) {
  for (const auto& reader : detail::layout_readers)
    if (reader.layout == layout) return reader.name;
  return {};
}

namespace detail {

/// The one layout that a spec means and where it lies, before any list has been read.
inline Recognised recognise_one(const CatalogSpec& spec) {
  const auto names = layout_names();
  if (spec.layout != "auto" && std::find(names.begin(), names.end(), spec.layout) == names.end())
    throw Error({.what = "there is no layout '" + spec.layout + "'" + did_you_mean(spec.layout, names),
                 .where = "--layout",
                 .mend = "layouts: auto, " + join(names, ", "),
                 .exit_code = exit_code::usage});
  if (!std::filesystem::is_directory(spec.root))
    throw Error(
        {.what = std::filesystem::exists(spec.root) ? "the dataset's root is no folder" : "there is no such folder",
         .where = spec.root.string(),
         .mend = "name the dataset's root"});
  auto found = recognise(spec);
  if (found.layouts.size() > 1) refuse_ambiguous(found);
  return found;
}

/// May come back without a video: then its findings tell which are missing.
inline Catalog read_recognised(const Recognised& found, CatalogSpec spec) {
  const auto& [reader, sign] = found.layouts[0];
  Catalog catalog;
  catalog.layout = reader->layout;
  catalog.root = found.root->path();
  if (spec.split.empty() && reader->layout == Layout::mose && is_mose_split(spec.root))
    spec.split = parent_and_name(spec.root).second;
  spec.root = catalog.root;
  reader->read(spec, *found.root, catalog);
  catalog.taken_for += " (" + sign + ")";
  return catalog;
}

inline void expect_videos(const Catalog& catalog, const Recognised& found) {
  if (catalog.videos.empty())
    throw Error({.what = "the dataset has no videos, or none of those listed is there",
                 .where = catalog.root.string(),
                 .mend = "it was taken for " + catalog.taken_for + ": " + found.layouts[0].first->needs});
}

}  // namespace detail
}  // namespace vos
