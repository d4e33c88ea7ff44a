#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vos/wire/rle.hpp>

namespace vos {

/// A mask through time as foreground runs, decoded once: pixels from `begin` to `end`, column by column.
class RunTrack {
 public:
  struct Run {
    std::uint32_t begin, end;
  };
  struct Frame {
    std::int64_t height = 0, width = 0, area = 0;  ///< 0x0: absent
    std::int64_t top = 0, bottom = 0;              ///< the rows it lies in, half-open
    std::size_t first = 0, last = 0;               ///< its runs, half-open
    bool present() const { return height > 0; }
  };

  void add(const Rle& rle) {
    Frame frame{rle.height, rle.width, 0, rle.height, 0, runs_.size(), 0};
    std::int64_t column = 0;  // where the run's column begins; most runs lie in the next one: no division for those
    for_each_segment(rle, [&](std::int64_t begin, std::int64_t end) {
      if (begin - column >= rle.height) column += rle.height;
      if (begin - column >= rle.height) column = begin - begin % rle.height;
      const auto row = begin - column;
      const bool one_column = row + (end - begin) <= rle.height;
      frame.top = std::min(frame.top, one_column ? row : 0);
      frame.bottom = std::max(frame.bottom, one_column ? row + (end - begin) : rle.height);
      const auto from = static_cast<std::uint32_t>(begin), to = static_cast<std::uint32_t>(end);
      if (runs_.size() > frame.first && runs_.back().end == from) runs_.back().end = to;  // a gap of no pixels
      else runs_.push_back({from, to});
      frame.area += end - begin;
    });
    frame.last = runs_.size();
    frames_.push_back(frame);
  }
  void add_absent() { frames_.push_back({}); }

  const std::vector<Frame>& frames() const { return frames_; }

  /// Mean over the frames that show it, 0 where none does.
  double mean_area() const {
    std::int64_t sum = 0, count = 0;
    for (const auto& frame : frames_) sum += frame.area, count += frame.area > 0;
    return count > 0 ? static_cast<double>(sum) / static_cast<double>(count) : 0;
  }

  /// Pixels that two tracks share in frame `t`, in which both have one size.
  friend std::int64_t shared_pixels(const RunTrack& a, const RunTrack& b, std::size_t t) {
    const auto &fa = a.frames_[t], &fb = b.frames_[t];
    if (fa.area == 0 || fb.area == 0 || fa.top >= fb.bottom || fb.top >= fa.bottom) return 0;
    const auto* p = a.runs_.data() + fa.first;
    const auto* const p_end = a.runs_.data() + fa.last;
    const auto* q = b.runs_.data() + fb.first;
    const auto* const q_end = b.runs_.data() + fb.last;
    std::int64_t shared = 0;
    while (p != p_end && q != q_end) {
      const auto begin = std::max(p->begin, q->begin), end = std::min(p->end, q->end);
      shared += end > begin ? end - begin : 0;
      const bool first_ends = p->end < q->end;  // advanced without a branch: which one ends first is a coin's toss
      p += first_ends;
      q += !first_ends;
    }
    return shared;
  }

 private:
  std::vector<Run> runs_;
  std::vector<Frame> frames_;
};

/// Intersection over union through time: sums over all frames, divided once. A frame in which only one is present adds its
/// area below the line; one in which the masks have two sizes adds nothing. 0 for two tracks without a pixel.
inline double track_iou(const RunTrack& a, const RunTrack& b) {
  std::int64_t both = 0, either = 0;
  for (std::size_t t = 0; t < std::min(a.frames().size(), b.frames().size()); ++t) {
    const auto &fa = a.frames()[t], &fb = b.frames()[t];
    if (fa.present() && fb.present() && (fa.height != fb.height || fa.width != fb.width)) continue;
    const auto shared = shared_pixels(a, b, t);
    both += shared;
    either += fa.area + fb.area - shared;
  }
  return either > 0 ? static_cast<double>(both) / static_cast<double>(either) : 0;
}

}  // namespace vos
