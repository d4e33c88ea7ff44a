#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/io/image_files.hpp>
#include <vos/io/image_names.hpp>
#include <vos/io/source.hpp>

namespace vos {

/// The images of a folder in natural order; files of other kinds and hidden ones are passed over.
inline std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files, folders;
  std::error_code code;
  std::size_t others = 0;
  for (auto it = std::filesystem::directory_iterator{folder, code};
       !code && it != std::filesystem::directory_iterator{}; it.increment(code)) {
    const auto& path = it->path();
    if (path.filename().string().starts_with('.')) continue;
    if (it->is_directory()) folders.push_back(path);
    else if (detail::has_extension(path, image_extensions)) files.push_back(path);
    else ++others;
  }
  if (code)
    throw Error({.what = "the folder cannot be read: " + code.message(),
                 .where = folder.string(),
                 .mend = "check its permissions"});
  if (files.empty()) {
    std::sort(folders.begin(), folders.end());
    throw Error({.what = others == 0 && folders.empty()
                             ? "the folder is empty"
                             : "the folder has no images, but " + std::to_string(others) + " other files and " +
                                   std::to_string(folders.size()) + " folders",
                 .where = folder.string(),
                 .mend = folders.empty() ? "images are " + join(image_extensions, ", ")
                                         : "name the folder that holds the images, perhaps " + folders[0].string()});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return detail::natural_less(a.filename().string(), b.filename().string());
  });
  std::map<std::string, std::string> seen;
  for (const auto& file : files)
    if (const auto [other, fresh] = seen.emplace(file.stem().string(), file.filename().string()); !fresh)
      throw Error(
          {.what = "'" + other->second + "' and '" + file.filename().string() + "' would share their outputs' name",
           .where = folder.string(),
           .mend = "keep one of them"});
  return files;
}

/// Image files as frames. Each keeps its own size.
class ImageSource final : public FrameSource {
 public:
  ImageSource(std::vector<std::filesystem::path> files, std::string name, const SourceSpec& spec)
      : files_(std::move(files)), range_(spec.frames), max_size_(spec.max_size), next_(spec.frames.begin) {
    const auto count = static_cast<std::int64_t>(files_.size());
    info_.name = std::move(name);
    info_.frames = detail::frames_in(range_, count);
    if (info_.frames == 0)
      throw Error(
          {.what = "frames from " + std::to_string(range_.begin) + " on are wanted, there are " + std::to_string(count),
           .where = spec.input,
           .mend = "frames count from 0",
           .exit_code = exit_code::frames_missing});
  }

  std::optional<Frame> next() override {
    const auto end = std::min<std::int64_t>(range_.end, static_cast<std::int64_t>(files_.size()));
    if (next_ >= end) return std::nullopt;
    const auto index = std::exchange(next_, range_.step < end - next_ ? next_ + range_.step : end);
    Frame frame{index, static_cast<double>(index) / info_.fps,
                read_image(files_[static_cast<std::size_t>(index)], max_size_)};
    info_.height = frame.height();
    info_.width = frame.width();
    return frame;
  }

  const SourceInfo& info() const override { return info_; }

  std::string stem(std::int64_t index) const override {
    const bool known = index >= 0 && index < static_cast<std::int64_t>(files_.size());
    return known ? files_[static_cast<std::size_t>(index)].stem().string() : detail::numbered_stem(index);
  }

 private:
  const std::vector<std::filesystem::path> files_;
  const FrameRange range_;
  const std::int64_t max_size_;
  std::int64_t next_;
  SourceInfo info_;
};

}  // namespace vos
