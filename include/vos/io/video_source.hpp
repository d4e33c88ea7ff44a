#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <opencv2/videoio/registry.hpp>

#include <vos/io/folder_source.hpp>
#include <vos/io/images.hpp>
#include <vos/io/mp4_boxes.hpp>
#include <vos/io/source.hpp>

namespace vos {

inline constexpr std::array video_extensions{".mp4",  ".m4v", ".mov", ".avi",  ".mkv", ".webm", ".mpg",
                                             ".mpeg", ".ts",  ".mts", ".wmv",  ".flv", ".m2ts", ".ogv",
                                             ".3gp",  ".gif", ".y4m", ".h264", ".hevc"};

/// A video file, a stream or a camera.
class VideoSource final : public FrameSource {
 public:
  enum class Kind { file, stream, camera };

  VideoSource(Kind kind, const SourceSpec& spec, int camera = 0) : kind_(kind), spec_(spec) {
    if (kind == Kind::file) expect_index();
    open(camera);
    capture_.set(cv::CAP_PROP_ORIENTATION_AUTO, 0);
    quarter_turns_ = quarter_turns();
    const auto property = [&](int which, double usual, double most) {
      const double value = capture_.get(which);
      return std::isfinite(value) && value > 0 && value <= most ? value : usual;
    };
    info_.name = kind == Kind::file     ? std::filesystem::path{spec.input}.stem().string()
                 : kind == Kind::camera ? "camera"
                                        : "stream";
    info_.fps = property(cv::CAP_PROP_FPS, 25, 1000);
    announced_ = kind == Kind::camera ? -1 : static_cast<std::int64_t>(property(cv::CAP_PROP_FRAME_COUNT, -1, 1e12));
    info_.live = kind == Kind::camera || (kind == Kind::stream && announced_ < 0);
    if (announced_ >= 0) info_.frames = detail::frames_in(spec.frames, announced_);
    else if (kind != Kind::file && spec.frames.end < INT64_MAX)
      info_.frames = detail::frames_in(spec.frames, spec.frames.end);
  }

  std::optional<Frame> next() override {
    while (!ended_ && position_ < spec_.frames.end) {
      if (!grab()) break;
      const auto index = position_++;
      if (index < spec_.frames.begin || (index - spec_.frames.begin) % spec_.frames.step != 0) continue;
      cv::Mat bgr;
      if (!capture_.retrieve(bgr) || bgr.empty())
        throw Error({.what = "frame " + std::to_string(index) + " cannot be decoded",
                     .where = spec_.input,
                     .mend = "convert or record the video again"});
      if (quarter_turns_ != 0) cv::rotate(bgr, bgr, quarter_turns_ - 1);  // cv::RotateFlags count from one quarter
      Frame frame{index, seconds_of(index), rgb_from_bgr(bgr, spec_.max_size)};
      info_.height = frame.height();
      info_.width = frame.width();
      ++delivered_;
      return frame;
    }
    if (!std::exchange(ended_, true)) expect_complete();
    return std::nullopt;
  }

  const SourceInfo& info() const override { return info_; }
  std::string stem(std::int64_t index) const override { return detail::numbered_stem(index); }

 private:
  void open(int camera) {
    const std::vector<int> patience{cv::CAP_PROP_OPEN_TIMEOUT_MSEC, 15'000, cv::CAP_PROP_READ_TIMEOUT_MSEC, 15'000};
    const auto backends = cv::videoio_registry::getStreamBackends();
    const bool ffmpeg = std::find(backends.begin(), backends.end(), cv::CAP_FFMPEG) != backends.end();
    const int backend = ffmpeg ? cv::CAP_FFMPEG : cv::CAP_ANY;
    bool opened = false;
    std::string reason;
    try {
      if (kind_ == Kind::camera) opened = capture_.open(camera);
      else if (kind_ == Kind::stream && ffmpeg) opened = capture_.open(spec_.input, backend, patience);
      else if (kind_ == Kind::stream) opened = capture_.open(spec_.input, backend);
      else opened = capture_.open(std::filesystem::absolute(spec_.input).string(), backend);  // a colon is no protocol
    } catch (const cv::Exception& e) {
      reason = ": " + e.err;
    }
    if (opened) return;
    switch (kind_) {
      case Kind::camera:
        throw Error({.what = "there is no camera " + std::to_string(camera) + ", or it is in use" + reason,
                     .where = spec_.input,
                     .mend = "see /dev/video*; this user needs to be in the group 'video'"});
      case Kind::stream:
        throw Error({.what = "the stream cannot be opened" + reason,
                     .where = spec_.input,
                     .mend = "check address, user, password and network"});
      case Kind::file:
        throw Error({.what = "the video cannot be opened" + reason,
                     .where = spec_.input,
                     .mend = "it is damaged or in a format that FFmpeg does not know: convert it to MP4"});
    }
  }

