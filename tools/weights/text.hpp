#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <string_view>

#include <vos/core/text.hpp>

#include "common/table.hpp"

namespace vos::weights {

/// "512 B", "37.6 kB", "93.8 MB", "1.24 GB": three digits that matter, powers of ten.
inline std::string size_text(std::int64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (size < 999.5) break;
    size /= 1000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", size < 9.995 ? 2 : size < 99.95 ? 1 : 0, size, unit);
  return text;
}

/// "1,234,567"
template <std::integral Count>
std::string count_text(Count count) {
  const auto digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

/// "1 tensor", "1,234 tensors"
template <std::integral Count>
std::string counted(Count count, const std::string& thing) {
  return count_text(count) + " " + thing + (count == 1 ? "" : "s");
}

/// A tensor's name in a table, where an empty one would not be seen.
inline std::string name_text(std::string_view name) { return name.empty() ? "''" : printable(name); }

/// A path, which is longer than a name and no less a stranger's.
inline std::string path_text(std::string_view path) { return printable(path, 4096); }

/// Below a table of the first `most` lines of `all`.
inline void print_cut(std::ostream& out, std::size_t all, std::size_t most) {
  if (all > most) out << "  ... and " << count_text(all - most) << " more; --verbose prints them\n";
}

/// A table with a row for each of the first `most` of `all`, and below it how many more there are.
template <class All, class RowOf>
void print_first(std::ostream& out, tool::Table table, const All& all, std::size_t most, const RowOf& row_of) {
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i) table.add(row_of(all[i]));
  table.print(out, "  ");
  print_cut(out, all.size(), most);
}

/// Six digits of a number, without a tail of zeros; "nan", "inf".
inline std::string value_text(double value) {
  if (std::isnan(value)) return "nan";  // printf would tell its sign
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace vos::weights
