#include "charts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <vos/core/html.hpp>

#include "common/table.hpp"

namespace vos::eval {

using tool::code_points;

std::string colour_of(int i) {
  static constexpr std::array names{"var(--one)",  "var(--two)", "var(--three)",
                                    "var(--four)", "var(--bad)", "var(--soft)"};
  return names[static_cast<std::size_t>(i) % names.size()];
}

std::string bar_chart(const std::vector<std::string>& series, const std::vector<Bar>& bars) {
  std::size_t longest = 4;
  for (const auto& bar : bars) longest = std::max(longest, code_points(bar.name));
  const int left = static_cast<int>(std::min<std::size_t>(longest, 40)) * 7 + 14, width = 1000 - left - 60;
  const int thick = series.size() > 1 ? 9 : 12, step = thick * static_cast<int>(series.size()) + 9;
  const int height = step * static_cast<int>(bars.size()) + 26;
  std::string svg = "<svg viewBox=\"0 0 1000 " + std::to_string(height) + "\" role=\"img\">\n";
  for (int tick = 0; tick <= 10; tick += 2) {
    const auto x = std::to_string(left + width * tick / 10);
    svg += "<path class=\"grid\" d=\"M" + x + " 18V" + std::to_string(height) + "\"/><text class=\"soft\" x=\"" + x +
           "\" y=\"12\" text-anchor=\"middle\">" + number_text(tick / 10.0, 1) + "</text>\n";
  }
  int y = 24;
  for (const auto& bar : bars) {
    const auto name = code_points(bar.name) > 40 ? first_code_points(bar.name, 37) + "..." : bar.name;
    svg += "<text x=\"" + std::to_string(left - 8) + "\" y=\"" + std::to_string(y + (step - 9) / 2 + 4) +
           "\" text-anchor=\"end\">" + html_escape(name) + "</text>";
    double furthest = 0;
    for (std::size_t i = 0; i < bar.values.size(); ++i) {
      const double value = bar.values[i];
      if (!std::isfinite(value)) continue;
      const double reach = std::clamp(value, 0.0, 1.0) * width;
      const int top = y + static_cast<int>(i) * thick;
      svg += "<rect x=\"" + std::to_string(left) + "\" y=\"" + std::to_string(top) + "\" width=\"" +
             number_text(std::max(reach, 0.5), 1) + "\" height=\"" + std::to_string(thick - 1) + "\" rx=\"2\" fill=\"" +
             colour_of(static_cast<int>(i)) + "\"><title>" + html_escape(bar.name + ", " + series[i] + ": ") +
             number_text(value, 4) + "</title></rect>";
      furthest = std::max(furthest, reach);
    }
    if (!bar.values.empty() && std::isfinite(bar.values[0]))
      svg += "<text class=\"soft\" x=\"" + number_text(left + furthest + 6, 1) + "\" y=\"" +
             std::to_string(y + (step - 9) / 2 + 4) + "\">" + number_text(bar.values[0]) + "</text>";
    svg += '\n';
    y += step;
  }
  return svg + "</svg>\n";
}

std::string line_chart(const std::vector<Line>& lines, const std::vector<std::string>& frames) {
  constexpr int left = 34, top = 8, width = 950, height = 150;
  const double step = frames.size() > 1 ? static_cast<double>(width) / static_cast<double>(frames.size() - 1) : width;
  std::string svg = "<svg viewBox=\"0 0 1000 184\" role=\"img\">\n";
  for (int tick = 0; tick <= 4; ++tick) {
    const auto y = std::to_string(top + height - height * tick / 4);
    svg += "<path class=\"grid\" d=\"M34 " + y + "H984\"/><text class=\"soft\" x=\"28\" y=\"" + y +
           "\" dy=\"4\" text-anchor=\"end\">" + number_text(tick / 4.0, 2) + "</text>";
  }
  for (std::size_t k = 0; k < 5 && frames.size() > 4; ++k) {
    const auto i = k * (frames.size() - 1) / 4;
    svg += "<text class=\"soft\" x=\"" + number_text(left + step * static_cast<double>(i), 1) +
           "\" y=\"178\" text-anchor=\"" +
           (k == 0   ? "start"
            : k == 4 ? "end"
                     : "middle") +
           "\">" + html_escape(frames[i]) + "</text>";
  }
  for (const auto& line : lines) {
    std::string path;
    bool pen_down = false;
    for (std::size_t i = 0; i < line.values.size(); ++i) {
      if (!std::isfinite(line.values[i])) {
        pen_down = false;
        continue;
      }
      path += (pen_down ? "L" : "M") + number_text(left + step * static_cast<double>(i), 1) + " " +
              number_text(top + height * (1 - std::clamp(line.values[i], 0.0, 1.0)), 1);
      if (!pen_down) path += "h.1";  // so that a single value shows
      pen_down = true;
    }
    svg += "\n<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour_of(line.colour) + "\" stroke-width=\"1.6\"" +
           (line.dashed ? " stroke-dasharray=\"4 3\" opacity=\".75\"" : "") + " stroke-linecap=\"round\"/>";
  }
  return svg + "</svg>\n";
}

namespace {

struct Region {
  std::int64_t left = 0, top = 0, right = 0, bottom = 0;  // half open
};

/// What to show of the picture: where something is, with room around it, at least a third of the width, four by three.
Region region_around(Region thing, std::int64_t height, std::int64_t width) {
  if (thing.right <= thing.left) return {0, 0, width, height};
  const auto grow = [](std::int64_t& low, std::int64_t& high, std::int64_t size, std::int64_t limit) {
    size = std::min(size, limit);
    low = std::clamp((low + high - size) / 2, std::int64_t{0}, limit - size);
    high = low + size;
  };
  const auto want_width = std::max((thing.right - thing.left) * 3 / 2, width / 3);
  const auto want_height = std::max((thing.bottom - thing.top) * 3 / 2, want_width * 3 / 4);
  grow(thing.top, thing.bottom, want_height, height);
  grow(thing.left, thing.right, std::max(want_width, (thing.bottom - thing.top) * 4 / 3), width);
  return thing;
}

/// The pixels of one kind inside a region as an SVG path: a rectangle for each run, runs of equal rows joined.
template <class Kind>
std::string path_of(const std::vector<std::uint8_t>& kinds, std::int64_t width, const Region& region, Kind wanted) {
  struct Run {
    std::int64_t begin, end, top;
  };
  std::string path;
  std::vector<Run> open, row;
  const auto close = [&](const Run& run, std::int64_t bottom) {
    const auto length = std::to_string(run.end - run.begin);
    path += "M" + std::to_string(run.begin) + " " + std::to_string(run.top) + "h" + length + "v" +
            std::to_string(bottom - run.top) + "h-" + length + "z";
  };
  for (auto y = region.top; y <= region.bottom; ++y) {
    row.clear();
    if (y < region.bottom) {
      const auto* line = kinds.data() + y * width;
      for (auto x = region.left; x < region.right;) {
        if (line[x] != wanted) {
          ++x;
          continue;
        }
        const auto begin = x;
        while (x < region.right && line[x] == wanted) ++x;
        row.push_back({begin, x, y});
      }
    }
    for (const auto& run : open) {
      const auto same = std::find_if(
          row.begin(), row.end(), [&](const Run& other) { return other.begin == run.begin && other.end == run.end; });
      if (same != row.end()) same->top = run.top;
      else close(run, y);
    }
    open.swap(row);
  }
  return path;
}

}  // namespace

std::string mask_picture(const LabelImage& truth, const LabelImage& guess, ObjectId truth_id, ObjectId guess_id,
                         const std::string& frame_url) {
  const auto height = truth.height, width = truth.width;
  enum Kind : std::uint8_t { neither, both, missed, invented };
  std::vector<std::uint8_t> kinds(truth.ids.size());
  Region thing{width, height, 0, 0};
  for (std::int64_t y = 0, i = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x, ++i) {
      const auto at = static_cast<std::size_t>(i);
      const bool is = truth_id == 0 ? truth.ids[at] != 0 : truth.ids[at] == truth_id;
      const bool was = at < guess.ids.size() && (guess_id == 0 ? guess.ids[at] != 0 : guess.ids[at] == guess_id);
      kinds[at] = is ? (was ? both : missed) : (was ? invented : neither);
      if (!is && !was) continue;
      thing = {std::min(thing.left, x), std::min(thing.top, y), std::max(thing.right, x + 1),
               std::max(thing.bottom, y + 1)};
    }
  const auto region = region_around(thing, height, width);
  std::string svg = "<svg viewBox=\"" + std::to_string(region.left) + " " + std::to_string(region.top) + " " +
                    std::to_string(region.right - region.left) + " " + std::to_string(region.bottom - region.top) +
                    "\" role=\"img\">";
  if (!frame_url.empty())
    svg += "<image href=\"" + frame_url + "\" width=\"" + std::to_string(width) + "\" height=\"" +
           std::to_string(height) + "\" preserveAspectRatio=\"none\"/>";
  for (const auto& [kind, style] : {std::pair{both, "fill=\"#fff\" fill-opacity=\".35\""},
                                    std::pair{missed, "fill=\"#ff9f1c\" fill-opacity=\".75\""},
                                    std::pair{invented, "fill=\"#2b8cff\" fill-opacity=\".75\""}})
    svg += std::string{"<path "} + style + " d=\"" + path_of(kinds, width, region, kind) + "\"/>";
  return svg + "</svg>";
}

}  // namespace vos::eval
