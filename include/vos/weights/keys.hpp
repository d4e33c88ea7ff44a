#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/weights/dtype.hpp>

namespace vos {

/// One tensor of a model, as a key list describes it.
struct KeyRow {
  std::string key = {};
  std::vector<std::int64_t> shape = {};  ///< empty: a single number
  DType dtype = DType::f32;
  bool parameter = true;      ///< false: a buffer
  std::string alias_of = {};  ///< an earlier row whose memory this one shares
  // What the lists say about training; absent where they do not.
  std::optional<bool> trainable = {};
  std::optional<double> lr_mult = {}, weight_decay = {};
  std::string optimizer_group = {};

  std::int64_t numel() const {
    std::int64_t n = 1;
    for (const auto size : shape) n *= size;  // keys_from has refused what overflows
    return n;
  }
};

/// "64x3x7x7", or "scalar"
inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const auto size : shape) sizes.push_back(std::to_string(size));
  return sizes.empty() ? "scalar" : join(sizes, "x");
}

namespace detail {

/// Tensors of a key list are made whole: what no machine holds is refused before.
inline constexpr std::int64_t key_numel_limit = std::int64_t{1} << 40;

inline std::optional<std::vector<std::int64_t>> shape_from(std::string_view text) {
  std::vector<std::int64_t> shape;
  if (text == "scalar") return shape;
  std::int64_t numel = 1;
  for (const auto& part : split(text, 'x')) {
    const auto size = number_from<std::int64_t>(part);
    if (!size || *size < 0 || (*size > 0 && numel > key_numel_limit / *size)) return std::nullopt;
    shape.push_back(*size);
    numel *= std::max<std::int64_t>(*size, 1);
  }
  return shape;
}

/// One line of a list: a text for each column, set by name.
class KeyLine {
 public:
  KeyLine(KeyRow& row, std::string where) : row_(row), where_(std::move(where)) {}

  void set(std::string_view column, const std::string& text) {
    if (column == "key") {
      if (text.empty()) refuse("the key is empty");
      row_.key = text;
    } else if (column == "shape") {
      if (auto shape = shape_from(text)) row_.shape = std::move(*shape);
      else refuse("'" + text + "' is not a shape", "write 64x3x7x7, or scalar");
    } else if (column == "dtype") {
      if (const auto dtype = dtype_named(&DTypeInfo::name, text)) row_.dtype = *dtype;
      else refuse("'" + text + "' is not a type of numbers", "write float32, int64, …");
    } else if (column == "kind") {
      if (text != "param" && text != "buffer") refuse("'" + text + "' is not a kind", "write param or buffer");
      row_.parameter = text == "param";
    } else if (column == "alias_of") row_.alias_of = text;
    else if (column == "optimizer_group") row_.optimizer_group = text;
    else if (text.empty()) return;  // a number that this list leaves open
    else if (column == "trainable") {
      if (text != "0" && text != "1") refuse("'" + text + "' is not 0 or 1");
      row_.trainable = text == "1";
    } else (column == "lr_mult" ? row_.lr_mult : row_.weight_decay) = number(text);
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& mend = "mend the list") const {
    throw Error({.what = what, .where = where_, .mend = mend});
  }

 private:
  double number(const std::string& text) const {
    const auto value = number_from<double>(text);
    if (!value) refuse("'" + text + "' is not a number");
    return *value;
  }

  KeyRow& row_;
  std::string where_;
};

}  // namespace detail

/// Reads a key list: tab-separated columns under a line with their names, of which key, shape, dtype and kind must be there.
inline std::vector<KeyRow> keys_from(std::string_view text, const std::string& where) {
  static const std::vector<std::string> known{"key",     "shape",        "dtype",           "kind",    "trainable",
                                              "lr_mult", "weight_decay", "optimizer_group", "alias_of"};
  std::vector<std::string> columns;
  std::vector<KeyRow> rows;
  std::unordered_map<std::string, std::size_t> place;
  std::size_t number = 0;
  for (const auto& whole : split(text, '\n')) {
    ++number;
    const auto line = std::string_view{whole}.substr(0, whole.size() - (whole.ends_with('\r') ? 1 : 0));
    if (line.empty()) continue;
    KeyRow row;
    detail::KeyLine read(row, where + ", line " + std::to_string(number));
    const auto cells = split(line, '\t');
    if (columns.empty()) {
      columns = cells;
      for (const auto& column : columns)
        if (std::find(known.begin(), known.end(), column) == known.end())
          read.refuse("there is no column '" + column.substr(0, 100) + "'" + did_you_mean(column.substr(0, 100), known),
                      "known columns: " + join(known, ", "));
      for (std::size_t i = 0; i < 4; ++i)
        if (std::count(columns.begin(), columns.end(), known[i]) != 1)
          read.refuse("the column '" + known[i] + "' must be there once");
      continue;
    }
    if (cells.size() != columns.size())
      read.refuse("the line has " + std::to_string(cells.size()) + " cells, the first line " +
                  std::to_string(columns.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) read.set(columns[i], cells[i]);
    if (!place.emplace(row.key, rows.size()).second) read.refuse("'" + row.key + "' stands in an earlier line too");
    if (!row.alias_of.empty()) {
      const auto found = place.find(row.alias_of);
      if (found == place.end() || found->second == rows.size() || !rows[found->second].alias_of.empty())
        read.refuse("'" + row.alias_of + "' is no earlier tensor of its own", "an alias names the first of its kind");
      const auto& first = rows[found->second];
      if (first.shape != row.shape || first.dtype != row.dtype || first.parameter != row.parameter)
        read.refuse("an alias of '" + row.alias_of + "' that differs from it");
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty())
    throw Error({.what = "the key list is empty",
                 .where = where,
                 .mend = "it needs a line 'key<tab>shape<tab>dtype<tab>kind' and a line for each tensor"});
  return rows;
}

inline std::vector<KeyRow> read_keys(const std::filesystem::path& path) {
  return keys_from(read_text(path), path.string());
}

}  // namespace vos
