#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/random.hpp>
#include <vos/error.hpp>
#include <vos/fwd.hpp>

namespace vos {

/// An object in a frame of a video, and how much of it shows: pixels, or 1 where a list knows only that it is there.
struct VisibleObject {
  std::int64_t id = 0, area = 1;
  bool operator==(const VisibleObject&) const = default;
};

/// What a sampler may ask about a video.
struct VideoFacts {
  std::int64_t frames = 0;
  std::vector<bool> labelled = {};  ///< [frames]; empty: all are
  /// The objects to be seen in a frame, ids rising; asked only where an option depends on it, since the answer may mean
  /// opening a label map. Empty: nothing is known, and every clip will do.
  std::function<std::vector<VisibleObject>(std::int64_t frame)> seen = {};
};

/// How the frames of a clip lie.
enum class ClipSpacing : std::uint8_t {
  consecutive,  ///< a step apart: DeVIS
  gaps,         ///< each a random gap after the one before: AOT
  neighbours,   ///< drawn from around one frame, with repetition, in order: VITA, GenVIS
};

/// Whether an object may come into a clip after its first frame.
enum class Newcomers : std::uint8_t { allowed, refused, wanted };

struct ClipOptions {
  std::int64_t length = 5;
  ClipSpacing spacing = ClipSpacing::gaps;
  std::int64_t step = 1;            ///< consecutive: every so many frames
  std::int64_t most_gap = 3;        ///< gaps: 1 to this, frame rate jitter included
  std::int64_t range = 20;          ///< neighbours: this far to either side
  bool distinct = false;            ///< neighbours: without repetition, as long as there are frames
  bool shuffled = false;            ///< neighbours: in random order
  std::int64_t begin = 0, end = 0;  ///< only frames from begin up to, not including, end; 0: the whole video
  bool labelled_only = true;        ///< only frames with labels count as frames
  double reversed = 0.5;            ///< share of clips that run backwards

  // What must be seen; whatever is asked, after `tries` draws the last one is taken.
  int tries = 5;
  std::int64_t least_objects = 1;  ///< in the first frame; 0: frames without any object will do
  std::int64_t least_area = 0;     ///< first frame: more than this many pixels of objects together; tried 20 times
  Newcomers newcomers = Newcomers::allowed;
  double negatives = 0;  ///< share of clips whose first frame is to show no object
};

/// The frames of a video that a clip may be made of, rising.
inline std::vector<std::int64_t> frames_to_draw(const VideoFacts& video, const ClipOptions& options) {
  const auto end = options.end > 0 ? std::min(options.end, video.frames) : video.frames;
  std::vector<std::int64_t> frames;
  for (auto i = std::max<std::int64_t>(0, options.begin); i < end; ++i)
    if (!options.labelled_only || video.labelled.empty() || video.labelled[static_cast<std::size_t>(i)])
      frames.push_back(i);
  return frames;
}

/// How many of `frames` a clip of consecutive ones can begin with, to end within them; 1 where they are too few.
inline std::int64_t consecutive_starts(std::int64_t frames, const ClipOptions& options) {
  return std::max<std::int64_t>(1, frames - (options.length - 1) * options.step);
}

namespace detail {

/// -1, -2, … and n, n+1, … thrown back inside: a video played to and fro.
inline std::int64_t reflected(std::int64_t i, std::int64_t n) {
  if (n <= 1) return 0;
  const auto period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

class ClipDraw {
 public:
  ClipDraw(const VideoFacts& video, const ClipOptions& options, CounterRandom& random)
      : video_(video), options_(options), random_(random), frames_(frames_to_draw(video, options)) {
    if (frames_.empty())
      throw Error({.what = "no frame of this video can be sampled",
                   .where = "clip sampling",
                   .mend = "check the range of frames, and that some frames have labels"});
    if (random.uniform() < options.reversed) std::reverse(frames_.begin(), frames_.end());
    negative_ = options.negatives > 0 && random.uniform() < options.negatives;
  }

  std::vector<std::int64_t> operator()() {
    std::vector<std::int64_t> clip;
    for (int i = 0; i < std::max(1, options_.tries); ++i) {
      clip = drawn();
      if (!video_.seen || will_do(clip)) break;
    }
    return clip;
  }

 private:
  std::int64_t size() const { return static_cast<std::int64_t>(frames_.size()); }

  std::vector<std::int64_t> drawn() {
    const auto first = reference();
    std::vector<std::int64_t> places{first};
    if (options_.spacing == ClipSpacing::neighbours) {
      std::vector<std::int64_t> around;
      for (auto i = std::max<std::int64_t>(0, first - options_.range);
           i <= std::min(size() - 1, first + options_.range); ++i)
        if (i != first) around.push_back(i);
      while (static_cast<std::int64_t>(places.size()) < options_.length) {
        if (around.empty()) {
          places.push_back(first);
          continue;
        }
        const auto drawn = random_.below(static_cast<std::int64_t>(around.size()));
        places.push_back(around[static_cast<std::size_t>(drawn)]);
        if (options_.distinct) around.erase(around.begin() + drawn);
      }
      std::sort(places.begin(), places.end());
      if (options_.shuffled)
        for (auto i = places.size(); i > 1; --i)
          std::swap(places[i - 1], places[static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(i)))]);
    } else {
      while (static_cast<std::int64_t>(places.size()) < options_.length)
        places.push_back(places.back() + (options_.spacing == ClipSpacing::gaps ? 1 + random_.below(options_.most_gap)
                                                                                : options_.step));
    }
    std::vector<std::int64_t> clip;
    for (const auto place : places) clip.push_back(frames_[static_cast<std::size_t>(reflected(place, size()))]);
    return clip;
  }

