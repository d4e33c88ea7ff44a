#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <vos/core/utf8.hpp>
#include <vos/serve/serving.hpp>
#include <vos/serve/token_bucket.hpp>
#include <vos/serve/transport.hpp>
#include <vos/serve/viewer_queue.hpp>

namespace vos::serve {

/// A Viewer at the other end of a WebSocket. `run` reads until the end; writes follow each other without waiting for anything
/// but the socket: one write for a message.
class WebViewer final : public Viewer, public Watched, public std::enable_shared_from_this<WebViewer> {
 public:
  WebViewer(std::shared_ptr<Serving> serving, Transport transport)
      : Watched(serving->open),
        serving_(std::move(serving)),
        limits_(serving_->options.viewer),
        web_(std::move(transport)),
        queue_(limits_),
        received_(limits_.messages_per_second, limits_.burst) {}

  template <class Body>
  boost::asio::awaitable<void> run(boost::beast::http::request<Body> request, Access access) {
    namespace websocket = boost::beast::websocket;
    const auto self = shared_from_this();
    websocket::stream_base::timeout times{};
    times.handshake_timeout = limits_.closing;
    times.idle_timeout = limits_.silence;
    times.keep_alive_pings = true;
    web_.set_option(times);
    web_.binary(true);
    web_.auto_fragment(false);  // one write for a message
    web_.read_message_max(limits_.first_message);
    boost::system::error_code code;
    co_await web_.async_accept(request, boost::asio::redirect_error(boost::asio::use_awaitable, code));
    if (code) co_return;
    web_.control_callback([this](websocket::frame_type, std::string_view) {
      if (!received_.take()) flooded();
    });
    serving_->network.viewers.add(1);
    try {
      receiver_ = serving_->service.connect(self, access);
      co_await read();
    } catch (const std::exception&) {  // out of memory, or a mistake of ours: this viewer's alone
    }
    cut();
    queue_.clear();
    serving_->network.viewers.add(-1);
    const auto receiver = std::exchange(receiver_, nullptr);
    if (receiver) receiver->gone();
  }

  void send(Shared message) override {
    if (is_leaving()) return;
    if (queue_.push(std::move(message))) pump();
    else cut_off();
  }

  void send(std::shared_ptr<const OutgoingFrame> frame) override {
    if (is_leaving()) return;
    const auto dropped = queue_.dropped();
    queue_.push(std::move(frame));
    serving_->network.dropped_frames.add(queue_.dropped() - dropped);
    pump();
  }

  bool has_room() const override {
    const bool room = queue_.has_room();
    if (!room) told_full_ = true;
    return room;
  }

  void want_key_frame() override { queue_.want_key_frame(); }
  void want_pictures(bool wanted) override { queue_.want_pictures(wanted); }
  void trust() override { web_.read_message_max(limits_.message); }

  void close(std::uint16_t code, std::string reason) override {
    if (is_leaving()) return;
    if (reason.size() > 123) {  // what a control frame holds besides the code; never half a letter
      reason.resize(123);
      while (!is_utf8(reason)) reason.pop_back();
    }
    say_farewell(code, reason);
    pump();
  }

  std::uint64_t sent_bytes() const override { return sent_bytes_; }
  std::uint64_t dropped_frames() const override { return queue_.dropped(); }
  std::size_t queued() const override { return queue_.size(); }

  void tick(Clock::time_point now) override {
    if (!writing_) return;
    const auto pieces = web_.next_layer().written_pieces();
    if (pieces != seen_pieces_) {
      seen_pieces_ = pieces;
      moved_ = now;
    } else if (now - moved_ > limits_.stall) {
      cut_off();
    }
  }

  void cut() override {
    ended_ = true;
    web_.next_layer().close();
  }

 private:
  using Web = boost::beast::websocket::stream<Transport, false>;  // without compression: masks are

  bool is_leaving() const { return leaving_ || ended_; }

  boost::asio::awaitable<void> read() {
    boost::beast::flat_buffer inbox;
    for (;;) {
      boost::system::error_code code;
      co_await web_.async_read(inbox, boost::asio::redirect_error(boost::asio::use_awaitable, code));
      if (code) co_return;  // leaving is not an error; Beast has said why, where there was something to say
      serving_->network.received_messages.add();
      if (!received_.take()) {
        flooded();
      } else if (web_.got_text()) {
        close(1003, "messages are binary: see docs/wire.md");
      } else if (!is_leaving()) {
        deliver({static_cast<const std::uint8_t*>(inbox.data().data()), inbox.size()});
      }
      inbox.clear();  // the next message begins at an address that 8 divides
      if (inbox.capacity() > kept_inbox) inbox.shrink_to_fit();
    }
  }

  void deliver(wire::Bytes bytes) {
    try {
      const auto opened = wire::open_message(bytes);
      if (opened.message != nullptr) receiver_->receive(*opened.message);
      else receiver_->receive_fault(opened.fault);
    } catch (
        const std::
            exception&) {  // a receiver answers what goes wrong; this is a mistake of ours, and ends this viewer alone
      close(1011, "the server could not deal with this message");
    }
  }

  void say_farewell(std::uint16_t code, const std::string& reason) {
    farewell_ = boost::beast::websocket::close_reason{static_cast<boost::beast::websocket::close_code>(code), reason};
    leaving_ = true;
  }

  void flooded() {
    if (is_leaving()) return;
    serving_->network.cut.add();
    // Not from within a read's own handlers.
    boost::asio::post(web_.get_executor(), [self = shared_from_this()] {
      self->queue_.clear();
      self->close(1008, "too many messages");
    });
  }

  void cut_off() {
    serving_->network.cut.add();
    cut();
  }

  void pump() {
    if (writing_ || ended_ || farewell_sent_) return;
    try {
      writing_ = queue_.next();
    } catch (const std::exception&) {  // a frame that cannot be written
      queue_.clear();
      if (!leaving_) say_farewell(1011, "the server could not write a frame");
    }
    if (writing_) {
      began_ = moved_ = Clock::now();
      web_.async_write(
          boost::asio::buffer(*writing_),
          [self = shared_from_this()](boost::system::error_code code, std::size_t) { self->written(code); });
    } else if (leaving_) {
      farewell_sent_ = true;
      web_.async_close(farewell_, [self = shared_from_this()](boost::system::error_code) { self->ended_ = true; });
    }
  }

  void written(boost::system::error_code code) {
    const auto message = std::exchange(writing_, nullptr);
    if (code) {
      cut();
      return;
    }
    auto& network = serving_->network;
    network.send.observe(std::chrono::duration<double>(Clock::now() - began_).count());
    network.sent_messages.add();
    network.sent_bytes.add(message->size());
    sent_bytes_ += message->size();
    pump();
    if (told_full_ && queue_.has_room() && receiver_ && !is_leaving()) {
      told_full_ = false;
      receiver_->has_room();
    }
  }

  static constexpr std::size_t kept_inbox = std::size_t{1} << 16;

  std::shared_ptr<Serving> serving_;
  ViewerLimits limits_;
  Web web_;
  ViewerQueue queue_;
  TokenBucket received_;
  std::shared_ptr<Receiver> receiver_;
  Shared writing_;  // on its way; null: nothing is
  Clock::time_point began_, moved_;
  std::uint64_t seen_pieces_ = 0, sent_bytes_ = 0;
  boost::beast::websocket::close_reason farewell_;
  bool leaving_ = false, farewell_sent_ = false, ended_ = false;
  mutable bool told_full_ = false;
};

}  // namespace vos::serve
