#include <vos/serve/service.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "../test.hpp"
#include "echo_service.hpp"
#include "raw_client.hpp"
#include "test_server.hpp"

namespace {

using namespace vos::test;
using std::chrono::milliseconds;

vos::serve::ServerOptions open_options() {
  vos::serve::ServerOptions options;
  options.token = "none";
  return options;
}

const std::vector<TestServer::Page> pages{{"/index.html", "text/html; charset=utf-8", "<p>hello</p>"},
                                          {"/viewer.js", "text/javascript; charset=utf-8", "let a;"}};

/// Bytes as they are, on a connection of their own; the first answer.
RawClient::Reply answer_to(const TestServer& server, std::string_view bytes) {
  RawClient client{server.port()};
  client.send(bytes);
  return client.reply();
}

std::size_t files_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{folder}) ++count;
  return count;
}

bool within_seconds(int seconds, const std::function<bool()>& holds) {
  for (int i = 0; i < seconds * 100; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds{10});
  }
  return holds();
}

const std::string png = std::string{"\x89PNG\r\n\x1a\n"} + std::string(100, 'p');

}  // namespace

TEST_SUITE("serve/http") {
  TEST_CASE("the page's files come by their names, with their types, and not again where they are known") {
    EchoService service;
    TestServer server{service, open_options(), pages};
    RawClient client{server.port()};
    const auto page = client.ask("GET /");
    CHECK(page.status == 200);
    CHECK(page.body == "<p>hello</p>");
    CHECK(page.fields.at("content-type") == "text/html; charset=utf-8");
    CHECK(client.ask("GET /index.html").body == page.body);
    CHECK(client.ask("GET /viewer.js?version=3").body == "let a;");
    const auto head = client.ask("HEAD /");
    CHECK(head.status == 200);
    CHECK(head.fields.at("content-length") == "12");
    CHECK(head.body.empty());
    CHECK(client.ask("GET /", "If-None-Match: " + page.fields.at("etag") + "\r\n").status == 304);
    CHECK(client.ask("GET /nothing").status == 404);
    const auto post = client.ask("POST /");
    CHECK(post.status == 405);
    CHECK(post.fields.at("allow") == "GET, HEAD");
  }

  TEST_CASE("health and readiness need no token; readiness is the service's") {
    EchoService service;
    TestServer server{service};
    RawClient client{server.port()};
    CHECK(client.ask("GET /healthz").status == 200);
    CHECK(client.ask("GET /readyz").status == 200);
    service.is_ready = false;
    CHECK(client.ask("GET /readyz").status == 503);
    CHECK(client.ask("GET /healthz").status == 200);
  }

  TEST_CASE("requests to the service arrive as they were meant, and its answer goes back") {
    EchoService service;
    TestServer server{service, open_options()};
    RawClient client{server.port()};
    const auto asked = client.ask("GET /api/sessions/a%20b?name=x%2By+z&empty&name=second");
    CHECK(asked.status == 200);
    CHECK(asked.fields.at("content-type") == "application/json");
    const auto json = nlohmann::json::parse(asked.body);
    CHECK(json["path"] == "sessions/a b");
    CHECK(json["query"]["name"] == "x+y z");
    CHECK(json["query"]["empty"] == "");
    const auto posted = nlohmann::json::parse(
        client.ask("POST /api/sessions", "Content-Type: application/json\r\n", R"({"source":"input"})").body);
    CHECK(posted["method"] == "POST");
    CHECK(posted["body"]["source"] == "input");
    CHECK(nlohmann::json::parse(client.ask("DELETE /api/sessions/1").body)["method"] == "DELETE");
    CHECK(client.ask("PUT /api/sessions/1").status == 405);
    CHECK(client.ask("POST /api/sessions", "Content-Type: application/json\r\n", "{").status == 400);
    CHECK(client.ask("GET /healthz").status == 200);  // the same connection, all the time
  }

  TEST_CASE("a file of the service comes whole, with a name to save it by; one that is gone is no harm") {
    const Folder folder;
    const std::string text(700'000, 'z');
    std::ofstream{folder / "result"} << text;
    EchoService service;
    service.on_request = [&](const auto& request, const auto& answer) {
      vos::serve::ApiReply reply;
      reply.file = folder / (request.path == "gone" ? "gone" : "result");
      reply.file_name = "m\xc3\xa4sks \"1\".zip";
      answer(std::move(reply));
    };
    TestServer server{service, open_options()};
    RawClient client{server.port()};
    const auto file = client.ask("GET /api/result");
    CHECK(file.body == text);
    CHECK(file.fields.at("content-disposition") == "attachment; filename*=UTF-8''m%C3%A4sks%20%221%22.zip");
    CHECK(client.ask("HEAD /api/result").fields.at("content-length") == "700000");
    CHECK(client.ask("GET /api/gone").status == 404);
  }

  TEST_CASE("an answer may take its time, and may never come") {
    EchoService service;
    std::function<void(vos::serve::ApiReply)> later;
    service.on_request = [&](const auto&, auto answer) { later = std::move(answer); };
    auto options = open_options();
    options.http.answer = milliseconds{500};
    TestServer server{service, options};
    RawClient client{server.port()};
    client.send("GET /api/slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(within_seconds(20, [&] {
      bool there = false;
      server.on_thread([&] { there = static_cast<bool>(later); });
      return there;
    }));
    server.on_thread([&] { later({.status = 202, .body = {{"done", true}}}); });
    CHECK(client.reply().status == 202);
    CHECK(client.ask("GET /api/never").status == 504);
    server.on_thread([&] { later({}); });  // too late, and no harm
  }

  TEST_CASE("requests sent together are answered in order") {
    EchoService service;
    TestServer server{service, open_options(), pages};
    RawClient client{server.port()};
    std::string all;
    for (int i = 0; i < 100; ++i) all += "GET /api/" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    all +=
        "POST /api/last HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    all += "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    client.send(all);
    for (int i = 0; i < 100; ++i) CHECK(nlohmann::json::parse(client.reply().body)["path"] == std::to_string(i));
    CHECK(nlohmann::json::parse(client.reply().body)["path"] == "last");
    CHECK(client.reply().body == "<p>hello</p>");
    CHECK(client.is_ended_by_server());  // HTTP/1.0
  }

  TEST_CASE("what is no HTTP is refused, and the connection ends") {
    EchoService service;
    TestServer server{service, open_options(), pages};
    for (const std::string_view bad :
         {"hello\r\n\r\n",
          "GET\r\n\r\n",
          "GET /\r\n\r\n",
          "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\x01\r\n\r\n",
          "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "G\x01T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "\x16\x03\x01\x02\x01\x01\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1x\r\n\r\n",
          "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /?a=%0d%0a HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"}) {
      CAPTURE(vos::printable(bad));
      CHECK(answer_to(server, bad).status == 400);
    }
    CHECK(answer_to(server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200);
  }

  TEST_CASE("shapes by which one request is smuggled inside another are refused, and nothing behind them is read") {
    EchoService service;
    TestServer server{service, open_options()};
    const std::string inner = "GET /api/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const auto size = std::to_string(inner.size());
    for (const std::string& fields :
         {"Content-Length: 0\r\nContent-Length: " + size + "\r\n",
          "Content-Length: " + size + "\r\nContent-Length: " + size + "\r\n",
          "Content-Length: " + size + "," + size + "\r\n",
          "Content-Length: " + size + "\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: " + size + "\r\n",
          std::string{"Transfer-Encoding: identity\r\n"}, std::string{"Transfer-Encoding: chunked, identity\r\n"},
          std::string{"Transfer-Encoding: gzip, chunked\r\n"},
          std::string{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
          std::string{"Transfer-Encoding : chunked\r\n"}, std::string{"Transfer-Encoding: xchunked\r\n"},
          "Content-Length: +" + size + "\r\n"}) {
      CAPTURE(fields);
      RawClient client{server.port()};
      client.send("POST /api/outer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields +
                  "\r\n" + inner);
      CHECK(client.reply().status == 400);
      CHECK(client.is_ended_by_server());
      CHECK(client.inbox().empty());
    }
    // The same by the way into a WebSocket.
    RawClient client{server.port()};
    client.send(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
        inner);
    CHECK(client.reply().status == 400);
    CHECK(service.requests == 0);
    CHECK(service.connected == 0);
  }

  TEST_CASE("chunked bodies are read; chunks that are none are refused") {
    EchoService service;
    TestServer server{service, open_options()};
    const std::string head =
        "POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "
        "chunked\r\n\r\n";
    const auto sound = answer_to(server, head + "3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n");
    CHECK(sound.status == 200);
    CHECK(nlohmann::json::parse(sound.body)["body"]["a"] == 1);
    CHECK(answer_to(server, head + "zz\r\n{}\r\n0\r\n\r\n").status == 400);
    CHECK(answer_to(server, head + "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n").status == 400);
    CHECK(answer_to(server, head + "2\r\n{}x\r\n0\r\n\r\n").status == 400);
  }

  TEST_CASE("headers beyond 16 KB are refused, whether one long line, many short ones, or one without an end") {
    EchoService service;
    TestServer server{service, open_options(), pages};
    CHECK(answer_to(server, "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(8000, 'a') + "\r\n\r\n").status ==
          200);
    CHECK(answer_to(server, "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(17000, 'a') + "\r\n\r\n").status ==
          431);
    CHECK(answer_to(server, "GET /" + std::string(17000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 431);
    std::string many = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 3000; ++i) many += "A" + std::to_string(i) + ": b\r\n";
    CHECK(answer_to(server, many + "\r\n").status == 431);
    CHECK(answer_to(server, "GET /" + std::string(20000, 'a')).status == 431);
  }

  TEST_CASE("a header that does not come to its end is waited for no longer than allowed") {
    EchoService service;
    auto options = open_options();
    options.http.header_time = milliseconds{400};
    TestServer server{service, options, pages};
    RawClient silent{server.port()}, slow{server.port()};
    const auto begin = std::chrono::steady_clock::now();
    slow.send("GET / HTTP/1.1\r\n");
    // A byte now and then does not help.
    while (!slow.is_ended_by_server(50) && std::chrono::steady_clock::now() - begin < std::chrono::seconds{20})
      slow.send("A");
    CHECK(slow.is_ended_by_server(0 + 1));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});
    CHECK(silent.is_ended_by_server());
    CHECK(answer_to(server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200);
  }

  TEST_CASE("a connection that asks nothing more is closed after a while") {
    EchoService service;
    auto options = open_options();
    options.http.idle = milliseconds{200};
    TestServer server{service, options, pages};
    RawClient client{server.port()};
    CHECK(client.ask("GET /").status == 200);
    CHECK(client.is_ended_by_server());
  }

  TEST_CASE("a client that does not take its answer is let go") {
    const Folder folder;
    std::ofstream{folder / "large"} << std::string(30'000'000, 'z');
    EchoService service;
    service.on_request = [&](const auto&, const auto& answer) {
      vos::serve::ApiReply reply;
      reply.file = folder / "large";
      answer(std::move(reply));
    };
    auto options = open_options();
    options.http.body_time = milliseconds{400};
    TestServer server{service, options};
    RawClient client{server.port(), 4096};
    client.send("GET /api/large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(within_seconds(20, [&] { return server.metrics_text().find("\nvos_connections 0\n") != std::string::npos; }));
  }

  TEST_CASE("a body of JSON has a limit, known before or found on the way") {
    EchoService service;
    auto options = open_options();
    options.http.json = 1000;
    TestServer server{service, options};
    const std::string json = "Content-Type: application/json\r\n", large = "[\"" + std::string(2000, 'a') + "\"]";
    RawClient client{server.port()};
    CHECK(client.ask("POST /api/x", json, "[\"" + std::string(900, 'a') + "\"]").status == 200);
    CHECK(client.ask("POST /api/x", json, large).status == 413);
    CHECK(client.is_ended_by_server());
    CHECK(answer_to(server, "POST /api/x HTTP/1.1\r\nHost: localhost\r\n" + json +
                                "Transfer-Encoding: chunked\r\n\r\n7d4\r\n" + large + "\r\n0\r\n\r\n")
              .status == 413);
    CHECK(service.requests == 1);
  }

  TEST_CASE("who asks first whether a body is welcome is told") {
    EchoService service;
    TestServer server{service, open_options()};
    RawClient client{server.port()};
    const std::string head =
        "POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n";
    client.send(head + "Content-Length: 2\r\n\r\n");
    CHECK(client.reply().status == 100);
    client.send("{}");
    CHECK(client.reply().status == 200);
    client.send(head + "Content-Length: 2000000\r\n\r\n");
    CHECK(client.reply().status == 413);
  }

  TEST_CASE("an upload is a file of the service's; nothing of a broken one is left") {
    const Folder folder;
    EchoService service;
    auto options = open_options();
    options.uploads = folder.path();
    options.http.upload = 1 << 20;
    std::ofstream{folder / "upload-left-by-a-killed-server.mp4"} << "half";
    TestServer server{service, options};
    CHECK(files_in(folder.path()) == 0);
    RawClient client{server.port()};
    const auto sound = nlohmann::json::parse(
        client.ask("POST /api/sessions?name=a/../b.png&model=flow", "Content-Type: image/png\r\n", png).body);
    CHECK(sound["bytes"] == png.size());
    CHECK(sound["ending"] == ".png");
    CHECK(sound["name"] == "b.png");
    CHECK(sound["query"]["model"] == "flow");
    CHECK(client.ask("GET /healthz").status == 200);

    const std::string large = png + std::string(1 << 20, 'x');
    CHECK(client.ask("POST /api/sessions", "", large).status == 413);
    RawClient unnamed{server.port()};  // a size that is only known once it is there
    unnamed.send("POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n120000\r\n" +
                 large);
    unnamed.send(std::string(0x120000 - large.size(), 'x') + "\r\n0\r\n\r\n");
    CHECK(unnamed.reply().status == 413);

    {
      RawClient cut{server.port()};
      cut.send("POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + png +
               std::string(400'000, 'x'));
      CHECK(within_seconds(20, [&] { return files_in(folder.path()) == 1; }));
      const auto status = std::filesystem::status(std::filesystem::directory_iterator { folder.path() } -> path());
      CHECK(status.permissions() == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    }
    CHECK(within_seconds(20, [&] { return files_in(folder.path()) == 0; }));
    CHECK(service.requests == 1);
  }

  TEST_CASE("an upload that trickles is cut off") {
    const Folder folder;
    EchoService service;
    auto options = open_options();
    options.uploads = folder.path();
    options.http.rate_window = milliseconds{500};
    TestServer server{service, options};
    RawClient client{server.port()};
    client.send("POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + png);
    const auto begin = std::chrono::steady_clock::now();
    while (!client.is_ended_by_server(50) && std::chrono::steady_clock::now() - begin < std::chrono::seconds{20})
      client.send("x");
    CHECK(client.is_ended_by_server(1));
    CHECK(within_seconds(20, [&] { return files_in(folder.path()) == 0; }));
  }

  TEST_CASE("more uploads at once than allowed are asked to come back") {
    const Folder folder;
    EchoService service;
    auto options = open_options();
    options.uploads = folder.path();
    options.http.uploads = 1;
    TestServer server{service, options};
    RawClient first{server.port()};
    first.send("POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + png +
               std::string(400'000, 'x'));
    CHECK(within_seconds(20, [&] { return files_in(folder.path()) == 1; }));
    const auto refused = RawClient{server.port()}.ask("POST /api/sessions", "", png);
    CHECK(refused.status == 503);
    CHECK(refused.fields.contains("retry-after"));
    first.close();
    CHECK(
        within_seconds(20, [&] { return RawClient{server.port()}.ask("POST /api/sessions", "", png).status == 200; }));
  }

  TEST_CASE("a thousand connects and disconnects, of all manners, leave nothing behind") {
    EchoService service;
    TestServer server{service, open_options(), pages};
    for (int i = 0; i < 1000; ++i) {
      RawClient client{server.port()};
      REQUIRE(client.connected());
      if (i % 5 == 1) client.send("GET / HT");
      if (i % 5 == 2) client.ask("GET /");
      if (i % 5 == 3) client.abort();
      if (i % 5 == 4) {
        CHECK(client.open_socket() == 101);
        client.abort();
      }
    }
    CHECK(within_seconds(20, [&] { return server.metrics_text().find("\nvos_connections 0\n") != std::string::npos; }));
    CHECK(service.gone == service.connected);
    CHECK(RawClient{server.port()}.ask("GET /").status == 200);
  }

  TEST_CASE("more connections than allowed are closed at once, and there is room again when others go") {
    EchoService service;
    auto options = open_options();
    options.connections = 3;
    TestServer server{service, options, pages};
    std::vector<RawClient> clients;
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back(server.port());
      CHECK(clients.back().ask("GET /").status == 200);
    }
    RawClient refused{server.port()};
    CHECK(refused.is_ended_by_server());
    clients.clear();
    CHECK(within_seconds(20, [&] { return RawClient{server.port()}.ask("GET /").status == 200; }));
  }

  TEST_CASE("metrics are as Prometheus reads them") {
    EchoService service;
    TestServer server{service, open_options(), pages};
    RawClient client{server.port()};
    client.ask("GET /");
    const auto metrics = client.ask("GET /metrics");
    CHECK(metrics.fields.at("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(metrics.body.find("# TYPE vos_http_requests_total counter\nvos_http_requests_total{status=\"200\"} 1\n") !=
          std::string::npos);
    CHECK(metrics.body.find("\nvos_connections 1\n") != std::string::npos);
    CHECK(metrics.body.find(
              "vos_send_seconds_bucket{le=\"+Inf\"} 0\nvos_send_seconds_sum 0\nvos_send_seconds_count 0\n") !=
          std::string::npos);
  }
}
