#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <vos/io/draw.hpp>
#include <vos/io/encoder.hpp>
#include <vos/io/files.hpp>
#include <vos/io/sink.hpp>
#include <vos/io/video_writer.hpp>

namespace vos {

/// The drawn frames as overlay.mp4.
class VideoSink final : public ResultSink {
 public:
  explicit VideoSink(const SinkSpec& spec)
      : file_(spec.directory / "overlay.mp4"), draw_(spec.draw), writer_(file_, spec.source.fps) {
    make_folder(spec.directory);
  }

  void write(const Frame& frame, const FrameResult& result, const std::string&) override {
    writer_.write(draw(frame, result, draw_));
    any_ = true;
  }
  void close() override {
    writer_.close();
    closed_ = true;
  }
  bool needs_picture() const override { return true; }
  std::vector<std::filesystem::path> outputs() const override {
    return any_ && closed_ ? std::vector{file_} : std::vector<std::filesystem::path>{};
  }

 private:
  std::filesystem::path file_;
  DrawOptions draw_;
  VideoWriter writer_;
  bool any_ = false, closed_ = false;
};

}  // namespace vos
