#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/net/url.hpp>
#include <vos/serve/options.hpp>
#include <vos/serve/secret.hpp>

namespace vos::serve {

/// A name and a port, as they stand in a Host header: HOST[:PORT].
struct HostPort {
  std::string host;  ///< in lower case, an IPv6 address without its brackets
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

inline std::optional<HostPort> host_port_from(std::string_view text, std::uint16_t default_port) {
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view{".-_:[]"}.find(c) == std::string_view::npos) return std::nullopt;
  }
  try {
    auto url = url_from("http://" + std::string{text}, "Host");
    const bool has_port = text.back() != ']' && text.rfind(':') != std::string_view::npos;
    if (url.host.ends_with('.')) url.host.pop_back();
    return HostPort{lower_case(url.host), has_port ? url.port : default_port};
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Who may come in: knows the token, the names by which this server is asked, and the pages that may use it.
class Gate {
 public:
  /// Throws an Error where the options would leave the server open to everybody, or the token is none.
  explicit Gate(const ServerOptions& options) : address_(address_of(options.host)), tls_(!options.tls_key.empty()) {
    if (options.token == "none") {
      if (!address_.is_loopback() && !options.public_without_token)
        throw Error({.what = "everybody who reaches " + options.host + " could use this server: it has no token",
                     .where = "--token none",
                     .mend = "leave --token away, or say --public-without-token as well if that is meant",
                     .exit_code = exit_code::usage});
    } else {
      token_ = options.token == "auto" ? kept_token(options.state) : options.token;
      if (token_.size() < 16 || !std::all_of(token_.begin(), token_.end(), is_safe))
        throw Error({.what = "a token has at least 16 characters: letters, digits, - _ . ~",
                     .where = "--token",
                     .mend = "leave --token away: a good one is made",
                     .exit_code = exit_code::usage});
    }
    for (const auto& text : options.origins) {
      const auto url = url_from(text, "--origin");
      origins_.push_back(url.scheme + "://" + lower_case(url.authority()));
      hosts_.push_back(lower_case(url.host));
    }
    for (const auto& text : options.hosts) {
      const auto name = host_port_from(text, 0);
      if (!name)
        throw Error({.what = "'" + printable(text) + "' is no name of a host",
                     .where = "--allow-host",
                     .mend = "write it like vos.example.org",
                     .exit_code = exit_code::usage});
      hosts_.push_back(name->host);
    }
  }

  const boost::asio::ip::address& address() const { return address_; }
  bool open() const { return token_.empty(); }
  /// Whether this is the server's token. Takes as long for a wrong one.
  bool knows(std::string_view token) const { return !open() && same_secret(token, token_); }
  /// To be shown to who started the server, and to nobody else.
  const std::string& token() const { return token_; }

  /// Whether the server is meant by this Host header. A page elsewhere can let its own name lead here (DNS rebinding), so
  /// names count only where they were allowed; an address always leads where it says.
  bool is_host(std::string_view header) const {
    const auto named = host_port_from(header, 0);
    if (!named) return false;
    const auto& host = named->host;
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    if (std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end()) return true;
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(host, no_address);
    return !no_address && (address.is_loopback() || address == address_ || address_.is_unspecified());
  }

  /// Whether a page of this Origin header is this server's own, asked by this Host header.
  bool is_own(std::string_view origin, std::string_view host) const {
    const std::string_view scheme = tls_ ? "https://" : "http://";
    if (!origin.starts_with(scheme)) return false;
    const std::uint16_t port = tls_ ? 443 : 80;
    const auto from = host_port_from(origin.substr(scheme.size()), port);
    return from && from == host_port_from(host, port);
  }

  /// Whether it is another's that was allowed.
  bool is_friend(std::string_view origin) const {
    return std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
  }

 private:
  static bool is_safe(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_.~"}.find(c) != std::string_view::npos;
  }

  static boost::asio::ip::address address_of(const std::string& host) {
    if (host == "localhost") return boost::asio::ip::address_v4::loopback();
    boost::system::error_code code;
    const auto address = boost::asio::ip::make_address(host, code);
    if (!code) return address;
    throw Error(
        {.what = "'" + printable(host) + "' is no address of this machine",
         .where = "--host",
         .mend = "write 127.0.0.1 (this machine alone), 0.0.0.0 (all that reach it), or one of its addresses; names "
                 "by which it is asked go to --allow-host",
         .exit_code = exit_code::usage});
  }

  /// The token of the last time, so that links and cookies hold over a restart.
  static std::string kept_token(const std::filesystem::path& state) {
    if (state.empty()) return random_secret();
    const auto path = state / "token";
    std::error_code code;
    if (std::filesystem::exists(path, code)) {
      auto token = read_text(path, 4096);
      while (!token.empty() && token.back() == '\n') token.pop_back();
      if (token.size() >= 22) return token;
    }
    std::filesystem::create_directories(state);
    std::filesystem::permissions(state, std::filesystem::perms::owner_all);
    auto token = random_secret();
    write_secret(path, token + "\n");
    return token;
  }

  static void write_secret(const std::filesystem::path& path, std::string_view text) {
    PendingFile file{path};
    std::filesystem::permissions(file.growing(),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    file.append({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    file.commit(Durability::power);
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  boost::asio::ip::address address_;
  bool tls_;
  std::string token_;  // empty: none is asked for
  std::vector<std::string> origins_, hosts_;
};

}  // namespace vos::serve
