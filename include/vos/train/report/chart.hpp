#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/html.hpp>
#include <vos/train/report/thinned.hpp>

namespace vos {

/// A line of a chart.
struct ChartLine {
  std::string name = {};
  Thinned points = {};
  std::size_t colour = 0;
};

/// What lies between the points of a line.
enum class ChartKind : std::uint8_t {
  noisy,   ///< noise: drawn smoothed, over a band from the least to the most where lines are few
  exact,   ///< nothing else: drawn as it is
  points,  ///< nothing: few points, each of which counts and is a dot
};

struct ChartOptions {
  std::string title = {};
  std::string note = {};     ///< behind the title
  bool logarithmic = false;  ///< to begin with
  ChartKind kind = ChartKind::noisy;
};

/// How strongly noisy lines are smoothed until the reader moves the slider.
inline constexpr double chart_smoothing = 0.85;

namespace detail {

/// "12k", "0.25", "3e-04": few letters for the margin of a chart.
inline std::string tick_text(double value) {
  char text[32];
  const double size = std::abs(value);
  if (value == 0) return "0";
  if (size >= 1e3 && size < 1e6 && std::fmod(value, 100) == 0) std::snprintf(text, sizeof text, "%gk", value / 1e3);
  else if (size >= 1e6 || size < 1e-3) std::snprintf(text, sizeof text, "%.0e", value);
  else std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Round numbers within [low, high], about `wanted` of them.
inline std::vector<double> ticks_between(double low, double high, int wanted) {
  const double rough = (high - low) / wanted, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough) step = factor * power;
  std::vector<double> ticks;
  for (double i = std::ceil(low / step); i * step <= high * (1 + 1e-9) && ticks.size() < 20; ++i)
    ticks.push_back(i * step);
  return ticks;
}

/// Powers of ten within [low, high], and what lies between where they are few.
inline std::vector<double> log_ticks_between(double low, double high) {
  std::vector<double> ticks;
  const double decades = std::log10(high / low);
  for (double power = std::floor(std::log10(low)); power <= std::log10(high);
       power += std::max(1.0, std::ceil(decades / 6)))
    for (const double factor : decades > 3   ? std::vector{1.0}
                               : decades > 1 ? std::vector{1.0, 3.0}
                                             : std::vector{1.0, 2.0, 5.0})
      if (const double tick = factor * std::pow(10.0, power); tick >= low && tick <= high) ticks.push_back(tick);
  return ticks;
}

/// The field of a chart in pixels, and what it shows.
struct ChartField {
  static constexpr double width = 560, height = 216, left = 52, right = 12, top = 10, bottom = 24;
  double first = 0, last = 0, low = 0, high = 0;
  bool logarithmic = false;

  double x_at(double x) const { return left + (width - left - right) * (x - first) / (last - first); }
  double y_at(double y) const {
    const double share =
        logarithmic ? std::log(std::max(y, 1e-300) / low) / std::log(high / low) : (y - low) / (high - low);
    return top + (height - top - bottom) * (1 - std::clamp(share, -0.5, 1.5));
  }
  std::string place(double x, double y) const { return number_text(x_at(x), 1) + " " + number_text(y_at(y), 1); }

  /// Room for all of the lines, and of the bands for all but their farthest peaks.
  void fit(std::vector<double> values, std::vector<double> peaks) {
    for (auto* list : {&values, &peaks})
      std::erase_if(*list, [&](double value) { return !std::isfinite(value) || (logarithmic && value <= 0); });
    if (!values.empty()) {
      std::sort(values.begin(), values.end());
      low = values.front(), high = values.back();
    }
    if (!peaks.empty()) {
      std::sort(peaks.begin(), peaks.end());
      low = std::min(low, peaks[peaks.size() / 50]);
      high = std::max(high, peaks[peaks.size() - 1 - peaks.size() / 50]);
    }
    if (logarithmic) {
      low /= 1.1, high *= 1.1;
      return;
    }
    const double room = high > low ? 0.04 * (high - low) : high == 0 ? 1 : 0.05 * std::abs(high);
    const bool from_zero = low >= 0 && (low < 0.4 * high || high == 0);
    low = from_zero ? 0 : low - room;
    high += room;
  }

