#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vos/wire/message.hpp>

namespace vos::serve {

/// What one viewer may cost.
struct ViewerLimits {
  std::size_t frames = 8;                            ///< waiting for it; the oldest is left out for a new one
  std::size_t messages = 256;                        ///< other messages that wait; more, and it is cut off
  std::size_t bytes = std::size_t{16} << 20;         ///< of those
  std::size_t message = wire::largest_message;       ///< bytes of one that it sends
  std::size_t first_message = std::size_t{1} << 16;  ///< bytes of its Hello: nobody knows yet who it is
  double messages_per_second = 100;                  ///< that it sends, in the long run
  double burst = 300;                                ///< and at once
  std::chrono::milliseconds stall{10000};            ///< without a byte taken, while some wait
  std::chrono::milliseconds silence{60000};          ///< without a byte sent; it is asked by a ping after half of it
  std::chrono::milliseconds closing{5000};           ///< for its side of the opening and closing handshakes
};

/// What one request may cost.
struct HttpLimits {
  std::uint32_t header = 16 << 10;                ///< bytes of a request's line and fields
  std::size_t json = std::size_t{1} << 20;        ///< bytes of a body that is JSON
  std::uint64_t upload = std::uint64_t{2} << 30;  ///< bytes of a file
  std::size_t uploads = 4;                        ///< at one time
  std::uint64_t upload_rate = 8 << 10;            ///< bytes a second, at least,
  std::chrono::milliseconds rate_window{10000};   ///< over this time
  std::chrono::milliseconds header_time{10000};   ///< from a request's first byte to the end of its header
  std::chrono::milliseconds body_time{30000};     ///< for a JSON body, and for an answer's next part to be taken
  std::chrono::milliseconds idle{60000};          ///< between requests of one connection
  std::chrono::milliseconds answer{3600 * 1000};  ///< of the service: an export of a long video
};

/// Where a server listens, whom it lets in, and what it lets them do.
struct ServerOptions {
  std::string host = "127.0.0.1";         ///< an address of this machine, or localhost
  std::uint16_t port = 8765;              ///< 0: any that is free
  bool public_without_token = false;      ///< said besides `token` none where other machines can reach the server
  std::string token = "auto";             ///< auto: made once and kept in `state`; none; or the text itself
  std::vector<std::string> origins = {};  ///< pages from elsewhere that may use it, such as https://lab.example
  std::vector<std::string> hosts = {};    ///< names by which it may be asked, besides its address and localhost
  std::filesystem::path tls_certificate = {}, tls_key = {};  ///< PEM; with both it speaks HTTPS alone
  std::filesystem::path state = {};                  ///< a folder of its own: the token; empty: a new token each time
  std::filesystem::path uploads = {};                ///< a folder of its own, where uploads grow; empty: none are taken
  std::filesystem::path web_root = {};               ///< page files from this folder instead of those built in
  std::size_t connections = 1024;                    ///< at one time
  std::chrono::milliseconds wrong_token_delay{250};  ///< before a wrong token is answered
  HttpLimits http = {};
  ViewerLimits viewer = {};
};

}  // namespace vos::serve
