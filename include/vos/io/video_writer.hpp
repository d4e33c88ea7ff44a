#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/fwd.hpp>

namespace vos {

/// H.264 plays everywhere; VP9, which browsers play as well, stands in where OpenCV was built without an H.264 encoder.
struct VideoWriterOptions {
  std::vector<std::string> codecs = {"avc1", "vp09"};  ///< the first that this machine can encode is taken
};

/// What a VideoWriter writes with.
class VideoEncoder {
 public:
  virtual ~VideoEncoder() = default;
  virtual void write(const at::Tensor& rgb) = 0;
  virtual void close() = 0;
};

/// An MP4 file that browsers play: 4:2:0 colour, even sides (an odd one repeats its last line), index at the front.
///
///   vos::VideoWriter overlay{"overlay.mp4", video.fps()};
///   overlay.write(vos::draw(frame, result));
///
/// The first picture fixes the size; later ones of another size are scaled to fit, on black. The file appears when it is
/// closed, whole; without any picture there is none.
class VideoWriter {
 public:
  VOS_INLINE explicit VideoWriter(const std::filesystem::path& path, double fps = 25,
                                  const VideoWriterOptions& options = {});

  /// uint8 [H,W,3], RGB.
  void write(const at::Tensor& rgb) { encoder_->write(rgb); }
  /// Completes the file. The destructor does so too, but cannot say what went wrong.
  void close() { encoder_->close(); }

 private:
  std::unique_ptr<VideoEncoder> encoder_;
};

}  // namespace vos
