#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <vos/io/files.hpp>
#include <vos/io/whole_image.hpp>

namespace vos {

/// One box of an MP4 or MOV file: a length, a name, and what is in it.
struct Mp4Box {
  std::string type;
  std::uint64_t offset = 0, size = 0;  ///< in the file, header included
};

/// The outermost boxes of an MP4 or MOV file.
struct Mp4Layout {
  std::vector<Mp4Box> boxes;
  bool cut_short = false;  ///< the last box promises more than the file holds

  const Mp4Box* find(std::string_view type) const {
    for (const auto& box : boxes)
      if (box.type == type) return &box;
    return nullptr;
  }
  /// Whether this is such a file at all.
  bool known() const {
    return !boxes.empty() &&
           (boxes[0].type == "ftyp" || boxes[0].type == "moov" || boxes[0].type == "mdat" || boxes[0].type == "wide");
  }
};

inline Mp4Layout mp4_layout(const std::filesystem::path& path) {
  Mp4Layout layout;
  std::error_code code;
  const std::uint64_t end = std::filesystem::file_size(path, code);
  std::ifstream in{path, std::ios::binary};
  for (std::uint64_t at = 0; !code && at + 8 <= end && layout.boxes.size() < 100'000;) {
    std::array<std::uint8_t, 16> head{};
    in.clear();
    in.seekg(static_cast<std::streamoff>(at)).read(reinterpret_cast<char*>(head.data()), 16);
    std::uint64_t size = detail::big_endian(head, 0, 4);
    if (size == 1) size = detail::big_endian(head, 8, 8);  // a long box
    if (size == 0) size = end - at;                        // the last box may leave its length open
    layout.cut_short = size < 8 || size > end - at;
    layout.boxes.push_back({std::string{reinterpret_cast<const char*>(head.data()) + 4, 4}, at, size});
    if (layout.cut_short) break;
    at += size;
  }
  return layout;
}

namespace detail {

/// Adds `shift` to every chunk offset below the box that spans [begin,end) of `moov`. False where one would not fit.
inline bool shift_chunk_offsets(std::vector<std::uint8_t>& moov, std::size_t begin, std::size_t end,
                                std::uint64_t shift, int depth = 0) {
  if (depth > 4) return false;  // trak, mdia, minf, stbl
  for (std::size_t at = begin; at + 8 <= end;) {
    const auto size = big_endian(moov, at, 4);
    if (size < 8 || size > end - at) return false;
    const std::string_view type{reinterpret_cast<const char*>(moov.data()) + at + 4, 4};
    if (type == "trak" || type == "mdia" || type == "minf" || type == "stbl") {
      if (!shift_chunk_offsets(moov, at + 8, at + size, shift, depth + 1)) return false;
    } else if ((type == "stco" || type == "co64") && size >= 16) {
      const int width = type == "stco" ? 4 : 8;
      const auto count = big_endian(moov, at + 12, 4);
      if (count > (size - 16) / static_cast<std::size_t>(width)) return false;
      for (std::size_t i = 0; i < count; ++i) {
        const auto place = at + 16 + i * static_cast<std::size_t>(width);
        const auto offset = big_endian(moov, place, width) + shift;
        if (width == 4 && offset > std::numeric_limits<std::uint32_t>::max()) return false;
        for (int k = 0; k < width; ++k)
          moov[place + static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(offset >> 8 * (width - 1 - k));
      }
    }
    at += size;
  }
  return true;
}

}  // namespace detail

/// Copies an MP4 so that its index (moov) stands before the pictures, and a browser starts playing before it has all of
/// the file. Encoders write the index last, since only then they know it. False where there is nothing to move.
inline bool copy_with_index_first(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto layout = mp4_layout(from);
  const auto *moov = layout.find("moov"), *mdat = layout.find("mdat");
  if (layout.cut_short || moov == nullptr || mdat == nullptr || moov->offset < mdat->offset ||
      layout.boxes[0].type != "ftyp")
    return false;
  std::ifstream in{from, std::ios::binary};
  std::vector<std::uint8_t> index(moov->size);
  in.seekg(static_cast<std::streamoff>(moov->offset))
      .read(reinterpret_cast<char*>(index.data()), static_cast<std::streamsize>(moov->size));
  if (!in || !detail::shift_chunk_offsets(index, 8, index.size(), moov->size)) return false;

  std::ofstream out{to, std::ios::binary};
  std::vector<char> block(1U << 20);
  for (const auto& box : layout.boxes) {
    if (box.type == "moov") continue;
    in.seekg(static_cast<std::streamoff>(box.offset));
    for (auto left = box.size; left > 0 && in && out;) {
      const auto count = static_cast<std::streamsize>(std::min<std::uint64_t>(left, block.size()));
      out.write(block.data(), in.read(block.data(), count).gcount());
      left -= static_cast<std::uint64_t>(count);
    }
    if (&box == &layout.boxes[0])
      out.write(reinterpret_cast<const char*>(index.data()), static_cast<std::streamsize>(index.size()));
  }
  out.close();
  return in && out;
}

}  // namespace vos
