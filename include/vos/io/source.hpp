#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <vos/error.hpp>
#include <vos/frame/frame.hpp>

namespace vos {

/// Which frames of an input to take: a, a+step, … below b. Python's `a:b:step`.
struct FrameRange {
  std::int64_t begin = 0, end = std::numeric_limits<std::int64_t>::max(), step = 1;
  bool operator==(const FrameRange&) const = default;
};

/// What to open.
///
///   clip.mp4, picture.jpg, folder/, camera:0, rtsp://…, http://…,
///   synthetic:crossing[,frames=90][,size=854x480][,objects=4][,seed=1]
///
/// Pictures stand upright: the orientation in a photo's EXIF and a video's rotation are applied. Label PNGs carry
/// neither, so they have to be drawn on the upright picture.
struct SourceSpec {
  std::string input;
  FrameRange frames = {};
  std::int64_t max_size = 0;  ///< longer side at most this many pixels, keeping the aspect; 0 keeps the size
  std::int64_t ahead = 4;     ///< frames decoded in advance on a thread of their own; 0: none, and no thread
  /// Where not empty, these pictures are the frames, and `input` is but what they are called.
  std::vector<std::filesystem::path> files = {};
};

struct SourceInfo {
  std::string name = {};     ///< what outputs are called: the file's stem, the folder's name, the scene
  std::int64_t frames = -1;  ///< how many will come (a video file's own claim), -1 where nobody knows (camera, stream)
  double fps = 25;
  std::int64_t height = 0, width = 0;  ///< 0 until known
  bool live = false;                   ///< frames come in their own time and cannot be asked for again
};

/// Frames, one after another. Made by `open_source`, read by one thread. `stem` and `truth` change nothing and read
/// nothing that `next` changes: they may be called while another thread is in `next`.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  /// The next frame, or nothing at the end. An Error names the frame that could not be read; the next call goes on.
  virtual std::optional<Frame> next() = 0;
  virtual const SourceInfo& info() const = 0;
  /// What the frame's outputs are called: the stem of its file, or its number in five digits.
  virtual std::string stem(std::int64_t index) const = 0;
  /// The true label map int32 [H,W] where the source knows it (synthetic scenes), else undefined.
  virtual at::Tensor truth(std::int64_t /*index*/) const { return {}; }
};

/// Throws unless the spec's numbers make sense: a range that may hold frames, sizes and counts of 0 or more.
inline void check_spec(const SourceSpec& spec) {
  const auto refuse = [&](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = "input '" + spec.input + "'", .mend = mend, .exit_code = exit_code::usage});
  };
  const auto& [begin, end, step] = spec.frames;
  if (begin < 0 || step < 1 || end <= begin)
    refuse(
        "frames " + std::to_string(begin) + ":" + std::to_string(end) + ":" + std::to_string(step) + " hold no frame",
        "write begin:end:step with begin at least 0, end above it and step at least 1");
  if (spec.max_size < 0) refuse("the greatest size is negative", "use 0 for none");
  if (spec.ahead < 0) refuse("the number of frames ahead is negative", "use 0 for none");
}

namespace detail {

/// A frame's number as a file's stem.
inline std::string numbered_stem(std::int64_t index) {
  char text[32];
  std::snprintf(text, sizeof text, "%05lld", static_cast<long long>(index));
  return text;
}

/// How many of `count` frames lie in `range`.
inline std::int64_t frames_in(const FrameRange& range, std::int64_t count) {
  const auto end = std::min(range.end, count);
  return end <= range.begin ? 0 : (end - range.begin - 1) / range.step + 1;
}

}  // namespace detail

/// The source that `spec.input` names. An Error says what forms are understood.
VOS_INLINE std::unique_ptr<FrameSource> open_source(const SourceSpec& spec);

}  // namespace vos
