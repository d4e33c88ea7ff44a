#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <vos/frame/frame.hpp>
#include <vos/io/draw.hpp>
#include <vos/io/source.hpp>

namespace vos {

/// Takes results in frame order and puts them on disk. Made by `open_sink`, used by one thread.
///
/// What stands on disk under its final name is complete: files are written beside it and renamed. Memory does not grow
/// with the frames, but for `rle`, which keeps the compressed text of each mask until the end.
class ResultSink {
 public:
  virtual ~ResultSink() = default;  ///< closes as well as it can; call close() to hear of errors
  /// One frame's result. `frame` may lack its picture (`rgb` undefined) where needs_picture() is false.
  virtual void write(const Frame& frame, const FrameResult& result, const std::string& stem) = 0;
  /// Completes the files. Called once at the end, also of an interrupted run; later calls do nothing.
  virtual void close() = 0;
  /// Whether write() looks at the frame's picture, not only at the result.
  virtual bool needs_picture() const = 0;
  /// What stands on disk now and is complete: a folder for `png`, else one file.
  virtual std::vector<std::filesystem::path> outputs() const = 0;
};

/// What to write, and where.
///
///   png      DIRECTORY/STEM.png   label maps: DAVIS palette, or 16-bit grey where an id is above 255
///   rle      DIRECTORY/results.json   COCO RLE in the form of video results, one entry an object
///   mp4      DIRECTORY/overlay.mp4    H.264 that plays in browsers: colour, outline, id
///   contact  DIRECTORY/contact.png    evenly spaced frames on one sheet
struct SinkSpec {
  std::string format;
  std::filesystem::path directory;            ///< made where it is missing
  SourceInfo source = {};                     ///< fps is the overlay's; the rest is advice
  DrawOptions draw = {};                      ///< how `mp4` and `contact` look
  std::int64_t video_id = 1;                  ///< `rle`: the video's number in the data set
  std::vector<std::int64_t> categories = {};  ///< `rle`: the data set's number of each class; empty: the class itself
  std::int64_t tiles = 12;                    ///< `contact`: pictures on the sheet
};

/// The formats that `open_sink` knows, in the order in which help texts list them.
inline constexpr const char* sink_formats[] = {"png", "rle", "mp4", "contact"};

/// The sink that `spec.format` names. An unknown name is an Error that suggests the nearest.
VOS_INLINE std::unique_ptr<ResultSink> open_sink(const SinkSpec& spec);

}  // namespace vos
