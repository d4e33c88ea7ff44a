#include <fstream>
#include <optional>

#include <vos/net/http_client.hpp>

#include "../test.hpp"
#include "http_server.hpp"

using namespace vos;
using test::HttpServer;
using Manner = HttpServer::Answer::Manner;

namespace {

/// A port on which nobody listens: that of a server that has gone.
std::string url_of_nobody() {
  return HttpServer{[](const HttpRequest&) { return HttpServer::Answer{}; }}.url();
}

template <class Kind>
std::string told_by(const Http& http, const HttpRequest& request) {
  try {
    http(request);
  } catch (const Kind& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("net") {
  TEST_CASE("a request arrives as it was made, and its answer comes back") {
    std::optional<HttpRequest> got;
    const HttpServer server{[&](const HttpRequest& request) {
      got = request;
      return HttpServer::Answer{.response = {.status = 201, .headers = {{"X-Mark", "yes"}}, .body = R"({"a":1})"}};
    }};
    const auto address = "http://ann:p%40ss@" + server.url().substr(7);
    const auto answer = HttpClient{}({.method = "POST",
                                      .url = address + "/a/b?c=%20d",
                                      .headers = {{"Content-Type", "application/json"}},
                                      .body = "{\"x\":\"é\"}"});
    CHECK(answer.status == 201);
    CHECK(answer.headers.at("x-mark") == "yes");
    CHECK(expect_json(answer, "a test")["a"] == 1);
    REQUIRE(got);
    CHECK(got->method == "POST");
    CHECK(got->url == "/a/b?c=%20d");
    CHECK(got->body == "{\"x\":\"é\"}");
    CHECK(got->headers.at("content-type") == "application/json");
    CHECK(got->headers.at("content-length") == "10");
    CHECK(got->headers.at("host") == server.url().substr(7));
    CHECK(got->headers.at("authorization") == "Basic YW5uOnBAc3M=");  // ann:p@ss
  }

  TEST_CASE("a large body goes both ways") {
    std::string large;
    for (int i = 0; i < 3'000'000; ++i) large += static_cast<char>(i * 7 + i / 256);
    const HttpServer server{[](const HttpRequest& request) {
      return HttpServer::Answer{.response = {.status = 200, .body = request.body}};
    }};
    CHECK(HttpClient{}({.method = "PUT", .url = server.url(), .body = large}).body == large);
    CHECK(told_by<Error>(HttpClient{{.most = 1000}}, {.method = "PUT", .url = server.url(), .body = large})
              .find("more than 1000 bytes") != std::string::npos);
  }

  TEST_CASE("a status that is no success is an error, and one that may pass another kind of it") {
    int status = 0;
    const HttpServer server{
        [&](const HttpRequest&) { return HttpServer::Answer{.response = {.status = status, .body = "why\nso"}}; }};
    const auto ask = [&](int given) {
      status = given;
      return HttpClient{}({.url = server.url()});
    };
    CHECK(ask(404).status == 404);  // the client itself judges nothing
    for (const int refused : {301, 400, 401, 404}) {
      try {
        expect_done(ask(refused), "a test");
        FAIL("status " << refused << " was taken");
      } catch (const NoAnswer&) {
        FAIL("status " << refused << " will not pass");
      } catch (const Error& error) {
        CHECK(std::string{error.what()}.find(std::to_string(refused)) != std::string::npos);
      }
    }
    for (const int passing : {408, 429, 500, 503}) CHECK_THROWS_AS(expect_done(ask(passing), "a test"), NoAnswer);
    CHECK_THROWS_AS(expect_json(ask(200), "a test"), Error);
  }

  TEST_CASE("a server that is not there, goes away or waits is no answer") {
    CHECK(told_by<NoAnswer>(HttpClient{}, {.url = url_of_nobody()}).find("refused") != std::string::npos);
    CHECK(told_by<NoAnswer>(HttpClient{}, {.url = "http://no-such-host.invalid/"}) != "");
    auto manner = Manner::none;
    const HttpServer server{[&](const HttpRequest&) {
      return HttpServer::Answer{.response = {.status = 200, .body = "half of it"}, .manner = manner};
    }};
    CHECK(told_by<NoAnswer>(HttpClient{}, {.url = server.url()}).find("closed the connection") != std::string::npos);
    manner = Manner::half;
    CHECK(told_by<NoAnswer>(HttpClient{}, {.url = server.url()}).find("closed the connection") != std::string::npos);
    manner = Manner::waiting;
    const auto begun = std::chrono::steady_clock::now();
    const auto told =
        told_by<NoAnswer>(HttpClient{{.timeout = std::chrono::milliseconds{200}}}, {.url = server.url() + "/slow"});
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK(told.find("within 200 ms") != std::string::npos);
    CHECK(told.find("/slow") != std::string::npos);
    CHECK(took >= std::chrono::milliseconds{200});
    CHECK(took < std::chrono::seconds{10});  // ample for a busy machine, and far from waiting for ever
  }

  TEST_CASE("a certificate counts only if an authority that is trusted signed it for this host") {
    const HttpServer server{
        [](const HttpRequest&) { return HttpServer::Answer{.response = {.status = 200, .body = "safe"}}; }, true};
    CHECK(told_by<Error>(HttpClient{}, {.url = server.url()}).find("no safe connection") != std::string::npos);
    const test::Folder folder;
    std::ofstream{folder / "own.pem"} << server.certificate();
    const HttpClient client{{.authorities = (folder / "own.pem").string()}};
    CHECK(client({.url = server.url()}).body == "safe");
    // The same server by a name that its certificate does not have.
    const auto port = server.url().substr(server.url().rfind(':'));
    CHECK(told_by<Error>(client, {.url = "https://127.0.0.1" + port}).find("no safe connection") != std::string::npos);
  }
}
