#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vos/serve/options.hpp>
#include <vos/serve/session_options.hpp>

#include "common/command_line.hpp"

namespace vos::serve {

/// The command line of vos-serve, checked.
struct Options {
  enum class Action : std::uint8_t { run, print };
  Action action = Action::run;
  std::string text = {};  ///< what `print` prints
  tool::CommonOptions common = {};
  ServerOptions server = {};
  SessionOptions sessions = {};
  bool json_log = false;
  bool open_page = false;
};

/// Reads the words after the program's name; what they do not say may stand in the environment (VOS_SERVE_PORT for --port), or
/// in the file that --config names. What cannot be right is an Error with exit code 2.
Options parse(const std::vector<std::string>& words);

/// "512M" in bytes: K, M, G and T are powers of 1024.
std::uint64_t bytes_from(const std::string& text, const std::string& where);

}  // namespace vos::serve
