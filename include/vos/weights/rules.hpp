#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vos {

/// One way in which a file's names differ from a module's; patterns as in KeyPattern. What the wildcards of `from` stand for
/// fills those of `to`, in order.
struct KeyRule {
  std::string from, to;
  bool if_needed = false;        ///< only if the name leads nowhere without this rule and to a tensor with it
  std::string if_file_has = {};  ///< only in files with a name that matches this pattern: one make among several
};

/// What to do with a tensor whose shape is not the module's.
enum class Fit {
  keep_init,     ///< the module's own value stays: a class head of another size
  window_table,  ///< Swin's bias table [(2w-1)^2, heads] of another window: bicubic
  positions,     ///< position embeddings [1,N,C] or [N,C] of a square grid of another size: bicubic
};

struct ShapeFit {
  std::string keys;  ///< pattern over the module's names
  Fit fit = Fit::keep_init;
};

/// How the files that people have for a model become its weights. A list of patterns each; a rule that nothing matches is no
/// error, as one family's files come in several makes. "module.", which DataParallel puts before every name, needs no rule: it
/// goes where a name leads nowhere with it.
///
/// Rules speak of names and shapes. Where a make has other values, change Weights::entries before they are loaded:
///
///   auto weights = read_weights(path);
///   for (auto& [name, value] : weights.entries)
///     if (name == "conv1.weight") value = value.flip(1);  // trained on BGR
struct LoadRules {
  std::string part = {};                    ///< "backbone.": only names of the file that begin so count, without it
  std::vector<KeyRule> keys = {};           ///< applied in turn to each name of the file
  bool suffixes = false;                    ///< a module's name takes the longest name in the file that it ends in
  std::vector<std::string> unneeded = {};   ///< names in the file that may have no place in the module
  std::vector<std::string> optional = {};   ///< names in the module that the file may lack
  std::vector<std::string> untouched = {};  ///< names in the module that keep their values whatever the file holds
  std::vector<ShapeFit> fits = {};          ///< the first that matches counts
  bool lenient = false;                     ///< load what can be loaded and report the rest
};

/// These rules, then those: a family's own after its backbone's.
inline LoadRules operator+(LoadRules first, const LoadRules& then) {
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append(first.keys, then.keys);
  append(first.unneeded, then.unneeded);
  append(first.optional, then.optional);
  append(first.untouched, then.untouched);
  append(first.fits, then.fits);
  if (first.part.empty()) first.part = then.part;
  first.suffixes |= then.suffixes;
  first.lenient |= then.lenient;
  return first;
}

/// The rules of a part for a model, and files of the whole model, in which its names begin with `prefix`: a family's rules are
/// under("encoder.", resnet_rules()) + its own.
inline LoadRules under(const std::string& prefix, LoadRules rules) {
  for (auto& rule : rules.keys) {
    rule.from = prefix + rule.from;
    rule.to = prefix + rule.to;
    if (!rule.if_file_has.empty()) rule.if_file_has = prefix + rule.if_file_has;
  }
  for (auto* patterns : {&rules.unneeded, &rules.optional, &rules.untouched})
    for (auto& pattern : *patterns) pattern = prefix + pattern;
  for (auto& fit : rules.fits) fit.keys = prefix + fit.keys;
  return rules;
}

/// The rules of a part alone, for files of a whole model in which its names begin with `prefix`; what else they hold counts
/// for nothing: from_part("encoder.", resnet_rules()) takes a ResNet out of a segmenter's file.
inline LoadRules from_part(const std::string& prefix, LoadRules rules = {}) {
  rules.part = prefix + rules.part;
  return rules;
}

/// "encoder.conv1.weight" becomes "conv1.weight".
inline KeyRule strip_prefix(const std::string& prefix) { return {prefix + "**", "**"}; }

/// "conv1.weight" becomes "encoder.conv1.weight".
inline KeyRule add_prefix(const std::string& prefix) { return {"**", prefix + "**"}; }

/// The rule, for names alone that would have no place without it.
inline KeyRule if_needed(KeyRule rule) {
  rule.if_needed = true;
  return rule;
}

/// For names to drop: how many batches batch norm has seen, which nothing of ours uses.
inline const std::string batch_counters = "**num_batches_tracked";

}  // namespace vos
