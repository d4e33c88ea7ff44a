#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/serve/session_exports.hpp>

namespace vos::serve {

/// One video that somebody works on, and all who watch. On the network thread; what touches the project is a job for the compute
/// thread, one at a time: an edit that waits comes before the frame that a person waits for, that before playback, and playback
/// before what takes long.
class Session final : public SessionExports {
 public:
  /// The project threw what is no Error; the session has told everybody and is of no use any more.
  using Failed = std::function<void(const std::weak_ptr<SessionJobs>&)>;

  Session(Workplace& place, SessionRecord record, SessionFolder folder, Failed failed)
      : SessionExports(place, std::move(record), std::move(folder)), failed_(std::move(failed)) {}

  /// Makes the project, from what was saved where there is something. `then` is called with what was thrown, or null.
  void open(ProjectSpec spec, std::function<void(std::exception_ptr)> then) {
    if (!place_.options.prepare) return make(std::move(spec), std::move(then));
    desk_.beside<ProjectSpec>(
        [prepare = place_.options.prepare, spec = std::move(spec)](std::stop_token) { return prepare(spec); }, {},
        [this, self = shared_from_this(), then = std::move(then)](Outcome<ProjectSpec> outcome) {
          if (outcome.thrown || ended_) return then(outcome.thrown);
          make(std::move(*outcome.value), then);
        });
  }

  const SessionRecord& record() const { return record_; }
  const SessionFolder& folder() const { return folder_; }
  const ProjectInfo& info() const { return info_; }
  const Audience& audience() const { return audience_; }
  bool is_open() const { return open_ && !ended_; }
  /// A live source is followed all the time: that is no work for anybody.
  bool is_at_work() const {
    return editing_ || !edits_.empty() || !quick_.empty() || !long_.empty() || !beside_.empty();
  }
  std::size_t memory() const { return memory_ + store_.bytes(); }
  std::int64_t frames_done() const { return done_; }

  // --- people ----------------------------------------------------------------------------------------------------------
  /// `last_index`: the last frame that this guest has of an earlier connection; -1: none.
  void attach(const std::shared_ptr<Guest>& guest, std::int64_t last_index) {
    if (guest->owner())
      if (const auto before = audience_.owner()) {
        audience_.remove(*before);
        before->close(close_code::taken_over, Refused("taken_over", {.what = "the session is open elsewhere now",
                                                                     .mend = "reload to take it back"}));
      }
    audience_.add(guest);
    guest->tell(welcome(*guest));
    guest->tell(object_list());
    guest->tell(playback());
    const auto missed = last_index >= 0 ? store_.after(last_index) : std::vector<Content>{};
    for (const auto& content : missed)
      if (content != current_) guest->send(frame_of(content), content->frame.index, true);
    if (!current_ || (guest->pictures() && current_->jpeg.empty())) {
      // Nothing of it is left here, but the guest knows where it was.
      const bool known = info_.frames < 0 || last_index < info_.frames;
      if (!info_.live)
        seek_ =
            Seek{{}, !current_ && last_index >= 0 && known ? last_index : std::max<std::int64_t>(playback_.index, 0)};
    } else {
      send_again(*guest);
    }
    pump();
  }

  void detach(const Guest& guest) {
    audience_.remove(guest);
    if (audience_.empty() && playback_.playing && !info_.live) stop_playing();
    room();
  }

  void receive(const std::shared_ptr<Guest>& guest, const wire::Message& message) {
    const Asked asked{guest, message.request()};
    try {
      take(asked, message);
    } catch (const Error& error) {
      asked.refuse(error);
    }
    pump();
  }

  /// Twice a second or so.
  void tick() {
    const auto now = Clock::now();
    const auto seconds = std::chrono::duration<double>(now - counted_since_).count();
    if (seconds < 1) return;
    const auto rate = static_cast<float>(static_cast<double>(done_ - counted_) / seconds);
    counted_ = done_;
    counted_since_ = now;
    for (const auto& guest : audience_.guests()) {
      wire::StatisticsT statistics;
      statistics.frames_per_second = rate;
      statistics.latency_ms = static_cast<float>(guest->latency_ms());
      statistics.queue = static_cast<std::uint32_t>(guest->viewer().queued());
      statistics.dropped = guest->viewer().dropped_frames();
      statistics.sent_bytes = guest->viewer().sent_bytes();
      statistics.viewers = static_cast<std::uint32_t>(audience_.guests().size());
      guest->tell(std::move(statistics));
    }
  }

