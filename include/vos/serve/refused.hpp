#pragma once

#include <cctype>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/wire/message.hpp>

namespace vos::serve {

/// A request that is not done. `code` is for programs: it stays the same in all languages and versions.
class Refused : public Error {
 public:
  Refused(std::string code, Parts parts) : Error(std::move(parts)), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// A text as clients may see it: of paths of this machine only the last name is left, and LibTorch's stack traces go.
inline std::string without_paths(std::string_view text) {
  text = text.substr(0, text.find("\nException raised from"));
  const auto ends_path = [](char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0 || c == '\'' || c == '"' || c == ',' || c == ';' ||
           c == ')';
  };
  std::string shown;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins =
        text[i] == '/' && (i == 0 || ends_path(text[i - 1]) || text[i - 1] == '(' || text[i - 1] == '=');
    if (!begins) {
      shown += text[i++];
      continue;
    }
    auto end = i;
    while (end < text.size() && !ends_path(text[end])) ++end;
    auto path = text.substr(i, end - i);
    std::string_view tail;
    while (!path.empty() && (path.back() == '.' || path.back() == ':')) path.remove_suffix(1);
    tail = text.substr(i + path.size(), end - i - path.size());
    const auto slash = path.rfind('/');
    (shown += slash == 0 ? path : path.substr(slash + 1)) += tail;
    i = end;
  }
  return shown;
}

/// Why it failed, for the server's log.
inline std::string reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    const std::string why = e.what();
    return why.substr(0, why.find("\nException raised from"));
  } catch (...) {  // of a type that tells nothing
    return "unknown";
  }
}

inline std::string code_of(const Error& error) {
  if (const auto* refused = dynamic_cast<const Refused*>(&error)) return refused->code();
  return dynamic_cast<const Cancelled*>(&error) != nullptr ? "cancelled" : "refused";
}

inline wire::NoticeT notice_of(const Error& error, wire::Severity severity = wire::Severity::error) {
  wire::NoticeT notice;
  notice.severity = severity;
  notice.code = code_of(error);
  notice.what = without_paths(error.parts().what);
  if (dynamic_cast<const Refused*>(&error) != nullptr)  // others name the server's files
    notice.where = without_paths(error.parts().where);
  notice.mend = without_paths(error.parts().mend);
  return notice;
}

}  // namespace vos::serve
