#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos {

/// A whole file as bytes: mapped, or read into memory. Whoever keeps a span of it keeps a shared_ptr to it.
class FileBytes {
 public:
  /// Pages come from the file as they are touched. Who shortens the file meanwhile ends the process (SIGBUS): files that are
  /// replaced by renaming, as ours are, are safe. The pages may be written to, by tensors that lie on them: each process
  /// then has a copy of the page of its own, and the file stays as it is.
  static std::shared_ptr<const FileBytes> map(const std::filesystem::path& path) {
    if (auto bytes = in_pages(path, MAP_PRIVATE | MAP_NORESERVE)) {
      bytes->mapped_ = true;
      return bytes;
    }
    return of(read_file(path));  // empty, or no such file: reading tells which
  }

  /// A copy of its own, which outlives any change to the file.
  static std::shared_ptr<const FileBytes> read(const std::filesystem::path& path) {
    if (auto bytes = in_pages(path, MAP_PRIVATE | MAP_ANONYMOUS)) return bytes;
    return of(read_file(path));
  }

  static std::shared_ptr<const FileBytes> of(std::vector<std::uint8_t> content) {
    auto bytes = std::shared_ptr<FileBytes>(new FileBytes);
    bytes->owned_ = std::move(content);
    bytes->bytes_ = bytes->owned_;
    return bytes;
  }

  ~FileBytes() {
    if (owned_.empty() && !bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
  }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  std::span<const std::uint8_t> all() const { return bytes_; }
  bool mapped() const { return mapped_; }

  /// Lets the system take back the pages of a part that was read and is not needed soon; reading it again brings them back,
  /// as the file has them: not for what a tensor may have been written to (see `keep_pages`). Bytes that lie elsewhere stay as
  /// they are.
  void forget(std::span<const std::uint8_t> part) const {
    const std::less_equal<const std::uint8_t*> up_to;
    if (!mapped_ || kept_ || part.empty() || !up_to(bytes_.data(), part.data()) ||
        !up_to(part.data() + part.size(), bytes_.data() + bytes_.size()))
      return;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }

  /// From now on nothing is forgotten: someone may write to what lies here.
  void keep_pages() const { kept_ = true; }

 private:
  FileBytes() = default;

  /// A regular file's bytes in pages from the system; null where that cannot be.
  static std::shared_ptr<FileBytes> in_pages(const std::filesystem::path& path, int flags) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return nullptr;
    const bool copy = (flags & MAP_ANONYMOUS) != 0;
    struct stat info{};
    void* start = MAP_FAILED;
    const bool known = ::fstat(file, &info) == 0, regular = known && S_ISREG(info.st_mode);
    if (regular && info.st_size > 0)
      start =
          ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ | PROT_WRITE, flags, copy ? -1 : file, 0);
    const bool no_room = start == MAP_FAILED && regular && info.st_size > 0 && errno == ENOMEM;
    std::shared_ptr<FileBytes> bytes;
    if (start != MAP_FAILED) {
      bytes.reset(new FileBytes);
      bytes->bytes_ = {static_cast<const std::uint8_t*>(start), static_cast<std::size_t>(info.st_size)};
      if (copy && !fill(file, static_cast<std::uint8_t*>(start), bytes->bytes_.size())) bytes.reset();
    }
    ::close(file);
    if (no_room)
      throw Error({.what = "there is no room for its " + std::to_string(info.st_size) + " bytes",
                   .where = path.string(),
                   .mend = "free memory, or raise this process's limit (ulimit -v)"});
    if (known && !regular && !S_ISDIR(info.st_mode))
      throw Error({.what = "this is a device or a pipe, not a file",
                   .where = path.string(),
                   .mend = "put what comes from it into a file first"});
    return bytes;
  }

  static bool fill(int file, std::uint8_t* to, std::size_t size) {
    while (size > 0) {
      const auto got = ::read(file, to, std::min(size, std::size_t{1} << 30));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      to += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }

  std::vector<std::uint8_t> owned_;
  std::span<const std::uint8_t> bytes_;
  bool mapped_ = false;
  mutable std::atomic<bool> kept_ = false;
};

}  // namespace vos
