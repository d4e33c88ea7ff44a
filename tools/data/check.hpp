#pragma once

#include <ostream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/data/catalog.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/io/lint/lint.hpp>

#include "options.hpp"

namespace vos::data {

/// A dataset and what is to be said of it. Where its lists cannot be read, that is the one finding, and nothing else was
/// looked at.
struct Checked {
  Catalog catalog = {};
  LintReport report = {};
  double seconds = 0;
};

Checked check(const Options& options, std::ostream& err, std::stop_token stop);

/// Findings of one kind, in the order in which they were found.
using FindingGroup = std::pair<const FindingKind*, std::vector<const Finding*>>;

/// By severity, then in the order of the table.
std::vector<FindingGroup> grouped(const std::vector<Finding>& findings);

/// "2 errors, 1 warning, 0 notes"
std::string verdict(const LintReport& report);

std::vector<Histogram> histograms_of(const Checked& checked);

/// Without the empty bins at its ends, to be looked at.
Histogram trimmed(const Histogram& histogram);

nlohmann::ordered_json to_json(const Checked& checked);

/// The report for people: a few examples of each kind, or all of them.
void print(std::ostream& out, const Checked& checked, bool all);

/// 0, 1 or 130.
int exit_code_of(const Checked& checked, bool strict);

}  // namespace vos::data
