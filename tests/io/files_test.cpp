#include <vos/io/files.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vos/io/file_bytes.hpp>

#include "../refusal.hpp"
#include "../test.hpp"

namespace {

namespace fs = std::filesystem;
using vos::Durability;
using vos::PendingFile;
using vos::write_file;
using vos::test::Folder;

std::string text_of(const fs::path& path) {
  const auto bytes = vos::read_file(path);
  return {bytes.begin(), bytes.end()};
}

vos::Error::Parts refusal(const auto& act) { return vos::test::refused(act).parts(); }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

unsigned mode_of(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }

/// What `act` says in a process of its own, which may give up rights or be killed; "killed" where it was.
std::string in_child(const auto& act) {
  int channel[2];
  REQUIRE(::pipe(channel) == 0);
  const auto child = ::fork();
  if (child == 0) {
    std::string said;
    try {
      said = act();
    } catch (const std::exception& e) {
      said = e.what();
    }
    const auto written = ::write(channel[1], said.data(), said.size());
    ::_exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);  // none of the parent's destructors
  }
  ::close(channel[1]);
  std::string said;
  char block[1024];
  for (ssize_t count; (count = ::read(channel[0], block, sizeof block)) > 0;)
    said.append(block, static_cast<std::size_t>(count));
  ::close(channel[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "killed" : said;
}

/// What is asked of the system, in order, while it is not null: "fsync file", "rename", "fsync folder".
std::vector<std::string>* asked = nullptr;
int fsync_code = 0;  // what fsync of files fails with, if not 0

}  // namespace

// In place of the C library's, for the whole test executable.
extern "C" int fsync(int file) {
  struct stat info{};
  const bool folder = ::fstat(file, &info) == 0 && S_ISDIR(info.st_mode);
  if (asked != nullptr) asked->push_back(folder ? "fsync folder" : "fsync file");
  if (!folder && fsync_code != 0) {
    errno = fsync_code;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, file));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  if (asked != nullptr) asked->push_back("rename");
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}

