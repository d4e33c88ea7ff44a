#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <vos/serve/file.hpp>
#include <vos/serve/secret.hpp>

namespace vos::serve {

/// A file that grows as it arrives, under a name that nobody chose and for no other user of the machine to read. It is gone
/// with this object unless it was handed on. `open` and `write` may run on any thread.
class Upload {
 public:
  Upload() = default;
  ~Upload() { discard(); }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// 0, or why not (errno).
  int open(const std::filesystem::path& folder, std::string_view ending) {
    path_ = folder / (std::string{prefix} + random_secret() + std::string{ending});
    file_ = File{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    return file_ ? 0 : errno;
  }
  int write(std::span<const std::uint8_t> bytes) { return file_.write(bytes); }

  /// The file is another's now.
  std::filesystem::path hand_on() {
    file_.close();
    return std::exchange(path_, {});
  }

  /// Removes what a server that was killed had not finished.
  static void clear(const std::filesystem::path& folder) {
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator{folder, code})
      if (entry.path().filename().string().starts_with(prefix)) std::filesystem::remove(entry.path(), code);
  }

 private:
  static constexpr std::string_view prefix = "upload-";

  void discard() {
    if (!path_.empty()) ::unlink(path_.c_str());
    file_.close();
  }

  std::filesystem::path path_;
  File file_;
};

}  // namespace vos::serve
