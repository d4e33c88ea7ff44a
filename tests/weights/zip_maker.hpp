#pragma once

/// Zip archives made by hand, honest unless told to lie.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <vos/core/crc32.hpp>

namespace vos::test {

inline std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

inline std::uint32_t crc_of(const std::string& text) { return crc32_of(bytes_of(text)); }

struct MadeEntry {
  std::string name, bytes = {};
  bool wide = false;        ///< sizes and place in a zip64 field
  bool descriptor = false;  ///< sizes and CRC behind the bytes instead of before them
  int descriptor_width = 4;
  bool descriptor_signature = true;
  std::uint16_t method = 0, flags = 0, disk = 0;
  std::string extra = {}, own_extra = {}, gap = {};  ///< gap: before the entry, nobody's bytes
  // Lies; `own` is what stands in the header before the bytes.
  std::optional<std::string> own_name = {};
  std::optional<std::uint32_t> crc = {}, own_crc = {}, descriptor_crc = {};
  std::optional<std::uint64_t> at = {}, size = {}, packed = {}, own_size = {};
  std::optional<std::uint16_t> own_method = {};
  bool lacks_wide_field = false, lacks_own_wide_field = false;
};

struct MadeZip {
  std::vector<MadeEntry> entries = {};
  bool wide = false;  ///< with zip64's end record and its locator, as PyTorch writes
  std::string comment = {}, behind = {};
  std::optional<std::uint64_t> count = {}, directory_at = {}, directory_size = {}, narrow_count = {}, wide_at = {};
  std::uint16_t disk = 0;
  std::uint32_t disks = 1;

  std::string text() const {
    std::string out, directory;
    for (const auto& entry : entries) {
      out += entry.gap;
      const auto at = entry.at.value_or(out.size());
      const auto crc = entry.crc.value_or(crc_of(entry.bytes));
      const auto packed = entry.packed.value_or(entry.bytes.size()), size = entry.size.value_or(entry.bytes.size());
      const auto flags = static_cast<std::uint16_t>(entry.flags | (entry.descriptor ? 8 : 0));
      const auto own_size = entry.own_size.value_or(entry.descriptor ? 0 : size);
      const auto own_packed = entry.descriptor ? 0 : packed;
      const auto name = entry.own_name.value_or(entry.name);
      auto own_extra = entry.own_extra;
      if (entry.wide && !entry.lacks_own_wide_field) own_extra += field(1, number(own_size, 8) + number(own_packed, 8));
      out += number(0x04034B50, 4) + number(45, 2) + number(flags, 2) +
             number(entry.own_method.value_or(entry.method), 2) + number(0, 4) +
             number(entry.own_crc.value_or(entry.descriptor ? 0 : crc), 4) +
             number(entry.wide ? 0xFFFFFFFF : own_packed, 4) + number(entry.wide ? 0xFFFFFFFF : own_size, 4) +
             number(name.size(), 2) + number(own_extra.size(), 2) + name + own_extra + entry.bytes;
      if (entry.descriptor)
        out += (entry.descriptor_signature ? number(0x08074B50, 4) : "") +
               number(entry.descriptor_crc.value_or(crc), 4) + number(packed, entry.descriptor_width) +
               number(size, entry.descriptor_width);
      auto extra = entry.extra;
      if (entry.wide && !entry.lacks_wide_field) extra += field(1, number(size, 8) + number(packed, 8) + number(at, 8));
      directory += number(0x02014B50, 4) + number(45, 2) + number(45, 2) + number(flags, 2) + number(entry.method, 2) +
                   number(0, 4) + number(crc, 4) + number(entry.wide ? 0xFFFFFFFF : packed, 4) +
                   number(entry.wide ? 0xFFFFFFFF : size, 4) + number(entry.name.size(), 2) + number(extra.size(), 2) +
                   number(0, 2) + number(entry.disk, 2) + number(0, 6) + number(entry.wide ? 0xFFFFFFFF : at, 4) +
                   entry.name + extra;
    }
    const auto begin = directory_at.value_or(out.size()), size = directory_size.value_or(directory.size());
    const auto files = count.value_or(entries.size());
    out += directory;
    if (wide) {
      const auto at = wide_at.value_or(out.size());
      out += number(0x06064B50, 4) + number(44, 8) + number(0, 4) + number(disk, 4) + number(disk, 4) +
             number(files, 8) + number(files, 8) + number(size, 8) + number(begin, 8);
      out += number(0x07064B50, 4) + number(0, 4) + number(at, 8) + number(disks, 4);
    }
    const auto narrow = narrow_count.value_or(files);
    return out + number(0x06054B50, 4) + number(disk, 2) + number(disk, 2) + number(narrow, 2) + number(narrow, 2) +
           number(wide ? 0xFFFFFFFF : size, 4) + number(wide ? 0xFFFFFFFF : begin, 4) + number(comment.size(), 2) +
           comment + behind;
  }

  std::vector<std::uint8_t> bytes() const { return bytes_of(text()); }

  static std::string number(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 255);
    return text;
  }

  static std::string field(std::uint16_t id, const std::string& content) {
    return number(id, 2) + number(content.size(), 2) + content;
  }
};

}  // namespace vos::test
