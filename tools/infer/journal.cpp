#include "journal.hpp"

#include <optional>

#include <charconv>

namespace vos::infer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

fs::path journal_in(const fs::path& folder) { return folder / "frames.jsonl"; }

/// The number whose shortest text is that of `value`: 0.9, not 0.899999976; it reads back as the same float.
double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double number = 0;
  std::from_chars(text, end, number);
  return number;
}

/// The next whole line as JSON, nothing at the end or at a line that was cut off.
std::optional<Json> next_line(std::ifstream& file) {
  std::string text;
  if (!std::getline(file, text) || file.eof()) return std::nullopt;  // eof: the line has no end
  auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

/// Where the label map of a journal's line lies: a name in the folder, whatever the line says.
std::optional<fs::path> label_file(const fs::path& folder, const Json& line) {
  const auto stem = line.find("stem");
  if (stem == line.end() || !stem->is_string()) return std::nullopt;
  const fs::path name{stem->get<std::string>() + ".png"};
  if (name != name.filename()) return std::nullopt;
  return folder / name;
}

}  // namespace

Journal::Journal(const fs::path& folder, const Json& settings, bool go_on)
    : path_(journal_in(folder)), file_(path_, go_on ? std::ios::app : std::ios::trunc) {
  if (!go_on) line({{"vos", vos::version}, {"settings", settings}});
}

void Journal::add(const FrameResult& result, const std::string& stem) {
  auto objects = Json::array();
  for (const auto& object : result.objects) {
    Json entry{{"id", object.id}, {"score", shortest(object.score)}};
    if (object.category >= 0) entry["category"] = object.category;
    if (object.state == ObjectState::visible)
      entry["box"] = {shortest(object.box.x0), shortest(object.box.y0), shortest(object.box.x1),
                      shortest(object.box.y1)};
    objects.push_back(std::move(entry));
  }
  line({{"frame", result.index}, {"stem", stem}, {"seconds", result.seconds}, {"objects", std::move(objects)}});
}

void Journal::complete() { line({{"complete", true}}); }

void Journal::line(const Json& json) {
  // A name that is not UTF-8 must not end the run: the odd bytes are replaced.
  file_ << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  if (!file_)
    throw Error({.what = "cannot write", .where = path_.string(), .mend = "check free space and permissions"});
}

Past read_past(const fs::path& folder) {
  const auto path = journal_in(folder);
  std::ifstream file(path);
  Past past;
  const auto header = next_line(file);
  if (!header || !header->contains("settings"))
    throw Error({.what = "there is no run to continue",
                 .where = path.string(),
                 .mend = "name the --output folder of an interrupted run, or begin anew with --overwrite"});
  past.settings = (*header)["settings"];
  past.bytes = static_cast<std::uintmax_t>(file.tellg());
  while (const auto line = next_line(file)) {
    past.bytes = static_cast<std::uintmax_t>(file.tellg());
    past.complete |= line->contains("complete");
    if (!line->contains("frame")) continue;
    past.last = line->at("frame");
    ++past.frames;
    for (const auto& object : line->at("objects")) {
      auto& seen = past.last_seen.try_emplace(object.at("id"), -1).first->second;
      if (object.contains("box")) seen = past.last;
    }
  }
  return past;
}

void check_same_run(const Past& past, const Json& settings, const fs::path& folder) {
  for (const auto& [key, value] : settings.items())
    if (const auto before = past.settings.value(key, Json{}); key != "masks" && before != value)
      throw Error({.what = "the interrupted run had " + key + " " + before.dump() + ", this one has " + value.dump(),
                   .where = folder.string(),
                   .mend = "continue with the same options, or begin anew with --overwrite",
                   .exit_code = exit_code::usage});
}

Replay::Replay(const fs::path& folder) : folder_(folder), file_(journal_in(folder)) { next_line(file_); }

std::optional<FrameResult> Replay::result(const Frame& frame) {
  while (const auto line = next_line(file_)) {
    if (line->value("frame", std::int64_t{-1}) != frame.index) continue;
    FrameResult result{.index = frame.index, .seconds = frame.seconds};
    const auto path = label_file(folder_, *line);
    if (!path)
      throw Error({.what = "the line of frame " + std::to_string(frame.index) + " names no label map",
                   .where = journal_in(folder_).string(),
                   .mend = "begin anew with --overwrite"});
    result.labels = read_labels(*path);
    for (const auto& object : line->at("objects"))
      result.objects.push_back(
          {.id = object.at("id"), .category = object.value("category", -1), .score = object.at("score").get<float>()});
    measure_objects(result);
    return result;
  }
  return std::nullopt;
}

void remove_results(const fs::path& folder) {
  std::ifstream file(journal_in(folder));
  while (const auto line = next_line(file))
    if (const auto path = label_file(folder, *line)) fs::remove(*path);
  for (const auto* name : {"results.json", "overlay.mp4", "contact.png", "timing.json", "frames.jsonl"})
    fs::remove(folder / name);
}

}  // namespace vos::infer
