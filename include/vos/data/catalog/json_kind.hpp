#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <vector>

namespace vos::detail {

/// What an annotation file lists, by the keys of its outermost object.
enum class JsonKind : std::uint8_t { other, images, videos, meta };

/// Tells the kind of a JSON file from its text as it comes, without keeping it: the first key `images`, or `videos` with a
/// list (annotations) or an object (a meta.json), decides, and files mostly begin with one of them.
class JsonKindFinder {
 public:
  /// False once there is nothing more to learn.
  bool take(char c) {
    if (decided_) return false;
    if (in_text_) {
      if (escaped_) escaped_ = false;
      else if (c == '\\') escaped_ = true;
      else if (c == '"') in_text_ = false;
      if (in_text_ && depth_ == 1 && text_.size() < 16) text_ += c;
      return true;
    }
    switch (c) {
      case '"':
        in_text_ = true;
        if (depth_ == 1) text_.clear();
        break;
      case ':':
        if (depth_ == 1) key_ = text_;
        break;
      case '{':
      case '[':
        if (depth_ == 1) opens(c);
        if (depth_ == 0 && c == '[') decided_ = true;  // a list of results, or something else
        ++depth_;
        break;
      case '}':
      case ']':
        if (--depth_ <= 0) decided_ = true;
        break;
      case ',':
        if (depth_ == 1) key_.clear();
        break;
      case ' ':
      case '\n':
      case '\r':
      case '\t': break;
      default:
        if (depth_ == 0 && static_cast<unsigned char>(c) < 128) decided_ = true;  // no JSON; 128 on: a byte order mark
    }
    return !decided_;
  }

  JsonKind kind() const { return kind_; }

 private:
  void opens(char c) {
    if (key_ == "images" && c == '[') kind_ = JsonKind::images;
    else if (key_ == "videos") kind_ = c == '[' ? JsonKind::videos : JsonKind::meta;
    decided_ = kind_ != JsonKind::other;
  }

  JsonKind kind_ = JsonKind::other;
  bool decided_ = false, in_text_ = false, escaped_ = false;
  std::int64_t depth_ = 0;
  std::string text_, key_;
};

inline JsonKind json_kind(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  JsonKindFinder finder;
  std::vector<char> block(1 << 16);
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    for (std::streamsize i = 0; i < in.gcount(); ++i)
      if (!finder.take(block[static_cast<std::size_t>(i)])) return finder.kind();
  }
  return finder.kind();
}

}  // namespace vos::detail
