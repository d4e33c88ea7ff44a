#include <vos/serve/service.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "../test.hpp"
#include "echo_service.hpp"
#include "raw_client.hpp"
#include "test_server.hpp"

namespace {

using namespace vos::test;

/// A server without a token, and an open WebSocket to it.
struct Opened {
  explicit Opened(vos::serve::ServerOptions options = {})
      : server(service,
               [&] {
                 options.token = "none";
                 options.viewer.messages_per_second = options.viewer.messages_per_second == 100 ? 1e6 : 100;
                 options.viewer.burst = options.viewer.burst == 300 ? 1e6 : options.viewer.burst;
                 return options;
               }()),
        client(server.port()) {
    REQUIRE(client.open_socket() == 101);
  }

  /// Whether the connection still works: a message comes back.
  bool answers() {
    client.send(web_frame(binary, text_of(hello("still there"))));
    while (const auto frame = client.frame())
      if (frame->opcode == binary) return echoed(frame->payload) == "still there";
    return false;
  }

  EchoService service;
  TestServer server;
  RawClient client;
};

/// What one WebSocket is closed with after these bytes.
int close_after(Opened& at, std::string_view bytes) {
  RawClient client{at.server.port()};
  REQUIRE(client.open_socket() == 101);
  client.send(bytes);
  return client.close_code();
}

std::string bytes_of_hello(std::size_t token) { return std::string{text_of(hello(std::string(token, 'x')))}; }

}  // namespace