  // --- the end -----------------------------------------------------------------------------------------------------------
  /// No more requests: what was asked for is finished, then `then` is called.
  void drain(std::function<void()> then) {
    drained_ = std::move(then);
    if (playback_.playing) stop_playing();
    pump();
  }

  /// Sends everybody away and gives the project back; `then` is called when nothing of it is left. With `forget` the folder goes.
  void end(std::uint16_t code, const Error& why, bool forget, std::function<void()> then) {
    if (ended_) {
      if (forget) folder_.remove();
      return then();
    }
    ended_ = true;
    break_all_off();
    for (const auto& guest : audience_.guests())
      guest->close(code, why, code == close_code::failed ? wire::Severity::error : wire::Severity::event);
    audience_ = {};
    const auto close = [this, self = shared_from_this(), forget, then = std::move(then)] {
      desk_.close([&network = place_.network, forget, folder = folder_, then] {
        if (forget) folder.remove();
        boost::asio::post(network, then);
      });
    };
    if (place_.options.record.empty() || !open_ || code == close_code::failed) close();
    else record_results(close);
  }

 private:
  void make(ProjectSpec spec, std::function<void(std::exception_ptr)> then) {
    struct Opened {
      ProjectInfo info;
      std::vector<ProjectObject> objects;
    };
    feeds_ = spec.input == "feed";
    desk_.run(
        [make = place_.make, spec = std::move(spec), record = record_, folder = folder_](auto& project) mutable {
          project = make(spec, record.project);
          if (!project) throw Error({.what = "there is nothing to be opened"});
          // Whether it can be decoded shows now, and how large it is.
          if (!project->info().live) project->picture(0);
          Opened opened{project->info(), project->objects()};
          write_down(*project, opened.info, record, folder);
          return opened;
        },
        [this, self = shared_from_this(), then = std::move(then)](Outcome<Opened> outcome) {
          if (outcome.value && !ended_) {
            info_ = std::move(outcome.value->info);
            know(std::move(outcome.value->objects));
            playback_.fps = info_.fps;
            open_ = true;
            if (info_.live) playback_.start(Clock::now());
            else seek_ = Seek{{}, 0};
          }
          then(outcome.thrown);
          pump();
        });
  }

  void pump() override {
    if (busy_ || ended_ || !open_) return;
    if (!editing_ && !edits_.empty()) {
      editing_ = true;
      const auto edit = std::move(edits_.front());
      edits_.pop_front();
      return edit();
    }
    if (camera_) return take_camera_picture();
    if (seek_) return look();
    if (!quick_.empty()) return work_on(quick_);
    // By turns with playback: who fetches much must not stop it.
    const bool fetched = std::exchange(fetched_, false);
    if (!fetched && fetch()) return;
    if (play()) return;
    if (fetch()) return;
    if (!long_.empty()) return work_on(long_);
    if (drained_ && !is_at_work()) std::exchange(drained_, nullptr)();
  }

