#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vos/core/text.hpp>
#include <vos/wire/message.hpp>

namespace vos::test {

/// A frame of RFC 6455.
struct WebFrame {
  bool fin = true;
  int reserved = 0, opcode = 0;
  bool masked = false;
  std::string payload = {};
};

inline constexpr int continuation = 0, text = 1, binary = 2, closing = 8, ping = 9, pong = 10;

/// As a client sends it; also wrong ones.
struct FrameManner {
  bool fin = true;
  bool masked = true;
  int reserved = 0;
  int length_bytes = -1;  ///< 0, 2 or 8 of extended length; -1: as the length needs
};

inline std::string web_frame(int opcode, std::string_view payload, FrameManner manner = {}) {
  std::string bytes;
  bytes += static_cast<char>((manner.fin ? 0x80 : 0) | manner.reserved << 4 | opcode);
  const auto size = payload.size();
  const int length = manner.length_bytes >= 0 ? manner.length_bytes : size < 126 ? 0 : size < 65536 ? 2 : 8;
  const int mask_bit = manner.masked ? 0x80 : 0;
  bytes += static_cast<char>(mask_bit | (length == 0 ? static_cast<int>(size) : length == 2 ? 126 : 127));
  for (int i = length - 1; i >= 0; --i) bytes += static_cast<char>(static_cast<std::uint64_t>(size) >> (8 * i));
  if (!manner.masked) return bytes += payload;
  constexpr std::string_view key = "\x37\xfa\x21\x3d";
  bytes += key;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(payload[i] ^ key[i % 4]);
  return bytes;
}

/// The payload of a closing frame.
inline std::string close_payload(int code, std::string_view reason = "") {
  std::string bytes{static_cast<char>(code >> 8), static_cast<char>(code)};
  return bytes += reason;
}

inline std::string_view text_of(const wire::Written& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The other end of a connection, byte by byte: nothing stands between a test and what it sends.
class RawClient {
 public:
  struct Reply {
    int status = 0;
    std::map<std::string, std::string> fields = {};  ///< names in lower case
    std::string body = {};
  };

  explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_), inbox_(std::move(other.inbox_)) {}
  RawClient& operator=(RawClient&&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return socket_; }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// With a reset instead of an end.
  void abort() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  /// False where the server does not listen any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd wait{socket_, POLLOUT, 0};
      if (::poll(&wait, 1, patience) != 1) return false;
      const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// More bytes; false at the end, or where none come.
  bool receive(int milliseconds = patience) {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, milliseconds) != 1) return false;
    char bytes[65536];
    const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    inbox_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  /// Whether the server ends the connection; what it says before is in `inbox`.
  bool is_ended_by_server(int milliseconds = patience) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{milliseconds};
    while (!ended_ && std::chrono::steady_clock::now() < until) receive(100);
    return ended_;
  }
  const std::string& inbox() const { return inbox_; }

  /// The next answer; status 0 where none comes.
  Reply reply(bool has_body = true) {
    auto end = inbox_.find("\r\n\r\n");
    while (end == std::string::npos) {
      if (!receive()) return {};
      end = inbox_.find("\r\n\r\n");
    }
    Reply reply;
    const auto lines = split(std::string_view{inbox_}.substr(0, end), '\n');
    reply.status = std::stoi(lines.at(0).substr(9));
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const auto colon = lines[i].find(": ");
      auto value = lines[i].substr(colon + 2);
      if (value.ends_with('\r')) value.pop_back();
      reply.fields[lower_case(lines[i].substr(0, colon))] = value;
    }
    inbox_.erase(0, end + 4);
    const auto length = reply.fields.contains("content-length") ? std::stoul(reply.fields["content-length"]) : 0;
    if (reply.status == 100 || !has_body) return reply;
    while (inbox_.size() < length)
      if (!receive()) return {};
    reply.body = inbox_.substr(0, length);
    inbox_.erase(0, length);
    return reply;
  }

  /// A request of the usual form: "GET /path", fields with their line ends, a body.
  Reply ask(std::string_view line, std::string_view fields = "", std::string_view body = "") {
    std::string request{line};
    request += " HTTP/1.1\r\n";
    if (fields.find("Host:") == std::string_view::npos) request += "Host: localhost\r\n";
    request += fields;
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    (request += "\r\n") += body;
    send(request);
    return reply(!line.starts_with("HEAD"));
  }

  /// The status of the answer: 101 where this is a WebSocket from now on.
  int open_socket(std::string_view fields = "", std::string_view path = "/ws") {
    std::string all =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    all += fields;
    const auto answer = ask("GET " + std::string{path}, all);
    if (answer.status == 101 && answer.fields.at("sec-websocket-accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") return 0;
    return answer.status;
  }

  /// The next frame of a WebSocket; nothing at the end, or where none comes.
  std::optional<WebFrame> frame(int milliseconds = patience) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(inbox_[i]); };
    const auto need = [&](std::size_t size) {
      while (inbox_.size() < size)
        if (!receive(milliseconds)) return false;
      return true;
    };
    if (!need(2)) return std::nullopt;
    WebFrame frame;
    frame.fin = (byte(0) & 0x80) != 0;
    frame.reserved = byte(0) >> 4 & 7;
    frame.opcode = byte(0) & 15;
    frame.masked = (byte(1) & 0x80) != 0;
    std::uint64_t size = byte(1) & 0x7f;
    std::size_t head = 2;
    if (size >= 126) {
      const std::size_t length = size == 126 ? 2 : 8;
      if (!need(head + length)) return std::nullopt;
      size = 0;
      for (std::size_t i = 0; i < length; ++i) size = size << 8 | byte(head + i);
      head += length;
    }
    if (!need(head + size)) return std::nullopt;
    frame.payload = inbox_.substr(head, size);
    inbox_.erase(0, head + size);
    return frame;
  }

  /// How the server ended the WebSocket: the code of its closing frame, 0 where there was none (1005 where it names none).
  /// Other frames before it are passed over.
  int close_code() {
    while (const auto next = frame()) {
      if (next->opcode != closing) continue;
      if (next->payload.size() < 2) return 1005;
      return static_cast<std::uint8_t>(next->payload[0]) << 8 | static_cast<std::uint8_t>(next->payload[1]);
    }
    return 0;
  }

  static constexpr int patience = 20000;  ///< milliseconds: on a machine that does other things too

 private:
  int socket_ = -1;
  bool connected_ = false, ended_ = false;
  std::string inbox_;
};

}  // namespace vos::test
