#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <boost/system/error_code.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace vos::serve {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// A connection's bytes, plain or under TLS: one type for both, so that what is built on it is compiled once.
class Transport {
 public:
  using executor_type = Socket::executor_type;

  explicit Transport(Socket socket) : parts_(std::make_unique<Parts>(std::move(socket))) {
    boost::system::error_code ignored;
    this->socket().set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
#ifdef TCP_NOTSENT_LOWAT
    // What the system holds for a slow reader is late and cannot be left out any more: let frames wait in our queue instead.
    const int most = 1 << 16;
    ::setsockopt(this->socket().native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
#endif
  }

  executor_type get_executor() { return socket().get_executor(); }
  Socket& socket() { return parts_->socket; }
  bool is_secure() const { return parts_->tls.has_value(); }

  /// TLS from here on.
  boost::asio::awaitable<void> handshake(boost::asio::ssl::context& context, boost::system::error_code& code) {
    parts_->tls.emplace(parts_->socket, context);
    co_await parts_->tls->async_handshake(boost::asio::ssl::stream_base::server,
                                          boost::asio::redirect_error(boost::asio::use_awaitable, code));
  }

  /// Rises with each piece that the system took: while something is being written, standing still means a reader that stalls.
  std::uint64_t written_pieces() const { return parts_->written_pieces; }

  /// Ends what is under way.
  void close() {
    boost::system::error_code ignored;
    socket().close(ignored);
  }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [](auto&& done, Parts* parts, const Buffers& to) {
          if (parts->tls) parts->tls->async_read_some(to, std::forward<decltype(done)>(done));
          else parts->socket.async_read_some(to, std::forward<decltype(done)>(done));
        },
        handler, parts_.get(), buffers);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    ++parts_->written_pieces;
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [](auto&& done, Parts* parts, const Buffers& from) {
          if (parts->tls) parts->tls->async_write_some(from, std::forward<decltype(done)>(done));
          else parts->socket.async_write_some(from, std::forward<decltype(done)>(done));
        },
        handler, parts_.get(), buffers);
  }

 private:
  struct Parts {
    explicit Parts(Socket s) : socket(std::move(s)) {}
    Socket socket;
    std::optional<boost::beast::ssl_stream<Socket&>> tls;
    std::uint64_t written_pieces = 0;
  };
  std::unique_ptr<Parts> parts_;
};

// How Beast ends a stream of ours. The closing handshake of WebSocket has been before: TLS needs none of its own.
template <class Handler>
void async_teardown(boost::beast::role_type role, Transport& transport, Handler&& handler) {
  boost::beast::websocket::async_teardown(role, transport.socket(), std::forward<Handler>(handler));
}
inline void teardown(boost::beast::role_type role, Transport& transport, boost::system::error_code& code) {
  boost::beast::websocket::teardown(role, transport.socket(), code);
}
inline void beast_close_socket(Transport& transport) { transport.close(); }

}  // namespace vos::serve
