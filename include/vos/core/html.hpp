#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace vos {

/// A text as it may stand in HTML, also inside an attribute.
inline std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

/// A number with `digits` behind the point; a dash for one that is none.
inline std::string number_text(double value, int digits = 3) {
  if (!std::isfinite(value)) return "–";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

inline std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t three = std::uint32_t{bytes[i]} << 16 | (left > 1 ? std::uint32_t{bytes[i + 1]} << 8 : 0) |
                                (left > 2 ? std::uint32_t{bytes[i + 2]} : 0);
    out += letters[three >> 18 & 63];
    out += letters[three >> 12 & 63];
    out += left > 1 ? letters[three >> 6 & 63] : '=';
    out += left > 2 ? letters[three & 63] : '=';
  }
  return out;
}

/// A picture file as an address that needs no file: `type` is "jpeg" or "png".
inline std::string data_url(std::string_view type, std::span<const std::uint8_t> bytes) {
  return "data:image/" + std::string{type} + ";base64," + base64(bytes);
}

/// A page that needs nothing but itself: light or dark as the reader's system has it, tables that sort by a click on a
/// heading.
inline std::string html_page(std::string_view title, std::string_view body) {
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + html_escape(title) +
                     "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += R"(<style>
:root { color-scheme: light dark; --ground: #fbfbfa; --card: #fff; --ink: #1d2126; --soft: #5d6671; --line: #dfe2e6;
  --one: #2f6fde; --two: #d9822b; --three: #2f9e6e; --four: #a35bd1; --bad: #c8372d; --warn: #b7791f }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1c2024; --ink: #e6e8ea; --soft: #9aa4ae;
  --line: #31373d; --one: #6ea3ff; --two: #f0a45a; --three: #57c796; --four: #c58bec; --bad: #ff7b70; --warn: #e5b454 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 28px 20px 60px; max-width: 1180px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 24px; margin: 0 0 4px } h2 { font-size: 18px; margin: 36px 0 10px }
p, .soft { color: var(--soft) } p { margin: 4px 0 10px } code { font-size: 13px; overflow-wrap: anywhere }
a { color: var(--one) }
.tiles { display: flex; flex-wrap: wrap; gap: 10px }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 16px; min-width: 108px }
.tile b { display: block; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums }
.tile span { color: var(--soft); font-size: 13px } .tile.main b { color: var(--one); font-size: 28px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; margin: 10px 0;
  overflow-x: auto }
.warn { border-left: 4px solid var(--warn) } .bad { border-left: 4px solid var(--bad) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px }
th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child, .text { text-align: left } th { color: var(--soft); font-weight: 600; cursor: pointer }
tbody tr:last-child td { border-bottom: 0 }
svg { display: block; max-width: 100%; height: auto } svg text { fill: var(--ink); font: 12px system-ui, sans-serif }
svg .soft { fill: var(--soft) } svg .grid { stroke: var(--line); fill: none }
details { margin: 6px 0 } summary { cursor: pointer }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 14px }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden }
figure > svg, figure > img { width: 100%; aspect-ratio: 4 / 3; background: #222 } figcaption { padding: 7px 12px; font-size: 13px }
.key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin: 0 5px 0 14px; vertical-align: -1px }
.key i:first-child { margin-left: 0 }
</style></head><body>
)";
  page += body;
  page += R"(<script>
for (const head of document.querySelectorAll('th')) head.onclick = () => {
  const body = head.closest('table').tBodies[0], at = head.cellIndex;
  const down = head.dataset.down = head.dataset.down === '1' ? '0' : '1';
  const value = row => { const text = row.cells[at].textContent, n = parseFloat(text.replaceAll(',', '')); return isNaN(n) ? text : n; };
  const rows = [...body.rows].sort((a, b) => { const x = value(a), y = value(b);
    return typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === 'number' ? -1 : 1; });
  body.append(...(down === '1' ? rows.reverse() : rows));
};
</script></body></html>
)";
  return page;
}

}  // namespace vos
