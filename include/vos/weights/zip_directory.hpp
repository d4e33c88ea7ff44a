#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/little_endian.hpp>

namespace vos {

/// A file in an archive. Views of the archive's bytes; the name is what the archive says and never used as a path.
struct ZipEntry {
  std::string_view name = {};
  std::uint64_t at = 0;   ///< where its own header begins
  std::uint64_t end = 0;  ///< past everything that is its own
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;                   ///< how it is packed; 0: not at all
  std::span<const std::uint8_t> packed = {};  ///< its bytes as they lie there
};

namespace detail {

/// Reads the two lists of an archive, headers before the files and the directory behind them, and believes neither alone.
class ZipDirectory {
 public:
  ZipDirectory(std::span<const std::uint8_t> file, const std::string& where, std::size_t most)
      : file_(file), where_(where), most_(most) {}

  std::vector<ZipEntry> read() {
    find_end();
    std::vector<ZipEntry> entries;
    entries.reserve(count_);
    auto at = begin_;
    for (std::uint64_t i = 0; i < count_; ++i) entries.push_back(next(at));
    if (at != end_) refuse("its directory is longer than the files it lists", at);
    for (auto& entry : entries) locate(entry);
    expect_apart(entries);
    return entries;
  }

 private:
  static constexpr std::uint32_t long16 = 0xFFFF, long32 = 0xFFFFFFFF;  // "see the zip64 fields"
  static constexpr std::uint32_t zip64_locator = 0x07064B50;

  [[noreturn]] void refuse(const std::string& what, std::uint64_t at,
                           const std::string& mend = "the archive is damaged: copy or download it again") const {
    throw Error({.what = what, .where = where_ + ", byte " + std::to_string(at), .mend = mend});
  }

  std::uint64_t u16(std::uint64_t at) const { return little_endian<std::uint16_t>(file_, at); }
  std::uint64_t u32(std::uint64_t at) const { return little_endian<std::uint32_t>(file_, at); }
  std::uint64_t u64(std::uint64_t at) const { return little_endian<std::uint64_t>(file_, at); }

  /// Whether `bytes` more fit between `at` and `end`, however large both claim to be.
  static bool fits(std::uint64_t at, std::uint64_t bytes, std::uint64_t end) { return at <= end && bytes <= end - at; }

  /// The end record lies at the end, before a comment of at most 64 KB. Some disks and tapes add zeros.
  std::uint64_t find_end_record() const {
    constexpr std::size_t length = 22;
    const auto file = text_of(file_);
    const auto content = file.find_last_not_of('\0') + 1;
    const auto from = content - std::min(content, length + long16);
    const auto tail = file.substr(from);
    for (auto found = tail.rfind("PK\5\6"); found != tail.npos;
         found = found > 0 ? tail.rfind("PK\5\6", found - 1) : tail.npos) {
      const auto at = from + found;
      if (!fits(at, length, file.size())) continue;
      const auto end = at + length + u16(at + 20);
      if (end >= content && end <= file.size()) return at;
      const bool whole = u32(at + 12) + u32(at + 16) == at || (at >= 20 && u32(at - 20) == zip64_locator);
      if (end < content && whole)
        refuse(std::to_string(file.size() - end) + " bytes stand behind the archive", end,
               "two files were joined, or something was added: get it again from its source");
    }
    refuse("the archive ends before its directory", file.size(),
           "it is cut short, as a download or copy that stopped is: fetch it again");
  }

