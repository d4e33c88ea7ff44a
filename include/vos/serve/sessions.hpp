#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <vos/serve/service.hpp>
#include <vos/serve/session_api.hpp>
#include <vos/serve/session_table.hpp>
#include <vos/serve/token_bucket.hpp>
#include <vos/serve/visitor.hpp>

namespace vos::serve {

/// All sessions of a server. One that nobody needs just now, and all that an earlier run left, sleep in their folders; who comes
/// back wakes them. On the network thread alone, which must not run any more when this is destroyed.
class Sessions final : public Service {
 public:
  using Clock = std::chrono::steady_clock;

  Sessions(boost::asio::io_context& network, StateFolder& state, Metrics& metrics, SessionOptions options,
           MakeProject make)
      : network_(network),
        options_(std::move(options)),
        metrics_(metrics),
        table_(network, state, metrics_, options_, std::move(make)),
        api_(table_, options_),
        timer_(network) {
    tick();
  }
  ~Sessions() override { timer_.cancel(); }

  std::shared_ptr<Receiver> connect(std::shared_ptr<Viewer> viewer, Access access) override {
    auto visitor = std::make_shared<Visitor>(network_, std::move(viewer), access,
                                             [this](const auto& who, const wire::Hello& said) { hello(who, said); });
    if (!ready_) visitor->send_away(close_code::stopping, server_stops());
    else if (options_.hello_seconds > 0) visitor->wait_for_hello(options_.hello_seconds);
    return visitor;
  }

  void request(ApiRequest request, std::function<void(ApiReply)> answer) override {
    api_.request(request, answer, ready_);
  }

  void drain(std::function<void()> done) override {
    if (!std::exchange(ready_, false)) return done();
    auto left = std::make_shared<std::size_t>(1);
    const auto one_less = [left, done = std::move(done)] {
      if (--*left == 0) done();
    };
    deadline_.emplace(
        network_, std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.drain_seconds)));
    std::vector<std::function<void()>> ends;
    for (const auto& [id, entry] : table_.all()) {
      if (!entry->session) continue;
      ++*left;
      const auto end = std::make_shared<std::function<void()>>([this, entry = entry, one_less] {
        if (entry->session)
          table_.end_session(*entry, close_code::stopping, server_stops(), !entry->sleeps(), one_less);
      });
      const auto once = [end] {
        if (*end) std::exchange(*end, nullptr)();
      };
      ends.push_back(once);
      if (entry->session->is_open()) entry->session->drain(once);
      else once();
    }
    deadline_->async_wait([ends](boost::system::error_code error) {
      if (!error)
        for (const auto& end : ends) end();
    });
    one_less();
  }

  bool ready() const override { return ready_; }

 private:
  void hello(const std::shared_ptr<Visitor>& visitor, const wire::Hello& hello) {
    if (hello.protocol() != wire::protocol)
      refuse("protocol " + std::to_string(hello.protocol()), "Hello.protocol",
             "this server speaks protocol " + std::to_string(wire::protocol) + ": take a client of its version",
             "protocol");
    if (!ready_) throw server_stops();
    const auto token = wire::text_of(hello.token()), resume = wire::text_of(hello.resume());
    const auto id = std::string{wire::text_of(hello.session())};
    const auto entry = id.empty() ? nullptr : table_.find(id);
    const bool by_resume = entry && is_secret(resume, entry->record.resume),
               watches = entry && is_secret(token, entry->record.watch);
    const bool owns_server = visitor->access() == Access::owner || (!by_resume && !watches && is_server_token(token));
    auto most_frames = static_cast<double>(hello.most_frames_per_second());
    if (!(most_frames > 0 && most_frames <= 1000)) most_frames = 0;
    const auto enter = [visitor, pictures = hello.pictures(), most_frames,
                        last = std::max<std::int64_t>(hello.last_index(), -1)](
                           const std::shared_ptr<SessionEntry>& entry, bool owner) {
      visitor->enter(entry->session, owner, pictures, most_frames, last);
    };
    if (id.empty()) {
      if (!owns_server) throw not_allowed();
      // A live source of the server is one for all.
      for (const auto& [name, entry] : table_.all())
        if (entry->session && entry->record.source == "input" && entry->session->is_open() &&
            entry->session->info().live)
          return enter(entry, !entry->session->audience().owner());
      const auto entry = table_.create({.source = options_.input.empty() ? "camera" : "input"}, {});
      return table_.open(entry, [visitor, enter, entry](const std::exception_ptr& thrown) {
        if (!thrown) return enter(entry, true);
        tell_failure(*visitor, thrown);
      });
    }
    if (!entry) throw owns_server ? no_session() : not_allowed();
    if (!owns_server && !by_resume && !watches) throw not_allowed();
    if (entry->session && entry->session->audience().guests().size() >= options_.most_watchers)
      throw Refused("full", {.what = std::to_string(options_.most_watchers) + " watch this session already",
                             .mend = "try again later"});
    table_.wake(entry, [visitor, enter, entry, by_resume, owns_server](const std::exception_ptr& thrown) {
      if (thrown) return tell_failure(*visitor, thrown);
      enter(entry, by_resume || (owns_server && !entry->session->audience().owner()));
    });
  }

  /// A token that people chose could be guessed: few wrong ones are let through in a second, from all strangers together.
  bool is_server_token(std::string_view given) {
    if (given.empty() || options_.token.empty()) return false;
    if (!wrong_tokens_.has())
      throw Refused("too_many_wrong", {.what = "too many wrong tokens, wait", .mend = "try again in a few seconds"});
    if (is_secret(given, options_.token)) return true;
    wrong_tokens_.take();
    return false;
  }

  static bool is_secret(std::string_view given, std::string_view secret) {
    return !secret.empty() && same_secret(given, secret);
  }

  static void tell_failure(Visitor& visitor, const std::exception_ptr& thrown) {
    if (visitor.is_gone()) return;
    const auto error = error_of(thrown);
    visitor.send_away(Visitor::code_for(*error), *error);
  }

  void tick() {
    timer_.expires_after(std::chrono::milliseconds(500));
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      table_.look_after();
      tick();
    });
  }

  boost::asio::io_context& network_;
  SessionOptions options_;
  SessionMetrics metrics_;
  SessionTable table_;
  SessionApi api_;
  boost::asio::steady_timer timer_;
  TokenBucket wrong_tokens_{10, 20};
  std::optional<boost::asio::steady_timer> deadline_;
  bool ready_ = true;
};

}  // namespace vos::serve
