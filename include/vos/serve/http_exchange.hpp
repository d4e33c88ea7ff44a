#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/system/error_code.hpp>

#include <vos/core/text.hpp>
#include <vos/serve/beside.hpp>
#include <vos/serve/file.hpp>
#include <vos/serve/http_answer.hpp>
#include <vos/serve/serving.hpp>
#include <vos/serve/transport.hpp>

namespace vos::serve {

using HttpParser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

/// The bytes are not what HTTP says; otherwise the connection failed.
inline bool is_http_fault(boost::system::error_code code) {
  namespace http = boost::beast::http;
  return code.category() == make_error_code(http::error::bad_method).category() && code != http::error::end_of_stream &&
         code != http::error::partial_message;
}

/// Whether all who read this request agree on where it ends. Who disagrees with a proxy can be fed one request inside another.
inline bool has_clear_length(const HttpParser& parser) {
  namespace http = boost::beast::http;
  const auto& request = parser.get();
  const auto length = request[http::field::content_length];
  const bool digits = std::all_of(length.begin(), length.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  const auto lengths = request.count(http::field::content_length);
  if (request.count(http::field::transfer_encoding) == 0) return lengths <= 1 && digits;
  return lengths == 0 && parser.chunked() && request.version() == 11 &&
         lower_case(request[http::field::transfer_encoding]) == "chunked";
}

inline auto into(boost::system::error_code& code) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, code);
}

/// A client's connection while it speaks HTTP: its bytes, how long it may take, and how an answer gets there.
class HttpExchange {
 public:
  static constexpr auto never = Clock::time_point::max();
  static constexpr std::size_t piece = std::size_t{1} << 18;  ///< of a file

  HttpExchange(std::shared_ptr<Serving> s, Socket socket) : serving(std::move(s)), transport(std::move(socket)) {}

  void within(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }
  void without_limit() { deadline_ = never; }

  /// From here on its bytes are counted instead of its time, until `end_receiving`.
  void begin_receiving() {
    deadline_ = never;
    receiving_ = true;
    received_ = 0;
    rate_since_ = Clock::now();
  }
  void received(std::uint64_t bytes) { received_ += bytes; }
  void end_receiving() { receiving_ = false; }

  bool is_late(Clock::time_point now) {
    if (now > deadline_) return true;
    const auto& http = serving->options.http;
    if (!receiving_ || now - rate_since_ < http.rate_window) return false;
    const std::chrono::duration<double> time = now - std::exchange(rate_since_, now);
    return static_cast<double>(std::exchange(received_, 0)) < static_cast<double>(http.upload_rate) * time.count();
  }

  /// Writes an answer, and `file` as its body where there is one; false where the client did not take it.
  boost::asio::awaitable<bool> write(const HttpAnswer& answer, bool head_only = false) {
    std::span<const std::uint8_t> body = answer.bytes;
    if (!answer.text.empty()) body = {reinterpret_cast<const std::uint8_t*>(answer.text.data()), answer.text.size()};
    const auto from = std::exchange(file, {});
    const auto length = from ? static_cast<std::uint64_t>(from.size()) : body.size();
    auto security = security_fields(host);
    if (!origin.empty()) security += "Access-Control-Allow-Origin: " + origin + "\r\nVary: Origin\r\n";
    const auto head = head_of(answer, length, security);
    if (head_only) body = {};
    count(answer.status);
    if (!co_await send(head, body)) co_return false;
    if (!from || head_only) co_return true;
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(length, piece)));
    for (std::uint64_t left = length; left > 0;) {
      const std::span<std::uint8_t> part{bytes.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, piece))};
      const auto read = [&] { return from.read(part); };
      const auto size = co_await beside(serving->files, read);
      if (size < part.size() || !co_await send({}, part)) co_return false;  // it was cut while being read
      left -= size;
    }
    co_return true;
  }

  /// Where a client asks first whether its body is welcome.
  boost::asio::awaitable<void> go_on(const HttpParser& parser) {
    const std::string_view expected = parser.get()[boost::beast::http::field::expect];
    if (lower_case(expected) == "100-continue") co_await send("HTTP/1.1 100 Continue\r\n\r\n", {});
  }

  /// A body that did not arrive as it was announced.
  HttpAnswer broken(boost::system::error_code code) {
    body_read = false;
    peer_left = !is_http_fault(code);
    return refusal(400, "bad_request", "the body is not sound: " + code.message());
  }

  /// Closing while a client still sends would take the answer from it: first the end of ours, then what it has left, for a while.
  boost::asio::awaitable<void> linger() {
    if (peer_left) co_return;
    boost::system::error_code code;
    transport.socket().shutdown(Socket::shutdown_send, code);
    within(std::chrono::seconds{2});
    std::array<std::uint8_t, 16384> rest{};
    for (std::size_t left = std::size_t{64} << 20; !code && left > rest.size();)
      left -= co_await transport.socket().async_read_some(boost::asio::buffer(rest), into(code));
  }

  const std::shared_ptr<Serving> serving;
  Transport transport;
  boost::beast::flat_buffer buffer{std::size_t{1} << 17};  ///< read, and not yet understood
  bool peer_left = false;                                  ///< nobody is there to be answered

  // Of the request at hand.
  std::string host = {}, origin = {};  ///< checked; the origin only of another's page that was allowed
  bool body_read = true;               ///< else the next request cannot be found
  File file = {};                      ///< the answer's body

 private:
  boost::asio::awaitable<bool> send(std::string_view head, std::span<const std::uint8_t> body) {
    within(serving->options.http.body_time);
    const std::array<boost::asio::const_buffer, 2> both{boost::asio::buffer(head),
                                                        boost::asio::buffer(body.data(), body.size())};
    boost::system::error_code code;
    co_await boost::asio::async_write(transport, both, into(code));
    co_return !code;
  }

  void count(unsigned status) {
    serving->metrics
        .counter("vos_http_requests_total", "Answers to HTTP requests, by status.",
                 {{"status", std::to_string(status)}})
        .add();
  }

  Clock::time_point deadline_ = never, rate_since_;
  bool receiving_ = false;
  std::uint64_t received_ = 0;  // since `rate_since_`
};

}  // namespace vos::serve
