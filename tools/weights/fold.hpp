#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace vos::weights {

/// A name to be listed. Names are folded with others of the same `kind` alone: the same shape and type, say.
struct FoldName {
  std::string name = {}, kind = {};
};

/// Names that differ in a number, or in the last of several parts, as one line: "layers.{0..5}.norm1.{weight,bias}".
struct Folded {
  std::string name = {};
  std::vector<std::size_t> members = {};  ///< places in what was folded, rising
};

/// Every name stands in exactly one line; lines are in the order of their first name.
std::vector<Folded> folded(const std::vector<FoldName>& names);

/// What pairs of names have in common: "encoder.**" and "backbone.**" for those that agree from there on; of a single pair its
/// names.
struct PairRule {
  std::string a = {}, b = {};
  std::size_t count = 0;
};

/// In the order of the first pair of each.
std::vector<PairRule> pair_rules(const std::vector<std::pair<std::string, std::string>>& pairs);

/// These as a table of the first `most`, under three words.
void print_rules(std::ostream& out, std::vector<std::string> head,
                 const std::vector<std::pair<std::string, std::string>>& pairs, std::size_t most);

/// How many letters at the end two names have in common, in whole parts.
std::size_t common_tail(const std::string& a, const std::string& b);

}  // namespace vos::weights
