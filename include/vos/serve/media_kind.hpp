#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace vos::serve {

/// The bytes that `media_ending` looks at.
inline constexpr std::size_t media_head = 16;

/// What a file is by its first bytes, whatever it is called: the ending for its name, or nothing where it is none of what
/// can be worked on. Whether the rest is sound shows when it is decoded.
inline std::string_view media_ending(std::span<const std::uint8_t> head) {
  const std::string_view text{reinterpret_cast<const char*>(head.data()), head.size()};
  const auto at = [&](std::size_t begin, std::string_view mark) {
    return text.size() >= begin + mark.size() && text.substr(begin, mark.size()) == mark;
  };
  using namespace std::string_view_literals;
  if (at(0, "\x89PNG\r\n\x1a\n"sv)) return ".png";
  if (at(0, "\xff\xd8\xff"sv)) return ".jpg";
  if (at(0, "GIF87a"sv) || at(0, "GIF89a"sv)) return ".gif";
  if (at(0, "RIFF"sv) && at(8, "AVI "sv)) return ".avi";
  if (at(0, "\x1a\x45\xdf\xa3"sv)) return ".mkv";  // and WebM, which is the same
  if (at(0, "PK\x03\x04"sv)) return ".zip";
  if (at(4, "ftypqt  "sv)) return ".mov";
  if (at(4, "ftyp"sv)) return ".mp4";
  for (const auto box :
       {"moov"sv, "mdat"sv, "wide"sv, "free"sv, "skip"sv, "pnot"sv})  // QuickTime before there was ftyp
    if (at(4, box)) return ".mov";
  return {};
}

}  // namespace vos::serve
