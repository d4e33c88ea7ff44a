#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace vos::serve {

/// An open file; or none, where opening failed.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() { close(); }
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

  bool is_regular() const {
    struct stat status{};
    return ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  }
  std::int64_t size() const {
    struct stat status{};
    return ::fstat(descriptor_, &status) == 0 ? status.st_size : 0;
  }

  /// The next bytes; fewer than asked for only at the end, or where reading failed.
  std::size_t read(std::span<std::uint8_t> to) const {
    std::size_t done = 0;
    while (done < to.size()) {
      const auto count = ::read(descriptor_, to.data() + done, to.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  /// 0, or why it could not be written (errno).
  int write(std::span<const std::uint8_t> bytes) const {
    while (!bytes.empty()) {
      const auto count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return 0;
  }

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_ = -1;
};

}  // namespace vos::serve
