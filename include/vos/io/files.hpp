#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/error.hpp>

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

/// A file that appears under its name whole or not at all: it grows beside it and is renamed. Whoever stops in between
/// leaves the former file, if there was one.
class PendingFile {
 public:
  /// `path` keeps its extension while it grows, as encoders judge by it.
  explicit PendingFile(std::filesystem::path path)
      : path_(std::move(path)), growing_(path_.parent_path() / (".part." + path_.filename().string())) {}
  ~PendingFile() { discard(); }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& growing() const { return growing_; }

  /// Gives the file its name.
  void commit() {
    std::error_code code;
    std::filesystem::rename(growing_, path_, code);
    if (code) refuse(path_, code.message());
  }

  void discard() {
    std::error_code ignored;
    std::filesystem::remove(growing_, ignored);
  }

  [[noreturn]] static void refuse(const std::filesystem::path& path, const std::string& reason) {
    throw Error({.what = "cannot be written: " + reason,
                 .where = path.string(),
                 .mend = "check that the folder exists, may be written to and has room"});
  }

 private:
  std::filesystem::path path_, growing_;
};

/// Writes a whole file through PendingFile.
inline void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  PendingFile file{path};
  errno = 0;
  {
    std::ofstream out{file.growing(), std::ios::binary};
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) PendingFile::refuse(path, errno != 0 ? std::strerror(errno) : "writing failed");
  }
  file.commit();
}

/// Makes a folder and those above it.
inline void make_folder(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (!std::filesystem::is_directory(path)) PendingFile::refuse(path, code ? code.message() : "it is not a folder");
}

}  // namespace vos
