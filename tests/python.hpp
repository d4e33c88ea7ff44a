#pragma once

/// Runs the scripts that stand beside tests, for answers that only Python has.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace vos::test {

/// What `python SCRIPT WORDS` prints; nothing where it fails. Python is VOS_PYTHON or python3.
inline std::optional<std::string> python(const std::filesystem::path& script, const std::string& words) {
  const char* given = std::getenv("VOS_PYTHON");
  const auto command = std::string{given != nullptr ? given : "python3"} + " '" + script.string() + "' " + words;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  char block[4096];
  for (std::size_t count; (count = std::fread(block, 1, sizeof block, pipe)) > 0;) text.append(block, count);
  return ::pclose(pipe) == 0 ? std::optional{text} : std::nullopt;
}

/// Whether that Python has all of `modules`: "numpy, safetensors".
inline bool python_has(const std::string& modules) {
  const char* given = std::getenv("VOS_PYTHON");
  const auto command = std::string{given != nullptr ? given : "python3"} + " -c 'import " + modules + "' 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

}  // namespace vos::test
