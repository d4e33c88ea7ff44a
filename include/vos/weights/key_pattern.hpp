#pragma once

#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vos {

/// A pattern over dotted names: `*` stands for one or more characters that are no dots, `**` for any run, even an empty one;
/// anything else for itself.
///
///   "layer1.*.bn*.*"   layer1.0.bn2.running_mean
///   "**.head.*"        backbone.head.weight, not head.weight
class KeyPattern {
 public:
  explicit KeyPattern(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '*') {
        if (pieces_.empty() || pieces_.back().kind != Kind::literal) pieces_.push_back({Kind::literal, {}});
        pieces_.back().text += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '*') pieces_.push_back({Kind::any, {}}), ++i;
      else pieces_.push_back({Kind::part, {}});
    }
  }

  /// What the wildcards stand for in `name`, each as short as it can be, from the left; nothing where the name does not match.
  std::optional<std::vector<std::string_view>> match(std::string_view name) const {
    if (name.size() > longest_name) return std::nullopt;
    if (!pieces_.empty() && pieces_[0].kind == Kind::literal && !name.starts_with(pieces_[0].text)) return std::nullopt;
    // rest[p][i]: pieces from p on match name from i on. Filled from the end, so that no name makes it retrace its steps.
    const auto n = name.size();
    std::vector<std::vector<bool>> rest(pieces_.size() + 1, std::vector<bool>(n + 1, false));
    rest[pieces_.size()][n] = true;
    for (auto p = pieces_.size(); p-- > 0;)
      for (auto i = n + 1; i-- > 0;) rest[p][i] = begins(p, i, name, rest);
    if (!rest[0][0]) return std::nullopt;
    std::vector<std::string_view> captures;
    std::size_t i = 0;
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      const auto from = i;
      if (pieces_[p].kind == Kind::literal) i += pieces_[p].text.size();
      else {
        if (pieces_[p].kind == Kind::part) ++i;
        while (!rest[p + 1][i]) ++i;
        captures.push_back(name.substr(from, i - from));
      }
    }
    return captures;
  }

  bool matches(std::string_view name) const { return match(name).has_value(); }

  /// This pattern with its wildcards replaced by `captures`, in order.
  std::string filled(const std::vector<std::string_view>& captures) const {
    std::string text;
    std::size_t next = 0;
    for (const auto& piece : pieces_) {
      assert(piece.kind == Kind::literal || next < captures.size());
      text += piece.kind == Kind::literal ? std::string_view{piece.text} : captures[next++];
    }
    return text;
  }

  std::size_t wildcards() const {
    std::size_t count = 0;
    for (const auto& piece : pieces_) count += piece.kind != Kind::literal;
    return count;
  }

 private:
  enum class Kind { literal, part, any };
  struct Piece {
    Kind kind;
    std::string text;
  };

  static constexpr std::size_t longest_name = 1024;  // a module's names have a tenth of that

  bool begins(std::size_t p, std::size_t i, std::string_view name, const std::vector<std::vector<bool>>& rest) const {
    const auto& piece = pieces_[p];
    switch (piece.kind) {
      case Kind::literal: return name.substr(i).starts_with(piece.text) && rest[p + 1][i + piece.text.size()];
      case Kind::part: return i < name.size() && name[i] != '.' && (rest[p + 1][i + 1] || rest[p][i + 1]);
      case Kind::any: return rest[p + 1][i] || (i < name.size() && rest[p][i + 1]);
    }
    return false;
  }

  std::vector<Piece> pieces_;
};

}  // namespace vos
