#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>

#include <vos/core/crc32.hpp>
#include <vos/core/text.hpp>
#include <vos/serve/file.hpp>

namespace vos::serve {

/// A file of the page, as built into the program.
struct PageFile {
  std::string path;  ///< /viewer.js
  std::string content_type;
  std::span<const std::uint8_t> bytes;  ///< outlive the server
};

/// What a browser is told about a page's file by its name; empty for what no page has.
inline std::string_view content_type_of(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".wasm", "application/wasm"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".ico", "image/x-icon"},
      {".mp4", "video/mp4"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"}};
  for (const auto& [ending, type] : types)
    if (path.ends_with(ending)) return type;
  return {};
}

/// The page's files: those of a list, by their exact names, or those of a folder.
class Pages {
 public:
  struct Found {
    std::string content_type, tag;
    std::span<const std::uint8_t> bytes;
    std::vector<std::uint8_t> read = {};  ///< what `bytes` are of, where they came from a folder
  };

  Pages(const std::vector<PageFile>& files, std::filesystem::path root) : root_(std::move(root)) {
    for (const auto& file : files) files_[file.path] = {file.content_type, tag_of(file.bytes), file.bytes};
  }

  bool on_disk() const { return !root_.empty(); }

  /// From the list. / is /index.html.
  const Found* find(std::string_view path) const {
    const auto found = files_.find(name_of(path));
    return found == files_.end() ? nullptr : &found->second;
  }

  /// From the folder, read anew each time: for who works on the page. May run on any thread. Nothing that is hidden, or is
  /// or lies behind a symbolic link, is read, whatever the name; nor what a page has no use for.
  std::optional<Found> read(std::string_view path) const {
    const auto name = name_of(path);
    const auto type = content_type_of(name);
    if (type.empty()) return std::nullopt;
    File at{::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const auto parts = split(std::string_view{name}.substr(1), '/');
    for (std::size_t i = 0; i < parts.size() && at; ++i) {
      if (parts[i].empty() || parts[i].front() == '.') return std::nullopt;
      const int folder = i + 1 < parts.size() ? O_DIRECTORY : O_NONBLOCK;
      at = File{::openat(at.get(), parts[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | folder)};
    }
    if (!at || !at.is_regular() || at.size() > largest) return std::nullopt;
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(at.size()));
    bytes.resize(at.read(bytes));
    Found found{std::string{type}, tag_of(bytes), {}, std::move(bytes)};
    found.bytes = found.read;
    return found;
  }

 private:
  static constexpr std::int64_t largest = std::int64_t{1} << 28;

  static std::string name_of(std::string_view path) { return std::string{path == "/" ? "/index.html" : path}; }
  static std::string tag_of(std::span<const std::uint8_t> bytes) {
    return "\"" + std::to_string(crc32_of(bytes)) + "-" + std::to_string(bytes.size()) + "\"";
  }

  std::map<std::string, Found, std::less<>> files_;
  std::filesystem::path root_;
};

}  // namespace vos::serve
