#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/io/images.hpp>
#include <vos/io/source.hpp>

namespace vos {

inline constexpr std::array image_extensions{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"};

namespace detail {

template <class Extensions>
bool has_extension(const std::filesystem::path& path, const Extensions& extensions) {
  const auto extension = lower_case(path.extension().string());
  return std::any_of(extensions.begin(), extensions.end(), [&](const char* known) { return extension == known; });
}

/// "frame 10" after "frame 9": runs of digits compare as numbers, whatever their length.
inline bool natural_less(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    const auto number = [&](std::string_view text, std::size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const auto begin = at;
      while (at < text.size() && digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const auto x = number(a, i), y = number(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  const bool a_ends = i == a.size(), b_ends = j == b.size();
  return a_ends && b_ends ? a < b : a_ends;  // "7" and "007" are the same number: fall back on the text
}

}  // namespace detail

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
