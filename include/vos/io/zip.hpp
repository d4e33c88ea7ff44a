#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zip.h>

#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos {

/// How much an archive may hold: a small file can claim to unpack to any size.
struct ZipLimits {
  std::int64_t entries = 1 << 20;
  std::int64_t entry_bytes = std::int64_t{1} << 31;
};

/// Whether an entry's name stays below the folder that it is unpacked in: relative, without "..", without a drive.
inline bool stays_below(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos ||
      name.find(':') != std::string_view::npos || name.find('\0') != std::string_view::npos)
    return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return true;
}

/// A zip archive's files. Nothing is unpacked but what is asked for. From one thread at a time.
class ZipReader {
 public:
  explicit ZipReader(const std::filesystem::path& path, ZipLimits limits = {})
      : where_(path.string()), limits_(limits) {
    if (!std::filesystem::is_regular_file(path)) refuse("there is no such file", "check the name");
    int code = 0;
    archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      refuse("cannot be read as a zip: " + reason, "pack it again");
    }
    size_ = std::filesystem::file_size(path);
    list();
  }

  /// An archive in memory; `where` names it in an Error.
  ZipReader(std::vector<std::uint8_t> bytes, std::string where, ZipLimits limits = {})
      : where_(std::move(where)), limits_(limits), bytes_(std::move(bytes)) {
    zip_error_t error;
    zip_error_init(&error);
    auto* source = zip_source_buffer_create(bytes_.data(), bytes_.size(), 0, &error);
    if (source != nullptr) {
      archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
      if (archive_ == nullptr) zip_source_free(source);
    }
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (archive_ == nullptr) refuse("cannot be read as a zip: " + reason, "pack it again");
    size_ = bytes_.size();
    list();
  }

  /// The files in it, in the order of the archive; folders are not listed.
  const std::vector<std::string>& names() const { return names_; }

  /// Unpacks one file.
  std::vector<std::uint8_t> read(const std::string& name) const {
    const auto index = zip_name_locate(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW);
    zip_stat_t entry;
    if (index < 0 || zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(index), 0, &entry) != 0)
      refuse("it holds no '" + name + "'", "pack it again with that file");
    constexpr zip_uint64_t whole = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    if ((entry.valid & whole) != whole) refuse("'" + name + "' has no size", "pack it again");
    if (entry.encryption_method != ZIP_EM_NONE)
      refuse("'" + name + "' is encrypted", "pack it again without a password");
    // What is packed lies in the archive, and Deflate packs at most 1032 bytes into one: a claim beyond that is refused
    // before memory is asked for.
    if (entry.comp_size > size_)
      refuse("'" + name + "' claims to take " + std::to_string(entry.comp_size) + " bytes of an archive of " +
                 std::to_string(size_),
             "pack it again");
    if (entry.size > static_cast<zip_uint64_t>(limits_.entry_bytes) || entry.size / 1033 > entry.comp_size + 64)
      refuse("'" + name + "' claims to unpack to " + std::to_string(entry.size) + " bytes",
             "files in it may have " + std::to_string(limits_.entry_bytes) + " bytes");
    std::vector<std::uint8_t> bytes(entry.size);
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file{
        zip_fopen_index(archive_.get(), static_cast<zip_uint64_t>(index), 0), zip_fclose};
    if (file == nullptr) refuse("'" + name + "' cannot be unpacked: " + zip_strerror(archive_.get()), "pack it again");
    const auto expect = [&](bool holds, const char* otherwise) {
      if (holds) return;
      const bool told = zip_error_code_zip(zip_file_get_error(file.get())) != ZIP_ER_OK;
      refuse("'" + name + "' is damaged: " + (told ? zip_file_strerror(file.get()) : otherwise), "pack it again");
    };
    expect(zip_fread(file.get(), bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size()),
           "it is shorter than it claims");
    std::uint8_t beyond = 0;  // the checksum is looked at where the file ends
    expect(zip_fread(file.get(), &beyond, 1) == 0, "it is longer than it claims");
    return bytes;
  }

 private:
  void list() {
    const auto count = zip_get_num_entries(archive_.get(), 0);
    if (count < 1) refuse("it holds no files", "pack it again");  // libzip takes an empty file for an archive
    if (count > limits_.entries)
      refuse("it holds " + std::to_string(count) + " files", std::to_string(limits_.entries) + " are the most");
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      if (name == nullptr) refuse("a file in it has no name", "pack it again");
      if (const std::string_view text{name}; !text.empty() && text.back() != '/') names_.emplace_back(text);
    }
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& mend) const {
    throw Error({.what = what, .where = where_, .mend = mend});
  }

  std::string where_;
  ZipLimits limits_;
  std::uintmax_t size_ = 0;  // of the archive
  std::vector<std::uint8_t> bytes_;
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive_{nullptr, zip_discard};
  std::vector<std::string> names_;
};

/// Writes a zip archive, whole or not at all: it has its name once `finish` returns.
class ZipWriter {
 public:
  explicit ZipWriter(std::filesystem::path path) : file_(std::move(path)) {
    int code = 0;
    archive_.reset(zip_open(file_.growing().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      PendingFile::refuse(file_.path(), reason);
    }
  }

  /// Takes a copy of `bytes`; the same name twice is an Error. Names that would leave the folder are refused.
  void add(const std::string& name, std::span<const std::uint8_t> bytes) {
    if (!stays_below(name))
      throw Error({.what = "'" + name + "' cannot be the name of a file in a zip", .where = file_.path().string()});
    // libzip frees the copy once the archive is written or given up; that of an empty file it would forget.
    auto* copy = bytes.empty() ? nullptr : static_cast<std::uint8_t*>(std::malloc(bytes.size()));
    if (copy != nullptr) std::memcpy(copy, bytes.data(), bytes.size());
    else if (!bytes.empty()) PendingFile::refuse(file_.path(), "out of memory");
    auto* source = zip_source_buffer(archive_.get(), copy, bytes.size(), 1);
    if (source == nullptr) {
      std::free(copy);
      PendingFile::refuse(file_.path(), zip_strerror(archive_.get()));
    }
    const auto index = zip_file_add(archive_.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      PendingFile::refuse(file_.path(), zip_strerror(archive_.get()));
    }
    zip_file_set_mtime(archive_.get(), static_cast<zip_uint64_t>(index), 315532800,
                       0);  // 1980: the same bytes each time
  }

  void finish() {
    if (zip_close(archive_.get()) != 0) PendingFile::refuse(file_.path(), zip_strerror(archive_.get()));
    static_cast<void>(archive_.release());
    file_.commit();
  }

 private:
  PendingFile file_;
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive_{nullptr, zip_discard};
};

}  // namespace vos