// The groups are those of the usual conformance suite for RFC 6455.
TEST_SUITE("serve/websocket") {
  TEST_CASE("group 1: messages of every length class arrive whole, and answers come in one unmasked binary frame") {
    Opened at{{.viewer = {.first_message = 1 << 20}}};
    for (const std::size_t size :
         {0, 1, 60, 61, 62, 63, 64, 65, 66, 120, 125, 126, 127, 128, 1000, 65400, 65470, 65500, 65535, 65536, 200000}) {
      const std::string token(size, 'x');
      at.client.send(web_frame(binary, text_of(hello(token))));
      const auto answer = at.client.frame();
      REQUIRE(answer);
      CHECK(answer->opcode == binary);
      CHECK(answer->fin);
      CHECK(!answer->masked);
      CHECK(answer->reserved == 0);
      CHECK(echoed(answer->payload) == token);
    }
  }

  TEST_CASE("group 1: a message that is none of ours is told as such, and the connection goes on") {
    Opened at;
    for (const std::size_t size : {0, 1, 7, 8, 125, 126, 60000}) {
      at.client.send(web_frame(binary, std::string(size, '\x2a')));
      const auto answer = at.client.frame();
      REQUIRE(answer);
      CHECK(answer->payload.find("no message of vos") != std::string::npos);
    }
    CHECK(at.answers());
  }

  TEST_CASE("group 1: a text message is refused with 1003") {
    Opened at;
    CHECK(close_after(at, web_frame(text, "hello")) == 1003);
    CHECK(close_after(at, web_frame(text, "")) == 1003);
  }

  TEST_CASE("group 2: pings are answered with what they bring, in order; a longer one than 125 bytes is refused") {
    Opened at;
    const std::string odd{"\x00\xff\xfe\xfd\x00", 5};
    for (const auto& payload : {std::string{}, std::string{"hello"}, odd, std::string(125, '*')}) {
      at.client.send(web_frame(ping, payload));
      const auto answer = at.client.frame();
      REQUIRE(answer);
      CHECK(answer->opcode == pong);
      CHECK(answer->payload == payload);
    }
    for (int i = 0; i < 10; ++i) at.client.send(web_frame(ping, std::to_string(i)));
    std::string last;  // a ping that was not yet answered may be passed over for a later one
    while (last != "9") {
      const auto answer = at.client.frame();
      REQUIRE(answer);
      REQUIRE(answer->opcode == pong);
      last = answer->payload;
    }
    at.client.send(web_frame(pong, "nobody asked"));
    CHECK(at.answers());
    CHECK(close_after(at, web_frame(ping, std::string(126, '*'))) == 1002);
    CHECK(close_after(at, web_frame(pong, std::string(126, '*'))) == 1002);
    CHECK(close_after(at, web_frame(ping, "hello", {.length_bytes = 2})) == 1002);
  }

  TEST_CASE("group 2: a ping that arrives byte by byte is answered") {
    Opened at;
    for (const char byte : web_frame(ping, "slowly")) at.client.send({&byte, 1});
    const auto answer = at.client.frame();
    REQUIRE(answer);
    CHECK(answer->payload == "slowly");
  }

  TEST_CASE("group 3: reserved bits are refused") {
    Opened at;
    for (int bits = 1; bits < 8; ++bits) {
      CAPTURE(bits);
      CHECK(close_after(at, web_frame(binary, bytes_of_hello(3), {.reserved = bits})) == 1002);
      CHECK(close_after(at, web_frame(ping, "x", {.reserved = bits})) == 1002);
    }
  }

  TEST_CASE("group 4: reserved opcodes are refused, with and without a payload") {
    Opened at;
    for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
      CAPTURE(opcode);
      CHECK(close_after(at, web_frame(opcode, "")) == 1002);
      CHECK(close_after(at, web_frame(opcode, "payload")) == 1002);
    }
  }

  TEST_CASE("group 5: a fragmented message is put together, control frames between its parts included") {
    Opened at;
    const auto whole = bytes_of_hello(500);
    for (const std::size_t size : {1, 7, 100, 300, 10000}) {
      std::string bytes;
      for (std::size_t i = 0; i < whole.size(); i += size) {
        const bool last = i + size >= whole.size();
        bytes += web_frame(i == 0 ? binary : continuation, std::string_view{whole}.substr(i, size), {.fin = last});
        if (i % 50 == 0 && !last) bytes += web_frame(ping, "between");
      }
      at.client.send(bytes);
      for (;;) {
        const auto answer = at.client.frame();
        REQUIRE(answer);
        if (answer->opcode == pong) {
          CHECK(answer->payload == "between");
          continue;
        }
        CHECK(echoed(answer->payload) == std::string(500, 'x'));
        break;
      }
    }
    // Parts without a payload.
    at.client.send(web_frame(binary, "", {.fin = false}) + web_frame(continuation, whole, {.fin = false}) +
                   web_frame(continuation, ""));
    const auto answer = at.client.frame();
    REQUIRE(answer);
    CHECK(echoed(answer->payload) == std::string(500, 'x'));
  }

  TEST_CASE("group 5: what is no sound sequence of fragments is refused") {
    Opened at;
    const auto part = web_frame(binary, "part", {.fin = false});
    CHECK(close_after(at, web_frame(continuation, "nothing before")) == 1002);
    CHECK(close_after(at, web_frame(continuation, "nothing before", {.fin = false})) == 1002);
    CHECK(close_after(at, part + web_frame(binary, "another")) == 1002);
    CHECK(close_after(at, part + web_frame(text, "another")) == 1002);
    CHECK(close_after(at, part + web_frame(continuation, "end") + web_frame(continuation, "after the end")) == 1002);
    CHECK(close_after(at, web_frame(ping, "half", {.fin = false})) == 1002);
    CHECK(close_after(at, web_frame(closing, close_payload(1000), {.fin = false})) == 1002);
  }

  TEST_CASE("group 6: text that is no UTF-8 is refused with 1007, however it is cut; sound text with 1003") {
    Opened at;
    for (const std::string_view bad : {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
                                       "edited",                                        // half of a surrogate pair
                                       "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",  // overlong
                                       "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",          // beyond the last code point
                                       "\x80", "\xbf", "\xff", "\xfe", "\xc2", "a\xe1\xbd"}) {
      CAPTURE(vos::printable(bad));
      CHECK(close_after(at, web_frame(text, bad)) == 1007);
      std::string cut;
      for (std::size_t i = 0; i < bad.size(); ++i)
        cut += web_frame(i == 0 ? text : continuation, bad.substr(i, 1), {.fin = i + 1 == bad.size()});
      CHECK(close_after(at, cut) == 1007);
    }
    for (const std::string_view good :
         {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf", "\xed\x9f\xbf"}) {
      CHECK(close_after(at, web_frame(text, good)) == 1003);
      std::string cut;
      for (std::size_t i = 0; i < good.size(); ++i)
        cut += web_frame(i == 0 ? text : continuation, good.substr(i, 1), {.fin = i + 1 == good.size()});
      CHECK(close_after(at, cut) == 1003);
    }
  }

  TEST_CASE("group 7: a closing frame is answered with its own code, and the connection ends") {
    Opened at;
    for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999}) {
      CAPTURE(code);
      RawClient client{at.server.port()};
      REQUIRE(client.open_socket() == 101);
      client.send(web_frame(closing, close_payload(code, "bye")));
      CHECK(client.close_code() == code);
      CHECK(client.is_ended_by_server());
    }
    CHECK(close_after(at, web_frame(closing, "")) == 1000);
    CHECK(close_after(at, web_frame(closing, close_payload(1000, std::string(123, '*')))) == 1000);
  }

  TEST_CASE("group 7: closing frames that say nothing sound are refused") {
    Opened at;
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999}) {
      CAPTURE(code);
      CHECK(close_after(at, web_frame(closing, close_payload(code))) == 1002);
    }
    CHECK(close_after(at, web_frame(closing, "\x03")) == 1002);                                      // half a code
    CHECK(close_after(at, web_frame(closing, close_payload(1000, std::string(124, '*')))) == 1002);  // too long
    const auto wrong_text =
        close_after(at, web_frame(closing, close_payload(1000, "\xce\xba\xed\xa0\x80")));  // no UTF-8
    CHECK((wrong_text == 1007 || wrong_text == 1002));
  }

  TEST_CASE("group 7: nothing that follows a closing frame is read") {
    Opened at;
    at.client.send(web_frame(closing, close_payload(1000)) + web_frame(binary, text_of(hello("too late"))) +
                   web_frame(ping, "too late"));
    const auto first = at.client.frame();
    REQUIRE(first);
    CHECK(first->opcode == closing);
    CHECK(at.client.is_ended_by_server());
    CHECK(at.client.inbox().empty());
  }

  TEST_CASE("frames that are not masked are refused") {
    Opened at;
    CHECK(close_after(at, web_frame(binary, bytes_of_hello(3), {.masked = false})) == 1002);
    CHECK(close_after(at, web_frame(ping, "", {.masked = false})) == 1002);
    CHECK(close_after(at, web_frame(closing, close_payload(1000), {.masked = false})) == 1002);
  }

  TEST_CASE("a length that could have been said shorter, or has its highest bit set, is refused") {
    Opened at;
    CHECK(close_after(at, web_frame(binary, "short", {.length_bytes = 2})) == 1002);
    CHECK(close_after(at, web_frame(binary, "short", {.length_bytes = 8})) == 1002);
    CHECK(close_after(at, std::string{"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01", 10} + "maskx") != 0);
  }

  TEST_CASE(
      "group 9: messages up to the limit arrive, in one frame or in thousands; one byte more is refused with 1009") {
    Opened at{{.viewer = {.message = 1 << 20, .first_message = 1 << 12}}};
    CHECK(close_after(at, web_frame(binary, std::string((1 << 12) + 1, 'x'))) == 1009);  // nobody knows yet who it is
    CHECK(at.answers());
    const std::string longest(1 << 20, 'x');
    at.client.send(web_frame(binary, longest));
    auto answer = at.client.frame();
    REQUIRE(answer);
    CHECK(answer->payload.find("no message of vos") != std::string::npos);
    std::string pieces;
    for (std::size_t i = 0; i < longest.size(); i += 256)
      pieces += web_frame(i == 0 ? binary : continuation, std::string_view{longest}.substr(i, 256),
                          {.fin = i + 256 == longest.size()});
    at.client.send(pieces);
    answer = at.client.frame();
    REQUIRE(answer);
    CHECK(answer->payload.find("no message of vos") != std::string::npos);
    at.client.send(web_frame(binary, longest + "x"));
    CHECK(at.client.close_code() == 1009);
  }

  TEST_CASE("group 9: a length nobody has memory for is refused before it arrives") {
    Opened at;
    CHECK(close_after(at, std::string{"\x82\xff\x00\x00\x7f\xff\xff\xff\xff\xff", 10} + "mask") == 1009);
  }

  TEST_CASE("group 10: an answer longer than any buffer arrives unbroken") {
    Opened at{{.viewer = {.first_message = 1 << 22}}};
    std::string token(3'000'000, 'a');
    for (std::size_t i = 0; i < token.size(); ++i) token[i] = static_cast<char>('a' + i % 26);
    at.client.send(web_frame(binary, text_of(hello(token))));
    const auto answer = at.client.frame();
    REQUIRE(answer);
    CHECK(answer->fin);
    CHECK(echoed(answer->payload) == token);
  }

  TEST_CASE("compression is not agreed to") {
    Opened at;
    RawClient client{at.server.port()};
    client.send(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    const auto answer = client.reply();
    CHECK(answer.status == 101);
    CHECK(!answer.fields.contains("sec-websocket-extensions"));
  }

  TEST_CASE("a handshake that is none is refused") {
    Opened at;
    for (const auto& [fields, status] : std::vector<std::pair<std::string, int>>{
             {"", 426},
             {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", 400},
             {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400},
             {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: "
              "dGhlIHNhbXBsZSBub25jZQ==\r\n",
              426},
             {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
              "tooshort\r\n",
              400}}) {
      CAPTURE(fields);
      RawClient client{at.server.port()};
      CHECK(client.ask("GET /ws", fields).status == status);
    }
    CHECK(at.service.connected == 1);
  }

  TEST_CASE("a client that stops sending, or is gone, is let go, and told to the receiver") {
    Opened at;
    at.client.end_sending();
    CHECK(at.client.is_ended_by_server());
    for (int i = 0; i < 3; ++i) {
      RawClient client{at.server.port()};
      REQUIRE(client.open_socket() == 101);
      client.send(std::string_view{web_frame(binary, bytes_of_hello(100))}.substr(0, 40));  // half a frame
      client.abort();
    }
    for (int i = 0; i < 500 && at.service.gone < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds{20});
    CHECK(at.service.connected == 4);
    CHECK(at.service.gone == 4);
  }

  TEST_CASE("a silent client is asked by a ping, and let go where it does not answer") {
    Opened at{{.viewer = {.silence = std::chrono::milliseconds{300}}}};
    const auto asked = at.client.frame();
    REQUIRE(asked);
    CHECK(asked->opcode == ping);
    CHECK(at.client.is_ended_by_server());
  }

  TEST_CASE("a client that answers pings may be silent for ever") {
    Opened at{{.viewer = {.silence = std::chrono::milliseconds{1000}}}};
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{2500};
    while (std::chrono::steady_clock::now() < until) {
      const auto asked = at.client.frame();
      REQUIRE(asked);
      REQUIRE(asked->opcode == ping);
      at.client.send(web_frame(pong, asked->payload));
    }
    CHECK(at.answers());
  }

  TEST_CASE("who sends more messages, or pings, than anybody needs is closed with 1008") {
    Opened at{{.viewer = {.messages_per_second = 1, .burst = 50}}};
    std::string messages, pings;
    for (int i = 0; i < 400; ++i) {
      messages += web_frame(binary, text_of(hello()));
      pings += web_frame(ping, "");
    }
    CHECK(close_after(at, messages) == 1008);
    CHECK(close_after(at, pings) == 1008);
    CHECK(at.answers());
  }

  TEST_CASE("the server's own farewell has its code and its words, after what was sent before") {
    EchoService service;
    std::shared_ptr<vos::serve::Viewer> viewer;
    service.on_connect = [](const auto& v) {
      v->send(shared_message(vos::wire::ProgressT{}));
      v->close(4410, "the session has ended; " + std::string(200, 'x'));
      v->send(shared_message(vos::wire::ProgressT{}));  // too late
    };
    TestServer server{service, {.token = "none"}};
    RawClient client{server.port()};
    REQUIRE(client.open_socket() == 101);
    const auto first = client.frame(), second = client.frame();
    REQUIRE(first);
    CHECK(first->opcode == binary);
    REQUIRE(second);
    CHECK(second->opcode == closing);
    CHECK(second->payload.substr(0, 2) == close_payload(4410));
    CHECK(second->payload.size() == 125);
    client.send(web_frame(closing, second->payload));
    CHECK(client.is_ended_by_server());
  }
}
