#include <vos/serve/gate.hpp>
#include <vos/serve/media_kind.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../test.hpp"
#include "echo_service.hpp"
#include "raw_client.hpp"
#include "test_server.hpp"
#include "tls_client.hpp"

namespace {

using namespace vos::test;
using vos::serve::Gate;
using vos::serve::ServerOptions;

const std::vector<TestServer::Page> pages{{"/index.html", "text/html; charset=utf-8", "<p>hello</p>"}};

std::string bearer(const TestServer& server) { return "Authorization: Bearer " + server.token() + "\r\n"; }

bool refuses(const ServerOptions& options) {
  try {
    const Gate gate{options};
    return false;
  } catch (const vos::Error& error) {
    CHECK(error.parts().exit_code == vos::exit_code::usage);
    CHECK(!error.parts().mend.empty());
    return true;
  }
}

}  // namespace

// One case for each line of "Safe by default" in docs/server.md, in its order.
TEST_SUITE("serve/security") {
  TEST_CASE("1. only this machine is listened to, unless told otherwise") {
    EchoService service;
    TestServer server{service};
    CHECK(ServerOptions{}.host == "127.0.0.1");
    CHECK(server.link().starts_with("http://127.0.0.1:"));
    CHECK(Gate{ServerOptions{}}.address().is_loopback());
    ServerOptions options;
    options.host = "::1";
    TestServer six{service, options};
    CHECK(six.link().starts_with("http://[::1]:"));
  }

  TEST_CASE("2. there is no public address without a token unless it is said twice") {
    for (const std::string& host : std::vector<std::string>{"0.0.0.0", "::", "192.0.2.7"}) {
      CHECK(refuses({.host = host, .token = "none"}));
      CHECK(!refuses({.host = host, .public_without_token = true, .token = "none"}));
      CHECK(!refuses({.host = host}));
      CHECK(!refuses({.host = host, .public_without_token = true}));
      CHECK(!Gate{ServerOptions{.host = host, .public_without_token = true}}.open());
    }
    CHECK(!refuses({.token = "none"}));
    CHECK(refuses({.host = "example.org"}));
  }

  TEST_CASE("3. a token is made that nobody guesses; it is in the printed link, and only its owner can read its file") {
    std::set<std::string> tokens;
    for (int i = 0; i < 100; ++i) tokens.insert(Gate{ServerOptions{}}.token());
    CHECK(tokens.size() == 100);
    for (const auto& token : tokens) {
      CHECK(token.size() == 32);  // 192 bits
      CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
            std::string::npos);
    }
    CHECK(refuses({.token = ""}));
    CHECK(refuses({.token = "short"}));
    CHECK(refuses({.token = "with a space in it"}));
    CHECK(refuses({.token = "lines\r\nSet-Cookie: a=b"}));
    CHECK(refuses({.token = "chosen-by-me-15"}));
    CHECK(Gate{ServerOptions{.token = "chosen-by-me-16c"}}.token() == "chosen-by-me-16c");

    const Folder folder;
    ServerOptions options;
    options.state = folder / "state";
    const auto token = Gate{options}.token();
    CHECK(Gate{options}.token() == token);  // links hold over a restart
    using std::filesystem::perms;
    CHECK(std::filesystem::status(options.state / "token").permissions() == (perms::owner_read | perms::owner_write));
    CHECK(std::filesystem::status(options.state).permissions() == perms::owner_all);
    std::filesystem::resize_file(options.state / "token", 0);  // damaged: made anew, never empty
    CHECK(Gate{options}.token().size() == 32);
  }

  TEST_CASE("4. tokens are compared in a time that tells nothing, and wrong ones are answered late") {
    CHECK(vos::serve::same_secret("abc", "abc"));
    CHECK(!vos::serve::same_secret("abc", "abd"));
    CHECK(!vos::serve::same_secret("abc", "abcd"));
    CHECK(!vos::serve::same_secret("", "a"));
    // What is compared has one length whatever was sent: no prefix is found out by time. The clock would not show it here.
    EchoService service;
    ServerOptions options;
    options.wrong_token_delay = std::chrono::milliseconds{300};
    TestServer server{service, options, pages};
    for (const std::string& line : std::vector<std::string>{"GET /?token=wrong", "GET /api/server"}) {
      RawClient client{server.port()};
      const auto begin = std::chrono::steady_clock::now();
      const auto status = client.ask(line, "Authorization: Bearer wrong\r\n").status;
      CHECK((status == 403 || status == 401));
      CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{290});
    }
  }

  TEST_CASE(
      "5. the link's token becomes a cookie that no script reads and no other page sends, and leaves the address "
      "line") {
    EchoService service;
    TestServer server{service, {}, pages};
    RawClient client{server.port()};
    const auto answer = client.ask("GET /?session=a%20b&token=" + server.token() + "&watch=c");
    CHECK(answer.status == 303);
    CHECK(answer.fields.at("location") == "/?session=a%20b&watch=c");
    const auto cookie = answer.fields.at("set-cookie");
    const auto name = "vos_token_" + std::to_string(server.port());
    CHECK(cookie.starts_with(name + "=" + server.token() + "; "));
    for (const std::string& word : std::vector<std::string>{"HttpOnly", "SameSite=Strict", "Path=/"})
      CHECK(cookie.find(word) != std::string::npos);
    CHECK(cookie.find("Secure") == std::string::npos);  // without TLS it would not be sent back
    const auto fields = "Cookie: other=1; " + name + "=" + server.token() + "\r\n";
    CHECK(client.ask("GET /api/server", fields).status == 200);
    CHECK(client.ask("GET /metrics", fields).status == 200);
    CHECK(client.ask("GET /api/server", "Cookie: " + name + "=wrong\r\n").status == 401);
    CHECK(client.ask("GET /api/server", "Cookie: x" + name + "=" + server.token() + "\r\n").status == 401);
    const auto wrong = client.ask("GET /?token=wrong");
    CHECK(wrong.status == 403);
    CHECK(!wrong.fields.contains("set-cookie"));
    CHECK(client.ask("GET /?token=" + server.token() + "&//evil.example").fields.at("location") == "/?//evil.example");
  }

  TEST_CASE("6. without a token there are only the page's files and the server's health") {
    EchoService service;
    TestServer server{service, {}, pages};
    RawClient client{server.port()};
    for (const std::string& path : std::vector<std::string>{"/", "/healthz", "/readyz"})
      CHECK(client.ask("GET " + path).status == 200);
    for (const std::string& path : std::vector<std::string>{"/metrics", "/api", "/api/", "/api/server", "/api/sessions",
                                                            "/api/%73essions", "/api//x"}) {
      CAPTURE(path);
      const auto answer = client.ask("GET " + path);
      CHECK(answer.status == 401);
      CHECK(answer.fields.at("www-authenticate") == "Bearer");
      CHECK(client.ask("GET " + path, bearer(server)).status == 200);
    }
    CHECK(client.ask("GET /api/server", "Authorization: Basic " + server.token() + "\r\n").status == 401);
    CHECK(client.ask("POST /api/sessions", "Content-Type: application/json\r\n", "{}").status == 401);
    // A socket may be opened, since a watcher's secret comes in its Hello; the service is told that nothing was shown.
    // It hears of a socket a moment after the client does.
    RawClient socket{server.port()}, owner{server.port()};
    CHECK(socket.open_socket() == 101);
    while (service.connected < 1) std::this_thread::yield();
    CHECK(service.last_access == vos::serve::Access::none);
    CHECK(owner.open_socket(bearer(server)) == 101);
    while (service.connected < 2) std::this_thread::yield();
    CHECK(service.last_access == vos::serve::Access::owner);
  }

  TEST_CASE("7. a page from elsewhere cannot open a socket here, nor do anything by a visitor's cookie") {
    EchoService service;
    ServerOptions options;
    options.origins = {"https://lab.example"};
    TestServer server{service, options, pages};
    const auto port = std::to_string(server.port());
    const auto cookie = "Cookie: vos_token_" + port + "=" + server.token() + "\r\n";
    const auto open = [&](const std::string& fields) {
      RawClient client{server.port()};
      return client.open_socket(fields + cookie);
    };
    const auto host = "Host: localhost:" + port + "\r\n";
    CHECK(open(host + "Origin: http://localhost:" + port + "\r\n") == 101);
    CHECK(open("Origin: https://lab.example\r\n") == 101);
    for (const std::string& origin :
         std::vector<std::string>{"http://evil.example", "null", "", "http://localhost", "https://localhost:" + port,
                                  "http://localhost:" + port + ".evil.example", "http://lab.example",
                                  "https://lab.example.evil", "http://127.0.0.1:" + port, "file://"}) {
      CAPTURE(origin);
      CHECK(open(host + "Origin: " + origin + "\r\n") == 403);
    }
    RawClient client{server.port()};
    const std::string json = "Content-Type: application/json\r\n";
    CHECK(client.ask("POST /api/sessions", host + cookie + json + "Origin: http://localhost:" + port + "\r\n", "{}")
              .status == 200);
    for (const std::string& origin :
         std::vector<std::string>{"Origin: http://evil.example\r\n", "Origin: null\r\n", "",
                                  "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"}) {
      CAPTURE(origin);
      for (const std::string& method : std::vector<std::string>{"POST", "DELETE"}) {
        RawClient other{server.port()};
        CHECK(other.ask(method + " /api/sessions/1", host + cookie + json + origin, method == "POST" ? "{}" : "")
                  .status == 403);
      }
    }
    // Programs have no cookies, and say their token themselves.
    CHECK(client.ask("DELETE /api/sessions/1", bearer(server)).status == 200);
    // What a page may read is for browsers to decide: they are told for those that were allowed alone.
    const auto preflight = client.ask("OPTIONS /api/sessions", "Origin: https://lab.example\r\n");
    CHECK(preflight.status == 204);
    CHECK(preflight.fields.at("access-control-allow-origin") == "https://lab.example");
    CHECK(client.ask("OPTIONS /api/sessions", "Origin: http://evil.example\r\n").status == 403);
    CHECK(!client.ask("GET /", host + "Origin: http://localhost:" + port + "\r\n")
               .fields.contains("access-control-allow-origin"));
  }

  TEST_CASE("8. a name that others let lead here is refused, so that no page becomes one of ours by its name") {
    EchoService service;
    ServerOptions options;
    options.hosts = {"vos.lab.example"};
    TestServer server{service, options, pages};
    const auto status = [&](const std::string& host) {
      RawClient client{server.port()};
      return client.ask("GET /", "Host: " + host + "\r\n").status;
    };
    const auto port = std::to_string(server.port());
    for (const std::string& host :
         std::vector<std::string>{"localhost", "LocalHost:" + port, "localhost.", "app.localhost", "127.0.0.1:" + port,
                                  "127.0.0.2", "[::1]:1", "vos.lab.example", "VOS.lab.example:80"})
      CHECK_MESSAGE(status(host) == 200, host);
    for (const std::string& host :
         std::vector<std::string>{"evil.example", "evil.example:" + port, "127.0.0.1.evil.example",
                                  "localhost.evil.example", "192.0.2.7", "evillocalhost", "a@localhost", "localhost/..",
                                  "localhost:port", "localhost:1:2", "[::1", "xvos.lab.example", "[::2]"})
      CHECK_MESSAGE(status(host) == 403, host);
    // Bound to all addresses, any address may be meant, but still no name.
    const Gate all{ServerOptions{.host = "0.0.0.0"}};
    CHECK(all.is_host("192.0.2.7:8765"));
    CHECK(!all.is_host("evil.example"));
  }

  TEST_CASE("9. requests, headers, messages, their rate and uploads are limited") {
    // Each limit has its cases in http_test and websocket_test; that there is one by default is held here.
    const ServerOptions options;
    CHECK(options.http.header == 16 << 10);
    CHECK(options.http.json == 1 << 20);
    CHECK(options.http.upload == std::uint64_t{2} << 30);
    CHECK(options.viewer.message == vos::wire::largest_message);
    CHECK(options.viewer.messages_per_second <= 1000);
    CHECK(options.connections <= 10000);
    EchoService service;
    const Folder folder;
    ServerOptions small;
    small.uploads = folder.path();
    TestServer server{service, small};
    RawClient client{server.port()};
    client.send("POST /api/sessions HTTP/1.1\r\nHost: localhost\r\n" + bearer(server) +
                "Content-Length: 2147483649\r\n\r\n");
    CHECK(client.reply().status == 413);  // at once, not after two gigabytes
    CHECK(service.requests == 0);
  }

  TEST_CASE("10. an upload is judged by its bytes, kept under a name of ours, and is nobody else's to read") {
    using vos::serve::media_ending;
    const auto ending = [](std::string_view head) {
      return media_ending({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()});
    };
    using namespace std::string_view_literals;
    CHECK(ending("\x00\x00\x00\x20"
                 "ftypisom...."sv) == ".mp4");
    CHECK(ending("\x00\x00\x00\x14"
                 "ftypqt  ...."sv) == ".mov");
    CHECK(ending("\x1a\x45\xdf\xa3...."sv) == ".mkv");
    CHECK(ending("RIFF....AVI LIST"sv) == ".avi");
    CHECK(ending("RIFF....WAVEfmt "sv).empty());
    CHECK(ending("GIF89a"sv) == ".gif");
    CHECK(ending("\xff\xd8\xff\xe0"sv) == ".jpg");
    CHECK(ending("\x89PNG\r\n\x1a\n"sv) == ".png");
    CHECK(ending("PK\x03\x04"sv) == ".zip");
    for (const auto none :
         {""sv, "\x89PN"sv, "#!/bin/sh\n"sv, "<svg xmlns="sv, "<html>"sv, "#EXTM3U\nfile:///"sv, "ffconcat version"sv,
          "\x7f"
          "ELF"sv})
      CHECK(ending(none).empty());  // play lists among them: they can name other files

    const Folder folder;
    EchoService service;
    vos::serve::ApiRequest taken;
    service.on_request = [&](auto request, const auto& answer) {
      taken = std::move(request);
      answer({});
    };
    ServerOptions options;
    options.uploads = folder.path();
    TestServer server{service, options};
    RawClient client{server.port()};
    const auto gif = "GIF89a" + std::string(50, 'g');
    CHECK(client.ask("POST /api/sessions?name=..%2F..%2Fetc%2Fpasswd.mp4", bearer(server), gif).status == 200);
    CHECK(taken.upload.parent_path() == folder.path());
    CHECK(taken.upload.extension() == ".gif");
    CHECK(taken.upload.string().find("passwd") == std::string::npos);
    CHECK(taken.upload_name == "passwd.mp4");
    using std::filesystem::perms;
    CHECK(std::filesystem::status(taken.upload).permissions() == (perms::owner_read | perms::owner_write));
    std::filesystem::remove(taken.upload);
    const auto refused =
        client.ask("POST /api/sessions?name=clip.mp4", bearer(server), "#EXTM3U\nfile:///etc/passwd" + gif);
    CHECK(refused.status == 415);
    CHECK(std::filesystem::is_empty(folder.path()));
  }

  TEST_CASE("11. no path of the server can be read through it") {
    const Folder folder;
    std::filesystem::create_directories(folder / "root/sub/.git");
    for (const std::string& name : std::vector<std::string>{"root/index.html", "root/sub/a.js", "root/.secret.js",
                                                            "root/sub/.git/b.js", "root/notes.md", "outside.js"})
      std::ofstream{folder / name} << name;
    std::filesystem::create_symlink(folder / "outside.js", folder / "root/link.js");
    std::filesystem::create_symlink(folder.path(), folder / "root/up");
    std::filesystem::create_directory(folder / "root/folder.js");
    EchoService service;
    ServerOptions options;
    options.web_root = folder / "root";
    TestServer server{service, options, pages}, built_in{service, {}, pages};
    const auto status = [](const TestServer& at, const std::string& path) {
      return RawClient{at.port()}.ask("GET " + path).status;
    };
    CHECK(RawClient{server.port()}.ask("GET /").body == "root/index.html");
    CHECK(status(server, "/sub/a.js") == 200);
    for (const std::string& path : std::vector<std::string>{"/../outside.js",
                                                            "/%2e%2e/outside.js",
                                                            "/..%2foutside.js",
                                                            "/sub/../../outside.js",
                                                            "/..\\outside.js",
                                                            "/..%5coutside.js",
                                                            "//etc/passwd",
                                                            "/etc/passwd",
                                                            "/link.js",
                                                            "/up/outside.js",
                                                            "/.secret.js",
                                                            "/sub/.git/b.js",
                                                            "/notes.md",
                                                            "/folder.js",
                                                            "/sub",
                                                            "/sub/",
                                                            "/index.html/",
                                                            "/./index.html",
                                                            "/index.html%00.js",
                                                            "/proc/self/environ",
                                                            "/%252e%252e/outside.js"}) {
      CAPTURE(path);
      CHECK(status(server, path) >= 400);
      CHECK(status(built_in, path) >= 400);
    }
  }

  TEST_CASE("12. every answer tells browsers to run and load nothing but the page's own") {
    EchoService service;
    TestServer server{service, {}, pages};
    const auto port = std::to_string(server.port());
    for (const std::string& path :
         std::vector<std::string>{"/", "/healthz", "/api/server", "/nothing", "/?token=" + server.token(), "/%zz"}) {
      CAPTURE(path);
      RawClient client{server.port()};
      auto fields = client.ask("GET " + path, "Host: localhost:" + port + "\r\n").fields;
      CHECK(fields["content-security-policy"] ==
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
            "media-src 'self' blob:; "
            "connect-src 'self' ws://localhost:" +
                port + " wss://localhost:" + port +
                "; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
      CHECK(fields["x-content-type-options"] == "nosniff");
      CHECK(fields["referrer-policy"] == "no-referrer");
      CHECK(fields["cross-origin-opener-policy"] == "same-origin");
      CHECK(fields["cross-origin-resource-policy"] == "same-origin");
      CHECK(fields["x-frame-options"] == "DENY");
    }
  }

  TEST_CASE("13. with a certificate it speaks TLS alone, and the cookie goes nowhere else") {
    const Folder folder;
    make_certificate(folder / "cert.pem", folder / "key.pem");
    EchoService service;
    ServerOptions options;
    options.tls_certificate = folder / "cert.pem";
    options.tls_key = folder / "key.pem";
    options.viewer.first_message = 1 << 20;
    TestServer server{service, options, pages};
    CHECK(server.link().starts_with("https://"));
    const auto ask = [&](const std::string& path) {
      return talk_by_tls(server.port(), folder / "cert.pem",
                         "GET " + path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(server.port()) +
                             "\r\nConnection: close\r\n\r\n");
    };
    CHECK(ask("/").ends_with("<p>hello</p>"));
    CHECK(ask("/?token=" + server.token()).find("; Secure") != std::string::npos);
    const auto socket = talk_by_tls(
        server.port(), folder / "cert.pem",
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        web_frame(binary, text_of(hello(std::string(100'000, 'x')))) + web_frame(closing, close_payload(1000)));
    CHECK(socket.starts_with("HTTP/1.1 101"));
    CHECK(socket.ends_with(std::string{"\x88\x02"} + close_payload(1000)));
    RawClient plain{server.port()};
    const auto answer = plain.ask("GET /");
    CHECK(answer.status == 400);
    CHECK(answer.body.find("https://") != std::string::npos);
    options.tls_key.clear();
    CHECK_THROWS_AS(TestServer(service, options), vos::Error);
    options.tls_key = folder / "cert.pem";
    CHECK_THROWS_AS(TestServer(service, options), vos::Error);
    options.tls_key = folder / "nothing.pem";
    CHECK_THROWS_AS(TestServer(service, options), vos::Error);
  }

  TEST_CASE("14. errors say what to do, and nothing about where the server's files are") {
    const Folder folder;
    EchoService service;
    ServerOptions options;
    options.state = folder / "state";
    options.uploads = folder / "nowhere";
    options.web_root = folder / "web";
    TestServer server{service, options, pages};
    std::string all;
    for (const std::string& line : std::vector<std::string>{"GET /", "GET /nothing", "GET /%zz", "GET /api/server",
                                                            "POST /api/sessions", "PUT /x", "GET /?token=wrong"}) {
      RawClient client{server.port()};
      client.ask(line);
      RawClient sender{server.port()};
      const auto answer = sender.ask(line, bearer(server), "GIF89a" + std::string(100, 'g'));
      CHECK(answer.body.find(folder.path().string()) == std::string::npos);
      CHECK(answer.body.find("nowhere") == std::string::npos);
      if (answer.status >= 400) {
        CHECK(answer.body.find("\"error\":{\"code\":\"") != std::string::npos);
        all += answer.body;
      }
    }
    CHECK(all.find("\"mend\":\"") != std::string::npos);
  }
}
