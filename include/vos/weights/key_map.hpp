#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/weights/key_pattern.hpp>
#include <vos/weights/rules.hpp>

namespace vos::detail {

/// The rules on names, read once.
class KeyMap {
 public:
  explicit KeyMap(const std::vector<KeyRule>& rules) {
    for (const auto& rule : rules) {
      rules_.push_back({KeyPattern(rule.from), KeyPattern(rule.to), rule.if_needed});
      if (rules_.back().to.wildcards() > rules_.back().from.wildcards())
        throw Error({.what = "the new name has more wildcards than the old one",
                     .where = "rule '" + rule.from + "' -> '" + rule.to + "'",
                     .mend = "each * and ** of the new name stands for one of the old name, in order",
                     .exit_code = exit_code::usage});
    }
  }

  /// What `name` is called after all rules; `known` says which names lead somewhere.
  template <class Known>
  std::string apply(std::string name, const Known& known) const {
    // What it may be called, the likelier first: a rule that may not be needed leaves both names. Rules that all match would
    // double them each time; no family has more than a few, so that it ends here.
    constexpr std::size_t most = 64;
    std::vector<std::string> names{std::move(name)};
    for (const auto& rule : rules_) {
      std::vector<std::string> next;
      const auto add = [&](std::string candidate) {
        if (next.size() < most && std::find(next.begin(), next.end(), candidate) == next.end())
          next.push_back(std::move(candidate));
      };
      for (auto& candidate : names) {
        const auto captures = rule.from.match(candidate);
        auto renamed = captures ? rule.to.filled(*captures) : std::string{};
        if (!captures || rule.if_needed) add(std::move(candidate));
        if (captures) add(std::move(renamed));
      }
      names = std::move(next);
    }
    const auto found = std::find_if(names.begin(), names.end(), known);
    return std::move(found != names.end() ? *found : names[0]);
  }

 private:
  struct Rule {
    KeyPattern from, to;
    bool if_needed;
  };
  std::vector<Rule> rules_;
};

/// Any of several patterns.
class KeyPatterns {
 public:
  explicit KeyPatterns(const std::vector<std::string>& patterns) : patterns_(patterns.begin(), patterns.end()) {}
  bool match(std::string_view name) const {
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& pattern) { return pattern.matches(name); });
  }

 private:
  std::vector<KeyPattern> patterns_;
};

/// Calls `act` with "a.b.c", "b.c", "c" until it says true.
template <class Act>
bool any_suffix(std::string_view name, const Act& act) {
  for (;;) {
    if (act(name)) return true;
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return false;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace vos::detail
