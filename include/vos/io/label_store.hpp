#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/io/image_names.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/io/zip.hpp>
#include <vos/wire/rle.hpp>

namespace vos {

struct NaturalLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return detail::natural_less(a, b); }
};

/// Label maps by sequence and frame, wherever they lie. Reading is safe from several threads.
class LabelStore {
 public:
  /// Each sequence with its frames' stems, both in natural order.
  using Frames = std::map<std::string, std::vector<std::string>, NaturalLess>;

  virtual ~LabelStore() = default;

  const Frames& frames() const { return frames_; }
  bool has(std::string_view sequence, std::string_view stem) const {
    const auto at = frames_.find(sequence);
    return at != frames_.end() && std::binary_search(at->second.begin(), at->second.end(), stem, NaturalLess{});
  }

  /// The label map of a frame that the store has. 0x0 where no object was found and no size is written down.
  virtual LabelImage read(const std::string& sequence, const std::string& stem) const = 0;

  /// What an Error calls a frame.
  virtual std::string where(const std::string& sequence, const std::string& stem) const = 0;

 protected:
  /// Takes what the store holds; call it once, from the constructor.
  void set_frames(Frames frames) {
    for (auto& [sequence, stems] : frames) std::sort(stems.begin(), stems.end(), NaturalLess{});
    frames_ = std::move(frames);
  }

 private:
  Frames frames_;
};

namespace detail {

/// Every entry of a folder but hidden ones.
inline std::vector<std::filesystem::directory_entry> entries_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::directory_entry> entries;
  std::error_code code;
  for (auto it = std::filesystem::directory_iterator{folder, code};
       !code && it != std::filesystem::directory_iterator{}; it.increment(code))
    if (!it->path().filename().string().starts_with('.')) entries.push_back(*it);
  if (code)
    throw Error({.what = "the folder cannot be read: " + code.message(),
                 .where = folder.string(),
                 .mend = "check the name and the permissions"});
  return entries;
}

[[noreturn]] inline void refuse_two_maps(const std::string& stem, const std::string& sequence,
                                         const std::string& where) {
  throw Error(
      {.what = "two label maps of frame " + stem + " of " + sequence, .where = where, .mend = "keep one of them"});
}

/// A folder's PNG files. The sheet that a result folder has beside its label maps is none of them.
inline std::vector<std::filesystem::path> label_files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  bool journal = false, sheet = false;
  for (const auto& entry : entries_of(folder)) {
    auto name = entry.path().filename();
    journal |= name == "frames.jsonl";
    sheet |= name == "contact.png";
    if (lower_case(name.extension().string()) == ".png" && !entry.is_directory()) files.push_back(std::move(name));
  }
  if (journal && sheet) std::erase(files, "contact.png");
  return files;
}

/// A folder's name, also where it is given as "masks/" or ".".
inline std::string name_of_folder(const std::filesystem::path& folder) {
  const auto plain = std::filesystem::weakly_canonical(folder);
  return plain.filename().string();
}

}  // namespace detail

/// FOLDER/SEQUENCE/STEM.png, or FOLDER/STEM.png for the one sequence `name`. A dataset's Annotations/ and its 480p/ may
/// stand in between.
class LabelFolder final : public LabelStore {
 public:
  explicit LabelFolder(std::filesystem::path root, std::string name = {}) : root_(std::move(root)) {
    for (const char* between : {"Annotations", "480p"})
      if (std::filesystem::is_directory(root_ / between)) root_ /= between;
    Frames frames;
    for (const auto& entry : detail::entries_of(root_)) {
      if (!entry.is_directory()) continue;
      if (const auto files = detail::label_files_in(entry.path()); !files.empty())
        add(files, entry.path().filename().string(), frames);
    }
    if (frames.empty()) {
      if (const auto files = detail::label_files_in(root_); !files.empty()) {
        single_ = name.empty() ? detail::name_of_folder(root_) : std::move(name);
        add(files, single_, frames);
      }
    }
    set_frames(std::move(frames));
  }

  LabelImage read(const std::string& sequence, const std::string& stem) const override {
    const auto path = file(sequence, stem);
    return labels_from_png(read_file(path), path.string());
  }
  std::string where(const std::string& sequence, const std::string& stem) const override {
    return file(sequence, stem).string();
  }

 private:
  void add(const std::vector<std::filesystem::path>& files, const std::string& sequence, Frames& frames) {
    auto& stems = frames[sequence];
    for (const auto& file : files) {
      stems.push_back(file.stem().string());
      if (file.extension() != ".png") others_.emplace(std::pair{sequence, stems.back()}, file.string());
    }
    std::sort(stems.begin(), stems.end());
    if (const auto twice = std::adjacent_find(stems.begin(), stems.end()); twice != stems.end())
      detail::refuse_two_maps(*twice, sequence, file(sequence, *twice).string());
  }

  std::filesystem::path file(const std::string& sequence, const std::string& stem) const {
    const auto other = others_.find({sequence, stem});
    return (sequence == single_ ? root_ : root_ / sequence) / (other != others_.end() ? other->second : stem + ".png");
  }

  std::filesystem::path root_;
  // Files that are called STEM.PNG, not STEM.png.
  std::map<std::pair<std::string, std::string>, std::string> others_;
  std::string single_ = {};  // the sequence whose maps lie in the root itself
};

/// A zip of SEQUENCE/STEM.png, below any folders, or of STEM.png alone for the one sequence `name`.
class LabelZip final : public LabelStore {
 public:
  explicit LabelZip(const std::filesystem::path& path, std::string name = {})
      : path_(path.string()), zip_(path, {.entry_bytes = 4 * label_pixel_limit}) {  // more than any map takes unpacked
    Frames frames;
    for (const auto& entry : zip_.names()) {
      const std::filesystem::path file{entry};
      const auto base = file.filename().string();
      // An archive made on a Mac has a shadow of each file.
      if (base.starts_with('.') || entry.starts_with("__MACOSX/") || lower_case(file.extension().string()) != ".png")
        continue;
      const auto folder = file.parent_path().filename().string();
      const auto sequence = !folder.empty() ? folder : !name.empty() ? name : path.stem().string();
      const auto stem = file.stem().string();
      if (!entries_.emplace(std::pair{sequence, stem}, entry).second)
        detail::refuse_two_maps(stem, sequence, path_ + ": " + entry);
      frames[sequence].push_back(stem);
    }
    set_frames(std::move(frames));
  }

  LabelImage read(const std::string& sequence, const std::string& stem) const override {
    const auto bytes = [&] {
      const std::scoped_lock lock(mutex_);  // an archive is read from one thread at a time
      return zip_.read(entries_.at({sequence, stem}));
    }();
    return labels_from_png(bytes, where(sequence, stem));
  }
  std::string where(const std::string& sequence, const std::string& stem) const override {
    return path_ + ": " + entries_.at({sequence, stem});
  }

 private:
  std::string path_;
  ZipReader zip_;
  std::map<std::pair<std::string, std::string>, std::string> entries_;
  mutable std::mutex mutex_;
};

}  // namespace vos
