#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

/// Where a server is asked, and for what: SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY].
struct Url {
  std::string scheme = {}, user = {}, password = {};
  std::string host = {};  ///< an IPv6 address stands without its brackets
  std::uint16_t port = 0;
  std::string path = {};  ///< with what follows a '?'; begins with a '/'; a '#' and what follows it are gone

  /// HOST, and PORT unless it is the scheme's own: as in the Host header.
  std::string authority() const {
    const auto name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return name + (port == (scheme == "https" ? 443 : 80) ? "" : ":" + std::to_string(port));
  }

  /// Without the name and the password: what may be shown and written down.
  std::string plain() const { return scheme + "://" + authority() + path; }
};

/// `text` with %XX for all that has a meaning in addresses.
inline std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF", kept = "-._~";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z';
    if (letter || (byte >= '0' && byte <= '9') || kept.find(c) != std::string_view::npos) encoded += c;
    else (encoded += '%') += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return encoded;
}

/// The reverse. Nothing where a '%' is not followed by two hexadecimal digits.
inline std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

/// An http or https address taken apart. `where` is told where it cannot be: the setting that it comes from.
inline Url url_from(std::string_view text, const std::string& where) {
  const auto refuse = [&](const std::string& why) {
    // A password has no place in a message.
    const auto at = text.rfind('@');
    const auto shown = at == std::string_view::npos ? printable(text) : "...@" + printable(text.substr(at + 1));
    throw Error({.what = "'" + shown + "' is no address of a server: " + why,
                 .where = where,
                 .mend = "write it like http://localhost:5000 or https://host.example/path",
                 .exit_code = exit_code::usage});
  };
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7F) refuse("it has a space or a control character");
  Url url;
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) refuse("it does not begin with http:// or https://");
  url.scheme = lower_case(text.substr(0, scheme));
  if (url.scheme != "http" && url.scheme != "https") refuse("it begins with neither http:// nor https://");
  auto rest = text.substr(scheme + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto slash = rest.find_first_of("/?");
  auto authority = rest.substr(0, slash);
  url.path = slash == std::string_view::npos ? "/" : rest.substr(slash);
  if (url.path[0] == '?') url.path.insert(0, "/");
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const auto name = authority.substr(0, at);
    authority = authority.substr(at + 1);
    const auto colon = name.find(':');
    const auto user = percent_decoded(name.substr(0, colon));
    const auto password = percent_decoded(colon == std::string_view::npos ? "" : name.substr(colon + 1));
    if (!user || !password) refuse("a % in the name or the password stands for itself: write %25");
    url.user = *user;
    url.password = *password;
  }
  auto port = std::string_view::npos;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) refuse("a [ without its ]");
    url.host = authority.substr(1, end - 1);
    if (end + 1 < authority.size() && authority[end + 1] != ':') refuse("after ] stands a port or nothing");
    if (end + 1 < authority.size()) port = end + 1;
  } else {
    port = authority.find(':');
    url.host = authority.substr(0, port);
    if (authority.find_first_of("[]") != std::string_view::npos ||
        (port != std::string_view::npos && authority.find(':', port + 1) != std::string_view::npos))
      refuse("an IPv6 address stands in brackets, like [::1]");
  }
  if (url.host.empty()) refuse("it names no host");
  url.port = url.scheme == "https" ? 443 : 80;
  if (port != std::string_view::npos) {
    const auto number = number_from<std::uint16_t>(authority.substr(port + 1));
    if (!number || *number == 0) refuse("a port is a number from 1 to 65535");
    url.port = *number;
  }
  return url;
}

}  // namespace vos