  /// How often the file wants its pictures turned right by 90 degrees. OpenCV would do it by itself, but its version 4.6,
  /// that of Debian 12 and Ubuntu 24.04, takes the angle with the wrong sign (opencv/opencv#22088).
  int quarter_turns() const {
    const int degrees = static_cast<int>(capture_.get(cv::CAP_PROP_ORIENTATION_META));
    const bool reversed = cv::getVersionMajor() == 4 && cv::getVersionMinor() == 6;
    return ((reversed ? -degrees : degrees) / 90 % 4 + 4) % 4;
  }

  bool grab() {
    try {
      return capture_.grab();
    } catch (const cv::Exception& e) {
      ended_ = true;
      throw Error({.what = "frame " + std::to_string(position_) + " cannot be read: " + e.err, .where = spec_.input});
    }
  }

  /// The container's time stamp where it rises, else the frame's place at the mean rate.
  double seconds_of(std::int64_t index) {
    const double by_rate = static_cast<double>(index) / info_.fps, stamp = capture_.get(cv::CAP_PROP_POS_MSEC) / 1000;
    const bool rises = std::isfinite(stamp) && stamp >= 0 && (delivered_ == 0 || stamp > seconds_);
    seconds_ = rises ? stamp : std::max(by_rate, delivered_ == 0 ? 0 : seconds_ + 1 / info_.fps);
    return seconds_;
  }

  void expect_index() {
    const auto layout = mp4_layout(spec_.input);
    cut_short_ = layout.known() && layout.cut_short;
    if (layout.known() && layout.find("moov") == nullptr)
      throw Error({.what = "the video has no index (moov): it was cut short, or its recorder stopped before the end",
                   .where = spec_.input,
                   .mend = "copy or record it again"});
  }

  /// At the end: every frame that could be decoded has been delivered; now says so if there should have been more.
  void expect_complete() {
    if (kind_ == Kind::camera || (kind_ == Kind::stream && delivered_ == 0))
      if (position_ < spec_.frames.end)
        throw Error({.what = kind_ == Kind::camera ? "the camera stopped after " + std::to_string(position_) + " frames"
                                                   : std::string{"the stream gave no frame"},
                     .where = spec_.input,
                     .mend = "check the connection"});
    if (kind_ != Kind::file || position_ >= spec_.frames.end) return;
    if (delivered_ == 0)
      throw Error({.what = "no frame could be read from " + std::to_string(spec_.frames.begin) + " on; the video has " +
                           std::to_string(position_),
                   .where = spec_.input,
                   .mend = "frames count from 0",
                   .exit_code = exit_code::frames_missing});
    // Some containers only estimate their count, and an edit list may hide a frame or two: a small difference is no loss.
    const auto missing = announced_ - position_;
    if ((cut_short_ && missing > 0) || missing > std::max<std::int64_t>(2, announced_ / 50))
      throw Error({.what = "the video is cut short: " + std::to_string(position_) + " of " +
                           std::to_string(announced_) + " frames could be read",
                   .where = spec_.input,
                   .mend = "copy or record it again; what came before this is sound",
                   .exit_code = exit_code::frames_missing});
  }

  const Kind kind_;
  const SourceSpec spec_;
  cv::VideoCapture capture_;
  SourceInfo info_;
  std::int64_t announced_ = -1, position_ = 0, delivered_ = 0;
  double seconds_ = 0;
  int quarter_turns_ = 0;
  bool cut_short_ = false, ended_ = false;
};

}  // namespace vos
