#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <vos/error.hpp>
#include <vos/serve/connection.hpp>
#include <vos/serve/gate.hpp>
#include <vos/serve/options.hpp>
#include <vos/serve/page.hpp>
#include <vos/serve/service.hpp>
#include <vos/serve/serving.hpp>
#include <vos/serve/upload.hpp>

namespace vos::serve {

/// Listens, and serves pages, requests and WebSockets, all on the thread that runs `io`. What is given by reference outlives
/// it, and the metrics outlive `io`; `io` is destroyed after it, and after every Viewer that somebody holds.
class Server {
 public:
  /// Listens from here on; connections are taken once `io` runs. Throws an Error where it cannot.
  Server(boost::asio::io_context& io, ServerOptions options, const Gate& gate, Service& service, Metrics& metrics,
         const std::vector<PageFile>& pages = {})
      : io_(io), acceptor_(io), clock_(io) {
    Pages found{pages, options.web_root};
    serving_ = std::make_shared<Serving>(std::move(options), gate, service, metrics, std::move(found));
    if (serving_->options.tls_certificate.empty() != serving_->options.tls_key.empty())
      throw Error({.what = "TLS needs both a certificate and its key",
                   .where = "--tls-cert, --tls-key",
                   .exit_code = exit_code::usage});
    if (!serving_->options.tls_key.empty()) load_certificate();
    if (!serving_->options.uploads.empty()) Upload::clear(serving_->options.uploads);
    listen();
    boost::asio::co_spawn(io_, accept(serving_), boost::asio::detached);
    boost::asio::co_spawn(io_, watch(serving_), boost::asio::detached);
  }

  /// What is under way ends with `io`.
  ~Server() {
    stop();
    serving_->files.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return serving_->port; }

  /// Where the page is, as a person opens it: with the token.
  std::string link() const {
    const auto& gate = serving_->gate;
    return address() + "/" + (gate.open() ? "" : "?token=" + gate.token());
  }
  std::string address() const {
    auto at = serving_->gate.address();
    if (at.is_unspecified())
      at = at.is_v6() ? boost::asio::ip::address{boost::asio::ip::address_v6::loopback()}
                      : boost::asio::ip::address{boost::asio::ip::address_v4::loopback()};
    const auto host = at.is_v6() ? "[" + at.to_string() + "]" : at.to_string();
    return (serving_->options.tls_key.empty() ? "http://" : "https://") + host + ":" + std::to_string(port());
  }

  /// No new connections; those there are end at once. On the network thread, or where `io` does not run.
  void stop() {
    if (std::exchange(serving_->stopped, true)) return;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    clock_.cancel();
    for (auto* each : *serving_->open) each->cut();
  }

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

  void listen() {
    const boost::asio::ip::tcp::endpoint endpoint{serving_->gate.address(), serving_->options.port};
    boost::system::error_code code;
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(boost::asio::socket_base::reuse_address{true}, code);
    if (!code && endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
      boost::system::error_code both;  // where IPv4 cannot come in by the same door, IPv6 alone does
      acceptor_.set_option(boost::asio::ip::v6_only{false}, both);
    }
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(boost::asio::socket_base::max_listen_connections, code);
    if (code)
      throw Error({.what = "cannot listen: " + code.message(),
                   .where = serving_->options.host + ":" + std::to_string(serving_->options.port),
                   .mend = code == boost::asio::error::address_in_use
                               ? "another program, perhaps another vos-serve, has this port: choose one by --port"
                               : "choose another --host or --port"});
    serving_->port = acceptor_.local_endpoint().port();
  }

  void load_certificate() {
    namespace ssl = boost::asio::ssl;
    const auto& options = serving_->options;
    tls_ = std::make_unique<ssl::context>(ssl::context::tls_server);
    tls_->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                      ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION |
                      SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(tls_->native_handle(), SSL_MODE_RELEASE_BUFFERS);
    const auto refuse = [](const std::filesystem::path& path, const boost::system::error_code& code) {
      throw Error(
          {.what = "cannot be used: " + code.message(),
           .where = path.string(),
           .mend =
               "a certificate with its chain, and the key that belongs to it, both PEM, the key without a password"});
    };
    boost::system::error_code code;
    tls_->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; });
    tls_->use_certificate_chain_file(options.tls_certificate.string(), code);
    if (code) refuse(options.tls_certificate, code);
    tls_->use_private_key_file(options.tls_key.string(), ssl::context::pem, code);
    if (code) refuse(options.tls_key, code);
  }

  boost::asio::awaitable<void> accept(std::shared_ptr<Serving> serving) {
    while (!serving->stopped) {
      boost::system::error_code code;
      Socket socket = co_await acceptor_.async_accept(boost::asio::redirect_error(boost::asio::use_awaitable, code));
      if (serving->stopped) co_return;
      if (code) {  // no descriptors left, or the client went before it was taken: others will come
        boost::asio::steady_timer pause{io_, std::chrono::milliseconds{20}};
        co_await pause.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, code));
        continue;
      }
      if (serving->network.connections.value() >= static_cast<double>(serving->options.connections)) {
        serving->network.refused.add();
        continue;
      }
      const auto connection = std::make_shared<Connection>(serving, std::move(socket), tls_.get());
      boost::asio::co_spawn(io_, connection->run(), boost::asio::detached);
    }
  }

  /// Looks at all that is open, several times a second.
  boost::asio::awaitable<void> watch(std::shared_ptr<Serving> serving) {
    while (!serving->stopped) {
      boost::system::error_code code;
      clock_.expires_after(std::chrono::milliseconds{100});
      co_await clock_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, code));
      if (serving->stopped) co_return;
      const auto now = Clock::now();
      for (auto* each : *serving->open) each->tick(now);
    }
  }

  boost::asio::io_context& io_;
  Acceptor acceptor_;
  boost::asio::steady_timer clock_;
  std::unique_ptr<boost::asio::ssl::context> tls_;
  std::shared_ptr<Serving> serving_;
};

}  // namespace vos::serve
