#include "http_server.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <vos/net/http_client.hpp>

#include <boost/asio/ssl.hpp>
#include <boost/beast/http.hpp>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace vos::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

struct Pems {
  std::string key, certificate;
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

Pems self_signed() {
  auto* key = EVP_EC_gen("P-256");
  auto* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  auto* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  auto* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  auto* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  auto* certificate_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {.key = text_of(key_text), .certificate = text_of(certificate_text)};
}

}  // namespace

struct HttpServer::Impl {
  Impl(Function f, bool with_tls) : function(std::move(f)), tls(with_tls) {
    if (tls) {
      pems = self_signed();
      context.use_certificate_chain(asio::buffer(pems.certificate));
      context.use_private_key(asio::buffer(pems.key), asio::ssl::context::pem);
    }
    thread = std::thread([this] { serve(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock{mutex};
      ending = true;
    }
    wake.notify_all();
    // A connection of its own wakes the thread where it waits for one.
    boost::system::error_code ignored;
    asio::io_context own;
    tcp::socket socket{own};
    socket.connect(acceptor.local_endpoint(), ignored);
    thread.join();
  }

  void serve() {
    for (;;) {
      tcp::socket socket{io};
      boost::system::error_code code;
      acceptor.accept(socket, code);
      {
        const std::lock_guard lock{mutex};
        if (ending || code) return;
      }
      try {
        if (!tls) {
          answer(socket);
          continue;
        }
        asio::ssl::stream<tcp::socket> stream{std::move(socket), context};
        stream.handshake(asio::ssl::stream_base::server);
        answer(stream);
      } catch (const boost::system::system_error&) {  // the client went
      }
    }
  }

  template <class Stream>
  void answer(Stream& stream) {
    boost::beast::flat_buffer buffer;
    http::request_parser<http::string_body> parser;
    parser.body_limit(std::size_t{1} << 26);
    http::read(stream, buffer, parser);
    const auto& message = parser.get();
    HttpRequest request{
        .method = std::string{message.method_string()}, .url = std::string{message.target()}, .body = message.body()};
    for (const auto& field : message) request.headers[lower_case(field.name_string())] = field.value();
    const auto given = function(request);
    if (given.manner == Answer::Manner::none) return;
    if (given.manner == Answer::Manner::waiting) {
      std::unique_lock lock{mutex};
      wake.wait(lock, [this] { return ending; });
      return;
    }
    http::response<http::string_body> response;
    response.result(static_cast<unsigned>(given.response.status));
    for (const auto& [name, value] : given.response.headers) response.set(name, value);
    response.body() = given.response.body;
    response.prepare_payload();
    if (given.manner == Answer::Manner::half) {
      response.content_length(given.response.body.size() * 2);
      http::response_serializer<http::string_body> serializer{response};
      boost::system::error_code ignored;
      http::write(stream, serializer, ignored);
      return;
    }
    http::write(stream, response);
  }

  Function function;
  bool tls = false, ending = false;
  Pems pems;
  std::mutex mutex;
  std::condition_variable wake;
  asio::io_context io;
  asio::ssl::context context{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::thread thread;  // last: it uses all of these
};

HttpServer::HttpServer(Function function, bool tls) : impl_(std::make_unique<Impl>(std::move(function), tls)) {}
HttpServer::~HttpServer() = default;

std::string HttpServer::url() const {
  return (impl_->tls ? "https://localhost:" : "http://localhost:") +
         std::to_string(impl_->acceptor.local_endpoint().port());
}

const std::string& HttpServer::certificate() const { return impl_->pems.certificate; }

Http http_client(std::int64_t timeout_ms) { return HttpClient{{.timeout = std::chrono::milliseconds{timeout_ms}}}; }

}  // namespace vos::test
