#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <vos/core/text.hpp>
#include <vos/core/utf8.hpp>
#include <vos/net/url.hpp>

namespace vos::serve {

/// What a request asks for: /PATH?QUERY, percent signs undone.
struct HttpTarget {
  std::string path;
  std::map<std::string, std::string> query;  ///< of a name that comes twice the first
  std::string raw_query;                     ///< as it came
};

/// Nothing for what no honest client asks for: no UTF-8, control characters, a backslash, a part of the path that is . or ..
inline std::optional<HttpTarget> target_from(std::string_view text) {
  const auto clean = [](std::string_view decoded) {
    for (const char c : decoded)
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return false;
    return is_utf8(decoded);
  };
  if (!text.starts_with('/')) return std::nullopt;
  HttpTarget target;
  const auto mark = text.find('?');
  auto path = percent_decoded(text.substr(0, mark));
  if (!path || !clean(*path) || path->find('\\') != std::string::npos) return std::nullopt;
  for (const auto& part : split(*path, '/'))
    if (part == "." || part == "..") return std::nullopt;
  target.path = std::move(*path);
  if (mark == std::string_view::npos) return target;
  target.raw_query = text.substr(mark + 1);
  for (auto& pair : split(target.raw_query, '&')) {
    if (pair.empty()) continue;
    for (char& c : pair)
      if (c == '+') c = ' ';
    const auto equals = pair.find('=');
    const auto name = percent_decoded(std::string_view{pair}.substr(0, equals));
    const auto value = percent_decoded(equals == std::string::npos ? "" : std::string_view{pair}.substr(equals + 1));
    if (!name || !value || !clean(*name) || !clean(*value)) return std::nullopt;
    target.query.try_emplace(*name, *value);
  }
  return target;
}

/// The value of a cookie in a Cookie header; empty where there is none.
inline std::string_view cookie_in(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const auto end = header.find(';');
    auto pair = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return {};
}

}  // namespace vos::serve
