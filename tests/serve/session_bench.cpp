#include "session_bench.hpp"

#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>

#include <vos/serve/sessions.hpp>

namespace vos::test {

struct SessionBench::Impl {
  explicit Impl(const std::filesystem::path& folder) : state(folder) {}
  boost::asio::io_context network{1};
  serve::StateFolder state;
  std::unique_ptr<serve::Sessions> sessions;
};

SessionBench::SessionBench(const std::filesystem::path& folder, serve::SessionOptions options)
    : impl_(std::make_unique<Impl>(folder)) {
  impl_->sessions = std::make_unique<serve::Sessions>(impl_->network, impl_->state, metrics, std::move(options),
                                                      fake_projects(control));
}
SessionBench::~SessionBench() = default;

serve::SessionOptions SessionBench::usual() {
  serve::SessionOptions options;
  options.version = "test";
  options.token = "server-token";
  options.input = "fake:frames=60,fps=500";
  options.input_name = "input";
  options.models = {{.name = "flow", .summary = "follows"}, {.name = "detector", .detects = true, .summary = "finds"}};
  options.samples = {{"small", "A small one", "fake:frames=10"},
                     {"live", "Live", "fake:live"},
                     {"broken", "Broken", "fake:broken"},
                     {"slow", "Slow", "fake:frames=2000"}};
  options.hello_seconds = 0.2;
  return options;
}

serve::Service& SessionBench::sessions() { return *impl_->sessions; }

bool SessionBench::until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    impl_->network.restart();
    impl_->network.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

void SessionBench::run_for(std::chrono::milliseconds time) {
  impl_->network.restart();
  impl_->network.run_for(time);
}

serve::ApiReply SessionBench::request(serve::ApiRequest request) {
  std::optional<serve::ApiReply> reply;
  sessions().request(std::move(request), [&](serve::ApiReply given) { reply = std::move(given); });
  until([&] { return reply.has_value(); });
  return reply.value_or(serve::ApiReply{.status = 0});
}

}  // namespace vos::test
