#include "test_server.hpp"

#include <future>
#include <optional>
#include <thread>
#include <utility>

#include <vos/serve/server.hpp>

namespace vos::test {

namespace asio = boost::asio;

struct TestServer::Impl {
  Impl(serve::Service& service, serve::ServerOptions o, std::vector<Page> p)
      : options(std::move(o)), gate(options), pages(std::move(p)) {
    options.port = 0;
    std::vector<serve::PageFile> files;
    for (const auto& page : pages)
      files.push_back(
          {page.path, page.content_type, {reinterpret_cast<const std::uint8_t*>(page.text.data()), page.text.size()}});
    server.emplace(io, options, gate, service, metrics, files);
    thread = std::thread([this] { io.run(); });
  }

  ~Impl() {
    asio::post(io, [this] {
      server->stop();
      idle.reset();
    });
    thread.join();  // all that was open has ended by itself
    server.reset();
  }

  serve::ServerOptions options;
  serve::Gate gate;
  std::vector<Page> pages;
  serve::Metrics metrics;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> idle{io.get_executor()};
  std::optional<serve::Server> server;
  std::thread thread;
};

TestServer::TestServer(serve::Service& service, serve::ServerOptions options, std::vector<Page> pages)
    : impl_(std::make_unique<Impl>(service, std::move(options), std::move(pages))) {}
TestServer::~TestServer() = default;

std::uint16_t TestServer::port() const { return impl_->server->port(); }
std::string TestServer::token() const { return impl_->gate.token(); }
std::string TestServer::link() const { return impl_->server->link(); }
std::string TestServer::metrics_text() const { return impl_->metrics.text(); }

void TestServer::on_thread(const std::function<void()>& work) {
  const auto done = std::make_shared<std::promise<void>>();  // the other thread still holds it when this one goes on
  asio::post(impl_->io, [&work, done] {
    work();
    done->set_value();
  });
  done->get_future().wait();
}

void TestServer::stop() {
  on_thread([this] { impl_->server->stop(); });
}

}  // namespace vos::test
