#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vos::tool {

/// How many letters a text in UTF-8 has, so far as one code point is one.
inline std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// A table for people: the first columns to the left, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> head, std::size_t left = 1) : rows_{std::move(head)}, left_(left) {}
  explicit Table(std::size_t left) : left_(left) {}  ///< without a head
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  void print(std::ostream& out, std::string_view indent = "") const {
    std::vector<std::size_t> widths(rows_.empty() ? 0 : rows_.front().size());
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], code_points(row[i]));
    for (const auto& row : rows_) {
      std::string line{indent};
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string gap(widths[i] - code_points(row[i]), ' ');
        line += (i == 0 ? "" : "  ") + (i < left_ ? row[i] + gap : gap + row[i]);
      }
      out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_;
};

}  // namespace vos::tool
