#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/utf8.hpp>

namespace vos {

/// Letters to insert, delete, change or swap with their neighbour to turn `a` into `b`.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

/// The name in `known` that the writer of `text` most likely meant; empty when none is near.
template <class Names>
std::string nearest_name(std::string_view text, const Names& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const auto& candidate : known) {
    const std::string_view name{candidate};
    const bool begins = text.size() >= 3 && name.substr(0, text.size()) == text;
    const auto distance = begins ? 1 : edit_distance(text, name);
    if (distance < best_distance && 2 * distance < text.size()) {  // most letters stand: 'ro' does not mean 'rle'
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

/// "; did you mean 'flow'?" or nothing: the tail of a message about an unknown name.
template <class Names>
std::string did_you_mean(std::string_view text, const Names& known) {
  const auto name = nearest_name(text, known);
  return name.empty() ? "" : "; did you mean '" + name + "'?";
}

/// The pieces of `text` between `separator`s; one empty piece for an empty text.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (std::size_t begin = 0;;) {
    const auto end = text.find(separator, begin);
    pieces.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return pieces;
    begin = end + 1;
  }
}

/// `pieces` with `separator` between them.
template <class Pieces>
std::string join(const Pieces& pieces, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const auto& piece : pieces) {
    if (!std::exchange(first, false)) text += separator;
    text += piece;
  }
  return text;
}

/// The first `most` of `all`, each as `text_of` tells it, with `separator` between them; behind them how many more there are.
template <class All, class Text = std::identity>
std::string join_first(const All& all, std::size_t most, std::string_view separator, const Text& text_of = {}) {
  std::vector<std::string> pieces;
  for (const auto& each : all) {
    if (pieces.size() == most) {
      pieces.push_back("... and " + std::to_string(std::size(all) - most) + " more");
      break;
    }
    pieces.emplace_back(text_of(each));
  }
  return join(pieces, separator);
}

/// Names that differ in ASCII case alone are the same file extension, scheme or switch.
inline std::string lower_case(std::string_view text) {
  std::string lower{text};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// The whole of `text` as a number of type `Number`, or nothing.
template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// A name or text that a file chose, for a message or a terminal: on one line, valid UTF-8, nothing that moves the cursor or
/// turns the direction of writing, and not endless.
inline std::string printable(std::string_view text, std::size_t most = 160) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string shown;
  while (!text.empty()) {
    const auto [value, found] = code_point(text);
    const auto length = std::max<std::size_t>(found, 1);
    if (shown.size() + length > most) return shown + "...";
    const bool control = value < 32 || (value >= 0x7f && value < 0xa0);
    const bool direction = (value >= 0x200e && value <= 0x200f) || (value >= 0x202a && value <= 0x202e) ||
                           (value >= 0x2066 && value <= 0x2069);
    if (found > 0 && !control && !direction) {
      shown += text.substr(0, length);
    } else if (text[0] == '\n' || text[0] == '\t') {
      shown += text[0] == '\n' ? "\\n" : "\\t";
    } else {
      for (const char letter : text.substr(0, length)) {
        const auto code = static_cast<unsigned char>(letter);
        (shown += "\\x") += {digits[code / 16], digits[code % 16]};
      }
    }
    text.remove_prefix(length);
  }
  return shown;
}

namespace detail {

inline std::string in_quotes(std::string_view text) { return "'" + printable(text) + "'"; }

}  // namespace detail
}  // namespace vos
