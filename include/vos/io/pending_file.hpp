#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vos/error.hpp>

namespace vos {

/// What a written file must survive, besides the end of the process that wrote it, which every one does.
enum class Durability : std::uint8_t {
  process,  ///< for results that are written by the thousand and can be made again
  power,    ///< and loss of power (fsync): for weights and whatever else took hours; tens of milliseconds each
};

/// A file that appears under its name whole or not at all: it grows beside it and is renamed. Whoever stops in between
/// leaves the former file, if there was one, and that one's permissions are kept. A symbolic link stays one: the file that
/// it leads to is replaced.
///
/// While it grows it is called `.part.NAME`, or `.part.1.NAME` and so on where others are writing the same file. A lock,
/// which ends with the process that holds it, tells those from what killed processes left; that is deleted on the way.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path path) : path_(std::move(path)) {}
  ~PendingFile() { discard(); }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Where it grows: an empty file, made when first asked for. The name keeps the extension, as encoders judge by it.
  const std::filesystem::path& growing() {
    if (file_ < 0) open();
    return growing_;
  }

  /// Appends to it. An encoder that opens `growing()` by itself needs none of this.
  void append(std::span<const std::uint8_t> bytes) {
    growing();
    while (!bytes.empty()) {
      const auto count = ::write(file_, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) refuse(path_, errno);
      if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  /// Gives the file its name.
  void commit(Durability durability = Durability::process) {
    growing();
    if (!is_at(growing_, file_)) take_over();
    if (mode_) ::fchmod(file_, *mode_);  // where permissions are unknown, none are lost
    if (durability == Durability::power && ::fsync(file_) != 0) refuse(path_, errno);
    if (::rename(growing_.c_str(), target_.c_str()) != 0) refuse(path_, errno);
    close();
    if (durability == Durability::power) keep_name();
  }

  void discard() {
    if (file_ < 0) return;
    ::unlink(growing_.c_str());
    close();
  }

  [[noreturn]] static void refuse(const std::filesystem::path& path, const std::string& reason) {
    throw Error({.what = "cannot be written: " + reason,
                 .where = path.string(),
                 .mend = "check that the folder exists, may be written to and has room"});
  }

  [[noreturn]] static void refuse(const std::filesystem::path& path, int code) {
    const auto folder = "'" + (path.has_parent_path() ? path.parent_path().string() : ".") + "'";
    const auto say = [&](const std::string& reason, const std::string& mend) {
      throw Error({.what = "cannot be written: " + reason, .where = path.string(), .mend = mend});
    };
    if (code == ENOSPC) say("the disk is full", "make room, or name a file on another disk");
    if (code == EDQUOT) say("your share of the disk is used up", "make room, or name a file on another disk");
    if (code == EFBIG) say("a file may not be that large here", "raise the limit (ulimit -f), or name another disk");
    if (code == ENAMETOOLONG)
      say("the name, or the path to it, is longer than this disk allows", "choose a shorter name");
    if (code == ENOENT) say("there is no folder " + folder, "check the name, or make the folder first");
    if (code == EACCES || code == EPERM || code == EROFS)
      say("nothing may be written in " + folder, "name another folder, or change its permissions");
    refuse(path, std::generic_category().message(code));
  }

 private:
  void open() {
    target_ = followed(path_);
    struct stat info{};
    const bool there = ::stat(target_.c_str(), &info) == 0;
    if (!target_.has_filename() || (there && S_ISDIR(info.st_mode)))
      throw Error(
          {.what = "cannot be written: this is a folder", .where = path_.string(), .mend = "name a file in it"});
    if (!there && errno == ENAMETOOLONG) refuse(path_, errno);
    if (there && !S_ISREG(info.st_mode)) refuse(path_, "this is a device or a pipe, not a file");
    if (there) mode_ = info.st_mode & 0777U;
    const auto name = [&](int i) { return growing_name(target_, i); };
    constexpr int most = 1000, few = 4;
    for (int i = 0; i < most && file_ < 0; ++i) claim(name(i), mode_.value_or(0666) | S_IRUSR | S_IWUSR);
    if (file_ < 0) refuse(path_, std::to_string(most) + " files '.part.*' of other writers stand beside it");
    for (int i = 1; i < few; ++i) delete_abandoned(name(i));
  }

  /// A name beside `target`, which keeps its extension and is no longer than names may be: who else's it becomes by being cut
  /// is told by the lock.
  static std::filesystem::path growing_name(const std::filesystem::path& target, int i) {
    constexpr std::size_t longest = 255, longest_extension = 32;
    const auto begin = ".part." + (i == 0 ? "" : std::to_string(i) + ".");
    auto stem = target.stem().string(), extension = target.extension().string();
    if (extension.size() > longest_extension) stem += std::exchange(extension, "");
    stem.resize(std::min(stem.size(), longest - begin.size() - extension.size()));
    return target.parent_path() / (begin + stem + extension);
  }

  /// Makes the file `name`, locked, the one that grows, unless that name is taken.
  void claim(const std::filesystem::path& name, mode_t mode) {
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    const auto make = [&] {
      const int made = ::open(name.c_str(), flags, mode);
      if (made < 0 && errno != EEXIST) refuse(target_, errno);
      return made;
    };
    int file = make();
    if (file < 0 && delete_abandoned(name)) file = make();
    if (file < 0) return;
    if (lock(file) != Lock::another && is_at(name, file)) {
      file_ = file;
      growing_ = name;
    } else {
      ::close(file);  // someone took it for an abandoned one in the moment before it was locked
    }
  }

  /// Deletes what a killed process left. False where there is none, or it is at work.
  static bool delete_abandoned(const std::filesystem::path& name) {
    const auto [left, lock] = at(name);
    if (left < 0) return false;
    const bool deleted = lock == Lock::ours && ::unlink(name.c_str()) == 0;
    ::close(left);
    return deleted;
  }

  /// An encoder may have put a file of its own in place of ours: libzip does.
  void take_over() {
    const auto [placed, lock] = at(growing_);
    close();
    file_ = placed;
    if (file_ >= 0 && lock != Lock::another) return;
    if (file_ >= 0) close();
    refuse(path_, "another program deleted or took '" + growing_.filename().string() + "'");
  }

  enum class Lock : std::uint8_t {
    ours,
    another,
    unknown,  ///< some network file systems know none: there, what a killed process left stays
  };

  static Lock lock(int file) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return Lock::ours;
    return errno == EWOULDBLOCK ? Lock::another : Lock::unknown;
  }

  /// The regular file of that name, opened and locked if it can be; -1 where there is none.
  static std::pair<int, Lock> at(const std::filesystem::path& name) {
    constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int file = ::open(name.c_str(), O_RDWR | flags);  // NFS locks no file that is open for reading alone
    if (file < 0 && errno == EACCES) file = ::open(name.c_str(), O_RDONLY | flags);
    if (file < 0) return {-1, Lock::unknown};
    struct stat info{};
    const auto found = lock(file);
    if (::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && is_at(name, file)) return {file, found};
    ::close(file);
    return {-1, found};
  }

  /// Whether an open file still has that name.
  static bool is_at(const std::filesystem::path& name, int file) {
    struct stat named{}, open{};
    return ::lstat(name.c_str(), &named) == 0 && ::fstat(file, &open) == 0 && named.st_dev == open.st_dev &&
           named.st_ino == open.st_ino;
  }

  /// What a symbolic link leads to, whether or not that exists.
  static std::filesystem::path followed(std::filesystem::path path) {
    std::error_code code;
    for (int links = 0; links < 40; ++links) {
      const auto link = std::filesystem::read_symlink(path, code);
      if (code) return path;  // as a rule, since it is none
      path = link.is_absolute() ? link : path.parent_path() / link;
    }
    refuse(path, ELOOP);
  }

  /// Makes the renaming last.
  void keep_name() const {
    const auto folder = target_.has_parent_path() ? target_.parent_path() : ".";
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int code = file < 0 || ::fsync(file) == 0 ? 0 : errno;
    if (file >= 0) ::close(file);
    if (code == EIO || code == ENOSPC || code == EDQUOT) refuse(target_, code);  // others: folders have no fsync here
  }

  void close() {
    ::close(file_);
    file_ = -1;
  }

  std::filesystem::path path_, target_, growing_;  // as given; what it leads to; beside that
  std::optional<mode_t> mode_ = {};                // of the file that is replaced
  int file_ = -1;
};

}  // namespace vos