  std::string axes() const {
    std::string svg;
    for (const double tick : logarithmic ? log_ticks_between(low, high) : ticks_between(low, high, 4)) {
      const auto y = number_text(y_at(tick), 1);
      svg += "<path class=\"grid\" d=\"M52 " + y + "H548\"/><text class=\"soft\" x=\"46\" y=\"" + y +
             "\" dy=\"4\" text-anchor=\"end\">" + tick_text(tick) + "</text>";
    }
    for (const double tick : ticks_between(first, last, 5))
      svg += "<text class=\"soft\" x=\"" + number_text(x_at(tick), 1) + "\" y=\"210\" text-anchor=\"middle\">" +
             tick_text(tick) + "</text>";
    return svg;
  }

  /// Through all points, from left to right or back.
  std::string path(const std::vector<double>& x, const std::vector<double>& y, bool back = false) const {
    std::string text;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto at = back ? x.size() - 1 - i : i;
      text += (i == 0 && !back ? "M" : "L") + place(x[at], y[at]);
    }
    return text;
  }
};

/// Five digits are more than a screen can show.
inline nlohmann::json short_numbers(const std::vector<double>& values) {
  auto list = nlohmann::json::array();
  for (const auto value : values) {
    char text[32];
    std::snprintf(text, sizeof text, "%.5g", value);
    list.push_back(nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false));
  }
  return list;
}

/// JSON as it may stand in a <script>: nothing in it ends the element.
inline std::string script_json(const nlohmann::json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
    if (c == '<') safe += "\\u003c";
    else safe += c;
  return safe;
}

}  // namespace detail

/// Curves over steps: drawn here, so that the page shows them without a script and on paper. `chart_script` lets a reader
/// hover, zoom and smooth; it finds the thinned values beside the picture. Nothing where no line has a point.
inline std::string chart(const ChartOptions& options, std::vector<ChartLine> lines) {
  std::erase_if(lines, [](const ChartLine& line) { return line.points.size() == 0; });
  if (lines.empty()) return {};
  const bool noisy = options.kind == ChartKind::noisy, dotted = options.kind == ChartKind::points;
  const bool bands = noisy && lines.size() <= 2;
  std::vector<std::vector<double>> drawn;
  std::vector<double> values, peaks;
  bool positive = true;
  detail::ChartField field{.first = lines[0].points.x.front(), .last = lines[0].points.x.back()};
  for (const auto& line : lines) {
    const auto& points = line.points;
    drawn.push_back(noisy ? smoothed(points.mean, chart_smoothing) : points.mean);
    values.insert(values.end(), drawn.back().begin(), drawn.back().end());
    if (bands) {
      peaks.insert(peaks.end(), points.low.begin(), points.low.end());
      peaks.insert(peaks.end(), points.high.begin(), points.high.end());
    }
    for (const double low : points.low) positive &= low > 0;
    field.first = std::min(field.first, points.x.front());
    field.last = std::max(field.last, points.x.back());
  }
  const double room = field.last <= field.first ? 1 : dotted ? 0.03 * (field.last - field.first) : 0;
  field.first -= room, field.last += room;
  field.logarithmic = options.logarithmic && positive;
  field.fit(std::move(values), std::move(peaks));

  std::string legend, curves;
  auto listed = nlohmann::json::array();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& [x, low, mean, high] = lines[i].points;
    const auto number = lines[i].colour % 10;
    const auto colour = "var(--c" + std::to_string(number) + ")";
    const auto curve = [&](const char* kind, const char* how, const std::string& path) {
      curves += std::string{"<path class=\""} + kind + "\" " + how + "=\"" + colour + "\" d=\"" + path + "\"/>";
    };
    const bool band = bands && low != high;
    if (band) curve("band", "fill", field.path(x, low) + field.path(x, high, true) + "z");
    else if (bands) curve("raw", "stroke", field.path(x, mean));
    curve("line", "stroke", field.path(x, drawn[i]) + "h.1");  // so that a single point shows
    if (dotted) {
      std::string dots;
      for (std::size_t k = 0; k < x.size(); ++k) dots += "M" + field.place(x[k], mean[k]) + "h.1";
      curve("dots", "stroke", dots);
    }
    legend += "<span><i style=\"background:" + colour + "\"></i>" + html_escape(lines[i].name) + "</span>";
    nlohmann::json line{
        {"name", lines[i].name}, {"c", number}, {"x", detail::short_numbers(x)}, {"m", detail::short_numbers(mean)}};
    if (band) line["l"] = detail::short_numbers(low), line["h"] = detail::short_numbers(high);
    listed.push_back(std::move(line));
  }
  const nlohmann::json data{{"log", field.logarithmic}, {"positive", positive}, {"noisy", noisy},
                            {"dotted", dotted},         {"bands", bands},       {"lines", std::move(listed)}};
  return "<figure class=\"chart\"><figcaption><b>" + html_escape(options.title) + "</b>" +
         (options.note.empty() ? "" : " <span class=\"soft\">" + html_escape(options.note) + "</span>") +
         "<div class=\"legend\">" + legend +
         "</div></figcaption><svg viewBox=\"0 0 560 216\" role=\"img\" aria-label=\"" + html_escape(options.title) +
         "\">" + field.axes() + "<svg x=\"52\" y=\"6\" width=\"496\" height=\"190\" viewBox=\"52 6 496 190\">" +
         curves + "</svg></svg><script type=\"application/json\">" + detail::script_json(data) + "</script></figure>\n";
}

