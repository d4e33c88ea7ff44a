#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <vos/net/http.hpp>

namespace vos::test {

/// An HTTP server in this process, for one connection at a time: each request goes to a function, which may also misbehave.
/// Beast stays in its source.
class HttpServer {
 public:
  struct Answer {
    HttpResponse response = {};
    enum class Manner : std::uint8_t {
      whole,
      half,     ///< the connection is closed within the body
      none,     ///< it is closed at once
      waiting,  ///< nothing comes until the server ends
    } manner = Manner::whole;
  };
  using Function =
      std::function<Answer(const HttpRequest&)>;  ///< the request's url is its target; runs on another thread

  /// `tls`: with a certificate for "localhost" that it signed itself.
  explicit HttpServer(Function function, bool tls = false);
  ~HttpServer();

  std::string url() const;
  const std::string& certificate() const;  ///< PEM, where it has one

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The real client, for sources that do not include it.
Http http_client(std::int64_t timeout_ms = 5000);

}  // namespace vos::test
