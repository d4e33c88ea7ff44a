#include "fold.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include <vos/core/text.hpp>

#include "text.hpp"

namespace vos::weights {
namespace {

struct Line {
  std::vector<std::string> parts;  ///< of the name, between its dots
  const std::string* kind;
  std::vector<std::size_t> members;
};

/// Of what is folded by its last part: weight, bias, running_mean, running_var and their like; a longer list is no pattern.
constexpr std::size_t most_last_parts = 8;
constexpr std::size_t deepest = 64;          ///< numbers further down stay as they are
constexpr std::size_t most_names = 100'000;  ///< real files have a thousand; more are listed as they are

bool is_number(std::string_view text) { return number_from<std::uint32_t>(text).has_value(); }

/// "{0..5}", "{0,2,4}", "{weight,bias}"; what was already folded is one of the alternatives as it stands.
std::string alternatives(const std::vector<std::string>& texts) {
  std::vector<std::uint32_t> numbers;
  for (const auto& text : texts)
    if (const auto number = number_from<std::uint32_t>(text)) numbers.push_back(*number);
  const bool run = numbers.size() == texts.size() && texts.size() > 2 &&
                   std::adjacent_find(numbers.begin(), numbers.end(),
                                      [](auto one, auto next) { return next != one + 1; }) == numbers.end();
  return "{" + (run ? texts.front() + ".." + texts.back() : join(texts, ",")) + "}";
}

/// Lines that are equal but for part `at` become one.
std::vector<Line> folded_at(std::vector<Line> lines, std::size_t at, bool last) {
  std::map<std::pair<std::string, const std::string*>, std::vector<std::size_t>> alike;
  std::vector<const std::vector<std::size_t>*> group_of(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto& parts = lines[i].parts;
    const auto place = last ? parts.size() - 1 : at;
    // What has no part in common but the file it is in is no pattern.
    if (last ? parts.size() < 2 : place >= parts.size() || !is_number(parts[place])) continue;
    auto pattern = parts;
    pattern[place] = "\n";
    auto& group = alike[{join(pattern, "."), lines[i].kind}];
    group.push_back(i);
    group_of[i] = &group;
  }
  std::vector<Line> result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (group_of[i] == nullptr || group_of[i]->size() == 1 || (last && group_of[i]->size() > most_last_parts)) {
      result.push_back(std::move(lines[i]));
      continue;
    }
    if (group_of[i]->front() != i) continue;  // stands where the first of them stood
    std::vector<std::string> texts;
    Line line{lines[i].parts, lines[i].kind, {}};
    const auto place = last ? line.parts.size() - 1 : at;
    for (const auto each : *group_of[i]) {
      texts.push_back(lines[each].parts[place]);
      line.members.insert(line.members.end(), lines[each].members.begin(), lines[each].members.end());
    }
    line.parts[place] = alternatives(texts);
    std::sort(line.members.begin(), line.members.end());
    result.push_back(std::move(line));
  }
  return result;
}

}  // namespace

std::vector<Folded> folded(const std::vector<FoldName>& names) {
  std::map<std::string, std::size_t> kinds;  // the same text has one address
  std::vector<Line> lines;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& kind = kinds.try_emplace(names[i].kind, i).first->first;
    lines.push_back({split(names[i].name, '.'), &kind, {i}});
    longest = std::max(longest, lines.back().parts.size());
  }
  if (names.size() <= most_names) {
    lines = folded_at(std::move(lines), 0, true);
    for (auto at = std::min(longest, deepest); at-- > 0;) lines = folded_at(std::move(lines), at, false);
  }
  std::vector<Folded> result;
  for (auto& line : lines) result.push_back({join(line.parts, "."), std::move(line.members)});
  return result;
}

std::size_t common_tail(const std::string& a, const std::string& b) {
  const auto part_begins = [](const std::string& name, std::size_t from_end) {
    return from_end == name.size() || name[name.size() - 1 - from_end] == '.';
  };
  std::size_t same = 0, tail = 0;
  while (same < a.size() && same < b.size() && a[a.size() - 1 - same] == b[b.size() - 1 - same]) {
    ++same;
    if (part_begins(a, same) && part_begins(b, same)) tail = same;
  }
  return tail;
}

std::vector<PairRule> pair_rules(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<PairRule> rules;
  std::vector<std::string> shared;  // how the common tails of a rule's names begin, in whole parts
  std::map<std::pair<std::string, std::string>, std::size_t> known;
  for (const auto& [a, b] : pairs) {
    const auto tail = common_tail(a, b);
    const auto head = [&](const std::string& name) { return name.substr(0, name.size() - tail); };
    const auto [place, fresh] = known.emplace(std::pair{head(a), head(b)}, rules.size());
    if (fresh) rules.push_back({head(a), head(b)}), shared.push_back(a.substr(a.size() - tail));
    ++rules[place->second].count;
    auto& begin = shared[place->second];
    const auto rest = std::string_view{a}.substr(a.size() - tail);
    if (begin == rest) continue;
    std::size_t same = 0;
    while (same < begin.size() && same < rest.size() && begin[same] == rest[same]) ++same;
    begin.resize(same > 0 ? begin.rfind('.', same - 1) + 1 : 0);
  }
  for (std::size_t i = 0; i < rules.size(); ++i)
    for (auto* name : {&rules[i].a, &rules[i].b}) *name += shared[i] + (rules[i].count > 1 ? "**" : "");
  return rules;
}

void print_rules(std::ostream& out, std::vector<std::string> head,
                 const std::vector<std::pair<std::string, std::string>>& pairs, std::size_t most) {
  print_first(out, tool::Table(std::move(head), 2), pair_rules(pairs), most, [](const PairRule& rule) {
    return std::vector{name_text(rule.a), name_text(rule.b), count_text(rule.count)};
  });
}

}  // namespace vos::weights