  // --- what clients say --------------------------------------------------------------------------------------------------------------
  void take(const Asked& asked, const wire::Message& message) {
    if (ended_) return;
    using enum wire::Body;
    auto& guest = *asked.guest;
    switch (message.body_type()) {
      case Fetch: {
        const auto& wanted = *message.body_as_Fetch();
        const auto first = frame_from(wanted.first(), info_, "Fetch.first");
        const auto last = frame_from(wanted.last(), info_, "Fetch.last");
        if (last < first || last - first >= most_fetched)
          refuse("frames " + std::to_string(first) + " to " + std::to_string(last), "Fetch",
                 "from 1 to " + std::to_string(most_fetched) + " at once, in order");
        if (guest.wanted) guest.refuse(guest.wanted->request, Cancelled("Fetch"));
        guest.wanted = {first, last, wanted.pictures(), asked.request};
        return;
      }
      case KeyFrame: send_again(guest); return asked.answer();
      case Seen: return guest.seen(message.body_as_Seen()->index());
      case Hello: refuse("there was a Hello already", "Hello", "connect anew for another session");
      default: break;
    }
    if (!guest.owner())
      refuse("who watches cannot change anything", "the session", "ask its owner for the session itself", "read_only");
    if (drained_) refuse("the server stops", "the session", "connect again in a moment", "stopping");
    switch (message.body_type()) {
      case Play:
        if (!info_.live && info_.frames >= 0 && playback_.index + 1 >= info_.frames && current_ && current_->known)
          playback_.index = -1;
        start_playing();
        audience_.tell(playback());
        return asked.answer();
      case Pause:
        if (playback_.playing) stop_playing();
        return asked.answer();
      case wire::Body::Seek: return seek(asked, frame_from(message.body_as_Seek()->index(), info_, "Seek.index"));
      case Step: return step(asked, message.body_as_Step()->frames());
      case Speed: {
        const auto factor = message.body_as_Speed()->factor();
        if (!(factor == 0 || (factor >= 0.01F && factor <= 100)))
          refuse("a speed of " + std::to_string(factor), "Speed.factor", "0.01 to 100, or 0 for as fast as can be");
        playback_.speed = factor;
        if (playback_.playing) start_playing();
        audience_.tell(playback());
        return asked.answer();
      }
      case Prompt: return prompt(asked, *message.body_as_Prompt());
      case RenameObject: {
        const auto& from = *message.body_as_RenameObject();
        if (from.category() < -1 || from.colour() > 0xFFFFFF)
          refuse("category " + std::to_string(from.category()) + ", colour " + std::to_string(from.colour()),
                 "RenameObject", "-1 is no category; colours are 0xRRGGBB");
        return queue_simple(
            asked,
            [id = object_from(from.object(), "RenameObject.object"), name = name_from(from.name(), "RenameObject.name"),
             category = from.category(), colour = from.colour()](Project& project) {
              project.rename(id, name, category, colour);
              return std::vector<ObjectId>{id};
            },
            &Project::undo, false);
      }
      case RemoveObject:
        return queue_simple(asked, [id = object_from(message.body_as_RemoveObject()->object(), "RemoveObject.object")](
                                       Project& project) {
          project.remove(id);
          return std::vector<ObjectId>{};
        });
      case MergeObjects: {
        const auto& from = *message.body_as_MergeObjects();
        if (from.from() == from.into())
          refuse("object " + std::to_string(from.from()) + " with itself", "MergeObjects", "name two");
        return queue_simple(asked, [one = object_from(from.from(), "MergeObjects.from"),
                                    into = object_from(from.into(), "MergeObjects.into")](Project& project) {
          project.merge(one, into);
          return std::vector<ObjectId>{into};
        });
      }
      case SplitObject: {
        const auto& from = *message.body_as_SplitObject();
        return queue_simple(asked, [id = object_from(from.object(), "SplitObject.object"),
                                    index = frame_from(from.index(), info_, "SplitObject.index")](Project& project) {
          return std::vector<ObjectId>{project.split(id, index)};
        });
      }
      case Propagate: return propagate(asked, *message.body_as_Propagate());
      case Undo:
        return queue_simple(
            asked,
            [](Project& project) {
              if (!project.undo()) refuse("there is nothing to take back", "Undo", "", "nothing_to_undo");
              return std::vector<ObjectId>{};
            },
            &Project::redo);
      case Redo:
        return queue_simple(asked, [](Project& project) {
          if (!project.redo()) refuse("there is nothing to make again", "Redo", "", "nothing_to_redo");
          return std::vector<ObjectId>{};
        });
      case Cancel: return cancel(asked, message.body_as_Cancel()->request());
      case ChooseModel: {
        const auto& from = *message.body_as_ChooseModel();
        return choose_model(asked, name_from(from.name(), "ChooseModel.name"), settings_from(from.settings()));
      }
      case Settings: return choose_model(asked, info_.model, settings_from(message.body_as_Settings()->settings()));
      case Export: return export_results(asked, *message.body_as_Export());
      case CameraFrame: return camera_frame(asked, *message.body_as_CameraFrame());
      default:
        refuse(std::string{wire::EnumNameBody(message.body_type())} + " is what servers say", "the message",
               "see docs/wire.md");
    }
  }

  /// The session is over. Its edits are in its folder; who comes back finds it made anew.
  void fail(const std::exception_ptr& thrown) override {
    log_failure("a session failed", thrown);
    place_.metrics.failures.add();
    const auto failed = [tell = failed_, self = weak_from_this()] { tell(self); };
    end(close_code::failed,
        Refused("session_failed",
                {.what = "the work on this video failed",
                 .mend = info_.live ? "begin a new session, with another model if it happens again"
                                    : "connect again: all edits are kept; choose another model if it happens again"}),
        info_.live, failed);
  }

  void break_all_off() {
    for (const auto* goals : {&quick_, &long_})
      for (const auto& goal : *goals) goal->stop.request_stop();
    quick_.clear();
    long_.clear();
    edits_.clear();
    break_off([](const BesideWork&) { return true; });
    stop_timers();
  }

  Failed failed_;
  std::function<void()> drained_;
  std::int64_t counted_ = 0;  // frames made when the statistics were told last
  Clock::time_point counted_since_ = Clock::now();
};

}  // namespace vos::serve
