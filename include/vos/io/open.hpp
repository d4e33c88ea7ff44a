#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/io/folder_source.hpp>
#include <vos/io/prefetch.hpp>
#include <vos/io/source.hpp>
#include <vos/io/video_reader.hpp>
#include <vos/io/video_source.hpp>

namespace vos {
namespace detail {

inline constexpr std::array stream_schemes{"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "rtp"};

[[noreturn]] inline void refuse_input(const SourceSpec& spec, const std::string& what, const std::string& mend = {}) {
  throw Error({.what = what,
               .where = "input '" + spec.input + "'",
               .mend = mend.empty() ? "inputs are a video file, an image, a folder of images, camera:0, rtsp://…, "
                                      "http://… or synthetic:crossing"
                                    : mend});
}

inline std::unique_ptr<FrameSource> open_path(const SourceSpec& spec) {
  const std::filesystem::path path{spec.input};
  if (!spec.files.empty()) return std::make_unique<ImageSource>(spec.files, path.filename().string(), spec);
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (std::filesystem::is_directory(status)) {
    auto name = std::filesystem::weakly_canonical(path, code).filename().string();
    return std::make_unique<ImageSource>(images_in(path), std::move(name), spec);
  }
  if (std::filesystem::exists(status)) {
    if (has_extension(path, image_extensions))
      return std::make_unique<ImageSource>(std::vector{path}, path.stem().string(), spec);
    if (has_extension(path, video_extensions)) return std::make_unique<VideoSource>(VideoSource::Kind::file, spec);
    refuse_input(spec, "'" + path.extension().string() + "' is not an extension of a video or an image",
                 "videos are " + join(video_extensions, ", ") + "; images " + join(image_extensions, ", "));
  }
  if (code && code != std::errc::no_such_file_or_directory)
    refuse_input(spec, "cannot be read: " + code.message(), "check the permissions");
  std::vector<std::string> siblings;
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
  for (auto it = std::filesystem::directory_iterator{parent, code};
       !code && it != std::filesystem::directory_iterator{}; it.increment(code))
    siblings.push_back(it->path().filename().string());
  refuse_input(spec, "there is no such file or folder" + did_you_mean(path.filename().string(), siblings));
}

inline std::unique_ptr<FrameSource> open_bare(const SourceSpec& spec) {
  const auto colon = spec.input.find(':');
  const auto kind = lower_case(std::string_view{spec.input}.substr(0, colon == std::string::npos ? 0 : colon));
  const auto rest = colon == std::string::npos ? "" : spec.input.substr(colon + 1);
  std::error_code code;
  if (kind == "synthetic") return open_synthetic(spec);
  if (kind == "camera") {
    const auto number = number_from<int>(rest);
    if (!number || *number < 0)
      refuse_input(spec, "'" + rest + "' is not the number of a camera", "the first camera is camera:0");
    return std::make_unique<VideoSource>(VideoSource::Kind::camera, spec, *number);
  }
  if (rest.starts_with("//")) {
    for (const auto* known : stream_schemes)
      if (kind == known) return std::make_unique<VideoSource>(VideoSource::Kind::stream, spec);
    refuse_input(spec, "'" + kind + "://' is not a kind of stream" + did_you_mean(kind, stream_schemes),
                 "streams are " + join(stream_schemes, "://, ") + "://");
  }
  if (!kind.empty() && !std::filesystem::exists(spec.input, code))
    if (const auto meant = nearest_name(kind, std::array{"camera", "synthetic"}); !meant.empty())
      refuse_input(spec, "there is no such input; did you mean '" + meant + ":" + rest + "'?");
  return open_path(spec);
}

}  // namespace detail

VOS_INLINE std::unique_ptr<FrameSource> open_source(const SourceSpec& spec) {
  if (spec.input.empty()) detail::refuse_input(spec, "no input is named");
  check_spec(spec);
  auto source = detail::open_bare(spec);
  if (spec.ahead == 0) return source;
  return std::make_unique<PrefetchSource>(std::move(source), spec.ahead);
}

VOS_INLINE VideoReader::VideoReader(const SourceSpec& spec) : source_(open_source(spec)) {}
VOS_INLINE VideoReader::VideoReader(const std::string& input) : VideoReader(SourceSpec{.input = input}) {}

}  // namespace vos
