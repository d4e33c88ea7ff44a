#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/html.hpp>
#include <vos/train/report/chart.hpp>
#include <vos/train/report/comparison.hpp>
#include <vos/train/report/curves.hpp>
#include <vos/train/report/run_page.hpp>
#include <vos/train/report/run_record.hpp>
#include <vos/train/report/tables.hpp>

namespace vos {
namespace detail {

inline std::string named_swatch(const std::string& name, std::size_t run) {
  return "<span class=\"key\"><i style=\"background:var(--c" + std::to_string(run % 10) + ")\"></i>" +
         html_escape(name) + "</span>";
}

inline std::string compared_figures(std::span<const RunRecord> runs, const std::vector<std::string>& names) {
  const auto figures = run_figures(runs);
  std::vector<std::string> head{"figure"};
  for (std::size_t i = 0; i < runs.size(); ++i) head.push_back(named_swatch(names[i], i));
  std::vector<std::vector<std::string>> rows;
  for (std::size_t k = 0; k < figures.columns.size(); ++k) {
    std::vector<std::string> row{html_escape(figures.columns[k].name)};
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto text = figure_text(figures.rows[i][k]);
      row.push_back(figures.is_best(i, k) ? "<b class=\"good\">" + text + "</b>" : text);
    }
    rows.push_back(std::move(row));
  }
  std::vector<std::string> states{"state"};
  for (const auto& run : runs) states.push_back("<span class=\"soft\">" + html_escape(state_text(run)) + "</span>");
  rows.push_back(std::move(states));
  return "<h2>Figures</h2>\n<p>Of each run's best validation; the best of a row is green.</p>\n" +
         html_table(head, rows, "settings compared");
}

inline std::string compared_settings(std::span<const RunRecord> runs, const std::vector<std::string>& names) {
  const auto settings = differing_settings(runs);
  if (settings.empty()) return "<h2>Settings</h2>\n<p>All settings are the same.</p>\n";
  std::vector<std::string> head{"setting"};
  for (std::size_t i = 0; i < runs.size(); ++i) head.push_back(named_swatch(names[i], i));
  head.emplace_back("meaning");
  std::vector<std::vector<std::string>> rows;
  for (const auto& setting : settings) {
    std::vector<std::string> row{"<code>" + html_escape(setting.key) + "</code>"};
    for (const auto& value : setting.values) row.push_back("<code>" + html_escape(value) + "</code>");
    row.push_back("<span class=\"soft\">" + html_escape(setting.meaning) + "</span>");
    rows.push_back(std::move(row));
  }
  return "<h2>Settings that differ</h2>\n" + html_table(head, rows, "settings compared meant");
}

inline std::string compared_curves(std::span<const RunRecord> runs, const std::vector<std::string>& names) {
  // One chart of a column of each run; `column` gives null where a run has none.
  const auto overlaid = [&](const ChartOptions& options, const auto& column) {
    std::vector<ChartLine> lines;
    for (std::size_t i = 0; i < runs.size(); ++i)
      if (const std::vector<double>* values = column(runs[i].steps))
        lines.push_back(
            {names[i], thinned(runs[i].steps.steps, *values, runs.size() > 4 ? small_curve_points : curve_points), i});
    return chart(options, std::move(lines));
  };
  auto html = overlaid({.title = "Loss"}, [](const auto& steps) { return &steps.loss; });
  std::vector<std::map<std::string, double>> metrics;
  std::string main;
  for (const auto& run : runs)
    for (const auto& each : run.validations) metrics.push_back(each.metrics), main = each.main;
  for (const auto& name : metric_names(metrics, main)) {
    std::vector<ChartLine> lines;
    for (std::size_t i = 0; i < runs.size(); ++i) lines.push_back({names[i], metric_curve(runs[i], name), i});
    html += chart({.title = name, .note = "validation", .kind = ChartKind::points}, std::move(lines));
  }
  html += overlaid({.title = "Learning rate", .note = "of the first group", .kind = ChartKind::exact},
                   [](const auto& steps) { return steps.lr.empty() ? nullptr : &steps.lr.begin()->second; });
  html += overlaid({.title = "Gradient norm", .note = "before it is clipped", .logarithmic = true},
                   [](const auto& steps) { return &steps.gradient_norm; });
  html += overlaid({.title = "Seconds a step"}, [](const auto& steps) { return &steps.seconds; });
  std::map<std::string, bool> parts;
  for (const auto& run : runs)
    for (const auto& [name, values] : run.steps.losses) parts[name] = family_of(name) == name;
  std::string details;
  for (const auto& [name, whole] : parts)
    if (whole)
      details += overlaid({.title = name}, [&name = name](const auto& steps) {
        const auto found = steps.losses.find(name);
        return found != steps.losses.end() ? &found->second : nullptr;
      });
  return "<h2>Curves</h2>\n" + std::string{chart_tools()} + "<div class=\"charts\">\n" + html + "</div>\n" +
         (details.empty() ? "" : "<h2>Parts of the loss</h2>\n<div class=\"charts\">\n" + details + "</div>\n");
}

}  // namespace detail

/// Runs side by side on one page: figures, settings that differ, and curves, one colour a run.
inline std::string compare_page(std::span<const RunRecord> runs) {
  using namespace detail;
  const auto names = run_names(runs);
  std::string damage;
  for (const auto& run : runs) damage += damage_note(run);
  return html_page("Runs · vos-train", page_mark + std::string{report_style()} + chart_style() + "<h1>" +
                                           std::to_string(runs.size()) + " runs</h1>\n" + damage +
                                           compared_figures(runs, names) + compared_settings(runs, names) +
                                           compared_curves(runs, names) + chart_script());
}

}  // namespace vos
