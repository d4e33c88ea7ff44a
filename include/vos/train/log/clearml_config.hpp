#pragma once

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos {

/// Where a ClearML server is and who asks it.
struct ClearmlAccess {
  std::string api = {}, files = {}, web = {};  ///< addresses; files and web may be empty
  std::string key = {}, secret = {};
};

/// The values of a clearml.conf by dotted names, as far as a client needs them: `name: value`, `name = value`, `name { ... }`,
/// quotes and comments. Lists and substitutions are passed over.
inline std::map<std::string, std::string> clearml_values(std::string_view text) {
  std::map<std::string, std::string> values;
  std::vector<std::string> sections;
  std::string name;       // that waits for its value
  bool in_value = false;  // behind a : or =
  int lists = 0;
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const bool first = i == 0 || is_space(text[i - 1]) || text[i - 1] == ',' || text[i - 1] == '}';
    if (c == '#' || (first && text.substr(i, 2) == "//")) {  // a // within an address is none
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '[') {
      ++lists, ++i;
    } else if (c == ']') {
      lists -= lists > 0 ? 1 : 0, ++i, name.clear(), in_value = false;
    } else if (c == '{') {
      sections.push_back(name), name.clear(), in_value = false, ++i;
    } else if (c == '}') {
      if (!sections.empty()) sections.pop_back();
      name.clear(), in_value = false, ++i;
    } else if (!in_value && (c == ':' || c == '=')) {
      in_value = true, ++i;
    } else if (c == ',' || is_space(c)) {
      ++i;
    } else {
      std::string word;
      if (c == '"' || c == '\'') {
        const auto end = std::min(text.find(c, i + 1), text.size());
        word = text.substr(i + 1, end - i - 1);
        i = end + 1;
      } else {
        const std::string_view stops = in_value ? "\n,{}#" : "\n,{}#:=\"'";
        const auto end = std::min(text.find_first_of(stops, i), text.size());
        word = text.substr(i, end - i);
        while (!word.empty() && is_space(word.back())) word.pop_back();
        i = end;
      }
      if (lists > 0) continue;
      if (!in_value) {
        name = word;
        continue;
      }
      auto path = sections;
      path.push_back(name);
      std::erase(path, "");
      values[join(path, ".")] = word;
      name.clear(), in_value = false;
    }
  }
  return values;
}

/// As the official client finds them: the environment's variables, then ~/clearml.conf or the file that CLEARML_CONFIG_FILE
/// names.
inline ClearmlAccess clearml_access() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? std::string{value} : std::string{};
  };
  std::filesystem::path path = variable("CLEARML_CONFIG_FILE");
  if (path.empty() && !variable("HOME").empty()) path = std::filesystem::path{variable("HOME")} / "clearml.conf";
  std::map<std::string, std::string> values;
  std::error_code code;
  if (!path.empty() && std::filesystem::exists(path, code)) values = clearml_values(read_text(path));
  const auto find = [&](const char* name, const char* key) {
    auto text = variable(name);
    if (text.empty()) text = values[key];
    while (text.ends_with('/')) text.pop_back();
    return text;
  };
  ClearmlAccess access{.api = find("CLEARML_API_HOST", "api.api_server"),
                       .files = find("CLEARML_FILES_HOST", "api.files_server"),
                       .web = find("CLEARML_WEB_HOST", "api.web_server"),
                       .key = find("CLEARML_API_ACCESS_KEY", "api.credentials.access_key"),
                       .secret = find("CLEARML_API_SECRET_KEY", "api.credentials.secret_key")};
  if (access.api.empty()) access.api = "https://api.clear.ml";
  if (access.key.empty() || access.secret.empty())
    throw Error({.what = "there are no credentials for ClearML",
                 .where = path.string(),
                 .mend =
                     "set CLEARML_API_HOST, CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or let ClearML's page "
                     "make you a ~/clearml.conf (Settings, Workspace, Create new credentials)",
                 .exit_code = exit_code::usage});
  return access;
}

}  // namespace vos
