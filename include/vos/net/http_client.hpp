#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <vos/core/text.hpp>
#include <vos/net/http.hpp>
#include <vos/net/url.hpp>
#include <vos/version.hpp>

namespace vos {

struct HttpClientOptions {
  std::chrono::milliseconds timeout{
      15000};  ///< of a request; a look-up of the name that hangs takes as long as the system lets it
  std::size_t most = std::size_t{1} << 26;  ///< bytes of an answer
  std::string authorities = {};             ///< a PEM file of certificates that are trusted besides the system's
};

/// Asks one thing over a connection of its own and waits for the answer. Certificates are verified. It follows no
/// redirection and knows no proxy.
///
/// A model of Http.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options = {}) : options_(std::move(options)) {}

  HttpResponse operator()(const HttpRequest& request) const {
    const auto url = url_from(request.url, "a request");
    Reply reply;
    std::exception_ptr failure;
    bool done = false;
    boost::asio::io_context io{1};
    boost::asio::co_spawn(io, ask(url, message_of(url, request), reply), [&](std::exception_ptr thrown) {
      failure = std::move(thrown);
      done = true;
    });
    io.run_for(options_.timeout);
    if (!done)
      throw NoAnswer({.what = "no answer within " + std::to_string(options_.timeout.count()) + " ms",
                      .where = url.plain(),
                      .mend = mend_unreachable});
    if (failure) refuse(failure, url);
    HttpResponse response{.status = static_cast<int>(reply.get().result_int()), .body = std::move(reply.get().body())};
    for (const auto& field : reply.get()) response.headers[lower_case(field.name_string())] = field.value();
    return response;
  }

 private:
  using Message = boost::beast::http::request<boost::beast::http::string_body>;
  using Reply = boost::beast::http::response_parser<boost::beast::http::string_body>;
  static constexpr const char* mend_unreachable = "is the server up, is the address right, and is the way to it open?";

  static Message message_of(const Url& url, const HttpRequest& request) {
    namespace http = boost::beast::http;
    Message message;
    message.version(11);
    message.method_string(request.method);
    message.target(url.path);
    message.set(http::field::host, url.authority());
    message.set(http::field::user_agent, std::string{"vos/"} + vos::version);
    message.set(http::field::connection, "close");
    if (!url.user.empty()) message.set(http::field::authorization, basic_authorization(url.user, url.password));
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.body() = request.body;
    message.prepare_payload();
    return message;
  }

  boost::asio::awaitable<void> ask(const Url& url, Message message, Reply& reply) const {
    namespace asio = boost::asio;
    namespace ssl = asio::ssl;
    const auto io = co_await asio::this_coro::executor;
    reply.body_limit(options_.most);
    asio::ip::tcp::resolver resolver{io};
    const auto found = co_await resolver.async_resolve(url.host, std::to_string(url.port), asio::use_awaitable);
    asio::ip::tcp::socket socket{io};
    co_await asio::async_connect(socket, found, asio::use_awaitable);
    if (url.scheme != "https") {
      co_await exchange(socket, message, reply);
      co_return;
    }
    ssl::context context{ssl::context::tls_client};
    context.set_default_verify_paths();
    if (!options_.authorities.empty()) context.load_verify_file(options_.authorities);
    context.set_verify_mode(ssl::verify_peer);
    ssl::stream<asio::ip::tcp::socket> stream{std::move(socket), context};
    stream.set_verify_callback(ssl::host_name_verification{url.host});
    // The name chooses the certificate where a server has several; addresses are no names.
    boost::system::error_code no_address;
    asio::ip::make_address(url.host, no_address);
    if (no_address) SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str());
    co_await stream.async_handshake(ssl::stream_base::client, asio::use_awaitable);
    co_await exchange(stream, message, reply);
  }

  template <class Stream>
  static boost::asio::awaitable<void> exchange(Stream& stream, Message& message, Reply& reply) {
    namespace asio = boost::asio;
    namespace http = boost::beast::http;
    if (message.method() == http::verb::head) reply.skip(true);
    // A server may refuse what is too large, and answer, before it has read all of it.
    boost::system::error_code unread, unanswered;
    co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, unread));
    boost::beast::flat_buffer buffer;
    co_await http::async_read(stream, buffer, reply, asio::redirect_error(asio::use_awaitable, unanswered));
    if (unanswered) throw boost::system::system_error(unread ? unread : unanswered);
  }

  [[noreturn]] void refuse(const std::exception_ptr& failure, const Url& url) const {
    try {
      std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
      const auto code = error.code();
      if (code.category() == boost::asio::error::get_ssl_category())
        throw Error({.what = "no safe connection: " + code.message(),
                     .where = url.plain(),
                     .mend =
                         "where the server's certificate is signed by your own authority, name that one's PEM file in "
                         "SSL_CERT_FILE"});
      if (code == boost::beast::http::error::body_limit)
        throw Error(
            {.what = "the answer has more than " + std::to_string(options_.most) + " bytes", .where = url.plain()});
      const bool closed =
          code == boost::beast::http::error::end_of_stream || code == boost::beast::http::error::partial_message;
      throw NoAnswer({.what = closed ? "the server closed the connection before its answer was whole" : code.message(),
                      .where = url.plain(),
                      .mend = mend_unreachable});
    }
  }

  HttpClientOptions options_;
};

}  // namespace vos
