#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>

#include <vos/serve/beside.hpp>
#include <vos/serve/http_exchange.hpp>
#include <vos/serve/media_kind.hpp>
#include <vos/serve/service.hpp>
#include <vos/serve/upload.hpp>

/// A request's body, into `asked`. What comes back is why it was not taken, if it was not.
namespace vos::serve {

inline boost::asio::awaitable<std::optional<HttpAnswer>> read_json(HttpExchange& exchange, HttpParser& parser,
                                                                   ApiRequest& asked) {
  namespace http = boost::beast::http;
  const auto most = exchange.serving->options.http.json;
  const auto too_large = [&] {
    return refusal(413, "too_large", "the body has more than " + std::to_string(most) + " bytes");
  };
  if (parser.content_length().value_or(0) > most) co_return too_large();
  co_await exchange.go_on(parser);
  http::request_parser<http::string_body> whole{std::move(parser)};
  whole.body_limit(most);
  boost::system::error_code code;
  if (!exchange.body_read) co_await http::async_read(exchange.transport, exchange.buffer, whole, into(code));
  parser.get().base() = whole.get().base();
  if (code == http::error::body_limit) co_return too_large();
  if (code) co_return exchange.broken(code);
  exchange.body_read = true;
  asked.body = nlohmann::json::parse(whole.get().body(), nullptr, /*allow_exceptions=*/false);
  if (asked.body.is_discarded()) co_return refusal(400, "bad_json", "the body is no JSON");
  co_return std::nullopt;
}

/// Files of videos and pictures, written to disk as they arrive.
class UploadReader {
 public:
  UploadReader(HttpExchange& exchange, HttpParser& parser) : exchange_(exchange), parser_(parser) {}

  boost::asio::awaitable<std::optional<HttpAnswer>> read(ApiRequest& asked) {
    namespace http = boost::beast::http;
    if (auto wrong = check()) co_return std::move(*wrong);
    const Counted counted{exchange_.serving->uploads};
    co_await exchange_.go_on(parser_);
    Body body{std::move(parser_)};
    body.body_limit(exchange_.serving->options.http.upload);
    exchange_.begin_receiving();
    auto wrong = co_await receive(body);
    exchange_.end_receiving();
    parser_.get().base() = body.get().base();
    if (wrong) co_return std::move(*wrong);
    exchange_.body_read = true;
    asked.upload = file_.hand_on();
    if (const auto named = asked.query.find("name"); named != asked.query.end())
      asked.upload_name = std::filesystem::path{named->second}.filename().string();
    co_return std::nullopt;
  }

 private:
  using Body = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  struct Counted {
    std::size_t& count;
    explicit Counted(std::size_t& c) : count(++c) {}
    ~Counted() { --count; }
  };

  /// What can be said before a byte of it has come.
  std::optional<HttpAnswer> check() const {
    const auto& options = exchange_.serving->options;
    const auto length = parser_.content_length().value_or(0);
    if (options.uploads.empty()) return refusal(403, "no_uploads", "this server takes no files");
    if (length > options.http.upload) return too_large();
    if (exchange_.body_read) return refusal(400, "empty", "there is no file in this request");
    if (exchange_.serving->uploads >= options.http.uploads) {
      auto answer =
          refusal(503, "busy", "too many files are being uploaded just now", "try again when one of them is done");
      answer.fields.emplace_back("Retry-After", "10");
      return answer;
    }
    std::error_code unknown;
    const auto space = std::filesystem::space(options.uploads, unknown);
    if (!unknown && space.available < length + spare) return disk_full();
    return std::nullopt;
  }

  boost::asio::awaitable<std::optional<HttpAnswer>> receive(Body& body) {
    namespace http = boost::beast::http;
    auto& serving = *exchange_.serving;
    std::vector<std::uint8_t> bytes(HttpExchange::piece);
    for (bool first = true; !body.is_done(); first = false) {
      boost::system::error_code code;
      auto& to = body.get().body();
      to.data = bytes.data();
      to.size = bytes.size();
      while (!code && to.size > 0 && !body.is_done()) {
        const auto before = to.size;
        co_await http::async_read_some(exchange_.transport, exchange_.buffer, body, into(code));
        exchange_.received(before - to.size);
      }
      const std::span<const std::uint8_t> part{bytes.data(), bytes.size() - to.size};
      serving.network.upload_bytes.add(part.size());
      if (code == http::error::body_limit) co_return too_large();
      if (code && code != http::error::need_buffer) co_return exchange_.broken(code);
      if (first) {
        const auto ending = media_ending(part.first(std::min(part.size(), media_head)));
        if (ending.empty()) co_return unknown_file();
        const auto open = [&] { return file_.open(serving.options.uploads, ending); };
        const int failed = co_await beside(serving.files, open);
        if (failed != 0) co_return cannot_write(failed);
      }
      const auto write = [&] { return file_.write(part); };
      const int failed = co_await beside(serving.files, write);
      if (failed != 0) co_return cannot_write(failed);
    }
    co_return std::nullopt;
  }

  HttpAnswer too_large() const {
    return refusal(413, "too_large",
                   "the file has more than " + std::to_string(exchange_.serving->options.http.upload) + " bytes",
                   "cut it, or start the server with a larger --max-upload");
  }
  static HttpAnswer unknown_file() {
    return refusal(415, "unknown_file", "this is no video, no picture and no zip of pictures",
                   "send MP4, MOV, MKV, WebM, AVI, GIF, PNG or JPEG, or a zip of pictures");
  }
  static HttpAnswer disk_full() {
    return refusal(507, "disk_full", "the server has no room for this file", "make room on its disk, or cut the file");
  }
  static HttpAnswer cannot_write(int reason) {
    if (reason == ENOSPC || reason == EDQUOT) return disk_full();
    return refusal(500, "cannot_write",
                   "the server could not write the file: " + std::generic_category().message(reason));
  }

  static constexpr std::uintmax_t spare = std::uintmax_t{64} << 20;  // that is left free on the disk

  HttpExchange& exchange_;
  HttpParser& parser_;
  Upload file_;
};

}  // namespace vos::serve
