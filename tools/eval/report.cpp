#include "report.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/io/files.hpp>
#include <vos/version.hpp>

#include "charts.hpp"
#include "common/table.hpp"

namespace vos::eval {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using tool::Table;

std::string number(const Json& value, int digits = 4) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (!value.is_number() || value.get<double>() != value.get<double>()) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value.get<double>());
  return text;
}

std::vector<std::string> names_of(const Columns& columns) {
  std::vector<std::string> names;
  for (const auto& [name, value] : columns) names.push_back(name);
  return names;
}

std::vector<std::string> values_of(const Columns& columns, int digits = 4) {
  std::vector<std::string> values;
  for (const auto& [name, value] : columns) values.push_back(number(value, digits));
  return values;
}

/// The text of one column, empty where the row has none of that name.
std::string text_in(const Columns& columns, const std::string& name, int digits = 4) {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const auto& each) { return each.first == name; });
  return at != columns.end() ? number(at->second, digits) : "";
}

/// What a row is called.
Json label_of(const Json& entry) { return entry.contains("name") ? entry["name"] : entry.value("id", Json("?")); }

/// As many columns as fit beside one another.
void print_global(std::ostream& out, const Json& global) {
  const auto all = columns(global);
  constexpr std::size_t in_a_row = 8;
  for (std::size_t begin = 0; begin < all.size(); begin += in_a_row) {
    const std::vector some(all.begin() + static_cast<std::ptrdiff_t>(begin),
                           all.begin() + static_cast<std::ptrdiff_t>(std::min(begin + in_a_row, all.size())));
    Table table(names_of(some));
    table.add(values_of(some));
    table.print(out);
  }
}

/// A line for each entry of a list, and with `objects` one for each of its objects.
void print_list(std::ostream& out, const Json& entries, const std::string& what, bool objects) {
  constexpr std::size_t columns_that_fit = 9;
  auto names = column_names(entries);
  if (names.size() > columns_that_fit)  // means tell more than the rest of the statistics
    std::erase_if(names, [](const auto& name) { return name.ends_with("-recall") || name.ends_with("-decay"); });
  names.resize(std::min(names.size(), columns_that_fit));
  const auto row_of = [&](const Json& entry, const std::string& label) {
    std::vector<std::string> row{label};
    const auto all = columns(entry);
    for (const auto& name : names) row.push_back(text_in(all, name));
    return row;
  };
  auto head = names;
  head.insert(head.begin(), what);
  Table table(std::move(head));
  for (const auto& entry : entries) {
    table.add(row_of(entry, number(label_of(entry))));
    if (!objects || !entry.contains("objects")) continue;
    for (const auto& object : entry.at("objects"))
      table.add(row_of(object, "  " + number(object.value("id", Json("?")))));
  }
  out << '\n';
  table.print(out);
}

void write_rows(const fs::path& path, const std::vector<std::vector<std::string>>& rows) {
  std::string text;
  for (const auto& row : rows) text += join(row, ",") + "\n";
  write_file(path, text);
}

/// A name that may hold a comma or a quote, as CSV wants it.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

bool has_objects(const Json& report) {
  return std::any_of(report.at("sequences").begin(), report.at("sequences").end(),
                     [](const auto& sequence) { return sequence.contains("objects") && sequence.contains("J"); });
}

}  // namespace

Columns columns(const Json& object) {
  Columns all;
  const auto add = [&](const std::string& key) {
    const auto& value = object.at(key);
    if (value.is_object()) {
      for (const char* part : {"mean", "recall", "decay"})
        if (value.contains(part)) all.emplace_back(key + "-" + part, value.at(part));
    } else if (value.is_number() || value.is_null()) {
      all.emplace_back(key, value);
    }
  };
  static constexpr std::string_view first[] = {"IDSW_vos/1k", "IDSW_vos",  "IDC", "IDSW/1k", "IDSW", "AssA",   "IDF1",
                                               "G",           "J&F_dot",   "J&F", "J",       "F",    "sMOTSA", "HOTA",
                                               "recovery",    "ghosts/1k", "AP",  "AP50",    "AP75", "AR1",    "AR10"};
  for (const auto key : first)
    if (object.contains(key)) add(std::string{key});
  for (const auto& [key, value] : object.items())
    if (key != "id" && std::find(std::begin(first), std::end(first), key) == std::end(first)) add(key);
  return all;
}

