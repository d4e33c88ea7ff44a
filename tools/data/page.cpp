#include "page.hpp"

#include <algorithm>
#include <cmath>

#include <vos/core/html.hpp>
#include <vos/data/catalog/recognise.hpp>

namespace vos::data {
namespace {

using vos::detail::counted;

/// Pictures keep their own shape here: a dataset's are tall and wide.
constexpr const char* style = R"(<style>
.bars { padding: 0 12px 10px } .bars svg { background: none } figure > div.card { margin: 0; border: 0 }
figure > img { aspect-ratio: auto; height: auto; max-height: 420px; object-fit: contain }
</style>
)";

std::string tile(std::int64_t number, const std::string& thing, const char* colour = "") {
  const auto style = *colour != '\0' && number > 0 ? std::string{" style=\"color: var("} + colour + ")\"" : "";
  return "<div class=\"tile\"><b" + style + ">" + std::to_string(number) + "</b><span>" + thing +
         (number == 1 ? "" : "s") + "</span></div>";
}

/// A name that fits beside its bar, cut between letters of UTF-8.
std::string short_name(std::string name) {
  constexpr std::size_t most = 14;
  if (name.size() <= most) return name;
  name.resize(most - 1);
  while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xC0) == 0x80) name.pop_back();
  if (!name.empty() && static_cast<unsigned char>(name.back()) >= 0xC0) name.pop_back();
  return name + "…";
}

/// Horizontal bars with their names and numbers.
std::string bars(const Histogram& histogram, int colour) {
  constexpr std::size_t most = 24;
  constexpr int row = 22, left = 96, right = 48, width = 350;
  const auto count = std::min(most, histogram.bins.size());
  const auto largest = std::max<std::int64_t>(1, *std::max_element(histogram.counts.begin(), histogram.counts.end()));
  std::int64_t total = 0;
  for (const auto each : histogram.counts) total += each;
  const auto height = static_cast<int>(count) * row + 4;
  auto svg = "<svg viewBox=\"0 0 " + std::to_string(width) + ' ' + std::to_string(height) + "\" role=\"img\">";
  static constexpr const char* colours[] = {"--one", "--two", "--three", "--four"};
  for (std::size_t i = 0; i < count; ++i) {
    const auto y = static_cast<int>(i) * row;
    const auto share = static_cast<double>(histogram.counts[i]) / static_cast<double>(largest);
    const auto length = histogram.counts[i] > 0 ? std::max(2.0, share * (width - left - right)) : 0;
    const auto text_at = [&](double x, const char* anchor, const char* kind, const std::string& text) {
      return "<text x=\"" + number_text(x, 1) + "\" y=\"" + std::to_string(y + 15) + "\" text-anchor=\"" + anchor +
             "\" class=\"" + kind + "\">" + html_escape(text) + "</text>";
    };
    svg += text_at(left - 8, "end", "", short_name(histogram.bins[i]));
    svg += "<rect x=\"" + std::to_string(left) + "\" y=\"" + std::to_string(y + 3) + "\" width=\"" +
           number_text(length, 1) + "\" height=\"" + std::to_string(row - 6) + "\" rx=\"3\" style=\"fill: var(" +
           colours[colour % 4] + ")\"><title>" + html_escape(histogram.bins[i]) + ": " +
           std::to_string(histogram.counts[i]) + " of " + std::to_string(total) + "</title></rect>";
    svg += text_at(left + length + 6, "start", "soft", std::to_string(histogram.counts[i]));
  }
  svg += "</svg>";
  if (histogram.bins.size() > most) svg += "<p>and " + std::to_string(histogram.bins.size() - most) + " more</p>";
  return "<figure><figcaption><b>" + html_escape(histogram.title) + "</b></figcaption><div class=\"bars\">" + svg +
         "</div></figure>";
}

std::string findings_of(const LintReport& report) {
  constexpr std::size_t most = 200;
  std::string html;
  for (const auto& [kind, findings] : grouped(report.findings)) {
    const auto* level = kind->level == Finding::Level::error     ? "bad"
                        : kind->level == Finding::Level::warning ? "warn"
                                                                 : "";
    html += std::string{"<div class=\"card "} + level + "\"><b>" + std::string{kind->code} +
            "</b> <span class=\"soft\">" + std::string{level_name(kind->level)} + ", " +
            std::to_string(findings.size()) + "</span><br>" + html_escape(kind->meaning);
    if (!findings[0]->mend.empty()) html += "<p>Mend: " + html_escape(findings[0]->mend) + "</p>";
    html += "<details" + std::string{findings.size() <= 3 ? " open" : ""} + "><summary>" +
            counted(findings.size(), "place") + "</summary>";
    for (std::size_t i = 0; i < std::min(most, findings.size()); ++i)
      html += "<div><code>" + html_escape(findings[i]->where) + "</code> " + html_escape(findings[i]->what) + "</div>";
    if (findings.size() > most)
      html += "<p>and " + std::to_string(findings.size() - most) + " more: vos-data check --verbose</p>";
    html += "</details></div>\n";
  }
  return html.empty() ? "<p>Nothing was found.</p>" : html;
}

std::string figure_of(const Exhibit& exhibit) {
  const auto picture = exhibit.jpeg.empty()
                           ? std::string{"<div class=\"card bad\">cannot be read</div>"}
                           : "<img loading=\"lazy\" alt=\"\" src=\"" + data_url("jpeg", exhibit.jpeg) + "\">";
  const auto name = html_escape(exhibit.name);
  auto html = "<figure>" + picture + "<figcaption><b>" + name + "</b><br><span class=\"soft\">" +
              counted(exhibit.frames, "frame");
  if (exhibit.height > 0) html += " of " + vos::detail::size_text(exhibit.height, exhibit.width);
  html += "</span>";
  if (!exhibit.sheet.empty()) html += " <a href=\"" + html_escape(exhibit.sheet) + "\">contact sheet</a>";
  return html + "</figcaption></figure>\n";
}

}  // namespace

std::string page_of(const Checked& checked, const std::vector<Exhibit>& exhibits) {
  const auto& [catalog, report, seconds] = checked;
  const auto& tally = report.tally;
  const auto name = catalog.root.filename().empty() ? catalog.root.parent_path().filename().string()
                                                    : catalog.root.filename().string();
  std::string body = style;
  body += "<h1>" + html_escape(name) + "</h1>\n<p>Taken for " + html_escape(catalog.taken_for) +
          ".</p>\n<div class=\"tiles\">";
  body += tile(tally.videos, "video") + tile(tally.frames, "frame") + tile(tally.masks, "mask") +
          tile(tally.objects, "object");
  body += tile(report.count(Finding::Level::error), "error", "--bad") +
          tile(report.count(Finding::Level::warning), "warning", "--warn") +
          tile(report.count(Finding::Level::note), "note");
  body += "</div>\n";
  if (!report.complete)
    body += "<div class=\"card warn\">Stopped before the end: what follows is part of the whole.</div>\n";
  body += "<h2>Findings</h2>\n" + findings_of(report);
  if (tally.videos > 0) {
    body += "<h2>Histograms</h2>\n<div class=\"grid\">";
    int colour = 0;
    for (const auto& all : histograms_of(checked))
      if (const auto histogram = trimmed(all); !histogram.counts.empty()) body += bars(histogram, colour++);
    body += "</div>\n<h2>Pictures</h2>\n<div class=\"grid\">";
    for (const auto& exhibit : exhibits) body += figure_of(exhibit);
    body += "</div>\n";
  }
  return html_page(name + ": dataset", body);
}

}  // namespace vos::data
