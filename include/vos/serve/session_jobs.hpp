#pragma once

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <vos/serve/audience.hpp>
#include <vos/serve/refused.hpp>
#include <vos/serve/state_folder.hpp>
#include <vos/serve/workplace.hpp>

namespace vos::serve {

/// The part of a session that has work done: one job at a time on the compute thread, and what may run beside.
class SessionJobs : public std::enable_shared_from_this<SessionJobs> {
 public:
  SessionJobs(Workplace& place, SessionRecord record, SessionFolder folder)
      : place_(place), record_(std::move(record)), folder_(std::move(folder)), desk_(place) {}
  virtual ~SessionJobs() = default;
  SessionJobs(const SessionJobs&) = delete;
  SessionJobs& operator=(const SessionJobs&) = delete;

 protected:
  // What a client asked for, and who.
  struct Asked {
    std::shared_ptr<Guest> guest = {};  // null: nobody
    std::uint32_t request = 0;

    void answer(wire::AnswerT answer = {}) const {
      if (guest) guest->answer(request, std::move(answer));
    }
    void refuse(const Error& error) const {
      if (guest) guest->refuse(request, error);
    }
    void refuse(const std::exception_ptr& thrown) const {
      try {
        std::rethrow_exception(thrown);
      } catch (const Error& error) {
        refuse(error);
      } catch (...) {  // told to all already
      }
    }
    bool operator==(const Asked& other) const { return guest == other.guest && request == other.request; }
  };

  // Work that runs beside and can be broken off.
  struct BesideWork {
    Asked asked;
    bool preview;
    std::stop_source stop;
  };

  /// Begins the job that is most urgent, where none is under way.
  virtual void pump() = 0;
  /// The project threw what is no Error: nobody knows what state it is in.
  virtual void fail(const std::exception_ptr& thrown) = 0;

  // --- jobs for the compute thread ----------------------------------------------------------------------------------------
  /// Runs `work(Project&)` there, then `then(Outcome)` here. A failure ends the session.
  template <class Work, class Then>
  void run(Work work, Then then) {
    using Value = std::invoke_result_t<Work, Project&>;
    busy_ = true;
    desk_.run([work = std::move(work)](auto& project) mutable { return work(*project); },
              [self = shared_from_this(), then = std::move(then)](Outcome<Value> outcome) mutable {
                self->busy_ = false;
                if (self->ended_ || self->fails(outcome.thrown)) return;
                then(std::move(outcome));
                self->pump();
              });
  }

  /// Runs `work` beside, then `then(Outcome)` here. It does not touch the project: what goes wrong is refused, and no more.
  template <class Value, class Then>
  void run_beside(const Asked& asked, bool preview, Beside<Value> work, Then then) {
    auto one = std::make_shared<BesideWork>(BesideWork{asked, preview, {}});
    beside_.push_back(one);
    desk_.beside(std::move(work), one->stop.get_token(),
                 [self = shared_from_this(), one, then = std::move(then)](Outcome<Value> outcome) mutable {
                   std::erase(self->beside_, one);
                   if (self->ended_) return;
                   self->tell_as_error(outcome.thrown);
                   then(std::move(outcome));
                   self->pump();
                 });
  }

  template <class Which>
  void break_off(Which which) {
    for (const auto& work : beside_)
      if (which(*work)) work->stop.request_stop();
  }

  // --- the end -------------------------------------------------------------------------------------------------------------------------
  void log_failure(const std::string& what, const std::exception_ptr& thrown) const {
    if (place_.options.log) place_.options.log(what, {{"session", record_.id}, {"reason", reason_of(thrown)}});
  }

  Workplace& place_;
  SessionRecord record_;
  SessionFolder folder_;
  Desk desk_;
  std::vector<std::shared_ptr<BesideWork>> beside_;
  bool open_ = false, ended_ = false;
  bool busy_ = false;  // a job is with the compute thread

 private:
  static bool is_error(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  bool fails(const std::exception_ptr& thrown) {
    if (!thrown || is_error(thrown)) return false;
    fail(thrown);
    return true;
  }

  void tell_as_error(std::exception_ptr& thrown) const {
    if (!thrown || is_error(thrown)) return;
    log_failure("work failed", thrown);
    thrown = std::make_exception_ptr(Refused(
        "failed", {.what = "this could not be done", .mend = "try it in another way; the server's log says more"}));
  }
};

}  // namespace vos::serve