std::vector<std::string> column_names(const Json& rows) {
  // The first row may have nothing to tell, as a sequence without objects has not. Columns of later rows are put in where
  // that row has them: behind the one before.
  std::vector<std::string> names;
  for (const auto& row : rows) {
    std::size_t at = 0;
    for (const auto& [name, value] : columns(row)) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found != names.end()) at = static_cast<std::size_t>(found - names.begin()) + 1;
      else names.insert(names.begin() + static_cast<std::ptrdiff_t>(at++), name);
    }
  }
  return names;
}

Json new_report(const Options& options) {
  return {{"tool", "vos-eval"},        {"version", vos::version},       {"command", options.command},
          {"gt", options.gt.string()}, {"pred", options.pred.string()}, {"settings", Json::object()},
          {"warnings", Json::array()}};
}

void warn(Json& report, const std::string& text, std::ostream& err) {
  report["warnings"].push_back(text);
  err << "vos-eval: warning: " << text << std::endl;
}

void print(std::ostream& out, const Json& report, bool verbose) {
  out << report.at("command").get<std::string>();
  for (const auto& [key, value] : report.at("settings").items())
    if (value.is_string() || value.is_number_integer()) out << (key == "list" ? "" : ", " + key + " " + number(value));
  out << "\n\n";
  print_global(out, report.at("global"));
  if (report.contains("bootstrap")) {
    out << "\n95 % of " << report["bootstrap"]["samples"] << " resamples of the sequences lie in\n";
    for (const auto& [key, value] : report["bootstrap"].items())
      if (value.is_array()) out << "  " << key << "  " << number(value[0]) << " to " << number(value[1]) << '\n';
  }
  for (const auto& [list, what] : {std::pair{"categories", "category"}, std::pair{"sequences", "sequence"}})
    if (report.contains(list) && !report.at(list).empty()) print_list(out, report.at(list), what, verbose);
}

void write_csv(const Options& options, const Json& report) {
  auto global = options.csv, detail = options.csv;
  const auto split = options.split.empty() ? "val" : options.split;
  if (fs::is_directory(options.csv)) {
    global /= "global_results-" + split + ".csv";
    detail /= "per-sequence_results-" + split + ".csv";
  } else {
    const bool categories = options.command == "vis";  // which has no sequences of its own
    detail.replace_filename(options.csv.stem().string() + (categories ? "-per-category" : "-per-sequence") +
                            options.csv.extension().string());
  }
  constexpr int digits = 3;  // as the benchmark's own files
  std::vector<std::vector<std::string>> rows;
  if (options.command == "davis") {
    const auto& numbers = report.at("global");
    std::vector<std::string> row{number(numbers.at("J&F"), digits)};
    for (const char* measure : {"J", "F"})
      for (const char* part : {"mean", "recall", "decay"}) row.push_back(number(numbers.at(measure).at(part), digits));
    write_rows(global, {{"J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"}, row});
  } else {
    const auto all = columns(report.at("global"));
    write_rows(global, {names_of(all), values_of(all, 6)});
  }
  const bool sequences = report.contains("sequences") && !report.at("sequences").empty();
  if (!sequences && !report.contains("categories")) return;
  if (sequences && has_objects(report)) {
    rows.push_back({"Sequence", "J-Mean", "F-Mean"});
    for (const auto& sequence : report.at("sequences")) {
      std::int64_t place = 0;  // DAVIS numbers the objects of a sequence from 1, other benchmarks have ids of their own
      for (const auto& object : sequence.at("objects")) {
        ++place;
        const auto id = options.command == "davis" ? std::to_string(place) : number(object.at("id"));
        rows.push_back({cell(sequence.at("name").get<std::string>() + "_" + id),
                        number(object.at("J").at("mean"), digits), number(object.at("F").at("mean"), digits)});
      }
    }
  } else {
    const auto& entries = report.at(sequences ? "sequences" : "categories");
    if (entries.empty()) return;
    const auto names = column_names(entries);
    rows.push_back(names);
    rows.front().insert(rows.front().begin(), sequences ? "Sequence" : "Category");
    for (const auto& entry : entries) {
      std::vector<std::string> row{cell(number(label_of(entry)))};
      const auto all = columns(entry);
      for (const auto& name : names) row.push_back(text_in(all, name, 6));
      rows.push_back(std::move(row));
    }
  }
  write_rows(detail, rows);
}

}  // namespace vos::eval
