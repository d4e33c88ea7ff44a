#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>

#include <vos/version.hpp>

#include "common/progress.hpp"

namespace vos::infer {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}
double to_ms(double seconds) { return rounded(seconds * 1000, 3); }

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

void add_times(Json& json, const tool::Durations& push) {
  json["ms_mean"] = to_ms(push.mean());
  json["ms_p50"] = to_ms(push.percentile(50));
  json["ms_p95"] = to_ms(push.percentile(95));
  json["ms_p99"] = to_ms(push.percentile(99));
}

void add_memory(Json& json, const tool::MemoryTrend& memory) {
  json["rss_peak_mb"] = rounded(tool::peak_resident_mb(), 2);
  json["rss_growth_mb"] = rounded(memory.growth_mb(), 2);
  const auto slope = memory.slope_mb_per_10k_frames();
  json["rss_slope_mb_per_10k_frames"] = slope ? Json(rounded(*slope, 3)) : Json(nullptr);
}

Json sequence_json(const SequenceReport& sequence) {
  Json json{{"name", sequence.name},
            {"input", sequence.input},
            {"output", sequence.output.string()},
            {"complete", sequence.complete},
            {"frames", sequence.frames},
            {"frames_kept", sequence.frames_kept},
            {"objects", sequence.objects.size()},
            {"height", sequence.height},
            {"width", sequence.width},
            {"seconds", rounded(sequence.seconds, 3)},
            {"fps", rounded(sequence.fps(), 3)}};
  add_times(json, sequence.push);
  if (!sequence.j.empty()) {
    json["j_mean"] = rounded(sequence.j_mean(), 5);
    for (const auto& [id, j] : sequence.j) json["j"][std::to_string(id)] = rounded(j, 5);
  }
  json["outputs"] = Json::array();
  for (const auto& path : sequence.outputs) json["outputs"].push_back(path.string());
  json["unused_masks"] = sequence.unused_masks;
  return json;
}

std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

/// Files by name with their meaning; what a person wants to open first comes first.
void print_outputs(std::ostream& out, const SequenceReport& sequence, const std::filesystem::path& shown_as) {
  const auto& folder = sequence.output;
  const auto width = static_cast<int>((shown_as / "overlay.mp4").string().size()) + 4;
  const auto line = [&](const char* name, const char* meaning) {
    out << "  " << std::left << std::setw(width) << (shown_as / name).string() << meaning << '\n';
  };
  const auto is_there = [&](const std::filesystem::path& path) {
    return std::find(sequence.outputs.begin(), sequence.outputs.end(), path) != sequence.outputs.end();
  };
  if (is_there(folder / "overlay.mp4")) line("overlay.mp4", "the clip with its objects in colour; plays in a browser");
  if (is_there(folder / "contact.png")) line("contact.png", "some of its frames on one sheet");
  if (is_there(folder / "results.json")) line("results.json", "masks as COCO RLE, with ids and scores");
  if (is_there(folder)) line("*.png", "a label map for each frame");
  line("frames.jsonl", "boxes and scores, a line for each frame");
  line("timing.json", "the numbers above and more");
}

/// "crossing: 12 of 90 frames of 96x64, 2 objects, 31.2 frames/s"
void print_headline(std::ostream& out, const SequenceReport& sequence) {
  const auto total = static_cast<std::size_t>(sequence.frames + sequence.frames_kept);
  out << sequence.name << ": ";
  if (sequence.complete || sequence.frames_total < 0) out << counted(total, "frame");
  else out << total << " of " << counted(static_cast<std::size_t>(sequence.frames_total), "frame");
  if (sequence.width > 0) out << " of " << sequence.width << 'x' << sequence.height;
  out << ", " << counted(sequence.objects.size(), "object");
  if (sequence.frames > 0) out << ", " << fixed(sequence.fps(), 1) << " frames/s";
  else out << (sequence.complete ? ", complete already" : ", none of them new");
  if (!sequence.j.empty()) out << ", mean J " << fixed(sequence.j_mean(), 3);
  out << '\n';
}

