#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/io/image_names.hpp>

namespace vos {

/// What one look at a folder shows: names in natural order, hidden ones passed over.
struct FolderListing {
  bool exists = false;
  std::vector<std::string> files = {}, folders = {};

  bool has_folder(std::string_view name) const {
    return std::find(folders.begin(), folders.end(), name) != folders.end();
  }
  bool has_file(std::string_view name) const { return std::find(files.begin(), files.end(), name) != files.end(); }
};

/// Reads a folder once. One that is not there, or is no folder, is an empty listing; one that may not be read an Error.
inline FolderListing list_folder(const std::filesystem::path& folder) {
  FolderListing listing;
  std::error_code code;
  auto it = std::filesystem::directory_iterator{folder, code};
  if (code == std::errc::no_such_file_or_directory || code == std::errc::not_a_directory) return listing;
  listing.exists = true;
  // The entries' kinds come with the names: no look at each file, which would be the dearest part of opening a dataset.
  for (; !code && it != std::filesystem::directory_iterator{}; it.increment(code)) {
    auto name = it->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;  // a link that leads nowhere is a file: whoever opens it will say so
    (it->is_directory(ignored) ? listing.folders : listing.files).push_back(std::move(name));
  }
  if (code)
    throw Error({.what = "the folder cannot be read: " + code.message(),
                 .where = folder.string(),
                 .mend = "check its permissions"});
  std::sort(listing.files.begin(), listing.files.end(), detail::natural_less);
  std::sort(listing.folders.begin(), listing.folders.end(), detail::natural_less);
  return listing;
}

/// A folder and those below it, each read once and when first asked for: what recognising a layout looks at.
class FolderView {
 public:
  explicit FolderView(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  const FolderListing& listing() {
    if (!listing_) listing_ = std::make_unique<FolderListing>(list_folder(path_));
    return *listing_;
  }
  bool exists() { return listing().exists; }
  bool has_file(std::string_view name) { return listing().has_file(name); }
  bool has_folder(std::string_view name) { return listing().has_folder(name); }
  /// The view of a folder below, which need not be there.
  FolderView& below(const std::string& name) {
    auto& view = views_[name];
    if (!view) view = std::make_unique<FolderView>(path_ / name);
    return *view;
  }
  /// The first of `names` that is a folder here, else an empty text.
  template <class Names>
  std::string first_folder(const Names& names) {
    for (const auto& name : names)
      if (has_folder(name)) return std::string{name};
    return {};
  }

 private:
  std::filesystem::path path_;
  std::unique_ptr<FolderListing> listing_;
  std::map<std::string, std::unique_ptr<FolderView>> views_;
};

namespace detail {

/// Without a detour through std::filesystem::path, which costs more than reading the name from the disk.
inline std::string_view stem_of(std::string_view file) {
  const auto dot = file.find_last_of('.');
  return dot == std::string_view::npos || dot == 0 ? file : file.substr(0, dot);
}

inline bool is_image_name(std::string_view file) {
  const auto dot = file.find_last_of('.');
  if (dot == std::string_view::npos || dot == 0 || file.size() - dot > 5) return false;
  const auto extension = lower_case(file.substr(dot));
  return std::any_of(image_extensions.begin(), image_extensions.end(), [&](const char* e) { return extension == e; });
}

inline std::vector<std::string> image_names(const FolderListing& listing) {
  std::vector<std::string> names;
  for (const auto& file : listing.files)
    if (is_image_name(file)) names.push_back(file);
  return names;
}

inline bool has_images(const FolderListing& listing) {
  return std::any_of(listing.files.begin(), listing.files.end(), is_image_name);
}

/// Names that people give to the folder of frames, and to that of masks.
inline constexpr std::array frame_folders{"images", "JPEGImages", "frames", "img"};
inline constexpr std::array mask_folders{"masks", "Annotations", "labels", "gt"};

}  // namespace detail
}  // namespace vos
