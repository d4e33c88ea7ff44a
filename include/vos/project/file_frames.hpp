#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <vos/error.hpp>
#include <vos/frame/frame.hpp>
#include <vos/io/source.hpp>

namespace vos {

inline std::size_t bytes_of(const Frame& frame) { return static_cast<std::size_t>(frame.rgb.numel()); }

/// Refuses a picture that has more pixels than a project takes.
inline void expect_pixels(const Frame& frame, std::int64_t most) {
  if (frame.height() * frame.width() <= most) return;
  throw Error({.what = "a picture of " + std::to_string(frame.width()) + "x" + std::to_string(frame.height()),
               .where = "frame " + std::to_string(frame.index),
               .mend = "pictures may have " + std::to_string(most) + " pixels: make the video smaller"});
}

/// The frames of a file in any order. They are decoded one after the other, and the last ones are kept; going back opens the
/// file anew. Pictures are as they were decoded, never compressed again, or models would see others the second time.
class FileFrames {
 public:
  /// `bytes`: of pictures that are kept.
  FileFrames(SourceSpec spec, std::size_t bytes, std::int64_t max_pixels)
      : spec_(std::move(spec)), most_bytes_(bytes), max_pixels_(max_pixels) {
    source_ = open_source(spec_);
    info_ = source_->info();
    next_ = spec_.frames.begin;
  }

  /// The source itself, which is read no more from here.
  std::unique_ptr<FrameSource> release() { return std::move(source_); }

  const SourceInfo& info() const { return info_; }
  std::string stem(std::int64_t index) {
    if (!source_) open_at(next_);
    return source_->stem(index);
  }
  std::size_t bytes() const { return bytes_; }
  /// Behind the last frame, where that has been reached.
  std::optional<std::int64_t> end() const { return end_; }

  const Frame* find(std::int64_t index) const {
    const auto found = kept_.find(index);
    return found == kept_.end() ? nullptr : &found->second;
  }

  enum class Got : std::uint8_t { frame, not_yet, none };

  /// Works towards frame `index`, decoding `patience` frames at most: `find` has it when the answer is `frame`. `none`: there
  /// is no such frame. `backwards`: the frames before it are wanted next.
  Got fetch(std::int64_t index, bool backwards = false, int patience = 1 << 30) {
    if (find(index) != nullptr) return Got::frame;
    if (index < 0 || (end_ && index >= *end_)) return Got::none;
    const auto begin = backwards ? std::max<std::int64_t>(0, index + 1 - chunk()) : index;
    if (!source_ || index < next_ || begin > next_ + worth_reading) open_at(begin);
    if (const auto bad = bad_.find(index); bad != bad_.end()) throw bad->second;
    while (patience-- > 0) {
      const auto due = next_;
      std::optional<Frame> frame;
      try {
        frame = source_->next();
        if (frame) expect_pixels(*frame, max_pixels_);
      } catch (const Error& error) {
        next_ = due + 1;  // reading goes on behind it
        if (error.parts().exit_code == exit_code::frames_missing) {
          end_ = std::min(due, end_.value_or(due));
          throw;  // the video is shorter than it says
        }
        bad_.emplace(due, error);
        if (due == index) throw;
        continue;
      }
      if (!frame) {
        end_ = std::min(due, end_.value_or(due));
        return Got::none;
      }
      const auto at = frame->index;
      next_ = at + 1;
      keep(std::move(*frame), index);
      if (at == index) return Got::frame;
    }
    return Got::not_yet;
  }

  /// Whether the frame cannot be read; `fetch` says why.
  bool is_bad(std::int64_t index) const { return bad_.contains(index); }

 private:
  static constexpr std::int64_t worth_reading =
      64;  // frames ahead that are passed sooner than the file is opened again

  /// How many frames are read at once when going backwards.
  std::int64_t chunk() const {
    const auto each = kept_.empty() ? std::size_t{1} << 20 : std::max<std::size_t>(1, bytes_ / kept_.size());
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(most_bytes_ / each) - 1, 1, 128);
  }

  void open_at(std::int64_t begin) {
    auto spec = spec_;
    spec.frames.begin = begin;
    source_.reset();  // one decoder at a time; where opening fails, the next call tries again
    source_ = open_source(spec);
    next_ = begin;
  }

  /// The frames farthest from the one that is wanted make room.
  void keep(Frame frame, std::int64_t wanted) {
    info_.height = info_.height > 0 ? info_.height : frame.height();
    info_.width = info_.width > 0 ? info_.width : frame.width();
    if (const auto* same = find(frame.index)) bytes_ -= bytes_of(*same);
    bytes_ += bytes_of(frame);
    const auto newest = frame.index;
    kept_[frame.index] = std::move(frame);
    while (bytes_ > most_bytes_ && kept_.size() > 2) {
      auto first = kept_.begin(), last = std::prev(kept_.end());
      auto far = std::abs(first->first - wanted) >= std::abs(last->first - wanted) ? first : last;
      if (far->first == newest) far = far == first ? last : first;
      bytes_ -= bytes_of(far->second);
      kept_.erase(far);
    }
  }

  SourceSpec spec_;
  std::size_t most_bytes_, bytes_ = 0;
  std::int64_t max_pixels_, next_ = 0;
  SourceInfo info_;
  std::unique_ptr<FrameSource> source_;
  std::map<std::int64_t, Frame> kept_;
  std::map<std::int64_t, Error> bad_;
  std::optional<std::int64_t> end_;
};

}  // namespace vos
