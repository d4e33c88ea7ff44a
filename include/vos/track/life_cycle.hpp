#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include <vos/error.hpp>

namespace vos {

struct LifeCycleOptions {
  double birth = 0.5;
  std::int64_t births = 2, window = 3;
  double keep = 0.3;
  double back = 0.5;
  std::int64_t patience = 30;

  void visit(auto&& field) {
    field("birth", birth, "confidence from which a detection speaks for a new object");
    field("births", births, "how many such detections make an object");
    field("window", window, "within how many frames, at most 32");
    field("keep", keep, "an object is lost below this confidence");
    field("back", back, "a lost object is found again from this confidence on");
    field("patience", patience, "an object dies when it was lost for more frames than this");
  }
};

/// Throws unless the options can be used.
inline void expect_usable(const LifeCycleOptions& options) {
  if (options.births < 1 || options.window < options.births || options.window > 32)
    throw Error(
        {.what = std::to_string(options.births) + " births within a window of " + std::to_string(options.window),
         .where = "the tracker's life cycle",
         .mend = "use at least 1, within a window of at least as many and at most 32 frames"});
  if (!(options.keep <= options.back && options.keep <= options.birth) || options.patience < 0)
    throw Error({.what = "keep " + std::to_string(options.keep) + ", birth " + std::to_string(options.birth) +
                         ", back " + std::to_string(options.back) + ", patience " + std::to_string(options.patience),
                 .where = "the tracker's life cycle",
                 .mend = "use a keep that is neither above birth nor above back, and no negative patience"});
}

/// The life of a track, told by the confidence of its detection in each frame (0 where none continues it).
///
///   tentative --enough good frames in the window--> alive <--back-- lost --more than `patience` frames--> dead
///        '--a window without a good frame--> dead      '--below keep--> lost
///
/// Two thresholds, so that a confidence that hovers about one of them makes nothing flicker.
class LifeCycle {
 public:
  enum class State : std::uint8_t { tentative, alive, lost, dead };

  State state() const { return state_; }
  bool known() const { return state_ == State::alive || state_ == State::lost; }
  std::int64_t lost_for() const { return lost_for_; }

  void see(double score, const LifeCycleOptions& options) {
    switch (state_) {
      case State::tentative:
        recent_ = (recent_ << 1 | (score >= options.birth ? 1U : 0U)) & window_bits(options);
        if (recent_ == 0) state_ = State::dead;
        break;
      case State::alive:
        if (score < options.keep) lose();
        break;
      case State::lost:
        if (score >= options.back) revive();
        else ++lost_for_;
        break;
      case State::dead: break;
    }
  }

  /// A tentative track that has been seen often enough to be born. `frames`: how many there were since the video began; in
  /// the first ones less is asked for, or nothing would be seen in them.
  bool ripe(const LifeCycleOptions& options, std::int64_t frames) const {
    return state_ == State::tentative && (recent_ & 1U) != 0 &&
           std::popcount(recent_) >= (frames < options.births ? frames : options.births);
  }

  /// Born, found again, or put there by hand.
  void revive() { state_ = State::alive, lost_for_ = 0; }
  void lose() { state_ = State::lost, lost_for_ = 1; }
  void die() { state_ = State::dead; }

 private:
  static std::uint32_t window_bits(const LifeCycleOptions& options) {
    return options.window >= 32 ? ~0U : (1U << options.window) - 1;
  }

  State state_ = State::tentative;
  std::uint32_t recent_ = 0;  // bit i: a good detection i frames ago
  std::int64_t lost_for_ = 0;
};

}  // namespace vos
