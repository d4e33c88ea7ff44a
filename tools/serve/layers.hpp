#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace vos::serve {

/// An option as files and the environment may give it.
struct LayeredOption {
  enum class Kind { value, list, flag };
  std::string name;  ///< without the dashes
  Kind kind = Kind::value;
};

/// The words of the command line, before them those that the environment and then a TOML file say, each as far as nothing
/// stronger names the option: VOS_SERVE_MAX_SESSIONS=4 and `max-sessions = 4` are `--max-sessions 4`.
std::vector<std::string> with_layers(const std::vector<std::string>& words, const std::vector<LayeredOption>& options);

}  // namespace vos::serve
