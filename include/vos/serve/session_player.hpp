#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <vos/serve/goal.hpp>
#include <vos/serve/requests.hpp>
#include <vos/serve/session_frames.hpp>

namespace vos::serve {

/// The part of a session that shows frames one after another: playback at its pace, and a source that is followed live.
class SessionPlayer : public SessionFrames {
 public:
  SessionPlayer(Workplace& place, SessionRecord record, SessionFolder folder)
      : SessionFrames(place, std::move(record), std::move(folder)),
        play_timer_(place.network),
        wait_timer_(place.network) {}

  /// There is room for frames again, or it is time.
  void room() {
    present();
    pump();
  }

 protected:
  std::int64_t next_index() const {
    // A picture alone was not tracked yet.
    const bool same = current_ && !current_->known && playback_.index != passed_;
    return same ? playback_.index : playback_.index + 1;
  }

  bool usable(const Content& content) const {
    return content && content->known && (!content->jpeg.empty() || !audience_.wants_pictures());
  }

  /// Shows the frame in hand if it is due and there is room. False: not now.
  bool present() {
    if (!held_ || !playback_.playing || ended_) return false;
    if (Clock::now() < playback_.due()) {
      if (!std::exchange(play_timer_set_, true)) {
        play_timer_.expires_at(playback_.due());
        play_timer_.async_wait([this, weak = weak_from_this()](boost::system::error_code) {
          const auto self = weak.lock();
          if (!self) return;
          play_timer_set_ = false;
          room();
        });
      }
      return false;
    }
    if (!info_.live && !audience_.has_room()) return false;
    show(*std::exchange(held_, std::nullopt), false);
    return true;
  }

  /// Shows what is due, and makes the frame that comes next. False: there is nothing to make now.
  bool play() {
    while (playback_.playing) {
      if (held_) {
        if (!present()) return false;
        continue;
      }
      if (waiting_) return false;
      const auto next = next_index();
      if (info_.frames >= 0 && next >= info_.frames) {
        stop_playing();
        return false;
      }
      if (auto content = store_.find(next); usable(content)) {
        held_ = std::move(content);
        continue;
      }
      run(make_of(next, true), [this, next](Outcome<MadeFrame> outcome) {
        if (outcome.thrown) return next == next_index() ? play_failed(outcome.thrown) : void();
        auto& made = *outcome.value;
        take_in(made);
        lost_ = 0;
        const auto state = made.step.state;
        if (!playback_.playing || next != next_index()) return;  // paused or sought meanwhile
        if (state == ProjectStep::State::ready) held_ = std::move(made.content);
        else if (state == ProjectStep::State::waiting) wait_for_source();
        else if (state == ProjectStep::State::ended) stop_playing();
        else play_progress_.tell(audience_, "update", made.step.done, made.step.total);
        if (state == ProjectStep::State::ready) play_progress_.end(audience_);
      });
      return true;
    }
    return false;
  }

  void wait_for_source() {
    waiting_ = true;
    wait_timer_.expires_after(std::chrono::milliseconds(feeds_ ? 100 : 4));
    wait_timer_.async_wait([this, weak = weak_from_this()](boost::system::error_code error) {
      const auto self = weak.lock();
      if (error || !self) return;
      waiting_ = false;
      pump();
    });
  }

  /// The next Play goes on behind the frame that failed. Where a live source has gone on meanwhile, this one does too.
  void play_failed(const std::exception_ptr& thrown) {
    if (!playback_.playing) return;
    if (!info_.live) return stop_behind(next_index(), thrown);
    run([](Project& project) { return project.newest(); },
        [this, thrown, failed = next_index()](Outcome<std::int64_t> outcome) {
          if (!playback_.playing || failed != next_index()) return;
          if (!outcome.value || *outcome.value <= failed || ++lost_ > 8) return stop_behind(failed, thrown);
          passed_ = playback_.index = *outcome.value;
        });
  }

  void stop_behind(std::int64_t failed, const std::exception_ptr& thrown) {
    passed_ = playback_.index = failed;
    stop_playing();
    tell_failed(failed, thrown);
  }

  void tell_failed(std::int64_t index, const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      auto notice = notice_of(error);
      notice.index = index;
      audience_.tell(std::move(notice));
    }
  }

  void start_playing() {
    playback_.start(Clock::now());
    play_timer_.cancel();  // it waits for what was due before
  }

  void stop_playing() {
    playback_.playing = false;
    held_.reset();
    audience_.tell(playback());
  }

  // --- a browser's camera ----------------------------------------------------------------------------------------------------
  void take_camera_picture() {
    auto picture = *std::exchange(camera_, std::nullopt);
    const auto asked = picture.asked;
    run([picture = std::move(picture)](Project& project) { return project.feed(picture.seconds, picture.jpeg); },
        [this, asked](Outcome<std::int64_t> outcome) {
          if (outcome.thrown) return asked.refuse(outcome.thrown);
          asked.answer();
          wait_timer_.cancel();
          waiting_ = false;
        });
  }

  void camera_frame(const Asked& asked, const wire::CameraFrame& frame) {
    if (!feeds_)
      refuse("this session has a source of its own", "CameraFrame", "begin a session with a camera", "no_camera");
    const auto jpeg = wire::bytes_of(frame.jpeg());
    if (jpeg.size() < 4 || jpeg[0] != 0xFF || jpeg[1] != 0xD8)
      refuse("a picture that is no JPEG", "CameraFrame.jpeg", "send JPEG");
    if (!std::isfinite(frame.seconds())) refuse("a time that is no number", "CameraFrame.seconds", "send seconds");
    if (camera_)
      camera_->asked.refuse(
          Refused("dropped", {.what = "a newer picture came first", .mend = "send fewer in a second"}));
    camera_ = CameraPicture{asked, frame.seconds(), {jpeg.begin(), jpeg.end()}};
  }

  void stop_timers() {
    play_timer_.cancel();
    wait_timer_.cancel();
  }

  struct CameraPicture {
    Asked asked;
    double seconds;
    std::vector<std::uint8_t> jpeg;
  };

  std::optional<Content> held_;  // what playback shows next
  std::optional<CameraPicture> camera_;
  bool feeds_ = false;  // pictures come from a browser

 private:
  boost::asio::steady_timer play_timer_, wait_timer_;
  ProgressTeller play_progress_;
  std::int64_t passed_ = -1;  // a frame that failed, or was gone
  int lost_ = 0;              // times one after another that a live source was lost
  bool waiting_ = false;      // for a live source
  bool play_timer_set_ = false;
};

}  // namespace vos::serve
