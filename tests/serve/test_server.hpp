#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <vos/serve/metrics.hpp>
#include <vos/serve/options.hpp>
#include <vos/serve/service.hpp>

namespace vos::test {

/// A server in this process on a port of its own, its network thread included. Beast stays in its source.
class TestServer {
 public:
  struct Page {
    std::string path, content_type, text;
  };

  /// `options.port` becomes 0.
  explicit TestServer(serve::Service& service, serve::ServerOptions options = {}, std::vector<Page> pages = {});
  ~TestServer();

  std::uint16_t port() const;
  std::string token() const;
  std::string link() const;
  std::string metrics_text() const;
  /// Runs on the network thread, and returns when that is done.
  void on_thread(const std::function<void()>& work);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vos::test
