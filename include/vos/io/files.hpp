#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <vos/error.hpp>
#include <vos/io/pending_file.hpp>

namespace vos {

/// The whole of a file.
inline std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    throw Error({.what = "this is a folder, not a file", .where = path.string(), .mend = "name a file in it"});
  errno = 0;
  std::ifstream in{path, std::ios::binary | std::ios::ate};
  const auto size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
  std::vector<std::uint8_t> bytes(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (size >= 0 && in.seekg(0) && (bytes.empty() || in.read(reinterpret_cast<char*>(bytes.data()), size))) return bytes;
  throw Error({.what = std::string{"cannot be read: "} + (errno != 0 ? std::strerror(errno) : "reading failed"),
               .where = path.string(),
               .mend = "check the name and the permissions"});
}

/// The most that a list of names, settings or tensors has.
inline constexpr std::uintmax_t text_file_limit = std::uintmax_t{1} << 26;

/// A small text file; a larger one than any list is refused before it is read.
inline std::string read_text(const std::filesystem::path& path, std::uintmax_t limit = text_file_limit) {
  std::error_code code;
  if (const auto size = std::filesystem::file_size(path, code); !code && size > limit)
    throw Error({.what = "the file has " + std::to_string(size) + " bytes, at most " + std::to_string(limit) +
                         " are expected of its kind",
                 .where = path.string(),
                 .mend = "this is not such a file; name another, or move it out of its folder"});
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

/// Writes a whole file through PendingFile.
inline void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                       Durability durability = Durability::process) {
  PendingFile file{path};
  file.append(bytes);
  file.commit(durability);
}

inline void write_file(const std::filesystem::path& path, std::string_view text,
                       Durability durability = Durability::process) {
  write_file(path, std::span{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, durability);
}

/// Makes a folder and those above it.
inline void make_folder(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (!std::filesystem::is_directory(path)) PendingFile::refuse(path, code ? code.message() : "it is not a folder");
}

}  // namespace vos
