#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <vos/io/source.hpp>

namespace vos {

/// Any input as a range of frames, each read once:
///
///   for (vos::Frame frame : vos::VideoReader{"clip.mp4"}) …
///
/// Decoding runs ahead on a thread of its own. An Error from the loop names the frame that could not be read; calling
/// begin() again goes on behind it.
class VideoReader {
 public:
  VOS_INLINE explicit VideoReader(const std::string& input);
  VOS_INLINE explicit VideoReader(const SourceSpec& spec);
  explicit VideoReader(std::unique_ptr<FrameSource> source) : source_(std::move(source)) {}

  class Iterator {
   public:
    using value_type = Frame;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(VideoReader* reader) : reader_(reader) {}

    const Frame& operator*() const { return *reader_->frame_; }
    const Frame* operator->() const { return &*reader_->frame_; }
    Iterator& operator++() {
      reader_->frame_ = reader_->source_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !reader_->frame_; }

   private:
    VideoReader* reader_ = nullptr;
  };

  /// Reads the next frame, so that a second loop takes up where the first one stopped.
  Iterator begin() { return ++Iterator{this}; }
  std::default_sentinel_t end() const { return std::default_sentinel; }

  const SourceInfo& info() const { return source_->info(); }
  double fps() const { return info().fps; }
  /// What the frame's outputs are called.
  std::string stem(const Frame& frame) const { return source_->stem(frame.index); }
  FrameSource& source() { return *source_; }

 private:
  std::unique_ptr<FrameSource> source_;
  std::optional<Frame> frame_;
};

}  // namespace vos
