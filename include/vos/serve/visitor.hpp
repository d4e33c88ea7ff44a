#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <vos/serve/service.hpp>
#include <vos/serve/session.hpp>

namespace vos::serve {

/// One WebSocket: a stranger until its Hello.
class Visitor final : public Receiver, public std::enable_shared_from_this<Visitor> {
 public:
  /// What happens when it says Hello; may throw an Error.
  using Greet = std::function<void(const std::shared_ptr<Visitor>&, const wire::Hello&)>;

  Visitor(boost::asio::io_context& network, std::shared_ptr<Viewer> viewer, Access access, Greet greet)
      : viewer_(std::move(viewer)), access_(access), greet_(std::move(greet)), timer_(network) {}

  void wait_for_hello(double seconds) {
    timer_.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds)));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      const auto self = weak.lock();
      if (error || !self || self->greeted_) return;
      self->send_away(close_code::protocol,
                      Refused("no_hello", {.what = "nothing was said", .mend = "begin with a Hello"}));
    });
  }

  void receive(const wire::Message& message) override {
    if (session_) return session_->receive(guest_, message);
    if (gone_) return;
    try {
      if (std::exchange(greeted_, greeted_ || message.body_type() == wire::Body::Hello) ||
          message.body_type() != wire::Body::Hello)
        refuse(greeted_ ? "the session is not open yet" : "a connection begins with a Hello", "the connection",
               greeted_ ? "wait for Welcome" : "say Hello first", "too_early");
      timer_.cancel();
      greet_(shared_from_this(), *message.body_as_Hello());
    } catch (const Refused& refused) {
      if (refused.code() == "too_early") stranger().refuse(message.request(), refused);
      else send_away(code_for(refused), refused);
    } catch (const Error& error) {
      send_away(code_for(error), error);
    }
  }

  void receive_fault(wire::MessageFault fault) override {
    constexpr int most = 16;
    const Refused refused{fault == wire::MessageFault::unknown ? "unknown_message" : "bad_message",
                          {.what = std::string{wire::text_of(fault)}, .mend = "see docs/wire.md"}};
    if (++faults_ > most) return send_away(close_code::too_many_faults, refused);
    stranger().refuse(0, refused);
  }

  void has_room() override {
    if (session_) session_->room();
  }

  void gone() override {
    gone_ = true;
    timer_.cancel();
    if (const auto session = std::exchange(session_, nullptr)) session->detach(*guest_);
  }

  /// The session is there.
  void enter(std::shared_ptr<Session> session, bool owner, bool pictures, double most_frames, std::int64_t last_index) {
    if (gone_) return;
    session_ = std::move(session);
    viewer_->trust();
    guest_ = std::make_shared<Guest>(viewer_, owner, pictures, most_frames);
    session_->attach(guest_, last_index);
  }

  void send_away(std::uint16_t code, const Error& why) {
    greeted_ = true;
    stranger().close(code, why);
  }

  Access access() const { return access_; }
  bool is_gone() const { return gone_; }

  static std::uint16_t code_for(const Error& error) {
    static const std::map<std::string, std::uint16_t> codes{
        {"not_allowed", close_code::not_allowed}, {"too_many_wrong", close_code::not_allowed},
        {"no_session", close_code::no_session},   {"full", close_code::full},
        {"stopping", close_code::stopping},       {"protocol", close_code::protocol}};
    const auto found = codes.find(code_of(error));
    return found != codes.end() ? found->second : close_code::failed;
  }

 private:
  Guest stranger() const {
    return guest_ ? Guest{viewer_, false, guest_->pictures(), 0} : Guest{viewer_, false, false, 0};
  }

  std::shared_ptr<Viewer> viewer_;
  Access access_;
  Greet greet_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Session> session_;
  std::shared_ptr<Guest> guest_;
  int faults_ = 0;
  bool greeted_ = false, gone_ = false;
};

}  // namespace vos::serve
