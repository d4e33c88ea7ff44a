#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

#include <vos/net/url.hpp>

namespace vos::serve {

/// An answer before it is written.
struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = {};
  std::string text = {};                                         ///< the body,
  std::span<const std::uint8_t> bytes = {};                      ///< or this one, where it lies elsewhere
  std::vector<std::pair<std::string, std::string>> fields = {};  ///< besides those that all answers have
  bool last = false;                                             ///< the connection ends with it
};

inline HttpAnswer json_answer(unsigned status, const nlohmann::ordered_json& body) {
  // What came from a client may be no UTF-8: replaced, not thrown at.
  return {.status = status,
          .content_type = "application/json",
          .text = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
          .fields = {{"Cache-Control", "no-store"}}};
}

/// What went wrong, for programs (`code`) and for people.
inline HttpAnswer refusal(unsigned status, std::string_view code, std::string_view what, std::string_view mend = "") {
  return json_answer(status, {{"error", {{"code", code}, {"what", what}, {"mend", mend}}}});
}

inline HttpAnswer text_answer(unsigned status, std::string text) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .text = std::move(text),
          .fields = {{"Cache-Control", "no-store"}}};
}

/// Something is there, but not for this method.
inline HttpAnswer only_by(const std::string& methods) {
  auto answer = refusal(405, "bad_method", "what can be done here is " + methods);
  answer.fields.emplace_back("Allow", methods);
  return answer;
}

/// A browser asks what another's page that was allowed may do.
inline HttpAnswer preflight() {
  return {.status = 204,
          .fields = {{"Access-Control-Allow-Methods", "GET, POST, DELETE"},
                     {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                     {"Access-Control-Max-Age", "600"}}};
}

/// What a page from here may do, and who may use what is here. `host`: a Host header that was checked.
inline std::string security_fields(std::string_view host) {
  std::string fields =
      "Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
      "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'";
  if (!host.empty()) ((fields += " ws://") += host) += " wss://" + std::string{host};
  fields +=
      "; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: DENY\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "Cross-Origin-Opener-Policy: same-origin\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\n"
      "Permissions-Policy: camera=(self), microphone=(), geolocation=()\r\n";
  return fields;
}

/// An answer's head, for a body of `length` bytes.
inline std::string head_of(const HttpAnswer& answer, std::uint64_t length, std::string_view security) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  head += std::string_view{boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(answer.status))};
  head += "\r\nServer: vos-serve\r\n";
  head += security;
  if (!answer.content_type.empty()) head += "Content-Type: " + answer.content_type + "\r\n";
  if (answer.status != 204 && answer.status != 304) head += "Content-Length: " + std::to_string(length) + "\r\n";
  for (const auto& [name, value] : answer.fields) head += name + ": " + value + "\r\n";
  head += answer.last ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  return head;
}

/// Content-Disposition of a file to be saved under a name that came from anywhere.
inline std::string attachment(std::string_view name) { return "attachment; filename*=UTF-8''" + percent_encoded(name); }

}  // namespace vos::serve
