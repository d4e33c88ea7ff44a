#include "html.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/html.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>

#include "charts.hpp"
#include "report.hpp"

namespace vos::eval {
namespace {

using nlohmann::json;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t worst_frames = 24, worst_of_an_object = 2;

double number_of(const json& value) { return value.is_number() ? value.get<double>() : unknown; }

std::string text_of(const json& value) {
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (value.is_number()) return number_text(value.get<double>(), 4);
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "–" : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string tiles(const json& report) {
  std::string html = "<div class=\"tiles\">\n";
  bool first = true;
  const auto intervals = report.value("bootstrap", json::object());
  for (const auto& [name, value] : columns(report.value("global", json::object()))) {
    html += std::string{"<div class=\"tile"} + (std::exchange(first, false) ? " main" : "") + "\"><span>" +
            html_escape(name) + "</span><b>" + html_escape(text_of(value)) + "</b>";
    const auto key = name.ends_with("-mean") ? name.substr(0, name.size() - 5) : name;
    if (intervals.contains(key) && intervals[key].is_array() && intervals[key].size() == 2)
      html += "<span>95 %: " + number_text(number_of(intervals[key][0])) + " … " +
              number_text(number_of(intervals[key][1])) + "</span>";
    html += "</div>\n";
  }
  return html + "</div>\n";
}

std::string table(const json& rows, const std::string& what, const std::string& name_key) {
  const auto names = column_names(rows);
  std::string html = "<div class=\"card\"><table><thead><tr><th>" + html_escape(what) + "</th>";
  for (const auto& column : names) html += "<th>" + html_escape(column) + "</th>";
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    const auto numbers = columns(row);
    html += "<tr><td>" + html_escape(text_of(row.value(name_key, row.value("id", json{})))) + "</td>";
    for (const auto& column : names) {
      const auto found =
          std::find_if(numbers.begin(), numbers.end(), [&](const auto& number) { return number.first == column; });
      html += "<td>" + (found == numbers.end() ? "" : html_escape(text_of(found->second))) + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

/// What the bars show: the first of these that the rows have.
std::vector<std::string> bar_series(const json& rows) {
  static const std::vector<std::vector<std::string>> known{
      {"J&F", "J-mean", "F-mean"}, {"AP", "AP50", "AP75"}, {"HOTA", "AssA", "IDF1"}, {"J&F"}};
  for (const auto& series : known)
    for (const auto& row : rows) {
      const auto numbers = columns(row);
      if (std::all_of(series.begin(), series.end(), [&](const auto& name) {
            return std::any_of(numbers.begin(), numbers.end(), [&](const auto& n) { return n.first == name; });
          }))
        return series;
    }
  return {};
}

std::string key_of(const std::vector<std::string>& series) {
  std::string html = "<p class=\"key\">";
  for (std::size_t i = 0; i < series.size(); ++i)
    html += "<i style=\"background:" + colour_of(static_cast<int>(i)) + "\"></i>" + html_escape(series[i]);
  return html + "</p>\n";
}

std::string bars(const json& rows, const std::string& name_key) {
  const auto series = bar_series(rows);
  if (series.empty()) return {};
  std::vector<Bar> chart;
  for (const auto& row : rows) {
    const auto numbers = columns(row);
    Bar bar{text_of(row.value(name_key, row.value("id", json{}))), {}};
    for (const auto& name : series) {
      const auto found = std::find_if(numbers.begin(), numbers.end(), [&](const auto& n) { return n.first == name; });
      bar.values.push_back(found == numbers.end() ? unknown : number_of(found->second));
    }
    chart.push_back(std::move(bar));
  }
  std::stable_sort(chart.begin(), chart.end(), [](const Bar& a, const Bar& b) {
    return (std::isnan(a.values[0]) ? 2 : a.values[0]) < (std::isnan(b.values[0]) ? 2 : b.values[0]);
  });
  return key_of(series) + "<div class=\"card\">" + bar_chart(series, chart) + "</div>\n";
}

std::vector<double> values_of(const json& object, const char* key) {
  std::vector<double> values;
  const auto frames = object.value("per_frame", json::object());
  for (const auto& value : frames.value(key, json::array())) values.push_back(number_of(value));
  return values;
}

std::string over_time(const json& sequence) {
  const auto frames = sequence.value("frames", json::array()).get<std::vector<std::string>>();
  std::vector<Line> lines;
  std::vector<std::string> names;
  for (const auto& object : sequence.value("objects", json::array())) {
    const int colour = static_cast<int>(names.size());
    names.push_back("object " + text_of(object.value("id", json{})));
    lines.push_back({values_of(object, "J"), colour, false});
    lines.push_back({values_of(object, "F"), colour, true});
  }
  if (lines.empty() || frames.empty()) return {};
  return key_of(names) + "<div class=\"card\">" + line_chart(lines, frames) + "</div>\n";
}

/// An object's bad frame.
struct Bad {
  double score = 0, j = 0, f = 0;
  std::string sequence, stem;
  std::int64_t id = 0, guess_id = 0;
  std::ptrdiff_t frame = 0;  ///< its place among the frames
};

/// The frames with the lowest J&F, few of each object, so that one lost object does not fill the page.
std::vector<Bad> worst_of(const json& report) {
  std::vector<Bad> worst;
  for (const auto& sequence : report.value("sequences", json::array()))
    for (const auto& object : sequence.value("objects", json::array())) {
      const auto j = values_of(object, "J"), f = values_of(object, "F");
      const auto& frames = sequence.at("frames");
      std::vector<Bad> own;
      for (std::size_t i = 0; i < std::min({j.size(), f.size(), frames.size()}); ++i)
        if (std::isfinite(j[i]) && std::isfinite(f[i]))
          own.push_back({(j[i] + f[i]) / 2, j[i], f[i], sequence.at("name").get<std::string>(),
                         frames[i].get<std::string>(), object.value("id", std::int64_t{0}),
                         object.value("proposal", object.value("id", std::int64_t{0})),
                         static_cast<std::ptrdiff_t>(i)});
      std::stable_sort(own.begin(), own.end(), [](const Bad& a, const Bad& b) { return a.score < b.score; });
      // A bad frame's neighbours are as bad, and look the same.
      const auto apart = static_cast<std::ptrdiff_t>(frames.size() / 8);
      std::vector<Bad> shown;
      for (auto& bad : own)
        if (shown.size() < worst_of_an_object && std::all_of(shown.begin(), shown.end(), [&](const Bad& o) {
              return std::abs(o.frame - bad.frame) > apart;
            }))
          shown.push_back(std::move(bad));
      std::move(shown.begin(), shown.end(), std::back_inserter(worst));
    }
  std::stable_sort(worst.begin(), worst.end(), [](const Bad& a, const Bad& b) { return a.score < b.score; });
  std::erase_if(worst, [](const Bad& bad) { return bad.score >= 1; });
  if (worst.size() > worst_frames) worst.resize(worst_frames);
  return worst;
}

/// The frame's file as it is, where a browser can show it and it is not huge.
std::string frame_url(const std::filesystem::path& path) {
  if (path.empty()) return {};
  const auto extension = path.extension().string();
  const bool jpeg = extension == ".jpg" || extension == ".jpeg" || extension == ".JPG" || extension == ".JPEG";
  std::error_code missing;
  if (!jpeg && extension != ".png") return {};
  if (const auto size = std::filesystem::file_size(path, missing); missing || size > 2'000'000) return {};
  return data_url(jpeg ? "jpeg" : "png", read_file(path));
}

std::string gallery(const json& report, const Pictures& pictures) {
  if (!pictures.truth || !pictures.guess) return {};
  const auto worst = worst_of(report);
  if (worst.empty()) return {};
  std::string html =
      "<h2>Worst frames</h2>\n<p class=\"key\"><i style=\"background:#c9ccd1\"></i>found<i "
      "style=\"background:#ff9f1c\"></i>"
      "missed<i style=\"background:#2b8cff\"></i>invented</p>\n<div class=\"grid\">\n";
  for (const auto& bad : worst) {
    const auto truth = pictures.truth(bad.sequence, bad.stem), guess = pictures.guess(bad.sequence, bad.stem);
    if (truth.ids.empty()) continue;
    const auto url = pictures.frame ? frame_url(pictures.frame(bad.sequence, bad.stem)) : std::string{};
    const auto id = [&](std::int64_t own) { return pictures.any_object ? 0 : static_cast<ObjectId>(own); };
    html += "<figure>" + mask_picture(truth, guess, id(bad.id), id(bad.guess_id), url) + "<figcaption><b>" +
            html_escape(bad.sequence) + "</b> " + html_escape(bad.stem) + ", object " + std::to_string(bad.id) +
            "<br><span class=\"soft\">J " + number_text(bad.j) + ", F " + number_text(bad.f) +
            "</span></figcaption></figure>\n";
  }
  return html + "</div>\n";
}

std::string switches(const json& report) {
  const auto found = report.value("switches", json::array());
  if (!found.is_array() || found.empty()) return {};
  constexpr std::size_t most = 500;
  std::string html =
      "<h2>Identity switches</h2>\n<div class=\"card\"><table><thead><tr><th>sequence</th><th>frame</th>"
      "<th>object</th><th>was</th><th>became</th><th>kind</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(most, found.size()); ++i) {
    html += "<tr>";
    for (const auto* key : {"sequence", "frame", "object", "from", "to", "kind"})
      html += "<td>" + html_escape(text_of(found[i].value(key, json{}))) + "</td>";
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  if (found.size() > most) html += "<p>" + std::to_string(found.size() - most) + " more are in the JSON report.</p>\n";
  return html;
}

}  // namespace

std::string html_report(const json& report, const Pictures& pictures) {
  const auto command = report.value("command", std::string{});
  std::string body = "<h1>vos-eval " + html_escape(command) + "</h1>\n<p>truth <code>" +
                     html_escape(report.value("gt", std::string{})) + "</code> · prediction <code>" +
                     html_escape(report.value("pred", std::string{})) + "</code></p>\n";
  std::string settings;
  const auto given = report.value("settings", json::object());  // items() outlives no temporary
  for (const auto& [key, value] : given.items())
    settings += (settings.empty() ? "" : " · ") + html_escape(key) + " " + html_escape(text_of(value));
  if (!settings.empty()) body += "<p>" + settings + "</p>\n";
  for (const auto& warning : report.value("warnings", json::array()))
    body += "<div class=\"card warn\">" + html_escape(text_of(warning)) + "</div>\n";
  body += tiles(report);

  for (const auto& [key, what, name] :
       {std::tuple{"categories", "category", "name"}, {"sequences", "sequence", "name"}}) {
    const auto rows = report.value(key, json::array());
    if (!rows.is_array() || rows.empty()) continue;
    body += "<h2>By " + std::string{what} + "</h2>\n" + bars(rows, name) + table(rows, what, name);
  }
  body += switches(report);
  body += gallery(report, pictures);

  std::string time;
  const auto sequences = report.value("sequences", json::array());
  for (const auto& sequence : sequences)
    if (const auto chart = over_time(sequence); !chart.empty())
      time += std::string{"<details"} + (sequences.size() <= 8 ? " open" : "") + "><summary>" +
              html_escape(text_of(sequence.value("name", json{}))) + "</summary>" + chart + "</details>\n";
  if (!time.empty()) body += "<h2>Over time</h2>\n<p>J drawn through, F dashed; a colour for each object.</p>\n" + time;
  body += "<p>vos-eval " + html_escape(report.value("version", std::string{})) + "</p>\n";
  return html_page("vos-eval " + command + ": " + report.value("pred", std::string{}), body);
}

}  // namespace vos::eval