/// The style of charts, once a page.
inline const char* chart_style() {
  return R"(<style>
:root { --c0: #2f6fde; --c1: #d9822b; --c2: #2f9e6e; --c3: #a35bd1; --c4: #c8372d; --c5: #0e8fa8; --c6: #8a6d3b; --c7: #cf3f92;
  --c8: #5d6671; --c9: #6d8f00 }
@media (prefers-color-scheme: dark) { :root { --c0: #6ea3ff; --c1: #f0a45a; --c2: #57c796; --c3: #c58bec; --c4: #ff7b70;
  --c5: #4cc3da; --c6: #c9a66b; --c7: #ff86c3; --c8: #9aa4ae; --c9: #a9cc3d } }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 14px }
.chart { position: relative; padding: 10px 12px 6px; overflow: visible; break-inside: avoid }
.chart > svg { background: none; aspect-ratio: auto; touch-action: pan-y; cursor: crosshair }
.chart svg svg { max-width: none; height: 190px }
.chart figcaption { padding: 0 0 4px; padding-right: 48px }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 12px; color: var(--soft) }
.legend span { cursor: pointer } .legend .off { opacity: .35; text-decoration: line-through }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 5px; vertical-align: -1px }
.chart .band { opacity: .2 } .chart .raw { fill: none; opacity: .3 } .chart .line { fill: none; stroke-width: 1.8; stroke-linejoin: round }
.chart .dots { fill: none; stroke-width: 6; stroke-linecap: round } .chart .cursor { stroke: var(--soft); stroke-dasharray: 2 3 }
.chart .zoom { fill: var(--one); opacity: .15 }
.chart button { position: absolute; top: 8px; right: 10px } .tools { display: none; gap: 18px; align-items: center; flex-wrap: wrap; margin: 6px 0 12px }
.tools input { vertical-align: middle } button { font: 12px system-ui, sans-serif; color: var(--soft); background: none; border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 7px; cursor: pointer } button.on { color: var(--one); border-color: var(--one) }
.tip { position: absolute; z-index: 2; pointer-events: none; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 5px 9px; font-size: 12px; line-height: 1.45; box-shadow: 0 2px 8px #0003; white-space: nowrap }
.tip i { display: inline-block; width: 8px; height: 8px; border-radius: 2px; margin-right: 5px }
@media print { .tools, .chart button { display: none !important } .charts { grid-template-columns: 1fr 1fr }
  .card, .chart, figure { break-inside: avoid } h2 { break-after: avoid } * { print-color-adjust: exact } }
</style>
)";
}

/// What stands above charts: shown by the script, without which it has no use.
inline const char* chart_tools() {
  return R"(<div class="tools"><label>smoothing <input class="smooth" type="range" min="0" max="0.98" step="0.01"></label>
<button class="log">all logarithmic</button><button class="whole" hidden>all steps</button>
<span class="soft">drag to zoom; click a name to hide its curve</span></div>
)";
}

/// Lets a reader hover, zoom, smooth and take logarithms. Behind the last chart.
inline std::string chart_script() {
  return "<script>\nlet keep = " + number_text(chart_smoothing, 2) + R"(, zoom = null;
const charts = [...document.querySelectorAll('.chart')].map(figure => {
  const data = JSON.parse(figure.querySelector('script').textContent);
  return { figure, svg: figure.querySelector('svg'), ...data, hidden: new Set };
});
const put = (parent, name, set) => { const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const k in set) e.setAttribute(k, set[k]); parent.append(e); return e; };
const tick = v => { const a = Math.abs(v); return v === 0 ? '0' : a >= 1e3 && a < 1e6 && v % 100 === 0 ? v / 1e3 + 'k' :
  a >= 1e6 || a < 1e-3 ? v.toExponential(0) : String(+v.toPrecision(4)); };
