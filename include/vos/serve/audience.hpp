#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vos/serve/refused.hpp>
#include <vos/serve/viewer.hpp>

namespace vos::serve {

/// Why viewers are sent away: codes of the WebSocket's end. Those from 4000 on are ours.
namespace close_code {
inline constexpr std::uint16_t stopping = 1001, too_many_faults = 1008, failed = 1011, protocol = 4400,
                               not_allowed = 4401, no_session = 4404, taken_over = 4409, ended = 4410, full = 4429;
}  // namespace close_code

/// Somebody connected to a session.
class Guest {
 public:
  using Clock = std::chrono::steady_clock;

  /// Frames that this guest wants again, in order.
  struct Wanted {
    std::int64_t next = 0, last = 0;
    bool pictures = false;
    std::uint32_t request = 0;
  };

  Guest(std::shared_ptr<Viewer> viewer, bool owner, bool pictures, double most_frames_per_second)
      : viewer_(std::move(viewer)), owner_(owner), pictures_(pictures), least_gap_(gap_of(most_frames_per_second)) {
    viewer_->want_pictures(pictures);
  }

  Viewer& viewer() const { return *viewer_; }
  bool owner() const { return owner_; }
  bool pictures() const { return pictures_; }
  std::optional<Wanted> wanted = {};

  template <class Fields>
  void tell(Fields fields, std::uint32_t request = 0) const {
    viewer_->send(std::make_shared<const wire::Written>(wire::message_of(std::move(fields), request)));
  }

  /// The request is done; nothing is sent where no answer was asked for.
  void answer(std::uint32_t request, wire::AnswerT answer = {}) const {
    if (request != 0) tell(std::move(answer), request);
  }

  /// The request is not done. Who wanted no answer is told all the same.
  void refuse(std::uint32_t request, const Error& error) const {
    auto notice = notice_of(error, request != 0 ? wire::Severity::error : wire::Severity::warning);
    if (request == 0) return tell(std::move(notice));
    wire::AnswerT answer;
    answer.error = std::make_unique<wire::NoticeT>(std::move(notice));
    tell(std::move(answer), request);
  }

  /// A frame; `always`: though this guest wants few in a second.
  void send(const std::shared_ptr<const OutgoingFrame>& frame, std::int64_t index, bool always) {
    const auto now = Clock::now();
    if (!always && now - last_frame_ < least_gap_) return;
    last_frame_ = now;
    if (under_way_.size() == 64) under_way_.pop_front();
    under_way_.emplace_back(index, now);
    viewer_->send(frame);
  }

  /// The person sees that frame now.
  void seen(std::int64_t index) {
    const auto found =
        std::find_if(under_way_.rbegin(), under_way_.rend(), [&](const auto& one) { return one.first == index; });
    if (found == under_way_.rend()) return;
    latency_ = std::chrono::duration<double, std::milli>(Clock::now() - found->second).count();
    under_way_.erase(under_way_.begin(), found.base());
  }

  void close(std::uint16_t code, const Error& why, wire::Severity severity = wire::Severity::error) const {
    tell(notice_of(why, severity));
    viewer_->close(code, without_paths(why.parts().what).substr(0, 120));  // RFC 6455: at most 123 bytes
  }

  double latency_ms() const { return latency_; }

 private:
  static Clock::duration gap_of(double frames_per_second) {
    if (!(frames_per_second > 0)) return Clock::duration::zero();
    // A little less than the gap: timers are late at times, and a frame left out for that would halve the rate.
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(0.9 / std::max(frames_per_second, 0.01)));
  }

  std::shared_ptr<Viewer> viewer_;
  bool owner_, pictures_;
  Clock::duration least_gap_;
  Clock::time_point last_frame_ = {};
  std::deque<std::pair<std::int64_t, Clock::time_point>> under_way_;  // frames sent, not seen yet
  double latency_ = 0;
};

/// All who are connected to a session.
class Audience {
 public:
  using Guests = std::vector<std::shared_ptr<Guest>>;

  const Guests& guests() const { return guests_; }
  bool empty() const { return guests_.empty(); }
  void add(std::shared_ptr<Guest> guest) { guests_.push_back(std::move(guest)); }
  void remove(const Guest& guest) {
    std::erase_if(guests_, [&](const auto& one) { return one.get() == &guest; });
  }
  std::shared_ptr<Guest> owner() const {
    const auto found = std::find_if(guests_.begin(), guests_.end(), [](const auto& one) { return one->owner(); });
    return found == guests_.end() ? nullptr : *found;
  }

  bool wants_pictures() const {
    return std::any_of(guests_.begin(), guests_.end(), [](const auto& one) { return one->pictures(); });
  }
  /// Whether the owner can take a frame. Who only watches is not waited for: others would stand still for a slow one.
  bool has_room() const {
    const auto one = owner();
    return !one || one->viewer().has_room();
  }

  /// One message for all, written once.
  template <class Fields>
  void tell(Fields fields) const {
    if (empty()) return;
    const auto message = std::make_shared<const wire::Written>(wire::message_of(std::move(fields)));
    for (const auto& guest : guests_) guest->viewer().send(message);
  }
  void send(const std::shared_ptr<const OutgoingFrame>& frame, std::int64_t index, bool always) const {
    for (const auto& guest : guests_) guest->send(frame, index, always);
  }

 private:
  Guests guests_;
};

}  // namespace vos::serve