void print_details(std::ostream& out, const SequenceReport& sequence) {
  if (sequence.frames_kept > 0 && sequence.frames > 0)
    out << "  continued behind the " << counted(static_cast<std::size_t>(sequence.frames_kept), "frame")
        << " of an earlier run\n";
  if (sequence.frames > 0)
    out << "  tracking alone: " << fixed(to_ms(sequence.push.mean()), 1) << " ms a frame; half of them within "
        << fixed(to_ms(sequence.push.percentile(50)), 1) << ", 95 % within "
        << fixed(to_ms(sequence.push.percentile(95)), 1) << ", 99 % within "
        << fixed(to_ms(sequence.push.percentile(99)), 1) << " ms\n";
  if (sequence.j.empty()) return;
  out << "  overlap with the truth (J, 1 is perfect):";
  std::size_t shown = 0;
  for (const auto& [id, j] : sequence.j) {
    if (++shown > 12) break;
    out << (shown > 1 ? ", object " : " object ") << id << ' ' << fixed(j, 3);
  }
  if (shown > 12) out << ", ... all in timing.json";
  out << '\n';
}

}  // namespace

bool Report::complete() const {
  return sequences.size() == inputs &&
         std::all_of(sequences.begin(), sequences.end(), [](const auto& s) { return s.complete; });
}

double SequenceReport::j_mean() const {
  double sum = 0;
  for (const auto& [id, value] : j) sum += value;
  return j.empty() ? 0 : sum / static_cast<double>(j.size());
}

Json to_json(const SequenceReport& sequence, const tool::MemoryTrend& memory, const Json& settings) {
  auto json = sequence_json(sequence);
  add_memory(json, memory);
  json["settings"] = settings;
  return json;
}

Json to_json(const Report& report) {
  tool::Durations push;
  std::int64_t frames = 0, kept = 0, objects = 0, scored = 0;
  double seconds = 0, j = 0;
  auto sequences = Json::array();
  for (const auto& sequence : report.sequences) {
    push.add(sequence.push);
    frames += sequence.frames;
    kept += sequence.frames_kept;
    objects += static_cast<std::int64_t>(sequence.objects.size());
    seconds += sequence.seconds;
    for (const auto& [id, value] : sequence.j) j += value, ++scored;
    sequences.push_back(sequence_json(sequence));
  }
  Json json{{"tool", "vos-infer"},
            {"version", vos::version},
            {"model", report.model},
            {"complete", report.complete()},
            {"frames", frames},
            {"frames_kept", kept},
            {"objects", objects},
            {"seconds", rounded(seconds, 3)},
            {"fps", seconds > 0 ? rounded(static_cast<double>(frames) / seconds, 3) : 0.0}};
  add_times(json, push);
  add_memory(json, report.memory);
  if (scored > 0) json["j_mean"] = rounded(j / static_cast<double>(scored), 5);
  json["sequences"] = std::move(sequences);
  return json;
}

void print(std::ostream& out, const Report& report, bool verbose) {
  const auto& sequences = report.sequences;
  for (const auto& sequence : sequences) {
    print_headline(out, sequence);
    if (verbose || sequences.size() == 1) print_details(out, sequence);
  }
  if (sequences.size() < report.inputs)
    out << "stopped: " << report.inputs - sequences.size() << " of " << counted(report.inputs, "input")
        << " not begun; the same call with --continue goes on\n";
  if (sequences.empty()) return;
  const auto& last = sequences.back();
  if (!last.complete)
    out << "  stopped before the end; its files are complete up to there, and the same call with --continue goes on\n";
  print_outputs(out, last, sequences.size() == 1 ? last.output : last.output.parent_path() / "SEQUENCE");
}

}  // namespace vos::infer
