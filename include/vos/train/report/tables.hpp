#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/duration.hpp>
#include <vos/core/html.hpp>
#include <vos/core/text.hpp>
#include <vos/train/report/run_record.hpp>

namespace vos {

/// Whether less of a figure is better: of switches and of losses.
inline bool lower_is_better(std::string_view metric) {
  return metric.starts_with("IDSW") || metric.find("loss") != std::string_view::npos;
}

/// A figure in a table: whole numbers as such, others with three digits behind the point or, where they are small, in all.
inline std::string figure_text(double value) {
  if (!std::isfinite(value)) return "–";
  if (value == std::floor(value) && std::abs(value) < 1e9) return std::to_string(static_cast<std::int64_t>(value));
  if (std::abs(value) >= 0.01) return number_text(value);
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// "1,234,567"
inline std::string count_text(std::int64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::int64_t>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

/// Where a run stands, in words.
inline std::string state_text(const RunRecord& run) {
  const auto planned = run.planned_steps();
  const auto steps =
      count_text(run.last_step()) + (planned > 0 ? " of " + count_text(planned) : std::string{}) + " steps";
  return run.end.empty() ? steps + ", going on or cut off" : run.end + " after " + steps;
}

/// Sums and percentiles of how long steps took.
struct StepTimes {
  double total = 0, waited = 0, validations = 0;
  double median = 0, slow = 0, slowest = 0;  ///< of a step: the middle, the 99th of a hundred, the longest

  double waiting_share() const { return total > 0 ? waited / total : 0; }
};

inline StepTimes step_times(const RunRecord& run) {
  StepTimes times;
  std::vector<double> seconds;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    if (!std::isfinite(run.steps.seconds[i])) continue;
    seconds.push_back(run.steps.seconds[i]);
    times.total += run.steps.seconds[i];
    if (std::isfinite(run.steps.waited[i])) times.waited += run.steps.waited[i];
  }
  for (const auto& each : run.validations)
    if (std::isfinite(each.seconds)) times.validations += each.seconds;
  if (seconds.empty()) return times;
  std::sort(seconds.begin(), seconds.end());
  times.median = seconds[seconds.size() / 2];
  times.slow = seconds[(seconds.size() - 1) * 99 / 100];
  times.slowest = seconds.back();
  return times;
}

/// The mean of the last steps' values, which says more than one.
inline double recent_mean(std::span<const double> values, std::size_t most = 100) {
  double sum = 0, count = 0;
  for (std::size_t i = values.size() - std::min(most, values.size()); i < values.size(); ++i)
    if (std::isfinite(values[i])) sum += values[i], ++count;
  return count > 0 ? sum / count : detail::no_number;
}

namespace detail {

inline std::string tile(const std::string& value, const std::string& what, bool main = false) {
  return std::string{"<div class=\"tile"} + (main ? " main" : "") + "\"><b>" + html_escape(value) + "</b><span>" +
         html_escape(what) + "</span></div>\n";
}

/// A table of cells that are HTML already.
inline std::string html_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows,
                              const char* kind = "") {
  std::string html = std::string{"<div class=\"card\"><table class=\""} + kind + "\"><thead><tr>";
  for (const auto& cell : head) html += "<th>" + cell + "</th>";
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (const auto& cell : row) html += "<td>" + cell + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

/// The names of all figures, the deciding one first.
template <class Maps>
std::vector<std::string> metric_names(const Maps& maps, const std::string& main) {
  std::vector<std::string> names;
  for (const auto& metrics : maps)
    for (const auto& [name, value] : metrics)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::sort(names.begin(), names.end());
  std::stable_partition(names.begin(), names.end(), [&](const auto& name) { return name == main; });
  return names;
}

/// Figures under those names; nothing where there is none of a name.
inline void add_cells(std::vector<std::string>& row, const std::map<std::string, double>& metrics,
                      const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const auto found = metrics.find(name);
    row.push_back(found != metrics.end() ? figure_text(found->second) : "");
  }
}

inline std::string damage_note(const RunRecord& run) {
  if (run.damaged == 0) return {};
  return "<div class=\"card warn\">" + html_escape(run.name()) + ": " + count_text(run.damaged) +
         (run.damaged == 1 ? " line or file" : " lines or files") + " could not be read and " +
         (run.damaged == 1 ? "is" : "are") + " left out.</div>\n";
}

}  // namespace detail
}  // namespace vos
