#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/duration.hpp>
#include <vos/core/html.hpp>
#include <vos/io/files.hpp>
#include <vos/train/report/chart.hpp>
#include <vos/train/report/curves.hpp>
#include <vos/train/report/run_record.hpp>
#include <vos/train/report/tables.hpp>

namespace vos {

/// Stands in every page of ours, so that a new one replaces no other file.
inline constexpr const char* page_mark = "<!-- written by vos-train -->\n";

namespace detail {

inline std::string head_of(const RunRecord& run) {
  const auto model = run.fact("model"), data = run.fact("data");
  std::string html = "<h1>" + html_escape(model.empty() ? run.name() : model) + "</h1>\n<p>" +
                     (data.empty() ? std::string{} : html_escape(data) + " · ") + html_escape(run.name()) + " · " +
                     html_escape(state_text(run)) + "</p>\n" +
                     (run.failure.empty() ? "" : "<div class=\"card bad\">" + html_escape(run.failure) + "</div>\n") +
                     damage_note(run) + "<div class=\"tiles\">\n";
  if (const auto* best = run.best()) {
    html += tile(figure_text(best->metrics.at(best->main)), "best " + best->main + ", step " + count_text(best->step),
                 true);
    for (const auto& [name, value] : run.validations.back().metrics) html += tile(figure_text(value), name);
  }
  if (run.steps.size() > 0) {
    const auto times = step_times(run);
    html += tile(figure_text(recent_mean(run.steps.loss)), "loss of late");
    html += tile(duration_text(std::max(run.elapsed, times.total + times.validations)), "trained");
    html += tile(number_text(1000 * times.median, 0) + " ms", "a step");
    html += tile(number_text(100 * times.waiting_share(), 1) + " %", "waiting for data");
  }
  return html + "</div>\n";
}

inline std::string curves_of(const RunRecord& run) {
  const auto& steps = run.steps;
  std::string html;
  const auto line = [&](const std::string& name, const std::vector<double>& values, std::size_t colour = 0,
                        std::size_t most = curve_points) {
    return ChartLine{.name = name, .points = thinned(steps.steps, values, most), .colour = colour};
  };
  html += chart({.title = "Loss", .note = "sum of its parts"}, {line("loss", steps.loss)});
  std::vector<ChartLine> shares;
  std::string others;
  std::vector<std::map<std::string, double>> metrics;
  for (const auto& each : run.validations) metrics.push_back(each.metrics);
  for (const auto& name : metric_names(metrics, run.validations.empty() ? "" : run.validations.back().main)) {
    if (is_share(run, name))
      shares.push_back({.name = name, .points = metric_curve(run, name), .colour = shares.size()});
    else
      others += chart({.title = name, .note = "validation", .kind = ChartKind::points},
                      {{.name = name, .points = metric_curve(run, name)}});
  }
  html += chart({.title = "Validation", .kind = ChartKind::points}, shares) + others;
  std::vector<ChartLine> rates;
  for (const auto& [name, values] : distinct_rates(steps))
    rates.push_back(line(name, *values, rates.size(), small_curve_points));
  html += chart({.title = "Learning rate", .kind = ChartKind::exact}, rates);
  html += chart({.title = "Gradient norm", .note = "before it is clipped", .logarithmic = true},
                {line("norm", steps.gradient_norm)});
  html += chart({.title = "Seconds a step"}, {line("seconds", steps.seconds)});
  html +=
      chart({.title = "Waiting for data", .note = "per cent of a step"}, {line("waiting", waiting_shares(steps), 1)});

  std::map<std::string, std::vector<ChartLine>> families;
  for (const auto& [name, values] : steps.losses) {
    auto& family = families[family_of(name)];
    family.push_back(line(name, values, family.size(), small_curve_points));
  }
  std::string parts;
  for (const auto& [name, lines] : families) parts += chart({.title = name}, lines);
  if (html.empty() && parts.empty()) return "<h2>Curves</h2>\n<p>There is no step yet.</p>\n";
  return "<h2>Curves</h2>\n" + std::string{chart_tools()} + "<div class=\"charts\">\n" + html + "</div>\n" +
         (parts.empty() ? "" : "<h2>Parts of the loss</h2>\n<div class=\"charts\">\n" + parts + "</div>\n");
}

inline std::string picture_of(const RunRecord& run, const RecordedValidation& validation, const RecordedClip& clip) {
  const auto path = run.picture(validation, clip.picture);
  if (path.empty()) return {};
  std::string figures;
  for (const auto& [name, value] : clip.metrics)
    if (name == validation.main || name == "J" || name == "IDSW")
      figures += " · " + html_escape(name) + " " + figure_text(value);
  try {
    return "<figure class=\"sheet\"><img alt=\"\" src=\"" + data_url("png", read_file(path)) + "\"><figcaption><b>" +
           html_escape(clip.picture) + "</b> · " + html_escape(clip.name) + figures + "</figcaption></figure>\n";
  } catch (const Error&) {  // deleted a moment ago by the run, which keeps those of a few validations
    return {};
  }
}

/// The last validation that told its clips, with pictures of the best and the worst of them.
inline std::string clips_of(const RunRecord& run) {
  const auto found = std::find_if(run.validations.rbegin(), run.validations.rend(),
                                  [](const auto& each) { return !each.clips.empty(); });
  if (found == run.validations.rend()) return {};
  std::string html = "<h2>Clips of the validation after step " + count_text(found->step) + "</h2>\n";
  auto clips = found->clips;
  const auto value = [&](const RecordedClip& clip) {
    const auto at = clip.metrics.find(found->main);
    return at != clip.metrics.end() && std::isfinite(at->second) ? at->second : -1e300;
  };
  std::stable_sort(clips.begin(), clips.end(), [&](const auto& a, const auto& b) { return value(a) > value(b); });
  std::string pictures;
  for (const auto& clip : clips) pictures += picture_of(run, *found, clip);
  if (!pictures.empty())
    html +=
        "<p>Moments of a clip from left to right: above what the model found, each object in the colour of its id; "
        "below the truth.</p>\n<div class=\"sheets\">\n" +
        pictures + "</div>\n";
  std::vector<std::map<std::string, double>> metrics;
  for (const auto& clip : clips) metrics.push_back(clip.metrics);
  const auto names = metric_names(metrics, found->main);
  std::vector<std::string> head{"clip"};
  for (const auto& name : names) head.push_back(html_escape(name));
  std::vector<std::vector<std::string>> rows;
  constexpr std::size_t most = 400;
  for (std::size_t i = 0; i < std::min(most, clips.size()); ++i) {
    std::vector<std::string> row{html_escape(printable(clips[i].name))};
    add_cells(row, clips[i].metrics, names);
    rows.push_back(std::move(row));
  }
  html += html_table(head, rows);
  if (clips.size() > most)
    html += "<p>" + std::to_string(clips.size() - most) + " more, the worse ones, are in log.jsonl.</p>\n";
  return html;
}

inline std::string validations_of(const RunRecord& run) {
  if (run.validations.empty()) return {};
  constexpr std::size_t most = 50;
  std::vector<std::map<std::string, double>> metrics;
  for (const auto& each : run.validations) metrics.push_back(each.metrics);
  const auto names = metric_names(metrics, run.validations.back().main);
  std::vector<std::string> head{"step"};
  for (const auto& name : names) head.push_back(html_escape(name));
  head.emplace_back("took");
  const auto* best = run.best();
  std::vector<std::vector<std::string>> rows;
  for (auto each = run.validations.rbegin(); each != run.validations.rend() && rows.size() < most; ++each) {
    std::vector<std::string> row{count_text(each->step) + (&*each == best ? " <b class=\"good\">best</b>" : "")};
    add_cells(row, each->metrics, names);
    row.push_back(std::isfinite(each->seconds) ? duration_text(each->seconds) : "");
    rows.push_back(std::move(row));
  }
  return "<h2>Validations</h2>\n" + html_table(head, rows) +
         (run.validations.size() > most
              ? "<p>The last " + std::to_string(most) + " of " + std::to_string(run.validations.size()) + ".</p>\n"
              : "");
}

inline std::string timing_of(const RunRecord& run) {
  if (run.steps.size() == 0) return {};
  const auto times = step_times(run);
  const double told = times.total + times.validations, all = std::max(told, run.elapsed);
  const std::pair<const char*, double> parts[] = {{"computing", times.total - times.waited},
                                                  {"waiting for data", times.waited},
                                                  {"validating", times.validations},
                                                  {"the rest: checkpoints, logs", all - told}};
  std::string bar, html = "<h2>Timing</h2>\n<div class=\"card\"><div class=\"bar\">";
  std::string key;
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    const auto& [what, seconds] = parts[i];
    const auto colour = "var(--c" + std::to_string(i) + ")";
    html +=
        "<i style=\"width:" + number_text(all > 0 ? 100 * seconds / all : 0, 2) + "%;background:" + colour + "\"></i>";
    key += "<i style=\"background:" + colour + "\"></i>" + what + " " + duration_text(seconds) + " (" +
           number_text(all > 0 ? 100 * seconds / all : 0, 1) + " %)";
  }
  html += "</div><p class=\"key\">" + key + "</p>\n<p>A step takes " + number_text(1000 * times.median, 0) +
          " ms as a rule; one in a hundred takes longer than " + number_text(1000 * times.slow, 0) +
          " ms, and the slowest took " + duration_text(times.slowest) + ".";
  const auto number = [&](const char* key_name) {
    const auto* setting = run.setting(key_name);
    return setting != nullptr ? number_from<double>(setting->value).value_or(0) : 0.0;
  };
  if (const double clips = number("data.batch_size") * number("optim.accumulate"); clips > 0 && times.total > 0) {
    const double rate = clips * static_cast<double>(run.steps.size()) / times.total;
    html += " That is " + number_text(rate, 1) + " clips a second" +
            (number("data.frames") > 0 ? ", " + number_text(rate * number("data.frames"), 1) + " frames" : "") +
            ", on each device.";
  }
  return html + "</p></div>\n";
}

inline std::string setting_rows(const std::vector<const RunSetting*>& settings, bool usual) {
  std::vector<std::vector<std::string>> rows;
  for (const auto* each : settings) {
    std::vector<std::string> row{"<code>" + html_escape(each->key) + "</code>",
                                 "<code>" + html_escape(each->value) + "</code>"};
    if (usual) row.push_back("<code>" + html_escape(each->usual.value_or("")) + "</code>");
    row.push_back("<span class=\"soft\">" + html_escape(each->meaning) + "</span>");
    rows.push_back(std::move(row));
  }
  return html_table(usual ? std::vector<std::string>{"setting", "here", "else", "meaning"}
                          : std::vector<std::string>{"setting", "value", "meaning"},
                    rows, "settings");
}

/// What differs from the preset first, where the run says so.
inline std::string configuration_of(const RunRecord& run) {
  if (run.settings.empty()) return {};
  std::vector<const RunSetting*> changed, others;
  for (const auto& each : run.settings) (each.usual ? changed : others).push_back(&each);
  std::string html = "<h2>Configuration</h2>\n";
  if (!changed.empty()) html += "<p>What is not as the preset has it:</p>\n" + setting_rows(changed, true);
  return html + "<details" + (changed.empty() ? " open" : "") + "><summary>" +
         (changed.empty() ? "all " : "the other ") + std::to_string(others.size()) + " settings</summary>" +
         setting_rows(others, false) + "</details>\n";
}

/// Groups of parameters, and whatever else run.json says in a word or a number.
inline std::string facts_of(const RunRecord& run) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : run.facts.items()) {
    if (value.is_structured() || value.is_null()) continue;
    rows.push_back({html_escape(key),
                    "<code>" + html_escape(value.is_string() ? value.get<std::string>() : value.dump()) + "</code>"});
  }
  std::string html = rows.empty() ? "" : "<h2>Facts</h2>\n" + html_table({"", ""}, rows, "settings");
  const auto groups = run.facts.find("parameters");
  if (groups == run.facts.end() || !groups->is_array()) return html;
  rows.clear();
  double all = 0;
  for (const auto& group : *groups) {
    if (!group.is_object()) continue;
    const auto numbers = number_in(group, "numbers");
    all += std::isfinite(numbers) ? numbers : 0;
    rows.push_back({html_escape(text_in(group, "group")), figure_text(number_in(group, "tensors")),
                    std::isfinite(numbers) ? count_text(static_cast<std::int64_t>(numbers)) : "–",
                    figure_text(number_in(group, "lr")), figure_text(number_in(group, "weight_decay"))});
  }
  return html + "<p>" + count_text(static_cast<std::int64_t>(all)) + " numbers learn:</p>\n" +
         html_table({"group", "tensors", "numbers", "learning rate", "decay"}, rows);
}