  /// Sets where the directory lies and how many files it lists.
  void find_end() {
    const auto at = find_end_record();
    end_ = at;
    count_ = u16(at + 10);
    auto size = u32(at + 12);
    begin_ = u32(at + 16);
    auto disk = u16(at + 4), directory_disk = u16(at + 6), here = u16(at + 8);
    if (at >= 20 && u32(at - 20) == zip64_locator) {  // a locator: there is a zip64 record as well
      const auto wide = u64(at - 20 + 8);
      if (u32(at - 20 + 4) != 0 || u32(at - 20 + 16) > 1) refuse_disks(at - 20);
      if (!fits(wide, 56, at - 20) || u32(wide) != 0x06064B50 || u64(wide + 4) != at - 20 - wide - 12)
        refuse("its zip64 record is not where the locator says", at - 20);
      const auto widen = [&](std::uint64_t& narrow, std::uint64_t marker, std::uint64_t value) {
        if (narrow != marker && narrow != value) refuse("its two end records disagree", at);
        narrow = value;
      };
      widen(disk, long16, u32(wide + 16));
      widen(directory_disk, long16, u32(wide + 20));
      widen(here, long16, u64(wide + 24));
      widen(count_, long16, u64(wide + 32));
      widen(size, long32, u64(wide + 40));
      widen(begin_, long32, u64(wide + 48));
      end_ = wide;
    }
    if (disk != 0 || directory_disk != 0 || here != count_) refuse_disks(at);
    if (!fits(begin_, size, end_) || begin_ + size != end_)
      refuse("its directory of " + std::to_string(size) + " bytes from byte " + std::to_string(begin_) +
                 " does not end where the end record begins",
             at);
    if (count_ > most_)
      refuse("it holds " + std::to_string(count_) + " files", at, std::to_string(most_) + " are the most");
    if (count_ > size / 46) refuse("its directory is shorter than the files it claims to list", at);
  }

  [[noreturn]] void refuse_disks(std::uint64_t at) const {
    refuse("the archive is one part of several", at, "put its parts together again: zip -s 0 FILE --out WHOLE");
  }

  /// The next line of the directory.
  ZipEntry next(std::uint64_t& at) const {
    if (!fits(at, 46, end_) || u32(at) != 0x02014B50) refuse("its directory is damaged", at);
    const auto name = u16(at + 28), extra = u16(at + 30), comment = u16(at + 32);
    if (!fits(at + 46, name + extra + comment, end_)) refuse("its directory is cut short", at);
    ZipEntry entry{.name = text_of(file_.subspan(at + 46, name)),
                   .at = u32(at + 42),
                   .size = u32(at + 24),
                   .crc = static_cast<std::uint32_t>(u32(at + 16)),
                   .method = static_cast<std::uint16_t>(u16(at + 10))};
    auto packed = u32(at + 20);
    if (entry.size == long32 || packed == long32 || entry.at == long32) {
      auto wide = wide_field(at + 46 + name, extra);
      for (auto* field : {&entry.size, &packed, &entry.at}) {
        if (*field != long32) continue;
        if (wide.size() < 8) refuse(in_quotes(entry.name) + " has no zip64 field for a size of it", at);
        *field = little_endian<std::uint64_t>(wide, 0);
        wide = wide.subspan(8);
      }
    }
    if ((u16(at + 8) & 0x2041) != 0) refuse(in_quotes(entry.name) + " is encrypted", at, "pack it without a password");
    if (u16(at + 34) != 0) refuse_disks(at);
    if (entry.method == 0 && entry.size != packed)
      refuse(in_quotes(entry.name) + " is not packed and yet of two sizes", at);
    if (!fits(entry.at, 30, begin_) || !fits(entry.at + 30, packed, begin_))
      refuse(in_quotes(entry.name) + " claims " + std::to_string(packed) + " bytes from byte " +
                 std::to_string(entry.at) + ", beyond the files' part of the archive",
             at);
    entry.packed = file_.subspan(entry.at, packed);  // `locate` moves it behind the header
    at += 46 + name + extra + comment;
    return entry;
  }

  /// What the field for zip64 holds among the extra fields; empty where there is none.
  std::span<const std::uint8_t> wide_field(std::uint64_t at, std::uint64_t length) const {
    for (const auto end = at + length; fits(at, 4, end) && fits(at + 4, u16(at + 2), end); at += 4 + u16(at + 2))
      if (u16(at) == 1) return file_.subspan(at + 4, u16(at + 2));
    return {};
  }