TEST_SUITE("io") {
  TEST_CASE("a file has its name once it is whole, and its extension before") {
    const Folder folder;
    write_file(folder / "a.json", "before");
    for (const auto durability : {Durability::process, Durability::power}) {
      PendingFile file{folder / "a.json"};
      CHECK(names_in(folder.path()) == std::vector<std::string>{"a.json"});  // nothing was asked for so far
      CHECK(file.growing() == folder / ".part.a.json");
      const std::string text = durability == Durability::power ? "lasting" : "after";
      file.append({reinterpret_cast<const std::uint8_t*>(text.data()), 2});
      file.append({reinterpret_cast<const std::uint8_t*>(text.data()) + 2, text.size() - 2});
      CHECK(text_of(folder / "a.json") == (durability == Durability::power ? "after" : "before"));
      file.commit(durability);
      CHECK(text_of(folder / "a.json") == text);
      CHECK(names_in(folder.path()) == std::vector<std::string>{"a.json"});
    }
  }

  TEST_CASE("what must survive loss of power is on the disk before it has its name, and then the name is") {
    const Folder folder;
    std::vector<std::string> calls;
    asked = &calls;
    write_file(folder / "a", "before");
    CHECK(calls == std::vector<std::string>{"rename"});  // results by the thousand do not wait for the disk
    calls.clear();
    write_file(folder / "a", "after", Durability::power);
    CHECK(calls == std::vector<std::string>{"fsync file", "rename", "fsync folder"});
    calls.clear();
    fsync_code = ENOSPC;  // where the disk turns out to be full this late
    const auto said = refusal([&] { write_file(folder / "a", "never", Durability::power); }).what;
    fsync_code = 0;
    asked = nullptr;
    CHECK(said == "cannot be written: the disk is full");
    CHECK(calls == std::vector<std::string>{"fsync file"});
    CHECK(text_of(folder / "a") == "after");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("a file given up leaves the former one") {
    const Folder folder;
    write_file(folder / "a", "before");
    {
      PendingFile{folder / "a"}.growing();
    }
    CHECK(text_of(folder / "a") == "before");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("an encoder may write the file itself, or put one of its own in its place") {
    const Folder folder;
    PendingFile opened{folder / "a"};
    std::ofstream{opened.growing()} << "in place";
    opened.commit();
    CHECK(text_of(folder / "a") == "in place");

    PendingFile replaced{folder / "b"};
    std::ofstream{folder / "own"} << "another one";
    fs::rename(folder / "own", replaced.growing());
    replaced.commit(Durability::power);
    CHECK(text_of(folder / "b") == "another one");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a", "b"});

    PendingFile lost{folder / "a"};
    fs::remove(lost.growing());
    CHECK(refusal([&] { lost.commit(); }).what == "cannot be written: another program deleted or took '.part.a'");
    CHECK(text_of(folder / "a") == "in place");
  }

  TEST_CASE("writers of one file do not share what grows, and the last one wins") {
    const Folder folder;
    PendingFile first{folder / "a"}, second{folder / "a"};
    CHECK(first.growing().filename() == ".part.a");
    CHECK(second.growing().filename() == ".part.1.a");
    second.append(std::vector<std::uint8_t>(3, '2'));
    first.append(std::vector<std::uint8_t>(5, '1'));
    second.commit();
    CHECK(text_of(folder / "a") == "222");
    // A third one takes neither's: the first is at work, and what the second had is free.
    CHECK(in_child([&] {
            PendingFile third{folder / "a"};
            return third.growing().filename().string();
          }) == ".part.1.a");
    first.commit();
    CHECK(text_of(folder / "a") == "11111");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("four threads that write one file a thousand times leave one of their texts and nothing else") {
    const Folder folder;
    std::vector<std::thread> writers;
    std::vector<std::string> errors(4);
    for (std::size_t t = 0; t < errors.size(); ++t)
      writers.emplace_back([&, t] {
        errors[t] = refusal([&] {
                      for (int i = 0; i < 250; ++i)
                        write_file(folder / "a", std::string(1 + t * 50'000, static_cast<char>('a' + t)));
                    }).what;
      });
    for (auto& writer : writers) writer.join();
    CHECK(errors == std::vector<std::string>(4, "not refused"));
    const auto text = text_of(folder / "a");
    REQUIRE(!text.empty());
    const auto t = static_cast<std::size_t>(text[0] - 'a');
    CHECK(text == std::string(1 + t * 50'000, text[0]));
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("what a killed process left neither blocks nor stays") {
    const Folder folder;
    for (int i = 0; i < 3; ++i) {
      const auto end = in_child([&] {
        PendingFile file{folder / "a"}, another{folder / "a"};
        file.append(std::vector<std::uint8_t>(100));
        another.growing();
        ::raise(SIGKILL);
        return std::string{};
      });
      CHECK(end == "killed");
      CHECK(names_in(folder.path()) == std::vector<std::string>{".part.1.a", ".part.a"});
    }
    write_file(folder / "a", "text");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("what is no file of ours is left alone") {
    const Folder folder;
    write_file(folder / "precious", "mine");
    fs::create_symlink("precious", folder / ".part.a");
    fs::create_directory(folder / ".part.1.a");
    REQUIRE(::mkfifo((folder / ".part.2.a").c_str(), 0600) == 0);
    write_file(folder / "a", "text");
    CHECK(text_of(folder / "a") == "text");
    CHECK(text_of(folder / "precious") == "mine");
    CHECK(names_in(folder.path()) == std::vector<std::string>{".part.1.a", ".part.2.a", ".part.a", "a", "precious"});
  }

  TEST_CASE("a symbolic link stays one: what it leads to is written") {
    const Folder folder;
    fs::create_directory(folder / "disk");
    write_file(folder / "disk/real", "before");
    fs::create_symlink("disk/real", folder / "near");
    fs::create_symlink(folder / "near", folder / "far");
    fs::create_symlink("disk/new", folder / "dangling");
    write_file(folder / "far", "after");
    write_file(folder / "dangling", "made");
    CHECK(fs::is_symlink(folder / "far"));
    CHECK(fs::is_symlink(folder / "near"));
    CHECK(text_of(folder / "disk/real") == "after");
    CHECK(text_of(folder / "disk/new") == "made");
    CHECK(names_in(folder / "disk") == std::vector<std::string>{"new", "real"});
    fs::create_symlink("loop", folder / "loop");
    CHECK(refusal([&] { write_file(folder / "loop", "text"); }).what ==
          "cannot be written: Too many levels of symbolic links");
  }

  TEST_CASE("a file has the permissions of the one it replaces, a new one those of the user's mask") {
    const Folder folder;
    const auto mask = ::umask(027);
    write_file(folder / "new", "1");
    write_file(folder / "secret", "1");
    write_file(folder / "shared", "1");
    fs::permissions(folder / "secret", fs::perms{0400});
    fs::permissions(folder / "shared", fs::perms{0666});
    {
      PendingFile file{folder / "secret"};
      CHECK((mode_of(file.growing()) & 077U) == 0);  // nobody else reads it while it grows either
    }
    write_file(folder / "secret", "2");
    write_file(folder / "shared", "2");
    ::umask(mask);
    CHECK(mode_of(folder / "new") == 0640U);
    CHECK(mode_of(folder / "secret") == 0400U);
    CHECK(mode_of(folder / "shared") == 0666U);
    CHECK(text_of(folder / "secret") == "2");
  }

  TEST_CASE("a place where no file can be is refused by what it is") {
    const Folder folder;
    write_file(folder / "file", "text");
    fs::create_directory(folder / "folder");
    const auto said = [](const fs::path& path) {
      const auto parts = refusal([&] { write_file(path, "text", Durability::power); });
      CHECK(parts.where == path.string());
      CHECK(!parts.mend.empty());
      return parts.what;
    };
    CHECK(said(folder / "folder") == "cannot be written: this is a folder");
    CHECK(said(folder / "new/") == "cannot be written: this is a folder");
    CHECK(said(folder / "no/a") == "cannot be written: there is no folder '" + (folder / "no").string() + "'");
    CHECK(said(folder / "file/a") == "cannot be written: Not a directory");
    CHECK(said(folder / std::string(256, 'x')) ==
          "cannot be written: the name, or the path to it, is longer than this disk allows");
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK(said(folder / "pipe") == "cannot be written: this is a device or a pipe, not a file");
    CHECK(said("/dev/null") == "cannot be written: this is a device or a pipe, not a file");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"file", "folder", "pipe"});
  }

  TEST_CASE("a name may be as long as names may be, and what grows keeps its extension") {
    const Folder folder;
    for (const std::size_t length : {245, 246, 249, 250, 255})
      for (const auto& extension : std::vector<std::string>{".png", ".safetensors", "." + std::string(60, 'e'), ""}) {
        const auto name = std::string(length - extension.size(), 'x') + extension;
        PendingFile first{folder / name}, second{folder / name};
        CHECK(second.growing() != first.growing());
        if (!extension.empty() && extension.size() < 32) CHECK(first.growing().extension() == extension);
        first.commit();
        second.commit();
        CHECK(names_in(folder.path()) == std::vector<std::string>{name});
        fs::remove(folder / name);
      }
  }

  TEST_CASE("bytes that do not fit, and what is no file, are refused in words") {
    const Folder folder;
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    using vos::FileBytes;
    for (const auto read : {&FileBytes::map, &FileBytes::read}) {
      CHECK(refusal([&] { read(folder / "pipe"); }).what == "this is a device or a pipe, not a file");
      CHECK(refusal([&] { read("/dev/zero"); }).what == "this is a device or a pipe, not a file");
    }
    std::ofstream{folder / "large"} << 'x';
    fs::resize_file(folder / "large", std::uintmax_t{1} << 42);  // a hole
#ifndef __SANITIZE_ADDRESS__  // which takes more room for itself than the limit leaves
    const auto said = in_child([&] {
      const rlimit limit{.rlim_cur = rlim_t{1} << 40, .rlim_max = rlim_t{1} << 40};
      if (::setrlimit(RLIMIT_AS, &limit) != 0) return std::string{"no limit"};
      return refusal([&] { FileBytes::map(folder / "large"); }).what;
    });
    CHECK(said == "there is no room for its 4398046511104 bytes");
#endif
  }

  TEST_CASE("pages are forgotten until someone wants to keep them") {
    const Folder folder;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    write_file(folder / "a", std::string(4 * page, 'a'));
    const auto bytes = vos::FileBytes::map(folder / "a");
    auto& byte = const_cast<std::uint8_t&>(bytes->all()[page + 1]);  // as a tensor would write to it
    byte = 'b';
    bytes->forget(bytes->all());
    CHECK(bytes->all()[page + 1] == 'a');
    byte = 'b';
    bytes->keep_pages();
    bytes->forget(bytes->all());
    CHECK(bytes->all()[page + 1] == 'b');
  }

  TEST_CASE("a folder that may not be written to is told, and what is in it stays") {
    const Folder folder;
    write_file(folder / "a", "before");
    fs::permissions(folder.path(), fs::perms{0555});
    const auto said = in_child([&] {
      if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
        return std::string{"cannot change the user"};
      return refusal([&] { write_file(folder / "a", "after"); }).what;
    });
    fs::permissions(folder.path(), fs::perms{0755});
    if (said == "cannot change the user") return vos::test::skip("root may write anywhere, and cannot become another");
    CHECK(said == "cannot be written: nothing may be written in '" + folder.path().string() + "'");
    CHECK(text_of(folder / "a") == "before");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("a file that grows beyond the limit is told, and the former one stays") {
    const Folder folder;
    write_file(folder / "a", "before");
    const auto said = in_child([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{.rlim_cur = 100'000, .rlim_max = 100'000};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return std::string{"no limit"};
      return refusal([&] { write_file(folder / "a", std::string(200'000, 'x'), Durability::power); }).what;
    });
    CHECK(said == "cannot be written: a file may not be that large here");
    CHECK(text_of(folder / "a") == "before");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("a full disk is told, and the former file stays") {
    const Folder folder;
    const auto said = in_child([&] {  // a disk of one megabyte, which only this process sees
      if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0)
        return std::string{"cannot mount"};
      write_file(folder / "a", "before");
      const auto what = refusal([&] { write_file(folder / "a", std::string(2'000'000, 'x')); }).what;
      const bool intact = text_of(folder / "a") == "before" && names_in(folder.path()).size() == 1;
      return what + (intact ? ", intact" : ", damaged");
    });
    if (said == "cannot mount") return vos::test::skip("a small disk can be mounted by root alone");
    CHECK(said == "cannot be written: the disk is full, intact");
  }
}
