#include "report.hpp"

#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <vos/core/text.hpp>
#include <vos/io/files.hpp>
#include <vos/train/report/compare_page.hpp>
#include <vos/train/report/run_page.hpp>

#include "common/command_line.hpp"
#include "common/table.hpp"

namespace vos::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* report_footer =
    R"(Works at any time, also while the run goes on. The page needs no network and no other file.

Example:
  vos-train report runs/a --out a.html
)";
constexpr const char* compare_footer =
    R"(Curves in one colour a run, figures with the best marked, and the settings that differ.

Example:
  vos-train compare runs/a runs/b runs/c --out runs.html
)";

/// Replaces a page of ours, but no other file.
void write_page(const std::filesystem::path& path, const std::string& page) {
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code) && std::filesystem::file_size(path, code) > 0 &&
      read_text(path, std::uintmax_t{1} << 32).find(page_mark) == std::string::npos)
    throw Error({.what = "there is a file of that name that vos-train did not write",
                 .where = path.string(),
                 .mend = "name another one with --out",
                 .exit_code = exit_code::usage});
  if (path.has_parent_path()) make_folder(path.parent_path());
  write_file(path, page);
}

/// Names from a file are shown as text, whatever they hold.
std::string shown(const std::string& text) { return printable(text, 60); }

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json facts_of(const RunRecord& run) {
  Json json{{"run", run.folder.string()},   {"model", run.fact("model")},
            {"steps", run.last_step()},     {"end", run.end},
            {"damaged_lines", run.damaged}, {"loss", number(recent_mean(run.steps.loss))}};
  if (const auto* best = run.best()) {
    json["best_step"] = best->step;
    json["best_metric"] = best->main;
    for (const auto& [name, value] : best->metrics) json["best"][name] = number(value);
  }
  const auto times = step_times(run);
  json["seconds_a_step"] = times.median;
  json["waiting_share"] = times.waiting_share();
  return json;
}

void print_damage(std::ostream& out, const RunRecord& run) {
  if (run.damaged > 0) out << "  " << run.damaged << " damaged lines or files were left out\n";
}

void print_run(std::ostream& out, const RunRecord& run) {
  const auto model = run.fact("model"), data = run.fact("data");
  out << shown(run.name()) << ": " << shown(model) << (data.empty() ? "" : " on ") << shown(data) << ", "
      << state_text(run) << '\n';
  print_damage(out, run);
  const auto times = step_times(run);
  tool::Table table{std::size_t{2}};
  table.add({"  loss of late", figure_text(recent_mean(run.steps.loss))});
  if (const auto* best = run.best(); best != nullptr) {
    table.add({"  best " + shown(best->main),
               figure_text(best->metrics.at(best->main)) + " at step " + count_text(best->step)});
    for (const auto& [name, value] : run.validations.back().metrics)
      table.add({"  last " + shown(name), figure_text(value)});
  }
  table.add({"  a step", number_text(1000 * times.median, 0) + " ms, " + number_text(100 * times.waiting_share(), 1) +
                             " % of it waiting for data"});
  table.print(out);
}

void print_runs(std::ostream& out, std::span<const RunRecord> runs) {
  const auto figures = run_figures(runs);
  std::vector<std::string> head{""};
  for (const auto& name : run_names(runs)) head.push_back(shown(name));
  tool::Table table{head};
  for (std::size_t k = 0; k < figures.columns.size(); ++k) {
    std::vector<std::string> row{shown(figures.columns[k].name)};
    for (std::size_t i = 0; i < runs.size(); ++i)
      row.push_back((figures.is_best(i, k) ? "*" : "") + figure_text(figures.rows[i][k]));
    table.add(std::move(row));
  }
  for (const auto& setting : differing_settings(runs)) {
    std::vector<std::string> row{shown(setting.key)};
    for (const auto& value : setting.values) row.push_back(shown(value));
    table.add(std::move(row));
  }
  table.print(out);
  for (const auto& run : runs) print_damage(out, run);
}

}  // namespace

bool is_report_command(const std::vector<std::string>& words) {
  return !words.empty() && (words.front() == "report" || words.front() == "compare");
}

int report_command(std::vector<std::string> words, std::ostream& out) {
  const bool compares = tool::take_command(words) == "compare";
  tool::CommonOptions common;
  tool::CommandLine line(compares ? "vos-train compare" : "vos-train report",
                         compares ? "Lays runs side by side on an HTML page." : "Tells on an HTML page how a run goes.",
                         common);
  line.usage_line(compares ? "RUN RUN ... [--out FILE]" : "RUN [--out FILE]");
  line.footer(compares ? compare_footer : report_footer);
  std::vector<std::string> folders;
  std::string file;
  line.group("What");
  line.option("runs", folders, "...", compares ? "folders of runs, two or more" : "the folder of a run");
  line.option("--out", file, "FILE",
              compares ? "the page (default: compare.html)" : "the page (default: RUN/report.html)");
  if (const auto text = line.parse(std::move(words)); !text.empty()) {
    out << text;
    return exit_code::done;
  }
  if (compares && folders.size() < 2) throw line.usage("compare needs two runs or more");
  if (!compares && folders.size() != 1)
    throw line.usage("report needs one run", "for several: vos-train compare RUN RUN ...");

  std::vector<RunRecord> runs;
  for (const auto& folder : folders) runs.push_back(read_run(folder));
  const auto path = !file.empty() ? std::filesystem::path{file}
                    : compares    ? "compare.html"
                                  : runs[0].folder / "report.html";
  write_page(path, compares ? compare_page(runs) : run_page(runs[0]));
  if (common.json) {
    Json json{{"page", path.string()}, {"runs", Json::array()}};
    for (const auto& run : runs) json["runs"].push_back(facts_of(run));
    out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  } else if (!common.quiet) {
    if (compares) print_runs(out, runs);
    else print_run(out, runs[0]);
    out << "report: " << path.string() << '\n';
  }
  return exit_code::done;
}

nlohmann::ordered_json clips_of(const std::filesystem::path& run) {
  const auto record = read_run(run);
  auto json = Json::object();
  if (record.validations.empty()) return json;
  const auto& last = record.validations.back();
  json["validated_step"] = last.step;
  json["clips"] = Json::array();
  for (const auto& clip : last.clips) {
    Json one{{"name", clip.name}, {"metrics", Json::object()}};
    for (const auto& [name, value] : clip.metrics) one["metrics"][name] = number(value);
    json["clips"].push_back(std::move(one));
  }
  return json;
}

std::filesystem::path write_report(const std::filesystem::path& run) {
  auto path = run / "report.html";
  write_file(path, run_page(read_run(run)));
  return path;
}

}  // namespace vos::train
