#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include <vos/core/text.hpp>
#include <vos/serve/http_answer.hpp>
#include <vos/serve/http_target.hpp>
#include <vos/serve/service.hpp>
#include <vos/serve/serving.hpp>

namespace vos::serve {

using HttpRequestHead = boost::beast::http::request<boost::beast::http::empty_body>;

/// What a request shows of who sends it: the token as a Bearer's, or in our cookie.
inline Access access_of(const Serving& serving, const HttpRequestHead& request) {
  namespace http = boost::beast::http;
  const auto& gate = serving.gate;
  if (gate.open()) return Access::owner;
  const std::string_view shown = request[http::field::authorization];
  if (!shown.empty()) {
    constexpr std::string_view bearer = "bearer ";
    const bool right = lower_case(shown.substr(0, bearer.size())) == bearer && gate.knows(shown.substr(bearer.size()));
    return right ? Access::owner : Access::none;
  }
  const auto cookie = cookie_in(request[http::field::cookie], serving.cookie_name());
  return !cookie.empty() && gate.knows(cookie) ? Access::owner : Access::none;
}

/// The page that a browser says it asks for.
enum class AskedFrom : std::uint8_t {
  here,       ///< our own, or no page at all
  a_friend,   ///< one from elsewhere that --origin allowed
  elsewhere,  ///< which may not even look, let alone do anything
};

/// `host`: the request's, checked.
inline AskedFrom asked_from(const Serving& serving, const HttpRequestHead& request, std::string_view host) {
  namespace http = boost::beast::http;
  if (request.count(http::field::origin) > 0) {
    const std::string_view origin = request[http::field::origin];
    if (serving.gate.is_friend(origin)) return AskedFrom::a_friend;
    return serving.gate.is_own(origin, host) ? AskedFrom::here : AskedFrom::elsewhere;
  }
  if (request.method() == http::verb::get || request.method() == http::verb::head) return AskedFrom::here;
  const std::string_view site = request["Sec-Fetch-Site"];
  if (!site.empty() && site != "same-origin" && site != "none") return AskedFrom::elsewhere;
  // A cookie comes along whoever asks, and browsers say who. One that does not is no browser, and has no use for cookies.
  const bool by_cookie = !serving.gate.open() && request.count(http::field::authorization) == 0;
  return by_cookie && request.count(http::field::cookie) > 0 ? AskedFrom::elsewhere : AskedFrom::here;
}

/// The printed link was followed with the right token: it becomes a cookie, and leaves the address line.
inline HttpAnswer entered(const Serving& serving, const HttpTarget& target, bool secure) {
  HttpAnswer answer{.status = 303, .fields = {{"Cache-Control", "no-store"}}};
  if (!serving.gate.open())
    answer.fields.emplace_back("Set-Cookie", serving.cookie_name() + "=" + serving.gate.token() +
                                                 "; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000" +
                                                 (secure ? "; Secure" : ""));
  std::string rest;
  for (const auto& pair : split(target.raw_query, '&'))
    if (pair != "token" && !pair.starts_with("token=")) rest += (rest.empty() ? "?" : "&") + pair;
  answer.fields.emplace_back("Location", "/" + rest);
  return answer;
}

}  // namespace vos::serve
