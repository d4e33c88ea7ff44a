#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/io/sink.hpp>
#include <vos/io/zip.hpp>
#include <vos/project/frame_result.hpp>
#include <vos/project/results.hpp>

namespace vos {

/// What an export holds on to, so that it can run beside the project.
struct ExportJob {
  ExportSpec spec = {};
  SourceInfo source = {};
  Plan plan = {};
  std::vector<FrameParts> frames = {};
  std::vector<std::string> stems = {};
  /// Gives the pictures of the frames, in their order; nothing where none are needed.
  std::function<std::function<Frame(std::int64_t)>()> pictures = {};
  std::string session = {};
};

namespace detail {

/// A name that is safe as a folder's: of the letters that all file systems know.
inline std::string folder_name(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_' || (c == '.' && !plain.empty());
    plain += safe ? c : '_';
  }
  return plain.empty() ? "video" : plain.substr(0, 100);
}

/// Annotations/NAME/STEM.png and meta.json, as YouTube-VOS has them, in DAVIS colours.
inline std::filesystem::path export_png_zip(const ExportJob& job, const std::stop_token& stop) {
  const auto name = folder_name(job.source.name);
  const auto path = job.spec.folder / (name + ".zip");
  const std::set<ObjectId> wanted{job.spec.objects.begin(), job.spec.objects.end()};
  std::map<ObjectId, std::vector<std::string>> seen;
  ZipWriter zip{path};
  for (std::size_t i = 0; i < job.frames.size(); ++i) {
    if (stop.stop_requested()) throw Cancelled("exporting");
    const auto frame = assemble(job.plan, job.frames[i], 0);
    const auto result = frame_result_of(frame, wanted);
    for (const auto& object : result.objects)
      if (object.state == ObjectState::visible) seen[object.id].push_back(job.stems[i]);
    const std::span<const ObjectId> ids{result.labels.const_data_ptr<ObjectId>(),
                                        static_cast<std::size_t>(result.labels.numel())};
    const auto file = "Annotations/" + name + "/" + job.stems[i] + ".png";
    zip.add(file, png_from_labels(ids, result.height(), result.width(), file));
  }
  nlohmann::ordered_json objects;
  for (const auto& [id, frames] : seen) {
    const auto look = job.plan.looks.find(id);
    const bool named = look != job.plan.looks.end() && !look->second.name.empty();
    objects[std::to_string(id)] = {{"category", named ? look->second.name : "object"}, {"frames", frames}};
  }
  const nlohmann::ordered_json meta{{"videos", {{name, {{"objects", std::move(objects)}}}}}};
  const auto text = meta.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  zip.add("meta.json", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  zip.finish();
  return path;
}

/// Through one of io/'s sinks, which makes one file.
inline std::filesystem::path export_by_sink(const ExportJob& job, const std::string& format,
                                            const std::stop_token& stop) {
  const std::set<ObjectId> wanted{job.spec.objects.begin(), job.spec.objects.end()};
  auto sink = open_sink({.format = format, .directory = job.spec.folder, .source = job.source});
  const auto picture_of = sink->needs_picture() ? job.pictures() : nullptr;
  try {
    for (std::size_t i = 0; i < job.frames.size(); ++i) {
      if (stop.stop_requested()) throw Cancelled("exporting");
      const auto result = frame_result_of(assemble(job.plan, job.frames[i], 0), wanted);
      const auto frame =
          picture_of ? picture_of(result.index) : Frame{.index = result.index, .seconds = result.seconds};
      sink->write(frame, result, job.stems[i]);
    }
    sink->close();
  } catch (...) {
    const auto left = sink->outputs();
    sink.reset();  // some keep what they have
    std::error_code ignored;
    for (const auto& path : left) std::filesystem::remove(path, ignored);
    throw;
  }
  return sink->outputs().at(0);
}

}  // namespace detail

inline std::filesystem::path export_project(const ExportJob& job, const std::stop_token& stop) {
  make_folder(job.spec.folder);
  switch (job.spec.kind) {
    case ExportSpec::Kind::png_zip: return detail::export_png_zip(job, stop);
    case ExportSpec::Kind::rle_json: return detail::export_by_sink(job, "rle", stop);
    case ExportSpec::Kind::overlay_mp4: return detail::export_by_sink(job, "mp4", stop);
    case ExportSpec::Kind::session: break;
  }
  const auto path = job.spec.folder / (detail::folder_name(job.source.name) + ".session.json");
  write_file(path, job.session);
  return path;
}

}  // namespace vos
