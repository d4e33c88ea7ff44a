#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <vos/core/text.hpp>
#include <vos/serve/http_body.hpp>
#include <vos/serve/http_caller.hpp>
#include <vos/serve/http_exchange.hpp>
#include <vos/serve/http_target.hpp>
#include <vos/serve/web_viewer.hpp>

namespace vos::serve {

/// One client's connection: requests one after the other, until it becomes a WebSocket or ends.
class Connection final : public Watched, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Serving> serving, Socket socket, boost::asio::ssl::context* tls)
      : Watched(serving->open), serving_(std::move(serving)), exchange_(serving_, std::move(socket)), tls_(tls) {
    serving_->network.accepted.add();
    serving_->network.connections.add(1);
  }
  ~Connection() override { serving_->network.connections.add(-1); }

  boost::asio::awaitable<void> run() {
    const auto self = shared_from_this();
    try {
      if (tls_ != nullptr && !co_await secure()) co_return;
      while (co_await serve_one()) {
      }
      if (upgrade_) {
        const auto access = access_of(*serving_, *upgrade_);
        viewer_ = std::make_shared<WebViewer>(serving_, std::move(exchange_.transport));
        exchange_.without_limit();
        auto request = std::move(*upgrade_);
        co_await viewer_->run(std::move(request), access);
      } else {
        co_await exchange_.linger();
      }
    } catch (const std::exception&) {  // out of memory, or a mistake of ours: this connection's alone
    }
  }

  void tick(Clock::time_point now) override {
    if (exchange_.is_late(now)) cut();
  }

  void cut() override {
    if (!viewer_) exchange_.transport.close();
    if (waiting_) waiting_->timer.cancel();
  }

 private:
  template <class Result>
  using awaitable = boost::asio::awaitable<Result>;

  /// TLS; or a word to who speaks plain HTTP.
  awaitable<bool> secure() {
    auto& transport = exchange_.transport;
    exchange_.within(serving_->options.http.header_time);
    boost::system::error_code code;
    co_await transport.socket().async_wait(Socket::wait_read, into(code));
    char first = 0;
    if (code || ::recv(transport.socket().native_handle(), &first, 1, MSG_PEEK) != 1) co_return false;
    constexpr char client_hello = 0x16;
    if (first == client_hello) {
      co_await transport.handshake(*tls_, code);
      co_return !code;
    }
    auto answer = refusal(400, "needs_https", "this address speaks HTTPS only", "begin it with https://");
    answer.last = true;
    co_await exchange_.write(answer);
    co_await exchange_.linger();
    co_return false;
  }

  /// One request and its answer. False: the connection is over, or becomes a WebSocket.
  awaitable<bool> serve_one() {
    namespace http = boost::beast::http;
    const auto& limits = serving_->options.http;
    auto& buffer = exchange_.buffer;
    boost::system::error_code code;
    if (buffer.size() == 0) {
      exchange_.within(std::exchange(asked_before_, true) ? limits.idle : limits.header_time);
      const auto count = co_await exchange_.transport.async_read_some(buffer.prepare(4096), into(code));
      if (code) exchange_.peer_left = true;
      if (code) co_return false;
      buffer.commit(count);
    }
    exchange_.within(limits.header_time);
    HttpParser parser;
    parser.header_limit(limits.header);
    parser.body_limit(boost::none);
    co_await http::async_read_header(exchange_.transport, buffer, parser, into(code));
    exchange_.host.clear();
    exchange_.origin.clear();
    exchange_.file = {};
    if (code) {
      exchange_.peer_left = !is_http_fault(code);
      if (!exchange_.peer_left) co_await exchange_.write(unreadable(code));
      co_return false;
    }
    exchange_.within(limits.body_time);
    auto answer = co_await answer_to(parser);
    if (upgrade_ || exchange_.peer_left) co_return false;
    const auto& request = parser.get();
    if (!request.keep_alive() || !exchange_.body_read || serving_->stopped) answer.last = true;
    co_return co_await exchange_.write(answer, request.method() == http::verb::head) && !answer.last;
  }

  static HttpAnswer unreadable(boost::system::error_code code) {
    namespace http = boost::beast::http;
    const bool large = code == http::error::header_limit || code == http::error::buffer_overflow;
    auto answer = large ? refusal(431, "header_too_large", "the request's header is too large")
                        : refusal(400, "bad_request", "this is no sound HTTP request: " + code.message());
    answer.last = true;
    return answer;
  }

  awaitable<HttpAnswer> answer_to(HttpParser& parser) {
    namespace http = boost::beast::http;
    const auto& request = parser.get();
    if (auto wrong = check_head(parser)) co_return std::move(*wrong);
    const auto target = target_from(request.target());
    if (!target) co_return refusal(400, "bad_target", "this is no address of anything here");

    const auto& path = target->path;
    const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
    if (reads && !exchange_.body_read) co_return refusal(400, "bad_request", "a request of this kind has no body");
    if (request.method() == http::verb::options && !exchange_.origin.empty()) co_return preflight();
    if (path == "/api" || path.starts_with("/api/")) co_return co_await api(parser, *target);
    if (!reads) co_return only_by("GET, HEAD");
    if (path == "/ws") co_return begin_socket(request);
    if (path == "/healthz") co_return text_answer(200, "alive\n");
    if (path == "/readyz") {
      const bool ready = !serving_->stopped && serving_->service.ready();
      co_return text_answer(ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
    }
    if (path == "/metrics") {
      if (access_of(*serving_, request) != Access::owner) co_return co_await unauthorized(request);
      auto answer = text_answer(200, serving_->metrics.text());
      answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
      co_return answer;
    }
    if (path == "/" && target->query.contains("token")) co_return co_await enter(*target);
    co_return co_await page(request, path);
  }

  /// What may be wrong with any request, before it is looked at what it asks for.
  std::optional<HttpAnswer> check_head(const HttpParser& parser) {
    namespace http = boost::beast::http;
    const auto& request = parser.get();
    exchange_.body_read = !parser.chunked() && parser.content_length().value_or(0) == 0;
    if (!has_clear_length(parser)) {
      exchange_.body_read = false;
      return refusal(400, "bad_request", "it is not clear how long this request's body is");
    }
    if (request.count(http::field::host) != 1) return refusal(400, "bad_host", "a request names its host, once");
    const std::string_view host = request[http::field::host];
    if (!serving_->gate.is_host(host))
      return refusal(403, "unknown_host", "this server does not go by the name '" + printable(host, 80) + "'",
                     "use the address that it printed, or start it with --allow-host NAME");
    exchange_.host = host;
    const auto from = asked_from(*serving_, request, host);
    if (from == AskedFrom::elsewhere)
      return refusal(403, "wrong_origin", "a page from elsewhere may not use this server",
                     "open the address that the server printed, or start it with --origin for that page");
    if (from == AskedFrom::a_friend) exchange_.origin = request[http::field::origin];
    return std::nullopt;
  }

  // --- answers that are there at once -----------------------------------------------------------------------------------

  static HttpAnswer page_answer(const HttpRequestHead& request, const Pages::Found& found) {
    HttpAnswer answer{.content_type = found.content_type,
                      .bytes = found.bytes,
                      .fields = {{"Cache-Control", "no-cache"}, {"ETag", found.tag}}};
    if (request[boost::beast::http::field::if_none_match] == found.tag) {
      answer.status = 304;
      answer.bytes = {};
    }
    return answer;
  }

  static HttpAnswer file_answer(const ApiReply& reply) {
    return {.status = static_cast<unsigned>(reply.status),
            .content_type = reply.content_type.empty() ? "application/octet-stream" : reply.content_type,
            .fields = {{"Cache-Control", "no-store"}, {"Content-Disposition", attachment(reply.file_name)}}};
  }

  HttpAnswer begin_socket(const HttpRequestHead& request) {
    if (serving_->stopped) return refusal(503, "stopping", "the server is about to end");
    if (!boost::beast::websocket::is_upgrade(request)) {
      auto answer = refusal(426, "needs_websocket", "this address takes WebSockets");
      answer.fields.emplace_back("Upgrade", "websocket");
      return answer;
    }
    const std::string_view key = request[boost::beast::http::field::sec_websocket_key];
    if (key.size() != 24 || !key.ends_with("=="))  // 16 bytes in base64
      return refusal(400, "bad_request", "the key of a WebSocket has 16 bytes");
    // Before the answer a client sends nothing: what is there already is another's, or meant to be read as another's.
    if (exchange_.buffer.size() > 0) {
      exchange_.body_read = false;
      return refusal(400, "bad_request", "something follows the request for a WebSocket");
    }
    upgrade_ = request;
    return {};
  }

  // --- answers that take their time -------------------------------------------------------------------------------------

  awaitable<HttpAnswer> unauthorized(const HttpRequestHead& request) {
    namespace http = boost::beast::http;
    if (request.count(http::field::authorization) + request.count(http::field::cookie) > 0) co_await slow_down();
    auto answer = refusal(401, "unauthorized", "this needs the server's token",
                          "open the link that the server printed, or send Authorization: Bearer TOKEN");
    answer.fields.emplace_back("WWW-Authenticate", "Bearer");
    co_return answer;
  }

  /// Guessing takes time.
  awaitable<void> slow_down() {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer{executor, serving_->options.wrong_token_delay};
    co_await timer.async_wait(boost::asio::use_awaitable);
  }

  /// The printed link.
  awaitable<HttpAnswer> enter(const HttpTarget& target) {
    const bool right = serving_->gate.open() || serving_->gate.knows(target.query.at("token"));
    if (!right) co_await slow_down();
    co_return right ? entered(*serving_, target, exchange_.transport.is_secure())
                    : refusal(403, "wrong_token", "this is not the server's token",
                              "use the link that the server printed when it started");
  }

  awaitable<HttpAnswer> page(const HttpRequestHead& request, const std::string& path) {
    const auto& pages = serving_->pages;
    if (pages.on_disk()) {
      const auto read = [&] { return pages.read(path); };
      read_page_ = co_await beside(serving_->files, read);
      if (read_page_) co_return page_answer(request, *read_page_);
    } else if (const auto* found = pages.find(path)) {
      co_return page_answer(request, *found);
    }
    co_return refusal(404, "not_found", "there is no such page here");
  }

  awaitable<HttpAnswer> api(HttpParser& parser, const HttpTarget& target) {
    namespace http = boost::beast::http;
    const auto& request = parser.get();
    if (access_of(*serving_, request) != Access::owner) co_return co_await unauthorized(request);
    if (serving_->stopped) co_return refusal(503, "stopping", "the server is about to end");
    const auto method = request.method();
    if (method != http::verb::get && method != http::verb::head && method != http::verb::post &&
        method != http::verb::delete_)
      co_return only_by("GET, HEAD, POST, DELETE");
    ApiRequest asked;
    asked.method = method == http::verb::head ? "GET" : std::string{request.method_string()};
    asked.path = target.path.size() > 5 ? target.path.substr(5) : "";
    asked.query = target.query;
    if (auto wrong = co_await read_body(parser, asked)) co_return std::move(*wrong);
    const auto reply = co_await ask(std::move(asked));
    if (reply.file.empty()) co_return json_answer(static_cast<unsigned>(reply.status), reply.body);
    const auto open = [&] { return File{::open(reply.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)}; };
    exchange_.file = co_await beside(serving_->files, open);
    if (!exchange_.file || !exchange_.file.is_regular()) {
      exchange_.file = {};
      co_return refusal(404, "not_found", "there is no such file any more");
    }
    co_return file_answer(reply);
  }

  awaitable<std::optional<HttpAnswer>> read_body(HttpParser& parser, ApiRequest& asked) {
    namespace http = boost::beast::http;
    if (parser.get().method() == http::verb::post) {
      const auto type = lower_case(parser.get()[http::field::content_type]);
      if (type == "application/json" || type.starts_with("application/json;"))
        co_return co_await read_json(exchange_, parser, asked);
      if (asked.path == "sessions") {
        UploadReader upload{exchange_, parser};
        co_return co_await upload.read(asked);
      }
    }
    if (exchange_.body_read) co_return std::nullopt;
    co_return refusal(415, "bad_type", "the body of such a request is JSON", "send Content-Type: application/json");
  }

  /// For the service's answer.
  struct Waiting {
    boost::asio::steady_timer timer;
    std::optional<ApiReply> reply;
  };

  awaitable<ApiReply> ask(ApiRequest asked) {
    exchange_.without_limit();
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto waiting = std::make_shared<Waiting>(
        Waiting{boost::asio::steady_timer{executor, serving_->options.http.answer}, std::nullopt});
    waiting_ = waiting;
    serving_->service.request(std::move(asked), [waiting](ApiReply reply) {
      waiting->reply = std::move(reply);
      waiting->timer.cancel();
    });
    boost::system::error_code code;
    if (!waiting->reply) co_await waiting->timer.async_wait(into(code));
    waiting_ = nullptr;
    if (waiting->reply) co_return std::move(*waiting->reply);
    co_return too_late();
  }

  static ApiReply too_late() {
    ApiReply late{.status = 504};
    late.body = {{"error", {{"code", "too_slow"}, {"what", "this took too long"}, {"mend", "ask for less at once"}}}};
    return late;
  }

  std::shared_ptr<Serving> serving_;
  HttpExchange exchange_;
  boost::asio::ssl::context* tls_;
  bool asked_before_ = false;
  std::optional<Pages::Found> read_page_;   // what the answer's bytes are of
  std::optional<HttpRequestHead> upgrade_;  // to a WebSocket
  std::shared_ptr<WebViewer> viewer_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace vos::serve
