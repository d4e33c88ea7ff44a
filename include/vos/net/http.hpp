#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <vos/core/html.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};
  std::map<std::string, std::string> headers = {};
  std::string body = {};
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers = {};  ///< names in lower case
  std::string body = {};
};

/// Whatever asks a server and brings its answer, whichever status that has. Throws NoAnswer where there is none.
/// HttpClient is one.
using Http = std::function<HttpResponse(const HttpRequest&)>;

/// The server was not reached, did not answer in time, or says that it cannot just now: asked again later, it may.
class NoAnswer : public Error {
 public:
  using Error::Error;
};

/// Values of an Authorization header.
inline std::string basic_authorization(std::string_view user, std::string_view password) {
  const auto both = std::string{user} + ":" + std::string{password};
  return "Basic " + base64({reinterpret_cast<const std::uint8_t*>(both.data()), both.size()});
}
inline std::string bearer_authorization(std::string_view token) { return "Bearer " + std::string{token}; }

/// The answer, if the server was content with what it was asked. `where` says what that was.
inline const HttpResponse& expect_done(const HttpResponse& response, const std::string& where) {
  if (response.status >= 200 && response.status < 300) return response;
  const Error::Parts parts{.what = "the server answers " + std::to_string(response.status) +
                                   (response.body.empty() ? "" : ": " + printable(response.body, 300)),
                           .where = where};
  if (response.status >= 500 || response.status == 408 || response.status == 429) throw NoAnswer(parts);
  throw Error(parts);
}

/// The same, and what it says.
inline nlohmann::json expect_json(const HttpResponse& response, const std::string& where) {
  auto json = nlohmann::json::parse(expect_done(response, where).body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  throw Error({.what = "the server's answer is not JSON: " + printable(response.body, 100),
               .where = where,
               .mend = "is this the address of such a server, and not of something in front of it?"});
}

}  // namespace vos
