#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <vos/weights/key_map.hpp>
#include <vos/weights/key_pattern.hpp>
#include <vos/weights/load_report.hpp>
#include <vos/weights/nearest_key.hpp>
#include <vos/weights/rules.hpp>
#include <vos/weights/shape_fit.hpp>

namespace vos {

/// A tensor of a file or a module, as far as loading needs to know it.
struct TensorLabel {
  std::string name = {};
  std::vector<std::int64_t> sizes = {};
  DType dtype = DType::f32;
  std::size_t same_as = 0;  ///< the place of the first tensor on the same memory; its own, as a rule

  LoadReport::Key key() const { return {name, sizes, dtype, {}}; }
};

/// The value of file tensor `file` goes to module tensor `module`, perhaps made to fit.
struct LoadStep {
  std::size_t file = 0, module = 0;
  std::optional<Fit> fit = {};
};

/// What loading would do, worked out on names and shapes before anything is touched.
struct LoadPlan {
  std::vector<LoadStep> steps = {};  ///< in the module's order
  /// Pairs of steps whose values must be equal, as the module has one memory for them.
  std::vector<std::pair<std::size_t, std::size_t>> tied = {};
  LoadReport report = {};
};

/// Decides for each tensor of the file where it goes, and why not.
class LoadPlanner {
 public:
  LoadPlanner(std::span<const TensorLabel> file, std::span<const TensorLabel> module, const LoadRules& rules)
      : file_(file),
        module_(module),
        rules_(rules),
        unneeded_(rules.unneeded),
        optional_(rules.optional),
        untouched_(rules.untouched) {
    for (const auto& fit : rules.fits) fits_.emplace_back(KeyPattern(fit.keys), fit.fit);
    for (std::size_t m = 0; m < module.size(); ++m) place_.emplace(module[m].name, m);
  }

  LoadPlan plan() {
    plan_.report.file_tensors = static_cast<std::int64_t>(file_.size());
    rename();
    if (rules_.suffixes) match_suffixes();
    else match_names();
    settle();
    account();
    return std::move(plan_);
  }

 private:
  /// What rules are matched against, and what they make of it.
  struct Name {
    std::string in_file = {}, renamed = {};
  };

  // Names of the file in the module's words. Rules see them without "module." and without the part that they lie in.
  void rename() {
    constexpr std::string_view wrapper = "module.";
    const auto in_part = [&](std::string_view name) -> std::optional<std::string> {
      if (!name.starts_with(rules_.part)) return std::nullopt;
      return std::string{name.substr(rules_.part.size())};
    };
    struct Spelling {
      std::optional<std::string> whole, unwrapped;
    };
    std::vector<Spelling> spellings;
    for (const auto& label : file_) {
      const std::string_view name = label.name;
      auto& spelling = spellings.emplace_back(in_part(name), std::nullopt);
      if (name.starts_with(wrapper)) spelling.unwrapped = in_part(name.substr(wrapper.size()));
    }
    const auto file_has = [&](const KeyPattern& pattern) {
      return std::any_of(spellings.begin(), spellings.end(), [&](const auto& spelling) {
        return (spelling.whole && pattern.matches(*spelling.whole)) ||
               (spelling.unwrapped && pattern.matches(*spelling.unwrapped));
      });
    };
    std::vector<KeyRule> rules;
    for (const auto& rule : rules_.keys)
      if (rule.if_file_has.empty() || file_has(KeyPattern(rule.if_file_has))) rules.push_back(rule);
    const detail::KeyMap map(rules);
    std::unordered_set<std::string_view> suffixes;
    if (rules_.suffixes)
      for (const auto& label : module_)
        detail::any_suffix(label.name, [&](auto suffix) { return suffixes.insert(suffix), false; });
    const auto known = [&](const std::string& name) {
      return rules_.suffixes ? suffixes.contains(name) : place_.contains(name);
    };
    const auto read = [&](const std::string& name) { return Name{name, map.apply(name, known)}; };
    for (const auto& [whole, unwrapped] : spellings) {
      Name name = whole ? read(*whole) : Name{};
      if (unwrapped && !known(name.renamed))
        if (auto without = read(*unwrapped); !whole || known(without.renamed) || unneeded(without))
          name = std::move(without);
      outside_.push_back(!whole && !unwrapped);
      names_.push_back(std::move(name));
    }
  }

  bool unneeded(const Name& name) const { return unneeded_.match(name.in_file) || unneeded_.match(name.renamed); }

  void match_names() {
    for (std::size_t f = 0; f < file_.size(); ++f)
      if (const auto found = place_.find(names_[f].renamed); !outside_[f] && found != place_.end())
        takes_[found->second].push_back(f);
  }