const ticks = (low, high, wanted) => { const rough = (high - low) / wanted, p = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find(f => f * p >= rough * (1 - 1e-9)) * p, all = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); ++i) all.push(+(i * step).toPrecision(12));
  return all; };
const logTicks = (low, high) => { const d = Math.log10(high / low), all = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p += Math.max(1, Math.ceil(d / 6)))
    for (const f of d > 3 ? [1] : d > 1 ? [1, 3] : [1, 2, 5]) { const t = f * 10 ** p; if (t >= low && t <= high) all.push(t); }
  return all; };
const smooth = values => { let sum = 0, weight = 0;
  return values.map(v => (sum = keep * sum + (1 - keep) * v) / (weight = keep * weight + 1 - keep)); };
function draw(c) {
  const W = Math.max(280, c.svg.clientWidth || 560), H = 216, L = 52, R = 12, T = 10, B = 24;
  const lines = c.lines.filter((line, i) => !c.hidden.has(i));
  for (const line of c.lines) line.s = c.noisy ? smooth(line.m) : line.m;
  let first = Infinity, last = -Infinity, values = [], peaks = [];
  for (const line of c.lines) { first = Math.min(first, line.x[0]); last = Math.max(last, line.x[line.x.length - 1]); }
  const wide = last <= first ? 1 : c.dotted ? .03 * (last - first) : 0;
  [first, last] = zoom || [first - wide, last + wide];
  for (const line of lines) line.x.forEach((x, i) => { if (x < first || x > last) return;
    values.push(line.s[i]); if (c.bands) peaks.push((line.l || line.m)[i], (line.h || line.m)[i]); });
  const shown = v => v !== null && isFinite(v) && (!c.log || v > 0);
  values = values.filter(shown); peaks = peaks.filter(shown).sort((a, b) => a - b);
  let low = values.length ? values.reduce((a, b) => Math.min(a, b)) : c.log ? .1 : 0, high = values.length ? values.reduce((a, b) => Math.max(a, b)) : 1;
  if (peaks.length) { const n = Math.floor(peaks.length / 50); low = Math.min(low, peaks[n]); high = Math.max(high, peaks[peaks.length - 1 - n]); }
  if (c.log) { low /= 1.1; high *= 1.1; }
  else { const room = high > low ? .04 * (high - low) : high === 0 ? 1 : .05 * Math.abs(high); low = low >= 0 && (low < .4 * high || high === 0) ? 0 : low - room; high += room; }
  const X = x => L + (W - L - R) * (x - first) / (last - first);
  const Y = y => T + (H - T - B) * (1 - Math.min(1.5, Math.max(-.5, c.log ? Math.log(Math.max(y, 1e-300) / low) / Math.log(high / low) : (y - low) / (high - low))));
  Object.assign(c, { X, first, last, L, R, W, H, T, B });
  c.svg.setAttribute('viewBox', `0 0 ${W} ${H}`); c.svg.replaceChildren();
  for (const t of c.log ? logTicks(low, high) : ticks(low, high, 4)) {
    put(c.svg, 'path', { class: 'grid', d: `M${L} ${Y(t).toFixed(1)}H${W - R}` });
    put(c.svg, 'text', { class: 'soft', x: L - 6, y: Y(t), dy: 4, 'text-anchor': 'end' }).textContent = tick(t); }
  for (const t of ticks(first, last, W < 400 ? 4 : 5))
    put(c.svg, 'text', { class: 'soft', x: X(t), y: H - 6, 'text-anchor': X(t) > W - 24 ? 'end' : 'middle' }).textContent = tick(t);
  const inner = put(c.svg, 'svg', { x: L, y: T - 4, width: W - L - R, height: H - T - B + 8, viewBox: `${L} ${T - 4} ${W - L - R} ${H - T - B + 8}` });
  const path = (line, values, back) => { const at = line.x.map((x, i) => X(x).toFixed(1) + ' ' + Y(values[i]).toFixed(1));
    return (back ? 'L' : 'M') + (back ? at.reverse() : at).join('L'); };
  for (const line of lines) { const colour = `var(--c${line.c})`;
    if (line.l) put(inner, 'path', { class: 'band', fill: colour, d: path(line, line.l) + path(line, line.h, true) + 'z' });
    else if (c.bands && keep > 0) put(inner, 'path', { class: 'raw', stroke: colour, d: path(line, line.m) });
    put(inner, 'path', { class: 'line', stroke: colour, d: path(line, line.s) + 'h.1' });
    if (c.dotted) put(inner, 'path', { class: 'dots', stroke: colour, d: line.x.map((x, i) => `M${X(x).toFixed(1)} ${Y(line.m[i]).toFixed(1)}h.1`).join('') }); }
}
const drawAll = () => { charts.forEach(draw); for (const b of document.querySelectorAll('.whole')) b.hidden = !zoom; };
for (const c of charts) {
  const stepAt = event => { const box = c.svg.getBoundingClientRect();
    return c.first + (c.last - c.first) * ((event.clientX - box.left) * c.W / box.width - c.L) / (c.W - c.L - c.R); };
  let tip, mark, from = null;
  const leave = () => { tip?.remove(); mark?.remove(); tip = mark = null; };
  c.svg.onpointerdown = event => { if (event.pointerType === 'mouse') { from = stepAt(event); c.svg.setPointerCapture(event.pointerId); event.preventDefault(); } };
  c.svg.onpointermove = event => { leave(); const step = stepAt(event); if (step < c.first || step > c.last) return;
    if (from !== null) { const a = c.X(Math.min(from, step)); mark = put(c.svg, 'rect', { class: 'zoom', x: a, y: c.T, width: c.X(Math.max(from, step)) - a, height: c.H - c.T - c.B }); return; }
    mark = put(c.svg, 'path', { class: 'cursor', d: `M${c.X(step).toFixed(1)} ${c.T}V${c.H - c.B}` });
    tip = document.createElement('div'); tip.className = 'tip';
    c.lines.forEach((line, i) => { if (c.hidden.has(i)) return;
      let at = 0; line.x.forEach((x, k) => { if (Math.abs(x - step) < Math.abs(line.x[at] - step)) at = k; });
      if (!tip.firstChild) tip.append('step ' + Math.round(line.x[at]));
      const row = document.createElement('div'), dot = document.createElement('i'); dot.style.background = `var(--c${line.c})`;
      const number = v => v === null ? '–' : +v.toPrecision(4);
      row.append(dot, `${line.name}  ${number(line.s[at])}` + (line.l ? `  (${number(line.l[at])} … ${number(line.h[at])})` : '')); tip.append(row); });
    c.figure.append(tip);
    const box = c.svg.getBoundingClientRect(), outer = c.figure.getBoundingClientRect(), x = event.clientX - outer.left;
    tip.style.left = (x > outer.width / 2 ? x - tip.offsetWidth - 12 : x + 12) + 'px'; tip.style.top = (box.top - outer.top + 12) + 'px'; };
  c.svg.onpointerup = event => { if (from === null) return; const to = stepAt(event), a = Math.min(from, to), b = Math.max(from, to); from = null; leave();
    if (b - a > (c.last - c.first) / 50) { zoom = [Math.max(a, c.first), Math.min(b, c.last)]; drawAll(); } };
  c.svg.onpointerleave = leave; c.svg.ondblclick = () => { zoom = null; drawAll(); };
  c.figure.querySelectorAll('.legend span').forEach((name, i) => name.onclick = () => { c.hidden.has(i) ? c.hidden.delete(i) : c.hidden.add(i); name.classList.toggle('off'); draw(c); });
  if (c.positive) { const button = document.createElement('button'); button.textContent = 'log'; button.classList.toggle('on', c.log);
    button.onclick = () => { c.log = !c.log; button.classList.toggle('on', c.log); draw(c); }; c.figure.append(button); c.button = button; }
}
for (const tools of document.querySelectorAll('.tools')) { tools.style.display = 'flex';
  const slider = tools.querySelector('.smooth'); slider.value = keep; slider.oninput = () => { keep = +slider.value; drawAll(); };
  tools.querySelector('.log').onclick = () => { const on = charts.some(c => c.positive && !c.log);
    for (const c of charts) if (c.positive) { c.log = on; c.button.classList.toggle('on', on); } drawAll(); };
  tools.querySelector('.whole').onclick = () => { zoom = null; drawAll(); }; }
let width = 0; addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } }); drawAll();
</script>
)";
}

}  // namespace vos
