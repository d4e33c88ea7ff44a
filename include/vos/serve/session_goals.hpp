#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <vos/serve/session_player.hpp>

namespace vos::serve {

/// The part of a session that makes the frames which somebody waits for: where they go, what they ask for again, long ways.
class SessionGoals : public SessionPlayer {
 public:
  using SessionPlayer::SessionPlayer;

 protected:
  struct Seek {
    Asked asked;
    std::int64_t index;
  };
  using Goal = serve::Goal<Asked>;

  static constexpr std::size_t most_goals = 64;
  static constexpr std::int64_t most_fetched = 512;
  static constexpr int most_failed = 3;  // frames one after another that a long way passes over

  void add_goal(std::deque<std::shared_ptr<Goal>>& to, std::shared_ptr<Goal> goal) {
    if (quick_.size() + long_.size() >= most_goals)
      refuse("too much was asked for at once", "the session", "wait for an answer first", "busy");
    to.push_back(std::move(goal));
  }

  static std::shared_ptr<Goal> goal_at(const Asked& asked, std::int64_t index, std::string task) {
    return std::make_shared<Goal>(
        Goal{.asked = asked, .at = index, .last = index, .first = index, .task = std::move(task)});
  }

  void work_on(std::deque<std::shared_ptr<Goal>>& goals) {
    const auto goal = goals.front();
    auto make = make_of(goal->at, true, goal->stop.get_token());
    make.picture = make.picture && goal->shows;
    run(std::move(make), [this, &goals, goal](Outcome<MadeFrame> outcome) {
      if (goal->stop.stop_requested()) return;  // out of the list, and answered
      if (outcome.thrown) {
        if (&goals == &long_ && goal->at != goal->last && ++goal->failed <= most_failed) {
          tell_failed(goal->at, outcome.thrown);
          goal->at += goal->at < goal->last || goal->last < 0 ? 1 : -1;
          return;
        }
        std::erase(goals, goal);
        return goal->asked.refuse(outcome.thrown);
      }
      auto& made = *outcome.value;
      take_in(made);
      goal->failed = 0;
      using enum ProjectStep::State;
      if (made.step.state == waiting) {
        std::erase(goals, goal);
        return goal->asked.refuse(Refused("not_yet", {.what = "frame " + std::to_string(goal->at) + " has not come yet",
                                                      .mend = "ask for a frame that was shown"}));
      }
      if (made.step.state == ready && goal->shows) {
        if (&goals == &quick_ && !playback_.playing) show(made.content, true);
        else send(made.content, &goals == &quick_);
      }
      if (made.step.state == working || (made.step.state == ready && goal->at != goal->last)) {
        goal->tell(audience_, made.step);
        if (made.step.state == ready) goal->at += goal->at < goal->last || goal->last < 0 ? 1 : -1;
        return;
      }
      std::erase(goals, goal);
      goal->progress.end(audience_);
      goal->done();
    });
  }

  /// Shows a frame as it is: its result if there is one, else the picture alone.
  void look() {
    const auto seek = *std::exchange(seek_, std::nullopt);
    if (const auto content = store_.find(seek.index); usable(content)) {
      show(content, true);
      seek.asked.answer();
      return pump();
    }
    run(make_of(seek.index, false), [this, seek](Outcome<MadeFrame> outcome) {
      if (outcome.thrown) return seek.asked.refuse(outcome.thrown);
      take_in(*outcome.value);
      show(outcome.value->content, true);
      seek.asked.answer();
    });
  }

  /// One frame for a guest who wants some again. False: nobody does.
  bool fetch() {
    for (const auto& guest : audience_.guests()) {
      if (!guest->wanted || !guest->viewer().has_room()) continue;
      const auto wanted = *guest->wanted;
      auto make = make_of(wanted.next, false);
      make.picture = wanted.pictures;
      run(std::move(make), [this, guest, wanted](Outcome<MadeFrame> outcome) {
        fetched_ = true;
        if (!guest->wanted || guest->wanted->request != wanted.request) return;
        if (outcome.value) {
          take_in(*outcome.value);
          const auto& content = outcome.value->content;
          if (content->known || !content->jpeg.empty())
            guest->viewer().send(std::make_shared<FetchedFrame>(frame_of(content), wanted.pictures));
          if (++guest->wanted->next <= wanted.last) return;
          guest->answer(wanted.request);
        } else {
          Asked{guest, wanted.request}.refuse(outcome.thrown);
        }
        guest->wanted.reset();
      });
      return true;
    }
    return false;
  }

  void seek(const Asked& asked, std::int64_t index) {
    if (seek_) seek_->asked.answer();  // overtaken by this one
    seek_ = Seek{asked, index};
    playback_.index = index;
    held_.reset();
    if (playback_.playing) start_playing();
    audience_.tell(playback());
  }

  void step(const Asked& asked, std::int32_t frames) {
    if (info_.live)
      refuse("a live source cannot be stepped through", "Step", "pause it, and seek among the frames kept");
    if (playback_.playing) stop_playing();
    const auto last = info_.frames >= 0 ? info_.frames - 1 : std::int64_t{1} << 40;
    const auto index = std::clamp<std::int64_t>(playback_.index + frames, 0, std::max<std::int64_t>(last, 0));
    if (frames <= 0) return seek(asked, index);
    auto goal = goal_at(asked, index, "step");
    goal->done = [this, asked] {
      audience_.tell(playback());
      asked.answer();
    };
    add_goal(quick_, std::move(goal));
    playback_.index = index;  // the next step goes on from there
  }

  void cancel(const Asked& asked, std::uint32_t request) {
    if (request == 0) refuse("request 0", "Cancel.request", "name the number of a request that is under way");
    const Asked whom{asked.guest, request};
    bool found = false;
    for (auto* goals : {&quick_, &long_})
      std::erase_if(*goals, [&](const auto& goal) {
        if (!(goal->asked == whom)) return false;
        found = goal->stop.request_stop();
        goal->asked.refuse(Cancelled(goal->task));
        return true;
      });
    if (asked.guest->wanted && asked.guest->wanted->request == request) {
      asked.guest->wanted.reset();
      whom.refuse(Cancelled("Fetch"));
      found = true;
    }
    for (const auto& work : beside_)
      if (work->asked == whom) found = work->stop.request_stop() || found;
    if (!found)
      refuse("request " + std::to_string(request) + " is not under way, or cannot be broken off", "Cancel.request", "",
             "not_under_way");
    asked.answer();
  }

  std::optional<Seek> seek_;
  std::deque<std::shared_ptr<Goal>> quick_, long_;  // a person waits; takes long
  bool fetched_ = false;                            // the last job was for who wants frames again
};

}  // namespace vos::serve
