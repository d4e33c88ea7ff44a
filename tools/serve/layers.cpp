#include "layers.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>

#include <toml++/toml.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos::serve {
namespace {

using Values = std::vector<std::string>;

std::string variable_of(const std::string& name) {
  std::string variable = "VOS_SERVE_";
  for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

Error usage(std::string what, std::string where, std::string mend) {
  return Error(
      {.what = std::move(what), .where = std::move(where), .mend = std::move(mend), .exit_code = exit_code::usage});
}

bool truth(const std::string& text, const std::string& where) {
  const auto word = lower_case(text);
  if (word == "1" || word == "true" || word == "yes" || word == "on") return true;
  if (word.empty() || word == "0" || word == "false" || word == "no" || word == "off") return false;
  throw usage("'" + printable(text) + "' is neither yes nor no", where, "write true or false");
}

bool names(const std::string& word, const std::string& name) {
  return word == "--" + name || word.starts_with("--" + name + "=");
}

std::map<std::string, Values> read_config(const std::filesystem::path& path,
                                          const std::vector<LayeredOption>& options) {
  std::map<std::string, Values> found;
  try {
    const auto text_of = [&](const toml::node& node) -> std::string {
      if (const auto* text = node.as_string()) return text->get();
      if (const auto* whole = node.as_integer()) return std::to_string(whole->get());
      if (const auto* number = node.as_floating_point()) return std::to_string(number->get());
      if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
      throw usage("a value that is neither text nor number, truth or list of these",
                  path.string() + ", line " + std::to_string(node.source().begin.line),
                  "write port = 8765 or origin = [\"https://...\"]");
    };
    const auto table = toml::parse(read_text(path), path.string());
    for (const auto& [key, node] : table) {
      auto name = std::string{key.str()};
      std::replace(name.begin(), name.end(), '_', '-');
      const bool known =
          std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.name == name; });
      if (!known) {
        Values all;
        for (const auto& option : options) all.push_back(option.name);
        throw usage("there is no option '" + printable(name) + "'" + did_you_mean(name, all), path.string(),
                    "options are called as on the command line, without the dashes");
      }
      auto& values = found[name];
      if (const auto* list = node.as_array())
        for (const auto& each : *list) values.push_back(text_of(each));
      else values.push_back(text_of(node));
    }
  } catch (const toml::parse_error& e) {
    throw usage(std::string{e.description()}, path.string() + ", line " + std::to_string(e.source().begin.line),
                "write TOML: name = value");
  }
  return found;
}

}  // namespace

std::vector<std::string> with_layers(const std::vector<std::string>& words, const std::vector<LayeredOption>& options) {
  const auto given = [&](const std::string& name) {
    return std::any_of(words.begin(), words.end(), [&](const auto& word) { return names(word, name); });
  };
  const auto from_environment = [&](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(variable_of(name).c_str());
    return value != nullptr ? std::optional<std::string>{value} : std::nullopt;
  };
  std::string config = from_environment("config").value_or("");
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--config" && i + 1 < words.size()) config = words[i + 1];
    if (words[i].starts_with("--config=")) config = words[i].substr(9);
  }
  const auto file = config.empty() ? std::map<std::string, Values>{} : read_config(config, options);
  std::vector<std::string> all;
  for (const auto& option : options) {
    if (given(option.name)) continue;
    Values values;
    std::string where = config;
    if (const auto value = from_environment(option.name)) {
      values = option.kind == LayeredOption::Kind::list ? split(*value, ',') : Values{*value};
      where = variable_of(option.name);
    } else if (const auto found = file.find(option.name); found != file.end()) {
      values = found->second;
    }
    if (values.empty()) continue;
    if (option.kind == LayeredOption::Kind::flag) {
      if (truth(values.front(), where)) all.push_back("--" + option.name);
      continue;
    }
    for (const auto& value : values) all.push_back("--" + option.name + "=" + value);
  }
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

}  // namespace vos::serve
