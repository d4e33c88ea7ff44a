#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/train/report/run_record.hpp>
#include <vos/train/report/tables.hpp>

namespace vos {

/// Figures of several runs as a table: a row a run, a column a figure.
struct RunFigures {
  struct Column {
    std::string name = {};
    bool lower_is_better = false;
    bool judged = true;  ///< whether one value can be better than another
  };
  std::vector<Column> columns = {};
  std::vector<std::vector<double>> rows = {};  ///< NaN where a run has no such figure

  /// Whether a cell is the best of its column, which takes two that differ.
  bool is_best(std::size_t row, std::size_t column) const {
    const double value = rows[row][column];
    if (!columns[column].judged || !std::isfinite(value)) return false;
    bool differs = false;
    for (const auto& other : rows) {
      const double than = other[column];
      if (!std::isfinite(than) || than == value) continue;
      if ((than < value) == columns[column].lower_is_better) return false;
      differs = true;
    }
    return differs;
  }
};

/// Figures of each run's best validation, and how it got there.
inline RunFigures run_figures(std::span<const RunRecord> runs) {
  std::vector<std::map<std::string, double>> best;
  std::string main;
  for (const auto& run : runs) {
    const auto* found = run.best();
    best.push_back(found != nullptr ? found->metrics : std::map<std::string, double>{});
    if (found != nullptr && main.empty()) main = found->main;
  }
  RunFigures figures;
  const auto metrics = detail::metric_names(best, main);
  for (const auto& name : metrics) figures.columns.push_back({name, lower_is_better(name)});
  for (const auto& column : {RunFigures::Column{.name = "best at step", .judged = false},
                             {.name = "steps", .judged = false},
                             {.name = "loss of late", .lower_is_better = true},
                             {.name = "ms a step", .lower_is_better = true},
                             {.name = "waiting %", .lower_is_better = true},
                             {.name = "minutes", .judged = false}})
    figures.columns.push_back(column);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& run = runs[i];
    const auto times = step_times(run);
    std::vector<double> row;
    for (const auto& name : metrics) row.push_back(best[i].contains(name) ? best[i].at(name) : detail::no_number);
    row.push_back(run.best() != nullptr ? static_cast<double>(run.best()->step) : detail::no_number);
    row.push_back(static_cast<double>(run.last_step()));
    row.push_back(recent_mean(run.steps.loss));
    row.push_back(std::round(1000 * times.median));
    row.push_back(100 * times.waiting_share());
    row.push_back((times.total + times.validations) / 60);
    figures.rows.push_back(std::move(row));
  }
  return figures;
}

/// What runs are called beside each other: by their folders' names, or by their paths where two share one.
inline std::vector<std::string> run_names(std::span<const RunRecord> runs) {
  std::map<std::string, int> count;
  for (const auto& run : runs) ++count[run.name()];
  std::vector<std::string> names;
  for (const auto& run : runs) names.push_back(count[run.name()] > 1 ? run.folder.string() : run.name());
  return names;
}

/// A setting that not all runs share, with each run's value; "–" where it has none.
struct DifferingSetting {
  std::string key = {}, meaning = {};
  std::vector<std::string> values = {};
};

inline std::vector<DifferingSetting> differing_settings(std::span<const RunRecord> runs) {
  std::vector<DifferingSetting> rows;
  std::set<std::string> seen;
  for (const auto& run : runs)
    for (const auto& setting : run.settings) {
      if (!seen.insert(setting.key).second) continue;
      DifferingSetting row{.key = setting.key, .meaning = setting.meaning};
      for (const auto& other : runs) {
        const auto* found = other.setting(setting.key);
        row.values.push_back(found != nullptr ? found->value : "–");
      }
      if (std::any_of(row.values.begin(), row.values.end(), [&](const auto& value) { return value != row.values[0]; }))
        rows.push_back(std::move(row));
    }
  return rows;
}

}  // namespace vos