  // As names are partial here, what is unneeded must go first: a file's "norm.weight" is the end of many names.
  void match_suffixes() {
    std::unordered_map<std::string_view, std::size_t> by_name;
    for (std::size_t f = 0; f < file_.size(); ++f)
      if (!outside_[f] && !unneeded(names_[f])) by_name.emplace(names_[f].renamed, f);
    std::unordered_map<std::size_t, std::size_t> taken;  // file -> module
    for (std::size_t m = 0; m < module_.size(); ++m)
      detail::any_suffix(module_[m].name, [&](auto suffix) {
        const auto found = by_name.find(suffix);
        if (found == by_name.end()) return false;
        takes_[m].push_back(found->second);
        const auto [other, first] = taken.emplace(found->second, m);
        if (!first && module_[other->second].same_as != module_[m].same_as)
          plan_.report.clashes.push_back("the file's '" + printable(file_[found->second].name) + "' is the end of '" +
                                         module_[other->second].name + "' and of '" + module_[m].name + "'");
        return true;
      });
  }

  // One file tensor for each of the module, in the module's order.
  void settle() {
    used_.assign(file_.size(), false);
    for (auto& [m, candidates] : takes_) {
      for (const auto f : candidates) used_[f] = true;
      const auto exact = std::find_if(candidates.begin(), candidates.end(),
                                      [&](auto f) { return names_[f].in_file == module_[m].name; });
      const auto chosen = exact != candidates.end() ? *exact : candidates[0];
      for (const auto f : candidates)
        if (f != chosen && file_[f].same_as != file_[chosen].same_as)
          plan_.report.clashes.push_back("the file's '" + printable(file_[chosen].name) + "' and '" +
                                         printable(file_[f].name) + "' are both '" + module_[m].name + "'");
      place_step(chosen, m);
    }
  }

  void place_step(std::size_t f, std::size_t m) {
    const auto &from = file_[f], &to = module_[m];
    auto& report = plan_.report;
    if (untouched_.match(to.name)) return;  // counted with the module's tensors
    const LoadReport::Misfit pair{to.name, from.key(), to.key()};
    const bool convertible = detail::converts(from.dtype, to.dtype);
    LoadStep step{f, m, std::nullopt};
    if (from.sizes != to.sizes) {
      const auto rule =
          std::find_if(fits_.begin(), fits_.end(), [&](const auto& fit) { return fit.first.matches(to.name); });
      if (rule == fits_.end() || !detail::can_fit(rule->second, from.sizes, to.sizes)) {
        report.misshapen.push_back(pair);
        return;
      }
      if (rule->second == Fit::keep_init) {
        report.kept.push_back(pair);
        return;
      }
      step.fit = rule->second;
    }
    if (!convertible) {
      report.misshapen.push_back(pair);
      return;
    }
    if (step.fit) report.fitted.push_back(pair);
    if (from.name != to.name) report.renamed.push_back({from.name, to.name});
    plan_.steps.push_back(step);
  }

  // What has no partner, on either side.
  void account() {
    auto& report = plan_.report;
    for (std::size_t f = 0; f < file_.size(); ++f)
      if (outside_[f]) ++report.outside;
      else if (!used_[f]) (unneeded(names_[f]) ? report.dropped : report.unexpected).push_back(file_[f].key());

    std::unordered_map<std::size_t, std::size_t> loaded;  // memory of the module -> step
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
      const auto [first, fresh] = loaded.emplace(module_[plan_.steps[s].module].same_as, s);
      if (!fresh && file_[plan_.steps[first->second].file].same_as != file_[plan_.steps[s].file].same_as)
        plan_.tied.emplace_back(first->second, s);
    }
    report.loaded = static_cast<std::int64_t>(loaded.size());
    std::unordered_set<std::size_t> told;  // misshapen or kept: they have a partner in the file
    for (const auto* list : {&report.misshapen, &report.kept})
      for (const auto& misfit : *list) told.insert(place_.at(misfit.key));
    for (std::size_t m = 0; m < module_.size(); ++m) {
      report.module_tensors += module_[m].same_as == m;
      if (loaded.contains(module_[m].same_as) || told.contains(m)) continue;
      if (untouched_.match(module_[m].name)) report.untouched.push_back(module_[m].key());
      else (optional_.match(module_[m].name) ? report.absent : report.missing).push_back(module_[m].key());
    }
    const detail::NearestKey nearest(report.unexpected);
    for (std::size_t i = 0; i < std::min<std::size_t>(report.missing.size(), 64); ++i)
      report.missing[i].nearest = nearest.of(report.missing[i]);
  }

  std::span<const TensorLabel> file_, module_;
  const LoadRules& rules_;
  detail::KeyPatterns unneeded_, optional_, untouched_;
  std::vector<std::pair<KeyPattern, Fit>> fits_;
  std::unordered_map<std::string_view, std::size_t> place_;
  std::vector<Name> names_;                                // of the file's tensors
  std::vector<bool> outside_;                              // of the file's tensors: beyond the part that is asked for
  std::map<std::size_t, std::vector<std::size_t>> takes_;  // module -> file
  std::vector<bool> used_;
  LoadPlan plan_;
};

inline LoadPlan plan_load(std::span<const TensorLabel> file, std::span<const TensorLabel> module,
                          const LoadRules& rules) {
  return LoadPlanner(file, module, rules).plan();
}

}  // namespace vos