inline std::string messages_of(const RunRecord& run) {
  if (run.messages.empty()) return {};
  constexpr std::size_t most = 200;
  std::vector<std::vector<std::string>> rows;
  for (auto each = run.messages.rbegin(); each != run.messages.rend() && rows.size() < most; ++each)
    rows.push_back({count_text(each->step), html_escape(each->text)});
  return "<h2>Messages</h2>\n" + html_table({"after step", "message"}, rows, "settings");
}

inline const char* report_style() {
  return R"(<style>
.good { color: var(--three); font-weight: 600 } .settings td, .settings th { text-align: left; white-space: normal }
.settings td:first-child { white-space: nowrap } .settings td:nth-child(2) { min-width: 120px }
.compared code { white-space: nowrap } .compared td:nth-child(n+2) { min-width: 0 } .sheets { display: grid; gap: 14px; margin-bottom: 14px }
.sheet > img { display: block; width: 100%; aspect-ratio: auto; background: none } .bar { display: flex; height: 16px; border-radius: 4px; overflow: hidden; margin: 4px 0 10px }
.bar i { min-width: 1px } .key i { display: inline-block } h1 { overflow-wrap: anywhere }
@media (max-width: 640px) { body { padding: 18px 12px 40px } .tile { flex: 1 1 30%; min-width: 92px; padding: 8px 10px } .tile b { font-size: 18px }
  .tile.main { flex-basis: 100% } .settings td:first-child { white-space: normal; overflow-wrap: anywhere } th, td { padding: 4px 6px }
  .settings td:nth-child(2) { min-width: 0 } .meant td:last-child, .meant th:last-child { display: none } }
</style>
)";
}

}  // namespace detail

/// All that is known of a run on one page, which needs nothing but itself.
inline std::string run_page(const RunRecord& run) {
  using namespace detail;
  return html_page(run.name() + " · vos-train", page_mark + std::string{report_style()} + chart_style() + head_of(run) +
                                                    curves_of(run) + chart_script() + clips_of(run) +
                                                    validations_of(run) + timing_of(run) + configuration_of(run) +
                                                    facts_of(run) + messages_of(run));
}

}  // namespace vos