  /// Finds an entry's bytes behind its own header, which must say what the directory says.
  void locate(ZipEntry& entry) const {
    const auto at = entry.at;  // `next` saw to it that a header fits
    const auto expect = [&](bool holds, const char* what) {
      if (!holds) refuse(in_quotes(entry.name) + ": " + what, at);
    };
    expect(u32(at) == 0x04034B50, "there is no file where the directory says");
    const std::uint64_t name = u16(at + 26), extra = u16(at + 28), packed = entry.packed.size();
    const auto begin = at + 30 + name + extra;
    expect(fits(begin, packed, begin_), "its bytes reach into the directory");
    entry.packed = file_.subspan(begin, packed);
    entry.end = begin + packed;
    expect(entry.name == text_of(file_.subspan(at + 30, name)), "its own header has another name");
    expect(u16(at + 8) == entry.method, "its own header says that it is packed another way");
    const bool later = (u16(at + 6) & 8) != 0;  // sizes and CRC stand behind the bytes, as PyTorch writes them
    auto own_packed = u32(at + 18), own_size = u32(at + 22);
    if (own_packed == long32 || own_size == long32) {
      const auto wide = wide_field(at + 30 + name, extra);
      expect(wide.size() >= 16, "its own header has no zip64 field");
      own_size = little_endian<std::uint64_t>(wide, 0);
      own_packed = little_endian<std::uint64_t>(wide, 8);
    }
    const auto same = [&](std::uint64_t own, std::uint64_t listed) { return own == listed || (later && own == 0); };
    expect(same(own_packed, packed) && same(own_size, entry.size), "its own header has another size");
    expect(same(u32(at + 14), entry.crc), "its own header has another CRC");
    if (!later) return;
    const auto descriptor = descriptor_length(entry);
    expect(descriptor > 0, "what stands behind its bytes has another size or CRC");
    entry.end += descriptor;
  }

  /// The record behind an entry's bytes: perhaps a signature, the CRC, two sizes of four or of eight bytes. 0 where
  /// none says what the directory says.
  std::uint64_t descriptor_length(const ZipEntry& entry) const {
    for (const std::uint64_t signature : {4, 0})
      for (const std::uint64_t width : {4, 8}) {
        const auto length = signature + 4 + 2 * width, at = entry.end + signature;
        if (!fits(entry.end, length, begin_) || (signature != 0 && u32(entry.end) != 0x08074B50)) continue;
        const auto number = [&](std::uint64_t from) { return width == 4 ? u32(from) : u64(from); };
        if (u32(at) == entry.crc && number(at + 4) == entry.packed.size() && number(at + 4 + width) == entry.size)
          return length;
      }
    return 0;
  }

  /// No bytes belong to two entries, and no name names two.
  void expect_apart(const std::vector<ZipEntry>& entries) const {
    std::vector<const ZipEntry*> sorted;
    for (const auto& entry : entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
    for (std::size_t i = 1; i < sorted.size(); ++i)
      if (sorted[i]->name == sorted[i - 1]->name)
        refuse("it holds two files named " + in_quotes(sorted[i]->name), std::max(sorted[i]->at, sorted[i - 1]->at));
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->at < b->at; });
    for (std::size_t i = 1; i < sorted.size(); ++i)
      if (sorted[i]->at < sorted[i - 1]->end)
        refuse(in_quotes(sorted[i]->name) + " begins inside " + in_quotes(sorted[i - 1]->name), sorted[i]->at);
  }

  std::span<const std::uint8_t> file_;
  const std::string& where_;
  std::uint64_t most_;
  std::uint64_t begin_ = 0, end_ = 0, count_ = 0;  // of the directory
};

}  // namespace detail

/// The files of a zip archive in memory, in the order of its directory. An Error where the archive contradicts itself:
/// headers and directory that disagree, files that overlap or share a name, sizes beyond its end.
///
/// A reader of its own beside io/zip.hpp, which unpacks copies through libzip: what lies here stays where the file was
/// mapped, and weights are to be read where there is nothing but LibTorch.
inline std::vector<ZipEntry> read_zip_directory(std::span<const std::uint8_t> file, const std::string& where,
                                                std::size_t most = std::size_t{1} << 20) {
  return detail::ZipDirectory{file, where, most}.read();
}

/// The bytes of an entry, which must not be packed.
inline std::span<const std::uint8_t> stored_bytes(const ZipEntry& entry, const std::string& where) {
  if (entry.method == 0) return entry.packed;
  throw Error({.what = "the archive is compressed, which PyTorch's own are not",
               .where = where + ", " + detail::in_quotes(entry.name),
               .mend = "save it again with torch.save; or pack it again without compression: unzip -q FILE -d folder, "
                       "then in that folder: zip -0 -r ../FILE ."});
}

}  // namespace vos
