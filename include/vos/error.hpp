#pragma once

#include <exception>
#include <string>
#include <utility>

namespace vos {

/// The one exception type: what a user can mend. Our own mistakes are `assert`s.
///
/// An error is handled once: passed on or reported, never both, never dropped.
class Error : public std::exception {
 public:
  struct Parts {
    std::string what = {};   ///< what happened, values quoted as the user gave them
    std::string where = {};  ///< the file, frame, key or flag it happened at; may be empty
    std::string mend = {};   ///< what to do about it; may be empty
    int exit_code = 1;       ///< what a tool that ends because of it returns; see docs/tools.md
  };

  explicit Error(Parts parts) : parts_(std::move(parts)) {
    message_ = parts_.what;
    if (!parts_.where.empty()) message_ += "\n  where: " + parts_.where;
    if (!parts_.mend.empty()) message_ += "\n  mend:  " + parts_.mend;
  }

  const char* what() const noexcept override { return message_.c_str(); }
  const Parts& parts() const noexcept { return parts_; }

 private:
  Parts parts_;
  std::string message_;
};

/// A caller's stop token was set. The state is as it was before the call that threw.
class Cancelled : public Error {
 public:
  explicit Cancelled(std::string where)
      : Error({.what = "stopped on request", .where = std::move(where), .exit_code = 130}) {}
};

/// The exit codes of every tool, documented in docs/tools.md.
namespace exit_code {
inline constexpr int done = 0, error = 1, usage = 2, frames_missing = 10, sizes_differ = 11, too_many_ids = 12,
                     unexpected_sequences = 13, interrupted = 130;
}  // namespace exit_code

}  // namespace vos