  std::int64_t reference() {
    const auto places = options_.spacing == ClipSpacing::consecutive ? consecutive_starts(size(), options_) : size();
    auto place = random_.below(places);
    if (!video_.seen || (options_.least_area <= 0 && !negative_)) return place;
    for (int i = 0; i < 19 && !fits(video_.seen(frames_[static_cast<std::size_t>(place)])); ++i)
      place = random_.below(places);
    return place;
  }

  /// Whether a clip may begin with a frame that shows `objects`.
  bool fits(const std::vector<VisibleObject>& objects) const {
    if (negative_) return objects.empty();
    std::int64_t area = 0;
    for (const auto& object : objects) area += object.area;
    return static_cast<std::int64_t>(objects.size()) >= options_.least_objects &&
           (options_.least_area <= 0 || area > options_.least_area);
  }

  bool will_do(const std::vector<std::int64_t>& clip) const {
    const bool any = options_.least_objects <= 0 && options_.least_area <= 0 && !negative_;
    if (any && options_.newcomers == Newcomers::allowed) return true;
    const auto first = video_.seen(clip[0]);
    if (!fits(first)) return false;
    if (negative_ || options_.newcomers == Newcomers::allowed) return true;
    bool come = false;
    for (std::size_t t = 1; t < clip.size() && !come; ++t)
      for (const auto& object : video_.seen(clip[t]))
        come |=
            std::none_of(first.begin(), first.end(), [&](const VisibleObject& known) { return known.id == object.id; });
    return come == (options_.newcomers == Newcomers::wanted);
  }

  const VideoFacts& video_;
  const ClipOptions& options_;
  CounterRandom& random_;
  std::vector<std::int64_t> frames_;  // those that may be taken, in playing order
  bool negative_ = false;
};

}  // namespace detail

/// Which frames of a video make a clip: indexes, the first being the one that a propagator is given masks for. A clip
/// longer than its video plays to and fro.
inline std::vector<std::int64_t> draw_clip(const VideoFacts& video, const ClipOptions& options, CounterRandom& random) {
  return detail::ClipDraw{video, options, random}();
}

}  // namespace vos
