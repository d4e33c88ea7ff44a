#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos {

/// Lists are for names: a longer line is none.
inline constexpr std::size_t list_line_limit = 4096;

namespace detail {

/// How a file or folder is named in findings: below the dataset's root.
inline std::string place_in(const std::filesystem::path& root, const std::filesystem::path& path) {
  const auto below = path.lexically_relative(root);
  return below.empty() || below.native().starts_with("..") ? path.string() : below.string();
}

/// A name that a list gives for a file or folder below the dataset's root. One that leads elsewhere is an Error: a list
/// from a stranger must not decide which files are read.
inline const std::string& inner_name(const std::string& name, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw Error({.what = what + ": " + in_quotes(name),
                 .where = where,
                 .mend = "names in lists are those of files and folders below the dataset's own"});
  };
  if (name.empty()) refuse("an empty name");
  if (name.size() > list_line_limit) refuse("a name of " + std::to_string(name.size()) + " letters");
  if (name.find('\0') != std::string::npos) refuse("a name with a zero byte");
  if (name.front() == '/') refuse("a name that begins at the root of the file system");
  for (std::string_view rest = name; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    if (part == "..") refuse("a name that leads out of the dataset");
    rest.remove_prefix(part.size() == rest.size() ? rest.size() : part.size() + 1);
  }
  return name;
}

/// The same for the name of a video, which outputs are called by: besides, it names one folder in one way, and not the
/// folder that it lies in.
inline const std::string& video_name(const std::string& name, const std::string& where) {
  const auto plain = std::filesystem::path{inner_name(name, where)}.lexically_normal();
  if (plain.generic_string() != name || !plain.has_filename() || name == ".")
    throw Error({.what = "a video cannot be called " + in_quotes(name),
                 .where = where,
                 .mend = "outputs go into a folder of that name: write it without '.', and with single slashes"});
  return name;
}

/// The lines of a text, without blanks around them, empty ones and those that begin with '#'.
struct TextLine {
  std::size_t number = 0;  ///< from 1
  std::string_view text = {};
};

inline std::vector<TextLine> lines_of(std::string_view text, const std::string& where,
                                      std::size_t limit = list_line_limit) {
  std::vector<TextLine> lines;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the mark that some editors begin UTF-8 with
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!line.empty() && blank(line.back())) line.remove_suffix(1);
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    if (line.size() > limit)
      throw Error({.what = "line " + std::to_string(number) + " has " + std::to_string(line.size()) + " letters",
                   .where = where,
                   .mend = "this is not a list of names, one a line"});
    if (!line.empty() && line.front() != '#') lines.push_back({number, line});
  }
  return lines;
}

std::vector<TextLine> lines_of(std::string&& text, const std::string&, std::size_t = 0) = delete;  // lines are views

/// The words of a line.
inline std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; (begin = line.find_first_not_of(" \t", begin)) != std::string_view::npos;) {
    const auto end = line.find_first_of(" \t", begin);
    words.push_back(line.substr(begin, end - begin));
    begin = end == std::string_view::npos ? line.size() : end;
  }
  return words;
}

/// "1 video", "30 videos"
inline std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace detail
}  // namespace vos
