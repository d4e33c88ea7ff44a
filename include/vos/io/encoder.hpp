#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include <ATen/core/Tensor.h>

#include <vos/core/shape.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/io/images.hpp>
#include <vos/io/mp4_boxes.hpp>
#include <vos/io/video_writer.hpp>

namespace vos {

/// OpenCV's FFmpeg behind VideoWriter.
class Mp4Encoder final : public VideoEncoder {
 public:
  Mp4Encoder(const std::filesystem::path& path, double fps, VideoWriterOptions options)
      : file_(path), fps_(fps), options_(std::move(options)) {
    if (!(fps > 0) || fps > 1000)
      throw Error({.what = std::to_string(fps) + " frames a second",
                   .where = path.string(),
                   .mend = "use a rate above 0, up to 1000"});
    if (lower_case(path.extension().string()) != ".mp4")
      throw Error({.what = "'" + path.extension().string() + "' is not the extension of an MP4 file",
                   .where = path.string(),
                   .mend = "call the file NAME.mp4"});
  }
  ~Mp4Encoder() override {
    try {
      close();
    } catch (...) {  // a destructor has nobody to tell; close() has
    }
  }

  void write(const at::Tensor& rgb) override {
    expect_shape(rgb, {any_size, any_size, 3}, "rgb [H,W,3]");
    if (closed_) throw Error({.what = "the video was closed before", .where = file_.path().string()});
    const auto plain = rgb.to(at::kCPU, at::kByte).contiguous();
    cv::Mat bgr;
    cv::cvtColor(mat_of(plain), bgr, cv::COLOR_RGB2BGR);
    if (!writer_.isOpened()) open(bgr.size());
    if (bgr.size() != picture_) bgr = fitted(bgr);
    // 4:2:0 colour has no odd sides: repeat the last line or column.
    cv::copyMakeBorder(bgr, padded_, 0, picture_.height % 2, 0, picture_.width % 2, cv::BORDER_REPLICATE);
    writer_.write(padded_);
  }

  void close() override {
    if (std::exchange(closed_, true) || !writer_.isOpened()) return;
    writer_.release();
    const auto layout = mp4_layout(file_.growing());
    if (layout.cut_short || layout.find("moov") == nullptr)
      PendingFile::refuse(file_.path(), "the video is incomplete");
    PendingFile moved{file_.path()};
    if (copy_with_index_first(file_.growing(), moved.growing())) {
      moved.commit();
      file_.discard();
    } else {
      file_.commit();  // it plays as well, once all of it is there
    }
  }

 private:
  void open(cv::Size size) {
    picture_ = size;
    const cv::Size even{size.width + size.width % 2, size.height + size.height % 2};
    const auto growing = file_.growing().string();  // refuses what OpenCV would only say failed
    for (const auto& codec : options_.codecs)
      if (codec.size() == 4 &&
          writer_.open(growing, cv::CAP_FFMPEG, cv::VideoWriter::fourcc(codec[0], codec[1], codec[2], codec[3]), fps_,
                       even))
        return;
    file_.discard();
    throw Error({.what = "this OpenCV can encode none of " + join(options_.codecs, ", "),
                 .where = file_.path().string(),
                 .mend = "install OpenCV with FFmpeg and libx264 (Debian: libopencv-dev), or choose the formats png, "
                         "rle or contact"});
  }

  cv::Mat fitted(const cv::Mat& bgr) const {
    const double scale =
        std::min(static_cast<double>(picture_.width) / bgr.cols, static_cast<double>(picture_.height) / bgr.rows);
    const auto side = [scale](int length, int most) {
      return std::clamp(static_cast<int>(std::lround(length * scale)), 1, most);
    };
    const cv::Size size{side(bgr.cols, picture_.width), side(bgr.rows, picture_.height)};
    cv::Mat canvas(picture_, CV_8UC3, cv::Scalar::all(0)), scaled;
    cv::resize(bgr, scaled, size, 0, 0, cv::INTER_AREA);
    scaled.copyTo(
        canvas({(picture_.width - size.width) / 2, (picture_.height - size.height) / 2, size.width, size.height}));
    return canvas;
  }

  PendingFile file_;
  const double fps_;
  const VideoWriterOptions options_;
  cv::VideoWriter writer_;
  cv::Size picture_;
  cv::Mat padded_;
  bool closed_ = false;
};

VOS_INLINE VideoWriter::VideoWriter(const std::filesystem::path& path, double fps, const VideoWriterOptions& options)
    : encoder_(std::make_unique<Mp4Encoder>(path, fps, options)) {}

}  // namespace vos
